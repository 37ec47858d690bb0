package awsjson

import (
	"errors"
	"net/http"

	"mimeo/internal/fault"
	"mimeo/internal/sigv4"
)

// The framework's own refusals.
const (
	unknownOperation fault.Code = "UnknownOperationException"
	notFound         fault.Code = "awsjson.NotFound" // UnknownOperationException with status 404
	serialization    fault.Code = "SerializationException"
	validation       fault.Code = "ValidationException"
)

// wire is what a code looks like on the wire.
type wire struct {
	code   fault.Code
	status int
}

// framework maps the codes that every AWS JSON service has in common.
var framework = map[fault.Code]wire{
	unknownOperation: {unknownOperation, http.StatusBadRequest},
	notFound:         {unknownOperation, http.StatusNotFound},
	serialization:    {serialization, http.StatusBadRequest},
	validation:       {validation, http.StatusBadRequest},

	sigv4.MissingToken:       {"MissingAuthenticationTokenException", http.StatusBadRequest},
	sigv4.Incomplete:         {"IncompleteSignatureException", http.StatusBadRequest},
	sigv4.IncompleteQuery:    {"IncompleteSignatureException", http.StatusBadRequest},
	sigv4.OldVersion:         {"IncompleteSignatureException", http.StatusBadRequest},
	sigv4.WrongScope:         {"InvalidSignatureException", http.StatusBadRequest},
	sigv4.Skewed:             {"InvalidSignatureException", http.StatusBadRequest},
	sigv4.Expired:            {"InvalidSignatureException", http.StatusBadRequest},
	sigv4.UnknownKey:         {"UnrecognizedClientException", http.StatusBadRequest},
	sigv4.ExpiredToken:       {"ExpiredTokenException", http.StatusBadRequest},
	sigv4.Unsigned:           {"InvalidSignatureException", http.StatusBadRequest},
	sigv4.Mismatch:           {"InvalidSignatureException", http.StatusBadRequest},
	sigv4.ContentMismatch:    {"InvalidSignatureException", http.StatusBadRequest},
	sigv4.InvalidContentHash: {"InvalidSignatureException", http.StatusBadRequest},
	sigv4.MissingLength:      {serialization, http.StatusBadRequest},
	sigv4.IncompleteBody:     {serialization, http.StatusBadRequest},
	sigv4.MalformedChunk:     {serialization, http.StatusBadRequest},
	sigv4.MalformedTrailer:   {serialization, http.StatusBadRequest},
	sigv4.TooLarge:           {"RequestEntityTooLargeException", http.StatusRequestEntityTooLarge},
}

// internalMessage is all that a caller learns of an internal error.
const internalMessage = "Internal server error"

// An answer is an error as the protocol shows it.
type answer struct {
	code   fault.Code
	status int
	body   map[string]string
}

// faultAnswer gives an error its wire shape. A service's own row wins over the
// framework's, so that a service that models ValidationException may.
func (s *Service) faultAnswer(err error, requestID string) answer {
	f := &fault.Error{Code: s.Internal, Message: internalMessage}
	known := wire{s.Internal, http.StatusInternalServerError}
	long := s.LongErrors
	if e := (*fault.Error)(nil); errors.As(err, &e) {
		status, modelled := s.Faults[e.Code]
		shared, ours := framework[e.Code]
		switch {
		case modelled && e.Code != s.Internal:
			f, known = e, wire{e.Code, status}
		case ours:
			f, known, long = e, shared, false
		}
	}
	message := f.Message
	if s.Hint != nil && f.Cause != nil {
		message += s.Hint(f.Cause)
	}
	body := map[string]string{"__type": string(known.code), "message": message}
	if long {
		body = map[string]string{"__type": string(known.code), "Code": string(known.code), "Logref": requestID, "Message": message}
	}
	return answer{code: known.code, status: known.status, body: body}
}
