package sigv4_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"testing"

	"mimeo/internal/arn"
	"mimeo/internal/fault"
	"mimeo/internal/sigv4"
)

// brokenStore is a key store that has failed.
type brokenStore struct{}

func (brokenStore) Credential(context.Context, string, string) (string, arn.Caller, bool, error) {
	return "", arn.Caller{}, false, errors.New("disk full")
}

func (brokenStore) Used(context.Context, string, string, string) {}

func isCode(err error, code fault.Code) bool { return errors.Is(err, code) }

// FuzzAuthenticate: whatever the bytes of a request, the answer is a refusal
// with a code of this package, or a request that the key store's owner signed.
// Nobody but the seeds can sign, so what is accepted has a seed's headers.
func FuzzAuthenticate(f *testing.F) {
	for _, q := range signedAgain(f, signedAt) {
		if len(q.Body) < 4<<10 {
			f.Add(q.Bytes())
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
		if err != nil {
			return
		}
		scope, _ := sigv4.ScopeOf(r)
		id, err := sigv4.New(scope.Service, keys{}, fixedNow).Authenticate(r)
		if err == nil {
			if id.Caller.Principal.Account != account {
				t.Errorf("accepted for %v", id.Caller)
			}
			_, err = io.Copy(io.Discard, r.Body)
		}
		if f := (*fault.Error)(nil); err != nil && !errors.As(err, &f) {
			t.Errorf("the refusal %v has no code", err)
		}
	})
}

// FuzzChunks: with a valid seed signature, an aws-chunked body of any bytes is
// read as the 25 signed bytes or refused.
func FuzzChunks(f *testing.F) {
	q, err := base(streamRequest)
	if err != nil {
		f.Fatal(err)
	}
	q.Sign(rootKey, signedAt)
	q.Stream(rootKey, content, 10)
	f.Add(q.Body)
	f.Add([]byte("19\r\n" + string(content) + "\r\n0\r\n\r\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		c := q.Clone()
		c.Body = body
		c.Set("Content-Length", itoa(len(body)))
		r := request(t, string(c.Bytes()))
		if _, err := sigv4.New("s3", keys{}, fixedNow).Authenticate(r); err != nil {
			t.Fatalf("the seed is refused: %v", err)
		}
		got, err := io.ReadAll(r.Body)
		if err == nil && !bytes.Equal(got, content) {
			t.Errorf("%q was accepted", got)
		}
		if f := (*fault.Error)(nil); err != nil && !errors.As(err, &f) {
			t.Errorf("the refusal %v has no code", err)
		}
	})
}
