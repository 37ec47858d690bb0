package awsquery_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"mimeo/internal/awsquery"
	"mimeo/internal/fault"
	"mimeo/internal/sigv4"
)

const deniedCode fault.Code = "AccessDenied"

// TestFrameworkFaults pins the row of every code that this package and sigv4
// can answer.
func TestFrameworkFaults(t *testing.T) {
	t.Parallel()
	want := map[fault.Code]struct {
		code   fault.Code
		status int
	}{
		"InvalidAction":          {"InvalidAction", 400},
		"awsquery.NotFound":      {"InvalidAction", 404},
		"MissingAction":          {"MissingAction", 400},
		"MalformedQueryString":   {"MalformedQueryString", 400},
		sigv4.MissingToken:       {"MissingAuthenticationToken", 403},
		sigv4.Incomplete:         {"IncompleteSignature", 400},
		sigv4.IncompleteQuery:    {"IncompleteSignature", 400},
		sigv4.OldVersion:         {"IncompleteSignature", 400},
		sigv4.WrongScope:         {"SignatureDoesNotMatch", 403},
		sigv4.Skewed:             {"SignatureDoesNotMatch", 403},
		sigv4.Expired:            {"SignatureDoesNotMatch", 403},
		sigv4.UnknownKey:         {"InvalidClientTokenId", 403},
		sigv4.ExpiredToken:       {"ExpiredToken", 403},
		sigv4.Unsigned:           {"SignatureDoesNotMatch", 403},
		sigv4.Mismatch:           {"SignatureDoesNotMatch", 403},
		sigv4.ContentMismatch:    {"SignatureDoesNotMatch", 403},
		sigv4.InvalidContentHash: {"SignatureDoesNotMatch", 403},
		sigv4.MissingLength:      {"MalformedQueryString", 400},
		sigv4.IncompleteBody:     {"MalformedQueryString", 400},
		sigv4.MalformedChunk:     {"MalformedQueryString", 400},
		sigv4.MalformedTrailer:   {"MalformedQueryString", 400},
		sigv4.TooLarge:           {"RequestEntityTooLarge", 413},
	}
	for code, w := range want {
		got, status, message := awsquery.Answer(awsquery.Service{}, fmt.Errorf("outer: %w", fault.New(code, "text")))
		if got != w.code || status != w.status || message != "text" {
			t.Errorf("%s is answered %s %d %q, want %s %d", code, got, status, message, w.code, w.status)
		}
	}
	for _, code := range slices.Concat(awsquery.FrameworkCodes(), sigv4.Codes()) {
		if _, ok := want[code]; !ok {
			t.Errorf("the code %s has no row in this test", code)
		}
	}
}

func TestServiceFaults(t *testing.T) {
	t.Parallel()
	s := awsquery.Service{Faults: map[fault.Code]int{deniedCode: 403}}
	hinting := awsquery.Service{Faults: s.Faults, Hint: func(cause error) string { return " Hint: " + cause.Error() }}
	for err, want := range map[*fault.Error]string{
		fault.New(deniedCode, "no"):                               "no",
		fault.New(deniedCode, "no").Because(errors.New("why")):    "no Hint: why",
		fault.New("Unknown", "secret").Because(errors.New("why")): "The request processing has failed because of an unknown error, exception or failure.",
	} {
		if _, _, message := awsquery.Answer(hinting, err); message != want {
			t.Errorf("%v is answered %q, want %q", err, message, want)
		}
	}
	if code, status, message := awsquery.Answer(s, fault.New(deniedCode, "no")); code != deniedCode || status != 403 || message != "no" {
		t.Errorf("a code of the service is answered %s %d %q", code, status, message)
	}
	for _, err := range []error{errors.New("disk on fire"), fault.New("NoSuchKey", "secret"), deniedCode} {
		const fixed = "The request processing has failed because of an unknown error, exception or failure."
		if code, status, message := awsquery.Answer(s, err); code != "InternalFailure" || status != 500 || message != fixed {
			t.Errorf("%v is answered %s %d %q", err, code, status, message)
		}
	}
}
