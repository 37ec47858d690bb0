package s3api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// denying puts a policy on a bucket that denies everyone to use its objects
// under one condition.
func denying(t *testing.T, c *s3.Client, name, condition string) {
	t.Helper()
	putPolicy(t, c, name, `{"Effect":"Deny","Principal":"*","Action":["s3:GetObject","s3:PutObject","s3:DeleteObject"],"Resource":"arn:aws:s3:::`+name+`/*","Condition":{`+condition+`}}`)
}

// signed gets an object with the signature in a header; contentSHA256 is what
// the request says of its body, which is empty.
func (s *server) signed(t *testing.T, target, contentSHA256 string, more ...string) int {
	t.Helper()
	r := request(t, http.MethodGet, s.URL+target)
	r.Header.Set("X-Amz-Content-Sha256", contentSHA256)
	for i := 0; i < len(more); i += 2 {
		r.Header.Set(more[i], more[i+1])
	}
	if err := signer().SignHTTP(t.Context(), s.credentials(mine), r, contentSHA256, "s3", region, time.Now()); err != nil {
		t.Fatal(err)
	}
	status, _ := do(t, s, r)
	return status
}

// presigned gets an object by a URL that was signed some time ago, for an hour.
func (s *server) presigned(t *testing.T, target string, ago time.Duration) int {
	t.Helper()
	r := request(t, http.MethodGet, s.URL+target+"?X-Amz-Expires=3600")
	url, _, err := signer().PresignHTTP(t.Context(), s.credentials(mine), r, "UNSIGNED-PAYLOAD", "s3", region, time.Now().Add(-ago))
	if err != nil {
		t.Fatal(err)
	}
	status, _ := do(t, s, request(t, http.MethodGet, url))
	return status
}

func signer() *v4.Signer {
	return v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
}

func (s *server) credentials(account string) aws.Credentials {
	k := s.keys[account]
	return aws.Credentials{AccessKeyID: k.ID, SecretAccessKey: k.Secret.Reveal()}
}

// The keys that every action of S3 has of its request's signature, connection
// and client: a denial under each finds those that it is meant for, no others.
func TestConditionsOfTheSignature(t *testing.T) {
	overBoth(t, func(t *testing.T, s *server) {
		c := s.client(mine)
		create(t, c, "bkt")
		put(t, c, "bkt", "k", []byte("x"))
		overTLS := strings.HasPrefix(s.URL, "https:")
		const unsigned, hash = "UNSIGNED-PAYLOAD", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
		header := func() int { return s.signed(t, "/bkt/k", hash) }
		url := func() int { return s.presigned(t, "/bkt/k", 0) }
		oldURL := func() int { return s.presigned(t, "/bkt/k", 20*time.Minute) }
		early := func() int { return s.presigned(t, "/bkt/k", -5*time.Minute) }
		for name, test := range map[string]struct {
			condition string
			get       func() int
			denied    bool
		}{
			"by header":               {`"StringEquals":{"s3:authType":"REST-HEADER"}`, header, true},
			"by header, not":          {`"StringEquals":{"s3:authType":"REST-HEADER"}`, url, false},
			"by URL":                  {`"StringEquals":{"s3:authType":"REST-QUERY-STRING"}`, url, true},
			"by URL, not":             {`"StringEquals":{"s3:authType":"REST-QUERY-STRING"}`, header, false},
			"version":                 {`"StringEquals":{"s3:signatureversion":"AWS4-HMAC-SHA256"}`, header, true},
			"another version":         {`"StringEquals":{"s3:signatureversion":"AWS"}`, header, false},
			"old":                     {`"NumericGreaterThan":{"s3:signatureAge":"600000"}`, oldURL, true},
			"not so old":              {`"NumericGreaterThan":{"s3:signatureAge":"1500000"}`, oldURL, false},
			"new":                     {`"NumericGreaterThan":{"s3:signatureAge":"600000"}`, url, false},
			"from a clock ahead":      {`"NumericLessThan":{"s3:signatureAge":"0"}`, early, false},
			"a header has no age":     {`"Null":{"s3:signatureAge":"false"}`, header, false},
			"not hashed":              {`"StringEquals":{"s3:x-amz-content-sha256":"UNSIGNED-PAYLOAD"}`, func() int { return s.signed(t, "/bkt/k", unsigned) }, true},
			"hashed":                  {`"StringEquals":{"s3:x-amz-content-sha256":"UNSIGNED-PAYLOAD"}`, header, false},
			"a URL says nothing":      {`"Null":{"s3:x-amz-content-sha256":"false"}`, url, false},
			"TLS":                     {`"NumericGreaterThanEquals":{"s3:TlsVersion":1.2}`, header, overTLS},
			"another TLS":             {`"NumericLessThan":{"s3:TlsVersion":1.2}`, header, false},
			"over TLS at all":         {`"Null":{"s3:TlsVersion":"true"}`, header, !overTLS},
			"client":                  {`"StringLike":{"aws:UserAgent":"curl/*"}`, func() int { return s.signed(t, "/bkt/k", hash, "User-Agent", "curl/8.1") }, true},
			"another client":          {`"StringLike":{"aws:UserAgent":"curl/*"}`, func() int { return s.signed(t, "/bkt/k", hash, "User-Agent", "wget") }, false},
			"from a page":             {`"StringLike":{"aws:Referer":"https://example.com/*"}`, func() int { return s.signed(t, "/bkt/k", hash, "Referer", "https://example.com/a") }, true},
			"from another, or no one": {`"StringLike":{"aws:Referer":"https://example.com/*"}`, header, false},
		} {
			denying(t, c, "bkt", test.condition)
			want := http.StatusOK
			if test.denied {
				want = http.StatusForbidden
			}
			if got := test.get(); got != want {
				t.Errorf("%s: %d, want %d", name, got, want)
			}
		}
	})
}
