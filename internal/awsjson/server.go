// Package awsjson serves the AWS JSON 1.1 protocol: it dispatches by
// X-Amz-Target, verifies, decodes into the types of aws-sdk-go-v2, validates
// against the model's constraints, calls the operation, and encodes its
// answer or its fault.
//
// Source of the protocol: Smithy, "AWS JSON 1.1 protocol".
package awsjson

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"mimeo/internal/arn"
	"mimeo/internal/fault"
	"mimeo/internal/reqlog"
	"mimeo/internal/sigv4"
)

const contentType = "application/x-amz-json-1.1"

// An Operation is a function of a service, ready to be called with a decoded
// document. Bind makes one.
type Operation struct {
	call func(ctx context.Context, caller arn.Caller, about Call, d document) (any, error)
}

// A Call is what a request says of itself beside its document.
type Call struct {
	// Invocation is the same for all attempts that an SDK makes at one call,
	// and for no others; empty where the client does not say. It is what the
	// client says: only together with who signed it does it mean anything.
	Invocation string
}

// maxInvocation is the longest id of an invocation that counts; SDKs send
// UUIDs.
const maxInvocation = 100

func callOf(r *http.Request) Call {
	if id := r.Header.Get("Amz-Sdk-Invocation-Id"); len(id) <= maxInvocation {
		return Call{Invocation: id}
	}
	return Call{}
}

// Bind makes an operation of a function on an SDK's input and output types. A
// nil output answers {}. Of the output, nil pointers, slices and maps and
// empty strings that are no pointers are left out; an empty list that shall be
// seen must not be nil.
func Bind[I, O any](fn func(context.Context, arn.Caller, *I) (*O, error)) Operation {
	return BindCall(func(ctx context.Context, caller arn.Caller, _ Call, in *I) (*O, error) { return fn(ctx, caller, in) })
}

// BindCall is Bind for a function that tells an attempt at a call from
// another call.
func BindCall[I, O any](fn func(context.Context, arn.Caller, Call, *I) (*O, error)) Operation {
	return Operation{call: func(ctx context.Context, caller arn.Caller, about Call, d document) (any, error) {
		in := new(I)
		if err := d.into(reflect.ValueOf(in).Elem()); err != nil {
			return nil, err
		}
		out, err := fn(ctx, caller, about, in)
		if err != nil || out == nil {
			return struct{}{}, err
		}
		return out, nil
	}}
}

// A Service is all that the protocol needs to know of one.
type Service struct {
	SigningName  string // as in credential scopes: "rekognition"
	TargetPrefix string // before the dot in X-Amz-Target: "RekognitionService"
	Operations   map[string]Operation
	// Constraints has the model's constraints of each operation's input. An
	// operation that is missing has none.
	Constraints map[string]Shape
	// Faults are the codes that operations may answer, with their HTTP
	// status. An error of any other code is internal: it is a rule of some
	// inner service that nobody translated.
	Faults map[fault.Code]int
	// Internal is the code of an internal error: "InternalServerError" of
	// Rekognition, "KMSInternalException" of KMS. It needs no row in Faults.
	Internal fault.Code
	// Hint returns what ends the message of a refusal for this cause, such as
	// an encoded authorisation message; empty for nothing. It may be nil.
	Hint func(cause error) string
	// Admit is asked for every request of a known caller before any work is
	// done for it, and refuses it with a fault. What it returns is called when
	// the work is done. It may be nil.
	Admit func(ctx context.Context, caller arn.Caller, operation string) (done func(), err error)
	// LongErrors makes the errors in Faults carry Code, Logref and Message
	// beside __type, as Rekognition's do.
	LongErrors bool
}

// NewServer serves a service to callers whose requests v verifies. v must
// be for the service's signing name.
func NewServer(s Service, v *sigv4.Verifier) http.Handler { return &server{Service: s, verifier: v} }

type server struct {
	Service
	verifier *sigv4.Verifier
}

// ServeHTTP answers one request. Method, path and target are checked before
// the signature, the body's form after it.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	entry := reqlog.Of(w)
	entry.Service = s.SigningName
	out, err := s.answer(r, entry)
	if err != nil {
		s.writeFault(w, entry, err)
		return
	}
	body, err := encode(out)
	if err != nil {
		s.writeFault(w, entry, fmt.Errorf("encode %T: %w", out, err))
		return
	}
	write(w, entry.ID, http.StatusOK, body)
}

func (s *server) answer(r *http.Request, entry *reqlog.Entry) (any, error) {
	name, op, err := s.dispatch(r)
	if err != nil {
		return nil, err
	}
	entry.Operation = name
	id, err := s.verifier.Authenticate(r)
	if err != nil {
		return nil, err
	}
	entry.Caller = id.Caller
	if s.Admit != nil {
		done, err := s.Admit(r.Context(), id.Caller, name)
		if err != nil {
			return nil, err
		}
		defer done()
	}
	d, err := parse(r.Body)
	if err != nil {
		return nil, err
	}
	if err := validate(s.Constraints[name], d); err != nil {
		return nil, err
	}
	return op.call(r.Context(), id.Caller, callOf(r), d)
}

func (s *server) dispatch(r *http.Request) (name string, op Operation, err error) {
	path, _ := sigv4.Target(r)
	if r.Method != http.MethodPost || strings.Trim(path, "/") != "" {
		return "", op, fault.New(notFound, "%s answers POST / only.", s.SigningName)
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != contentType {
		return "", op, fault.New(unknownOperation, "The content type must be %s.", contentType)
	}
	target := r.Header.Values("X-Amz-Target")
	if len(target) != 1 {
		return "", op, fault.New(unknownOperation, "The header X-Amz-Target must name one operation.")
	}
	prefix, name, _ := strings.Cut(target[0], ".")
	op, ok := s.Operations[name]
	if prefix != s.TargetPrefix || !ok {
		return "", op, fault.New(unknownOperation, "%.100q is not an operation that is served here.", target[0])
	}
	return name, op, nil
}

func (s *server) writeFault(w http.ResponseWriter, entry *reqlog.Entry, err error) {
	a := s.faultAnswer(err, entry.ID)
	entry.Code, entry.Cause = a.code, err
	if f := (*fault.Error)(nil); errors.As(err, &f) && a.code != s.Internal {
		entry.Cause = f.Cause
	}
	body, err := encode(a.body)
	if err != nil {
		panic("cannot happen: a map of strings is not encoded: " + err.Error())
	}
	w.Header().Set("X-Amzn-Errortype", string(a.code))
	write(w, entry.ID, a.status, body)
}

// write sends a response. No header may be named like a member: the Dart
// client merges headers over the body.
func write(w http.ResponseWriter, requestID string, status int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Amzn-Requestid", requestID)
	w.WriteHeader(status)
	// The client may have gone; net/http has nobody to tell but us, and we
	// have answered.
	_, _ = w.Write(body)
}
