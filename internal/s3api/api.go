// Package s3api speaks the REST-XML protocol of S3: it turns requests into
// calls of the bucket service, and answers and refusals into headers and XML.
// Rules live in the service; what is here is the wire.
//
// What is not implemented is refused: the operations, their query parameters
// and the x-amz headers are closed lists, so that no request is ever taken for
// another one than it is.
//
// API reference: https://docs.aws.amazon.com/AmazonS3/latest/API/
package s3api

import (
	"errors"
	"io"
	"net/http"
	"strings"

	"mimeo/internal/arn"
	"mimeo/internal/bucket"
	"mimeo/internal/fault"
	"mimeo/internal/reqlog"
	"mimeo/internal/sigv4"
)

// An API answers requests to S3.
type API struct {
	buckets  *bucket.Service
	verifier *sigv4.Verifier
}

// New returns the handler of all requests to S3. The verifier must be one for
// the service "s3".
func New(buckets *bucket.Service, verifier *sigv4.Verifier) http.Handler {
	return &API{buckets: buckets, verifier: verifier}
}

// A request is one that is authenticated and of a known operation.
type request struct {
	*http.Request
	target
	caller  arn.Caller
	trailer http.Header // filled when the body is read to its end
}

// ServeHTTP implements [http.Handler].
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	entry := reqlog.Of(w)
	entry.Service = "s3"
	w.Header().Set("x-amz-request-id", entry.ID)
	w.Header().Set("x-amz-id-2", hostID)
	out := &answer{ResponseWriter: w}
	if err := a.serve(out, r, entry); err != nil {
		fail(out, r, entry, err)
	}
}

// serve answers a request. An error is one that is not yet answered, or one
// that came while the answer was sent.
func (a *API) serve(w http.ResponseWriter, r *http.Request, entry *reqlog.Entry) error {
	identity, err := a.verifier.Authenticate(r)
	if err != nil {
		return err
	}
	entry.Caller = identity.Caller
	t, err := parseTarget(r)
	if err != nil {
		return err
	}
	if !identity.Caller.Presigned.IsZero() {
		if err := t.liftHeaders(r.Header); err != nil {
			return err
		}
	}
	op, err := t.operation(r)
	if err != nil {
		return err
	}
	entry.Operation = op.name
	if err := checkHeaders(r.Header); err != nil {
		return err
	}
	req := &request{Request: r, target: t, caller: identity.Caller, trailer: identity.Trailer}
	if err := a.checkOwners(req); err != nil {
		return err
	}
	if !op.hasBody {
		if err := req.drain(); err != nil {
			return err
		}
	}
	return op.run(a, w, req)
}

// maxIdleBody bounds the body of a request that needs none.
const maxIdleBody = 64 << 10

// drain reads a body that means nothing, because its hash is signed.
func (r *request) drain() error {
	n, err := io.Copy(io.Discard, io.LimitReader(r.Body, maxIdleBody+1))
	if err == nil && n > maxIdleBody {
		return fault.New(bucket.EntityTooLarge, "This operation takes no body.")
	}
	return err
}

// checkOwners compares the buckets' owners with those that the request expects.
func (a *API) checkOwners(r *request) error {
	source, _, _ := strings.Cut(strings.TrimPrefix(r.Header.Get(copySourceHeader), "/"), "/")
	for _, is := range []struct{ bucket, header string }{
		{r.bucket, "x-amz-expected-bucket-owner"},
		{source, "x-amz-source-expected-bucket-owner"},
	} {
		expected := r.Header.Get(is.header)
		if expected == "" || is.bucket == "" {
			continue
		}
		owner, err := a.buckets.Owner(r.Context(), r.caller, is.bucket)
		if err != nil && !errors.Is(err, bucket.NoSuchBucket) {
			return err
		}
		if err == nil && owner != expected {
			return fault.New(bucket.AccessDenied, "Access Denied")
		}
	}
	return nil
}

// An answer remembers whether it has begun: an error after that can only be
// told by cutting it.
type answer struct {
	http.ResponseWriter
	begun bool
}

func (a *answer) WriteHeader(status int) {
	a.begun = true
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	a.begun = true
	return a.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController find the writer below.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
