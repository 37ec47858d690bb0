package awsjson_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mimeo/internal/awsjson"
	"mimeo/internal/fault"
	"mimeo/internal/sigv4"
)

const (
	notFoundCode   fault.Code = "ResourceNotFoundException"
	throttlingCode fault.Code = "ThrottlingException"
	internalCode   fault.Code = "InternalServerError"
)

// faulty is a service with a client fault and a server fault of its own.
func faulty(long bool) awsjson.Service {
	return awsjson.Service{Internal: internalCode, LongErrors: long, Faults: map[fault.Code]int{notFoundCode: 400, throttlingCode: 500, internalCode: 500}}
}

// TestFrameworkFaults pins the row of every code that this package and sigv4
// can answer.
func TestFrameworkFaults(t *testing.T) {
	t.Parallel()
	want := map[fault.Code]struct {
		code   fault.Code
		status int
	}{
		"UnknownOperationException": {"UnknownOperationException", 400},
		"awsjson.NotFound":          {"UnknownOperationException", 404},
		"SerializationException":    {"SerializationException", 400},
		"ValidationException":       {"ValidationException", 400},
		sigv4.MissingToken:          {"MissingAuthenticationTokenException", 400},
		sigv4.Incomplete:            {"IncompleteSignatureException", 400},
		sigv4.IncompleteQuery:       {"IncompleteSignatureException", 400},
		sigv4.OldVersion:            {"IncompleteSignatureException", 400},
		sigv4.WrongScope:            {"InvalidSignatureException", 400},
		sigv4.Skewed:                {"InvalidSignatureException", 400},
		sigv4.Expired:               {"InvalidSignatureException", 400},
		sigv4.UnknownKey:            {"UnrecognizedClientException", 400},
		sigv4.ExpiredToken:          {"ExpiredTokenException", 400},
		sigv4.Unsigned:              {"InvalidSignatureException", 400},
		sigv4.Mismatch:              {"InvalidSignatureException", 400},
		sigv4.ContentMismatch:       {"InvalidSignatureException", 400},
		sigv4.InvalidContentHash:    {"InvalidSignatureException", 400},
		sigv4.MissingLength:         {"SerializationException", 400},
		sigv4.IncompleteBody:        {"SerializationException", 400},
		sigv4.MalformedChunk:        {"SerializationException", 400},
		sigv4.MalformedTrailer:      {"SerializationException", 400},
		sigv4.TooLarge:              {"RequestEntityTooLargeException", 413},
	}
	for code, w := range want {
		// These errors have the short form whether or not the service's own
		// have the long one.
		got, status, body := awsjson.Answer(faulty(true), fmt.Errorf("outer: %w", fault.New(code, "text")))
		if got != w.code || status != w.status {
			t.Errorf("%s is answered %s %d, want %s %d", code, got, status, w.code, w.status)
		}
		if diff := cmp.Diff(map[string]string{"__type": string(w.code), "message": "text"}, body); diff != "" {
			t.Errorf("%s (-want +got):\n%s", code, diff)
		}
	}
	for _, code := range slices.Concat(awsjson.FrameworkCodes(), sigv4.Codes()) {
		if _, ok := want[code]; !ok {
			t.Errorf("the code %s has no row in this test", code)
		}
	}
	if len(awsjson.FrameworkCodes()) != len(want) {
		t.Errorf("the table has %d rows, this test %d", len(awsjson.FrameworkCodes()), len(want))
	}
}

func TestServiceFaults(t *testing.T) {
	t.Parallel()
	long := func(code fault.Code, message string) map[string]string {
		return map[string]string{"__type": string(code), "Code": string(code), "Logref": "request-id", "Message": message}
	}
	short := func(code fault.Code, message string) map[string]string {
		return map[string]string{"__type": string(code), "message": message}
	}
	for name, test := range map[string]struct {
		long   bool
		err    error
		code   fault.Code
		status int
		body   map[string]string
	}{
		"client fault, long":           {true, fault.New(notFoundCode, "gone"), notFoundCode, 400, long(notFoundCode, "gone")},
		"client fault, short":          {false, fault.New(notFoundCode, "gone"), notFoundCode, 400, short(notFoundCode, "gone")},
		"server fault":                 {true, fault.New(throttlingCode, "slow down"), throttlingCode, 500, long(throttlingCode, "slow down")},
		"wrapped":                      {true, fmt.Errorf("a: %w", fault.New(notFoundCode, "gone").Because(errors.New("secret"))), notFoundCode, 400, long(notFoundCode, "gone")},
		"internal":                     {true, errors.New("open /var/lib: no space"), internalCode, 500, long(internalCode, "Internal server error")},
		"internal, short":              {false, errors.New("open /var/lib: no space"), internalCode, 500, short(internalCode, "Internal server error")},
		"internal with a text":         {true, fault.New(internalCode, "secret"), internalCode, 500, long(internalCode, "Internal server error")},
		"code of another service":      {true, fault.New("NoSuchKey", "secret"), internalCode, 500, long(internalCode, "Internal server error")},
		"bare code, message forgotten": {true, notFoundCode, internalCode, 500, long(internalCode, "Internal server error")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, status, body := awsjson.Answer(faulty(test.long), test.err)
			if code != test.code || status != test.status {
				t.Errorf("answered %s %d, want %s %d", code, status, test.code, test.status)
			}
			if diff := cmp.Diff(test.body, body); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
		})
	}
}
