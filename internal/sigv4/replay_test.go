package sigv4_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/fault"
	"mimeo/internal/sigv4"
	"mimeo/internal/sigv4/sigv4test"
)

const account = "111122223333"

var (
	rootKey    = sigv4test.Key{ID: "AKIAIOSFODNN7EXAMPLE", Secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
	sessionKey = sigv4test.Key{ID: "ASIAIOSFODNN7EXAMPLE", Secret: "session/K7MDENG/bPxRfiCYEXAMPLEKEY", Token: "a token+/="}
	expiredKey = sigv4test.Key{ID: "ASIAEXPIRED", Secret: "x", Token: "old"}
)

// keys is a Credentials with the keys above.
type keys struct{}

func (keys) Credential(_ context.Context, id, token string) (string, arn.Caller, bool, error) {
	if id == expiredKey.ID {
		return "", arn.Caller{}, false, fault.New(sigv4.ExpiredToken, "The security token included in the request is expired")
	}
	for _, k := range []sigv4test.Key{rootKey, sessionKey} {
		if id == k.ID && token == k.Token {
			return k.Secret, arn.Caller{Principal: arn.Root("", account)}, true, nil
		}
	}
	return "", arn.Caller{}, false, nil
}

func (keys) Used(context.Context, string, string, string) {}

// serve answers every request by the length of its verified content, or by
// the code of its refusal with status 400.
func serve(t testing.TB, now func() time.Time) (address string) {
	t.Helper()
	verifiers := map[string]*sigv4.Verifier{}
	for _, service := range []string{"s3", "rekognition", "kms", "sts", "iam"} {
		verifiers[service] = sigv4.New(service, keys{}, now)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The route is the request's own choice but for one header of the
		// tests, which stands for the listener that it came in by.
		scope, _ := sigv4.ScopeOf(r)
		if route := r.Header.Get("Test-Route"); route != "" {
			scope.Service = route
		}
		v, ok := verifiers[scope.Service]
		if !ok {
			v = verifiers["s3"]
		}
		id, err := v.Authenticate(r)
		var n int64
		if err == nil {
			n, err = io.Copy(io.Discard, r.Body)
		}
		if err != nil {
			code := "internal"
			if f := (*fault.Error)(nil); errors.As(err, &f) {
				code = string(f.Code)
				w.Header().Set("Test-Message", strings.ReplaceAll(f.Message, "\n", " "))
			}
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, code)
			return
		}
		if r.ContentLength >= 0 && n != r.ContentLength {
			t.Errorf("%s: ContentLength is %d, the body had %d", r.RequestURI, r.ContentLength, n)
		}
		for name, values := range id.Trailer {
			w.Header()["Test-Trailer-"+name] = values
		}
		w.Header().Set("Test-Caller", id.Caller.Principal.String())
		fmt.Fprint(w, n)
	}))
	t.Cleanup(srv.Close)
	return srv.Listener.Addr().String()
}

// signedAgain returns every recorded request, signed by rootKey at a time.
func signedAgain(t testing.TB, at time.Time) []*sigv4test.Request {
	t.Helper()
	all, err := sigv4test.Recorded()
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range all {
		q.Sign(rootKey, at)
	}
	return all
}

// TestRecordedRequests sends what every recorded client sent, signed again
// with a known key. None is left out: what was redacted is the signatures,
// and the bodies that were cut are restored and checked against their hashes.
func TestRecordedRequests(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	address := serve(t, func() time.Time { return at })
	all := signedAgain(t, at)
	if len(all) != 180 {
		t.Errorf("%d requests are recorded, want 180", len(all))
	}
	replayed := 0
	for _, q := range all {
		resp, body, err := q.Send(address)
		if err != nil {
			t.Errorf("%s: %v", q.Name, err)
			continue
		}
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s: refused: %s: %s", q.Name, body, resp.Header.Get("Test-Message"))
			continue
		}
		if want := q.Get("X-Amz-Decoded-Content-Length"); want != "" && want != string(body) {
			t.Errorf("%s: %s bytes arrived, want %s", q.Name, body, want)
		}
		if name := q.Get("X-Amz-Trailer"); name != "" && resp.Header.Get("Test-Trailer-"+name) == "" {
			t.Errorf("%s: the trailer %s did not arrive", q.Name, name)
		}
		replayed++
	}
	t.Logf("%d of %d recorded requests verified", replayed, len(all))
}

// TestRecordedRequestsWithOneByteChanged changes each request in one place
// that its signature covers: the body's middle, or else the target.
func TestRecordedRequestsWithOneByteChanged(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	address := serve(t, func() time.Time { return at })
	for _, q := range signedAgain(t, at) {
		want := []string{string(sigv4.Mismatch), string(sigv4.ContentMismatch)}
		content := q.Get("X-Amz-Content-Sha256")
		if len(q.Body) > 0 && (len(content) == 64 || content == "") {
			q.Body = bytes.Clone(q.Body)
			q.Body[len(q.Body)/2] ^= 1
		} else {
			q.Target += "x"
		}
		_, body, err := q.Send(address)
		if err != nil {
			t.Errorf("%s: %v", q.Name, err)
		} else if string(body) != want[0] && string(body) != want[1] {
			t.Errorf("%s: one byte changed is answered %s, want one of %v", q.Name, body, want)
		}
	}
}
