package app

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestRoutes(t *testing.T) {
	t.Parallel()
	surface := &routes{services: map[string]http.Handler{}, own: map[string]http.Handler{"/-/healthz": named("own")}}
	for _, name := range []string{"rekognition", "kms", "sts", "iam", "s3"} {
		surface.services[name] = named(name)
	}
	scope := func(service string) string {
		return "Authorization: AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/" + service + "/aws4_request, SignedHeaders=host, Signature=00\nX-Amz-Date: 20260101T000000Z\n"
	}
	const form = "Content-Type: application/x-www-form-urlencoded; charset=utf-8\n"
	const action = "Action=GetCallerIdentity&Version=2011-06-15"
	for _, c := range []struct{ name, request, want string }{
		{"by scope", "POST / HTTP/1.1\n" + scope("rekognition"), "rekognition"},
		{"the scope comes before the target", "POST / HTTP/1.1\n" + scope("kms") + "X-Amz-Target: RekognitionService.X\n", "kms"},
		{"a foreign scope counts for nothing", "POST / HTTP/1.1\n" + scope("ec2") + "X-Amz-Target: TrentService.X\n", "kms"},
		{"a foreign scope alone is S3's to refuse", "GET / HTTP/1.1\n" + scope("ec2"), "s3"},
		{"a target that nobody has", "POST / HTTP/1.1\n" + scope("dynamodb") + "X-Amz-Target: DynamoDB_20120810.ListTables\n", "rekognition"},
		{"an action of IAM", "POST / HTTP/1.1\n" + scope("iam") + form + "Content-Length: 35\n\nAction=ListUsers&Version=2010-05-08", "iam"},
		{"presigned", "GET /b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIA%2F20260101%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20260101T000000Z&X-Amz-SignedHeaders=host&X-Amz-Signature=00 HTTP/1.1\n", "s3"},
		{"unsigned target", "POST / HTTP/1.1\nX-Amz-Target: RekognitionService.X\n", "rekognition"},
		{"unsigned action in the query", "GET /?" + action + " HTTP/1.1\n", "sts"},
		{"unsigned action of IAM", "GET /?Action=ListUsers&Version=2010-05-08 HTTP/1.1\n", "iam"},
		{"unsigned action in a form", "POST / HTTP/1.1\n" + form + "Content-Length: 43\n\n" + action, "sts"},
		{"a form that is cut off", "POST / HTTP/1.1\n" + form + "Content-Length: 99\n\n" + action, "sts"},
		{"unsigned else", "GET /bucket/key HTTP/1.1\n", "s3"},
		{"two slashes", "POST // HTTP/1.1\n" + scope("rekognition"), "rekognition"},
		{"an empty query", "POST /? HTTP/1.1\n" + scope("rekognition"), "rekognition"},
		{"a key with dots", "GET /b/../c//d/ HTTP/1.1\n", "s3"},
		{"own page", "GET /-/healthz HTTP/1.1\n", "own"},
		{"own page, not quite", "GET /-/healthz/ HTTP/1.1\n", "s3"},
		{"a key named like an own page", "PUT /-/healthz HTTP/1.1\n" + scope("s3"), "s3"},
		{"own page in a bucket", "GET /b/-/healthz HTTP/1.1\n", "s3"},
	} {
		head, body, _ := strings.Cut(c.request, "\n\n")
		raw := strings.ReplaceAll(strings.TrimSuffix(head, "\n")+"\nHost: h\n\n", "\n", "\r\n") + body
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		w := httptest.NewRecorder()
		surface.ServeHTTP(w, r)
		got, left, _ := strings.Cut(w.Body.String(), "|")
		if w.Code != http.StatusOK || got != c.want {
			t.Errorf("%s: went to %q (status %d), want %q", c.name, got, w.Code, c.want)
		}
		if left != body {
			t.Errorf("%s: the service reads the body %q, want %q", c.name, left, body)
		}
	}
}

// named answers with its name and the body that it could read.
func named(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // a test cuts one off
		_, _ = io.WriteString(w, name+"|"+string(body))
	})
}
