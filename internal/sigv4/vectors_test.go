package sigv4_test

import (
	"context"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"bufio"
	"net/http"

	"mimeo/internal/arn"
	"mimeo/internal/sigv4"
)

// published is the key pair of a set of published examples.
type published struct{ id, secret string }

func (p published) Credential(_ context.Context, id, _ string) (string, arn.Caller, bool, error) {
	return p.secret, arn.Caller{Principal: arn.Root("", account)}, id == p.id, nil
}

func (published) Used(context.Context, string, string, string) {}

var (
	suiteKeys = published{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
	s3Keys    = published{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
)

// request reads a request as the server's net/http would.
func request(t testing.TB, lines ...string) *http.Request {
	t.Helper()
	head, body, _ := strings.Cut(strings.Join(lines, "\r\n"), "\r\n\r\n")
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(head + "\r\n\r\n" + body)))
	if err != nil {
		t.Fatalf("%v in:\n%s", err, strings.Join(lines, "\n"))
	}
	return r
}

// TestSuiteVectors has cases of AWS's Signature Version 4 test suite.
func TestSuiteVectors(t *testing.T) {
	t.Parallel()
	auth := func(signed, signature string) string {
		return "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=" + signed + ", Signature=" + signature
	}
	const host, date = "Host: example.amazonaws.com", "X-Amz-Date: 20150830T123600Z"
	for name, lines := range map[string][]string{
		"get-vanilla": {"GET / HTTP/1.1", host, date,
			auth("host;x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"), "", ""},
		"post-vanilla": {"POST / HTTP/1.1", host, date,
			auth("host;x-amz-date", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"), "", ""},
		"get-vanilla-query-order-key-case": {"GET /?Param2=value2&Param1=value1 HTTP/1.1", host, date,
			auth("host;x-amz-date", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"), "", ""},
		"get-vanilla-utf8-query": {"GET /?%E1%88%B4=bar HTTP/1.1", host, date,
			auth("host;x-amz-date", "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"), "", ""},
		"get-unreserved": {"GET /-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz HTTP/1.1", host, date,
			auth("host;x-amz-date", "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"), "", ""},
		"get-header-key-duplicate": {"GET / HTTP/1.1", host, "My-Header1:value2", "My-Header1:value2", "My-Header1:value1", date,
			auth("host;my-header1;x-amz-date", "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"), "", ""},
		"get-header-value-order": {"GET / HTTP/1.1", host, "My-Header1:value4", "My-Header1:value1", "My-Header1:value3", "My-Header1:value2", date,
			auth("host;my-header1;x-amz-date", "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"), "", ""},
		"get-header-value-trim": {"GET / HTTP/1.1", host, "My-Header1: value1", "My-Header2: \"a   b   c\"", date,
			auth("host;my-header1;my-header2;x-amz-date", "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"), "", ""},
		"post-x-www-form-urlencoded": {"POST / HTTP/1.1", "Content-Type: application/x-www-form-urlencoded", host, date, "Content-Length: 13",
			auth("content-type;host;x-amz-date", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"), "", "Param1=value1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := func() time.Time { return time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC) }
			if _, err := sigv4.New("service", suiteKeys, now).Authenticate(request(t, lines...)); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestS3Vectors has the examples of the Amazon S3 API Reference, "Signature
// Calculations for the Authorization Header" and "… Using Query Parameters".
func TestS3Vectors(t *testing.T) {
	t.Parallel()
	auth := func(signed, signature string) string {
		return "Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=" + signed + ",Signature=" + signature
	}
	const (
		host  = "Host: examplebucket.s3.amazonaws.com"
		date  = "x-amz-date: 20130524T000000Z"
		empty = "x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	)
	for name, lines := range map[string][]string{
		"GET Object": {"GET /test.txt HTTP/1.1", host, "Range: bytes=0-9", empty, date,
			auth("host;range;x-amz-content-sha256;x-amz-date", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"), "", ""},
		"PUT Object": {"PUT /test%24file.text HTTP/1.1", host, "Date: Fri, 24 May 2013 00:00:00 GMT", date, "x-amz-storage-class: REDUCED_REDUNDANCY",
			"x-amz-content-sha256: 44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072", "Content-Length: 21",
			auth("date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class", "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"), "", "Welcome to Amazon S3."},
		"GET Bucket Lifecycle": {"GET /?lifecycle HTTP/1.1", host, date, empty,
			auth("host;x-amz-content-sha256;x-amz-date", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"), "", ""},
		"List Objects": {"GET /?max-keys=2&prefix=J HTTP/1.1", host, date, empty,
			auth("host;x-amz-content-sha256;x-amz-date", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"), "", ""},
		"presigned GET": {"GET /test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request" +
			"&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host" +
			"&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404 HTTP/1.1", host, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := func() time.Time { return time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC) }
			r := request(t, lines...)
			if _, err := sigv4.New("s3", s3Keys, now).Authenticate(r); err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestChunkedVectors has the examples of "Transferring Payload in Multiple
// Chunks" and of the same "Including Trailing Headers": 66,560 bytes of 'a'.
func TestChunkedVectors(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		form, signed, seed string
		extra              map[string]string
		chunks             [3]string
		trailer            string
	}{
		"signed": {
			form:   "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
			signed: "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class",
			seed:   "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
			extra:  map[string]string{"Content-Length": "66824"},
			chunks: [3]string{
				"ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
				"0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
				"b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
			},
		},
		"signed with a trailer": {
			form:   "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
			signed: "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer",
			seed:   "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
			extra:  map[string]string{"X-Amz-Trailer": "x-amz-checksum-crc32c"},
			chunks: [3]string{
				"b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
				"1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
				"2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
			},
			trailer: "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := "10000;chunk-signature=" + test.chunks[0] + "\r\n" + strings.Repeat("a", 65536) + "\r\n" +
				"400;chunk-signature=" + test.chunks[1] + "\r\n" + strings.Repeat("a", 1024) + "\r\n" +
				"0;chunk-signature=" + test.chunks[2] + "\r\n" + test.trailer + "\r\n"
			r := httptest.NewRequest("PUT", "/examplebucket/chunkObject.txt", strings.NewReader(body))
			r.Host = "s3.amazonaws.com"
			for name, value := range test.extra {
				r.Header.Set(name, value)
			}
			r.Header.Set("X-Amz-Date", "20130524T000000Z")
			r.Header.Set("X-Amz-Storage-Class", "REDUCED_REDUNDANCY")
			r.Header.Set("X-Amz-Content-Sha256", test.form)
			r.Header.Set("Content-Encoding", "aws-chunked")
			r.Header.Set("X-Amz-Decoded-Content-Length", "66560")
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders="+test.signed+",Signature="+test.seed)
			id, err := sigv4.New("s3", s3Keys, func() time.Time { return time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC) }).Authenticate(r)
			if err != nil {
				t.Fatal(err)
			}
			content, err := io.ReadAll(r.Body)
			if err != nil {
				t.Fatal(err)
			}
			if string(content) != strings.Repeat("a", 66560) {
				t.Errorf("%d bytes arrived that are not the 66,560 of the example", len(content))
			}
			if test.trailer != "" && id.Trailer.Get("X-Amz-Checksum-Crc32c") != "sOO8/Q==" {
				t.Errorf("trailers: %v", id.Trailer)
			}
		})
	}
}
