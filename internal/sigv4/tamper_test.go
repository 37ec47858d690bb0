package sigv4_test

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"mimeo/internal/fault"
	"mimeo/internal/sigv4"
	"mimeo/internal/sigv4/sigv4test"
)

// The requests that are tampered with, before they are signed.
const (
	jsonRequest = "POST / HTTP/1.1\r\nHost: 127.0.0.1:4577\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: 17\r\n" +
		"User-Agent: sdk  two  blanks\r\nX-Amz-Target: RekognitionService.DescribeProjects\r\nX-Amz-Api-Version: 2016-06-27\r\n" +
		"Amz-Sdk-Request: attempt=1\r\nX-Amz-User-Agent: unsigned\r\nX-Amz-Date: 0\r\n" +
		"Authorization: AWS4-HMAC-SHA256 Credential=x/x/us-east-1/rekognition/aws4_request, " +
		"SignedHeaders=content-length;content-type;host;user-agent;x-amz-api-version;x-amz-date;x-amz-security-token;x-amz-target, Signature=x\r\n" +
		"X-Amz-Security-Token: a token+/=\r\n\r\n" + `{"MaxResults": 7}`
	stsRequest = "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 43\r\nX-Amz-Date: 0\r\n" +
		"Authorization: AWS4-HMAC-SHA256 Credential=x/x/cn-north-1/sts/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=x\r\n\r\n" +
		"Action=GetCallerIdentity&Version=2011-06-15"
	putRequest = "PUT /bucket/dir/a%20b%2B%C3%BC.txt?x-id=PutObject&empty=&two=1&two=2&bare HTTP/1.1\r\nHost: 127.0.0.1:4577\r\n" +
		"Content-Type: text/plain\r\nContent-Length: 10\r\nContent-Md5: Pu6/awSpghr+O2iDC3A4+Q==\r\nX-Amz-Server-Side-Encryption: aws:kms\r\n" +
		"X-Amz-Meta-Twice: one\r\nX-Amz-Meta-Twice: two\r\nX-Amz-Date: 0\r\n" +
		"X-Amz-Content-Sha256: 342f88c21c185d2235159e01dd6580ddc10e213f7ced3a1204f1c63a16acf71a\r\n" +
		"Authorization: AWS4-HMAC-SHA256 Credential=x/x/eu-west-1/s3/aws4_request, " +
		"SignedHeaders=content-md5;content-type;host;x-amz-content-sha256;x-amz-date;x-amz-meta-twice;x-amz-server-side-encryption, Signature=x\r\n\r\n" +
		"hello wire"
	getRequest = "GET /bucket/key?versionId=1 HTTP/1.1\r\nHost: 127.0.0.1:4577\r\n" +
		"Authorization: AWS4-HMAC-SHA256 Credential=x/x/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=x\r\n\r\n"
	streamRequest = "PUT /bucket/stream HTTP/1.1\r\nHost: 127.0.0.1:4577\r\nX-Amz-Date: 0\r\nContent-Length: 0\r\nX-Amz-Decoded-Content-Length: 25\r\n" +
		"X-Amz-Content-Sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD\r\n" +
		"Authorization: AWS4-HMAC-SHA256 Credential=x/x/us-east-1/s3/aws4_request, " +
		"SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length, Signature=x\r\n\r\n"
	trailerRequest = "PUT /bucket/stream HTTP/1.1\r\nHost: 127.0.0.1:4577\r\nX-Amz-Date: 0\r\nContent-Length: 0\r\nX-Amz-Decoded-Content-Length: 25\r\n" +
		"X-Amz-Content-Sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER\r\nX-Amz-Trailer: x-amz-checksum-crc32\r\n" +
		"Authorization: AWS4-HMAC-SHA256 Credential=x/x/us-east-1/s3/aws4_request, " +
		"SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-trailer, Signature=x\r\n\r\n"
	unsignedRequest = "PUT /bucket/stream HTTP/1.1\r\nHost: 127.0.0.1:4577\r\nX-Amz-Date: 0\r\nTransfer-Encoding: chunked\r\nX-Amz-Decoded-Content-Length: 6\r\n" +
		"X-Amz-Content-Sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\nX-Amz-Trailer: x-amz-checksum-crc32\r\n" +
		"Authorization: AWS4-HMAC-SHA256 Credential=x/x/us-east-1/s3/aws4_request, " +
		"SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-trailer, Signature=x\r\n\r\n" +
		"2f\r\n6\r\nhello \r\n0\r\nx-amz-checksum-crc32:7YH59g==\r\n\r\n\r\n0\r\n\r\n"
)

var (
	signedAt = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	content  = []byte("twenty-five bytes of data")
	crc      = sigv4test.Header{Name: "x-amz-checksum-crc32", Value: "AAAAAA=="}
)

// base parses one of the requests above.
func base(raw string) (*sigv4test.Request, error) { return sigv4test.Parse("base", []byte(raw)) }

// bases returns the requests above, signed and ready.
func bases(t *testing.T) map[string]func() *sigv4test.Request {
	parse := func(raw string) *sigv4test.Request {
		q, err := base(raw)
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	header := func(raw string, k sigv4test.Key) func() *sigv4test.Request {
		return func() *sigv4test.Request {
			q := parse(raw)
			q.Sign(k, signedAt)
			return q
		}
	}
	return map[string]func() *sigv4test.Request{
		"json":     header(jsonRequest, sessionKey),
		"sts":      header(stsRequest, rootKey),
		"put":      header(putRequest, rootKey),
		"unsigned": header(unsignedRequest, rootKey),
		"presigned": func() *sigv4test.Request {
			q := parse(getRequest)
			q.Presign(sessionKey, signedAt.Add(-time.Hour), 2*time.Hour)
			return q
		},
		"presigned sts": func() *sigv4test.Request {
			q := parse(stsRequest)
			q.Presign(rootKey, signedAt, time.Minute)
			return q
		},
		"stream": func() *sigv4test.Request {
			q := header(streamRequest, rootKey)()
			q.Stream(rootKey, content, 10)
			return q
		},
		"trailer": func() *sigv4test.Request {
			q := header(trailerRequest, rootKey)()
			q.Stream(rootKey, content, 10, crc)
			return q
		},
	}
}

// ask sends a request and returns what the server of serve said.
func ask(t *testing.T, address string, q *sigv4test.Request) (answer, message string) {
	t.Helper()
	resp, body, err := q.Send(address)
	if err != nil {
		t.Fatalf("%v in:\n%s", err, q.Bytes())
	}
	if resp.StatusCode == http.StatusOK {
		return "accepted", string(body)
	}
	return string(body), resp.Header.Get("Test-Message")
}

func fixedNow() time.Time { return signedAt }

func TestUntamperedBasesAreAccepted(t *testing.T) {
	t.Parallel()
	address := serve(t, fixedNow)
	for name, base := range bases(t) {
		if answer, message := ask(t, address, base()); answer != "accepted" {
			t.Errorf("%s: %s: %s", name, answer, message)
		}
	}
}

// TestEverySignedHeader changes, removes and doubles each header that a
// base's signature covers.
func TestEverySignedHeader(t *testing.T) {
	t.Parallel()
	address := serve(t, fixedNow)
	for base, fresh := range bases(t) {
		_, list, _ := strings.Cut(fresh().Get("Authorization"), "SignedHeaders=")
		list, _, _ = strings.Cut(list, ",")
		for _, name := range strings.Split(list, ";") {
			if name == "" || name == "host" || name == "content-length" {
				continue // net/http itself refuses these: see TestTampering
			}
			for kind, change := range map[string]func(q *sigv4test.Request){
				"changed": func(q *sigv4test.Request) { q.Set(name, q.Get(name)+"x") },
				"removed": func(q *sigv4test.Request) { q.Del(name) },
				"doubled": func(q *sigv4test.Request) { q.Headers = append(q.Headers, sigv4test.Header{Name: name, Value: "x"}) },
			} {
				q := fresh()
				change(q)
				if answer, _ := ask(t, address, q); !slices.Contains([]string{
					string(sigv4.Mismatch), string(sigv4.Incomplete), string(sigv4.UnknownKey), string(sigv4.ContentMismatch),
					string(sigv4.InvalidContentHash), string(sigv4.MissingToken),
				}, answer) {
					t.Errorf("%s: %s %s is answered %s", base, name, kind, answer)
				}
			}
		}
	}
}

// resign signs again what was changed, so that only the change is at fault.
func resign(k sigv4test.Key, at time.Time) func(*sigv4test.Request) {
	return func(q *sigv4test.Request) { q.Sign(k, at) }
}

func swap(old, with string) func(*sigv4test.Request) {
	return func(q *sigv4test.Request) {
		q.Set("Authorization", strings.Replace(q.Get("Authorization"), old, with, 1))
	}
}

func inTarget(old, with string) func(*sigv4test.Request) {
	return func(q *sigv4test.Request) { q.Target = strings.Replace(q.Target, old, with, 1) }
}

func inBody(old, with string) func(*sigv4test.Request) {
	return func(q *sigv4test.Request) { q.Body = bytes.Replace(q.Body, []byte(old), []byte(with), 1) }
}

func set(name, value string) func(*sigv4test.Request) {
	return func(q *sigv4test.Request) { q.Set(name, value) }
}

func add(name, value string) func(*sigv4test.Request) {
	return func(q *sigv4test.Request) { q.Headers = append(q.Headers, sigv4test.Header{Name: name, Value: value}) }
}

// recut makes Content-Length fit a body whose framing was changed.
func recut(change func(body []byte) []byte) func(*sigv4test.Request) {
	return func(q *sigv4test.Request) {
		q.Body = change(q.Body)
		q.Set("Content-Length", itoa(len(q.Body)))
	}
}

func TestTampering(t *testing.T) {
	t.Parallel()
	address := serve(t, fixedNow)
	fresh := bases(t)
	for _, test := range tamperings() {
		t.Run(test.base+"/"+test.name, func(t *testing.T) {
			t.Parallel()
			q := fresh[test.base]()
			for _, change := range test.changes {
				change(q)
			}
			answer, message := ask(t, address, q)
			if answer != string(test.want) {
				t.Errorf("answered %s: %s; want %s", answer, message, test.want)
			}
			if !strings.Contains(message, test.message) {
				t.Errorf("message %q lacks %q", message, test.message)
			}
		})
	}
	t.Logf("%d tamperings", len(tamperings()))
}

type tampering struct {
	base, name string
	changes    []func(*sigv4test.Request)
	want       fault.Code
	message    string
}
