package sigv4_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"
	"github.com/minio/minio-go/v7"
	miniocreds "github.com/minio/minio-go/v7/pkg/credentials"

	"mimeo/internal/arn"
	"mimeo/internal/sigv4"
)

// arrived is what a storing server saw of one PUT.
type arrived struct {
	form, content string
	trailer       http.Header
}

// storing accepts every verified PUT and notes it.
func storing(t *testing.T, seen chan<- arrived) *httptest.Server {
	t.Helper()
	v := sigv4.New("s3", keys{}, time.Now)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		form := r.Header.Get("X-Amz-Content-Sha256")
		id, err := v.Authenticate(r)
		if err == nil {
			var content []byte
			if content, err = io.ReadAll(r.Body); err == nil && r.Method == http.MethodPut {
				seen <- arrived{form, string(content), id.Trailer}
				sum := sha256.Sum256(content)
				w.Header().Set("Etag", `"`+hex.EncodeToString(sum[:16])+`"`)
			}
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
		}
	}))
	t.Cleanup(srv.Close)
	return srv
}

// TestMinioClient uploads with signed chunks, with and without a trailer, and
// with the session's token.
func TestMinioClient(t *testing.T) {
	t.Parallel()
	content := strings.Repeat("forty thousand bytes\n", 2000) + strings.Repeat("x", 66560)
	for name, test := range map[string]struct {
		trailing minio.ChecksumType
		form     string
	}{
		"signed chunks":          {form: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"},
		"signed chunks, trailer": {minio.ChecksumCRC32C, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := make(chan arrived, 1)
			srv := storing(t, seen)
			client, err := minio.New(srv.Listener.Addr().String(), &minio.Options{
				Creds:  miniocreds.NewStaticV4(sessionKey.ID, sessionKey.Secret, sessionKey.Token),
				Region: "us-east-1", TrailingHeaders: test.trailing.IsSet(),
			})
			if err != nil {
				t.Fatal(err)
			}
			options := minio.PutObjectOptions{Checksum: test.trailing, DisableContentSha256: false}
			if _, err := client.PutObject(t.Context(), "bucket", "a b+ü", strings.NewReader(content), int64(len(content)), options); err != nil {
				t.Fatal(err)
			}
			got := <-seen
			if got.form != test.form || got.content != content {
				t.Errorf("arrived as %s with %d bytes, want %s with %d", got.form, len(got.content), test.form, len(content))
			}
			if test.trailing.IsSet() && got.trailer.Get("X-Amz-Checksum-Crc32c") == "" {
				t.Errorf("trailers: %v", got.trailer)
			}
		})
	}
}

// TestPresignerOfTheSDK uses a presigned PUT and GET, and one after its time.
func TestPresignerOfTheSDK(t *testing.T) {
	t.Parallel()
	seen := make(chan arrived, 1)
	srv := storing(t, seen)
	client := s3.New(s3.Options{Region: "eu-central-1", BaseEndpoint: &srv.URL, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(sessionKey.ID, sessionKey.Secret, sessionKey.Token)})
	presigner := s3.NewPresignClient(client, s3.WithPresignExpires(time.Hour))
	put, err := presigner.PresignPutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String("bucket"), Key: aws.String("dir/a b+ü.txt"), ContentType: aws.String("text/plain"), ServerSideEncryption: "aws:kms",
	})
	if err != nil {
		t.Fatal(err)
	}
	if status, body := follow(t, put, "hello"); status != http.StatusOK {
		t.Fatalf("presigned PUT: %d %s", status, body)
	}
	if got := <-seen; got.content != "hello" {
		t.Errorf("arrived: %q", got.content)
	}
	put.SignedHeader.Del("X-Amz-Server-Side-Encryption")
	if status, body := follow(t, put, "hello"); status == http.StatusOK {
		t.Errorf("presigned PUT without a header that it signs: %d %s", status, body)
	}
	get, err := presigner.PresignGetObject(t.Context(), &s3.GetObjectInput{
		Bucket: aws.String("bucket"), Key: aws.String("key"), ResponseContentType: aws.String("text/plain; charset=utf-8"), Range: aws.String("bytes=0-9"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if status, body := follow(t, get, ""); status != http.StatusOK {
		t.Errorf("presigned GET: %d %s", status, body)
	}
}

// follow uses a presigned request.
func follow(t *testing.T, p *v4.PresignedHTTPRequest, body string) (status int, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), p.Method, p.URL, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = p.SignedHeader.Clone()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// TestSignerOfTheSDK signs odd requests with the signer of aws-sdk-go-v2.
func TestSignerOfTheSDK(t *testing.T) {
	t.Parallel()
	for _, service := range []string{"s3", "kms"} {
		for _, target := range []string{
			"/", "/?", "//", "/?a", "/?a=&b", "/?b=2&a=1&a=0", "/?q=%20%2B%7E~*", "/a%20b/%E2%82%AC", "/a/../b//c", "/*'()!", "/dir/", "/a%2Fb",
		} {
			body := "body of " + target
			sum := sha256.Sum256([]byte(body))
			r, err := http.NewRequest(http.MethodPost, "http://host.example:8080"+target, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("X-Amz-Meta-Blanks", "a   b  c ")
			r.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(sum[:]))
			if target == "/?" {
				r.URL.ForceQuery = true
			}
			creds := aws.Credentials{AccessKeyID: sessionKey.ID, SecretAccessKey: sessionKey.Secret, SessionToken: sessionKey.Token}
			err = v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" }).
				SignHTTP(t.Context(), creds, r, hex.EncodeToString(sum[:]), service, "us-gov-west-1", signedAt)
			if err != nil {
				t.Fatal(err)
			}
			var wire bytes.Buffer
			if err := r.Write(&wire); err != nil {
				t.Fatal(err)
			}
			got := request(t, wire.String())
			id, err := sigv4.New(service, keys{}, fixedNow).Authenticate(got)
			if err != nil {
				t.Errorf("%s %s: %v", service, target, err)
				continue
			}
			if id.Caller.Principal.String() != "arn:aws-us-gov:iam::"+account+":root" || id.Caller.Region != "us-gov-west-1" {
				t.Errorf("%s %s: the caller is %v in %s", service, target, id.Caller.Principal, id.Caller.Region)
			}
			if content, err := io.ReadAll(got.Body); err != nil || string(content) != body {
				t.Errorf("%s %s: body %q, %v", service, target, content, err)
			}
		}
	}
}

// What policies can ask for of a request, besides who signed it.
func TestWhatACallerIsKnownBy(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		base, service string
		change        func(r *http.Request)
		want          arn.Caller
	}{
		"signed header": {"put", "s3", nil, arn.Caller{ContentSHA256: "342f88c21c185d2235159e01dd6580ddc10e213f7ced3a1204f1c63a16acf71a"}},
		"chunks":        {"stream", "s3", nil, arn.Caller{ContentSHA256: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}},
		"no hash":       {"json", "rekognition", nil, arn.Caller{UserAgent: "sdk  two  blanks"}},
		"presigned":     {"presigned", "s3", nil, arn.Caller{Presigned: signedAt.Add(-time.Hour)}},
		"presigned, the default in a header": {"presigned", "s3", func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD") },
			arn.Caller{Presigned: signedAt.Add(-time.Hour), ContentSHA256: "UNSIGNED-PAYLOAD"}},
		"from a page": {"presigned", "s3", func(r *http.Request) { r.Header.Set("Referer", "https://example.com/a") },
			arn.Caller{Presigned: signedAt.Add(-time.Hour), Referer: "https://example.com/a"}},
		"TLS 1.2": {"sts", "sts", func(r *http.Request) { r.TLS = &tls.ConnectionState{Version: tls.VersionTLS12} }, arn.Caller{TLS: "1.2"}},
		"TLS 1.3": {"sts", "sts", func(r *http.Request) { r.TLS = &tls.ConnectionState{Version: tls.VersionTLS13} }, arn.Caller{TLS: "1.3"}},
		"address": {"sts", "sts", func(r *http.Request) { r.RemoteAddr = "[2001:db8::1]:4577" }, arn.Caller{SourceIP: "2001:db8::1"}},
	} {
		r := request(t, string(bases(t)[test.base]().Bytes()))
		if test.change != nil {
			test.change(r)
		}
		id, err := sigv4.New(test.service, keys{}, fixedNow).Authenticate(r)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		test.want.Principal, test.want.Region = id.Caller.Principal, id.Caller.Region
		if diff := cmp.Diff(test.want, id.Caller); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", name, diff)
		}
	}
}

func TestScopeOf(t *testing.T) {
	t.Parallel()
	for name, base := range bases(t) {
		q := base()
		r := request(t, string(q.Bytes()))
		scope, ok := sigv4.ScopeOf(r)
		want := map[string]string{"json": "rekognition", "sts": "sts", "presigned sts": "sts"}[name]
		if want == "" {
			want = "s3"
		}
		if !ok || scope.Service != want {
			t.Errorf("%s: scope %v, %v; want service %s", name, scope, ok, want)
		}
	}
	for _, lines := range []string{
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /?AWSAccessKeyId=a&Signature=b&Expires=1 HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: AWS a:b\r\n\r\n",
	} {
		if scope, ok := sigv4.ScopeOf(request(t, lines)); ok {
			t.Errorf("%q claims the scope %v", lines, scope)
		}
	}
}

// TestInternalErrors: an error of the key store that is none of the caller's
// business is not a refusal.
func TestInternalErrors(t *testing.T) {
	t.Parallel()
	r := request(t, string(bases(t)["put"]().Bytes()))
	_, err := sigv4.New("s3", brokenStore{}, fixedNow).Authenticate(r)
	if err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Fatalf("got %v", err)
	}
	for _, code := range sigv4.Codes() {
		if isCode(err, code) {
			t.Errorf("a broken key store is answered %s", code)
		}
	}
}

func TestKeysAreNotPrinted(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(verb, sigv4.SigningKeyForTest(rootKey.Secret)); got != "redacted" {
			t.Errorf("%s prints %q", verb, got)
		}
	}
}
