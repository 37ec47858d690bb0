package awsquery

import (
	"errors"
	"net/http"

	"mimeo/internal/fault"
	"mimeo/internal/sigv4"
)

// The framework's own refusals.
const (
	invalidAction   fault.Code = "InvalidAction"
	notFound        fault.Code = "awsquery.NotFound" // InvalidAction with status 404
	missingAction   fault.Code = "MissingAction"
	malformedQuery  fault.Code = "MalformedQueryString"
	internalFailure fault.Code = "InternalFailure"
)

func malformed(format string, args ...any) *fault.Error {
	return fault.New(malformedQuery, format, args...)
}

// An answer is an error as the protocol shows it.
type answer struct {
	code    fault.Code
	status  int
	message string
}

// framework maps the codes that every Query service has in common; its rows
// have no message.
var framework = map[fault.Code]answer{
	invalidAction:  {code: invalidAction, status: http.StatusBadRequest},
	notFound:       {code: invalidAction, status: http.StatusNotFound},
	missingAction:  {code: missingAction, status: http.StatusBadRequest},
	malformedQuery: {code: malformedQuery, status: http.StatusBadRequest},

	sigv4.MissingToken:       {code: "MissingAuthenticationToken", status: http.StatusForbidden},
	sigv4.Incomplete:         {code: "IncompleteSignature", status: http.StatusBadRequest},
	sigv4.IncompleteQuery:    {code: "IncompleteSignature", status: http.StatusBadRequest},
	sigv4.OldVersion:         {code: "IncompleteSignature", status: http.StatusBadRequest},
	sigv4.WrongScope:         {code: "SignatureDoesNotMatch", status: http.StatusForbidden},
	sigv4.Skewed:             {code: "SignatureDoesNotMatch", status: http.StatusForbidden},
	sigv4.Expired:            {code: "SignatureDoesNotMatch", status: http.StatusForbidden},
	sigv4.UnknownKey:         {code: "InvalidClientTokenId", status: http.StatusForbidden},
	sigv4.ExpiredToken:       {code: "ExpiredToken", status: http.StatusForbidden},
	sigv4.Unsigned:           {code: "SignatureDoesNotMatch", status: http.StatusForbidden},
	sigv4.Mismatch:           {code: "SignatureDoesNotMatch", status: http.StatusForbidden},
	sigv4.ContentMismatch:    {code: "SignatureDoesNotMatch", status: http.StatusForbidden},
	sigv4.InvalidContentHash: {code: "SignatureDoesNotMatch", status: http.StatusForbidden},
	sigv4.MissingLength:      {code: malformedQuery, status: http.StatusBadRequest},
	sigv4.IncompleteBody:     {code: malformedQuery, status: http.StatusBadRequest},
	sigv4.MalformedChunk:     {code: malformedQuery, status: http.StatusBadRequest},
	sigv4.MalformedTrailer:   {code: malformedQuery, status: http.StatusBadRequest},
	sigv4.TooLarge:           {code: "RequestEntityTooLarge", status: http.StatusRequestEntityTooLarge},
}

// faultAnswer gives an error its wire shape.
func (s *Service) faultAnswer(err error) answer {
	if e := (*fault.Error)(nil); errors.As(err, &e) {
		if status, ok := s.Faults[e.Code]; ok {
			a := answer{e.Code, status, e.Message}
			if s.Hint != nil && e.Cause != nil {
				a.message += s.Hint(e.Cause)
			}
			return a
		}
		if a, ok := framework[e.Code]; ok {
			a.message = e.Message
			return a
		}
	}
	return answer{internalFailure, http.StatusInternalServerError, "The request processing has failed because of an unknown error, exception or failure."}
}
