// Package awsquery serves the AWS Query protocol: form-encoded parameters
// with an Action, answers in XML, on the types of aws-sdk-go-v2.
//
// Source of the protocol: Smithy, "AWS Query protocol".
package awsquery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"

	"mimeo/internal/arn"
	"mimeo/internal/fault"
	"mimeo/internal/reqlog"
	"mimeo/internal/sigv4"
)

// maxParameters is the most parameters that a request may have.
const maxParameters = 1000

// An Operation is a function of a service, ready to be called with decoded
// parameters. Bind makes one.
type Operation struct {
	call func(ctx context.Context, caller arn.Caller, p parameters) (any, error)
}

// Bind makes an operation of a function on an SDK's input and output types.
// Parameters that the input lacks are ignored; of the output, nil and empty
// members are left out.
func Bind[I, O any](fn func(context.Context, arn.Caller, *I) (*O, error)) Operation {
	return Operation{call: func(ctx context.Context, caller arn.Caller, p parameters) (any, error) {
		in := new(I)
		if err := p.into(reflect.ValueOf(in).Elem()); err != nil {
			return nil, err
		}
		out, err := fn(ctx, caller, in)
		if err != nil || out == nil {
			return struct{}{}, err
		}
		return out, nil
	}}
}

// A Service is all that the protocol needs to know of one.
type Service struct {
	SigningName string // as in credential scopes: "sts"
	Version     string // API version: "2011-06-15"
	Namespace   string // of the XML: "https://sts.amazonaws.com/doc/2011-06-15/"
	Operations  map[string]Operation
	// Faults are the codes that operations may answer, with their HTTP
	// status. An error of any other code is internal.
	Faults map[fault.Code]int
	// Hint returns what ends the message of a refusal for this cause, such as
	// an encoded authorisation message; empty for nothing. It may be nil.
	Hint func(cause error) string
}

// NewServer serves a service to callers whose requests v verifies. v must
// be for the service's signing name.
func NewServer(s Service, v *sigv4.Verifier) http.Handler { return &server{Service: s, verifier: v} }

type server struct {
	Service
	verifier *sigv4.Verifier
}

// ServeHTTP answers one request. The signature comes first: Action is in the
// body, which is read only when it is known whose it is.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	entry := reqlog.Of(w)
	entry.Service = s.SigningName
	out, err := s.answer(r, entry)
	if err != nil {
		s.writeFault(w, entry, err)
		return
	}
	body, err := encode(entry.Operation, s.Namespace, entry.ID, out)
	if err != nil {
		s.writeFault(w, entry, fmt.Errorf("encode %T: %w", out, err))
		return
	}
	write(w, entry.ID, http.StatusOK, body)
}

func (s *server) answer(r *http.Request, entry *reqlog.Entry) (any, error) {
	path, _ := sigv4.Target(r)
	if r.Method != http.MethodPost && r.Method != http.MethodGet || strings.Trim(path, "/") != "" {
		return nil, fault.New(notFound, "%s answers POST / and GET / only.", s.SigningName)
	}
	id, err := s.verifier.Authenticate(r)
	if err != nil {
		return nil, err
	}
	entry.Caller = id.Caller
	p, err := read(r)
	if err != nil {
		return nil, err
	}
	action, version := p["Action"], p["Version"]
	op, ok := s.Operations[action]
	switch {
	case action == "":
		return nil, fault.New(missingAction, "The request must contain the parameter Action.")
	case !ok || version != "" && version != s.Version:
		return nil, fault.New(invalidAction, "Could not find operation %.100s for version %.40s", action, version)
	}
	entry.Operation = action
	return op.call(r.Context(), id.Caller, p)
}

// read takes the parameters of a POST from the form in its body, where it has
// one, else from the query. A parameter that comes twice is refused.
func read(r *http.Request) (parameters, error) {
	_, raw := sigv4.Target(r)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, fmt.Errorf("read verified body: %w", err)
	}
	if r.Method == http.MethodPost && len(body) > 0 {
		if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/x-www-form-urlencoded" {
			return nil, malformed("The content type must be application/x-www-form-urlencoded.")
		}
		raw = string(body)
	}
	if strings.Count(raw, "&") >= maxParameters {
		return nil, malformed("The request has more than %d parameters.", maxParameters)
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, malformed("The parameters are not form-encoded.").Because(err)
	}
	p := parameters{}
	for name, v := range values {
		if len(v) > 1 {
			return nil, malformed("The parameter %.100s is given more than once.", name)
		}
		p[name] = v[0]
	}
	return p, nil
}

func (s *server) writeFault(w http.ResponseWriter, entry *reqlog.Entry, err error) {
	a := s.faultAnswer(err)
	entry.Code, entry.Cause = a.code, err
	if f := (*fault.Error)(nil); errors.As(err, &f) && a.code != internalFailure {
		entry.Cause = f.Cause
	}
	write(w, entry.ID, a.status, encodeFault(s.Namespace, entry.ID, a))
}

func write(w http.ResponseWriter, requestID string, status int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "text/xml")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Amzn-Requestid", requestID)
	w.WriteHeader(status)
	// The client may have gone; net/http has nobody to tell but us, and we
	// have answered.
	_, _ = w.Write(body)
}
