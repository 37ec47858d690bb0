package s3api_test

import (
	"bytes"
	"crypto/md5" //nolint:gosec // the ETag of S3 is one
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	tmtypes "github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"
)

// overBoth runs a test over http and https: the SDK signs bodies differently.
func overBoth(t *testing.T, test func(*testing.T, *server)) {
	t.Helper()
	t.Parallel()
	for name, start := range map[string]func(*httptest.Server){"http": plain, "https": secure} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, serve(t, start))
		})
	}
}

func get(t *testing.T, c *s3.Client, in *s3.GetObjectInput) (string, *s3.GetObjectOutput) {
	t.Helper()
	out, err := c.GetObject(t.Context(), in)
	if err != nil {
		t.Fatalf("get %s: %v", *in.Key, err)
	}
	text, err := io.ReadAll(out.Body)
	if err != nil {
		t.Fatalf("read %s: %v", *in.Key, err)
	}
	return string(text), out
}

func TestObjectsThroughSDK(t *testing.T) {
	overBoth(t, func(t *testing.T, s *server) {
		c := s.client(mine)
		create(t, c, "my-images")
		for _, key := range []string{"a", "dir/a b+ü.txt", "a//b", "../x", "/lead", "trail/", "q?x=1&y", "100%", "€/日本", "a\tb", "%2F", "." + strings.Repeat("k", 1022)} {
			text := "the bytes of " + key
			put, err := c.PutObject(t.Context(), &s3.PutObjectInput{
				Bucket: aws.String("my-images"), Key: &key, Body: strings.NewReader(text), ContentType: aws.String("text/x"),
				CacheControl: aws.String("no-store"), Metadata: map[string]string{"k": "v, w"},
			})
			if err != nil {
				t.Fatalf("put %q: %v", key, err)
			}
			sum := md5.Sum([]byte(text)) //nolint:gosec // see the import
			if want := `"` + hex.EncodeToString(sum[:]) + `"`; *put.ETag != want || put.ServerSideEncryption != "AES256" || put.ChecksumCRC32 == nil {
				t.Errorf("put %q: ETag %s, encryption %s, checksum %v; want ETag %s, AES256 and one", key, *put.ETag, put.ServerSideEncryption, put.ChecksumCRC32, want)
			}
			got, out := get(t, c, &s3.GetObjectInput{Bucket: aws.String("my-images"), Key: &key, ChecksumMode: types.ChecksumModeEnabled})
			if got != text || *out.ContentType != "text/x" || *out.CacheControl != "no-store" || out.Metadata["k"] != "v, w" || *out.ChecksumCRC32 != *put.ChecksumCRC32 {
				t.Errorf("get %q: %q %+v", key, got, out)
			}
			head, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("my-images"), Key: &key})
			if err != nil || *head.ContentLength != int64(len(text)) || *head.ETag != *put.ETag {
				t.Errorf("head %q: %+v, %v", key, head, err)
			}
			if _, err := c.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("my-images"), Key: &key}); err != nil {
				t.Errorf("delete %q: %v", key, err)
			}
			if _, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("my-images"), Key: &key}); code(err) != "NotFound" {
				t.Errorf("head %q after its deletion: %v", key, err)
			}
		}
		if _, err := c.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: aws.String("my-images")}); err != nil {
			t.Error(err)
		}
	})
}

func TestRanges(t *testing.T) {
	t.Parallel()
	s := serve(t, plain)
	c := s.client(mine)
	create(t, c, "ranges")
	text := make([]byte, 200_000) // four packages of a sealed stream
	_, _ = rand.Read(text)
	put(t, c, "ranges", "k", text)
	put(t, c, "ranges", "empty", nil)
	for header, want := range map[string]struct{ from, to int }{
		"bytes=0-0": {0, 1}, "bytes=2-4": {2, 5}, "bytes=-5": {199_995, 200_000}, "bytes=199999-": {199_999, 200_000},
		"bytes=65530-131080": {65_530, 131_081}, "bytes=5-999999999999999999999": {5, 200_000}, "bytes=-300000": {0, 200_000},
		"bytes=0-199999": {0, 200_000},
	} {
		got, out := get(t, c, &s3.GetObjectInput{Bucket: aws.String("ranges"), Key: aws.String("k"), Range: &header})
		if got != string(text[want.from:want.to]) {
			t.Errorf("%s: %d bytes, want those from %d to %d", header, len(got), want.from, want.to)
		}
		if told := fmt.Sprintf("bytes %d-%d/200000", want.from, want.to-1); aws.ToString(out.ContentRange) != told {
			t.Errorf("%s: Content-Range %q, want %q", header, aws.ToString(out.ContentRange), told)
		}
	}
	for _, header := range []string{"bytes=5-2", "bytes=a-b", "bytes=0-1,3-4", "bytes=", "lines=0-1", "bytes=--5"} {
		if got, out := get(t, c, &s3.GetObjectInput{Bucket: aws.String("ranges"), Key: aws.String("k"), Range: &header}); got != string(text) || out.ContentRange != nil {
			t.Errorf("%s: %d bytes, %v; want all, as without a range", header, len(got), out.ContentRange)
		}
	}
	for key, header := range map[string]string{"k": "bytes=200000-", "empty": "bytes=0-"} {
		if _, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("ranges"), Key: &key, Range: &header}); code(err) != "InvalidRange" {
			t.Errorf("%s of %s: %v, want InvalidRange", header, key, err)
		}
	}
	if got, _ := get(t, c, &s3.GetObjectInput{Bucket: aws.String("ranges"), Key: aws.String("empty")}); got != "" {
		t.Errorf("the empty object has %q", got)
	}
}

func put(t testing.TB, c *s3.Client, bucket, key string, text []byte) *s3.PutObjectOutput {
	t.Helper()
	out, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(text)})
	if err != nil {
		t.Fatalf("put %s: %v", key, err)
	}
	return out
}

func TestConditions(t *testing.T) {
	t.Parallel()
	s := serve(t, plain)
	c := s.client(mine)
	create(t, c, "conditions")
	etag := put(t, c, "conditions", "k", []byte("x")).ETag
	b, k, other := aws.String("conditions"), aws.String("k"), aws.String(`"0123456789abcdef0123456789abcdef"`)
	hour := time.Now().Add(time.Hour)
	past := time.Now().Add(-time.Hour)
	for name, test := range map[string]struct {
		in   s3.GetObjectInput
		want string
	}{
		"match":                     {s3.GetObjectInput{IfMatch: etag}, ""},
		"match any":                 {s3.GetObjectInput{IfMatch: aws.String("*")}, ""},
		"no match":                  {s3.GetObjectInput{IfMatch: other}, "PreconditionFailed"},
		"match beats unmodified":    {s3.GetObjectInput{IfMatch: etag, IfUnmodifiedSince: &past}, ""},
		"modified":                  {s3.GetObjectInput{IfUnmodifiedSince: &past}, "PreconditionFailed"},
		"unmodified":                {s3.GetObjectInput{IfUnmodifiedSince: &hour}, ""},
		"none match":                {s3.GetObjectInput{IfNoneMatch: other}, ""},
		"one matches":               {s3.GetObjectInput{IfNoneMatch: aws.String(*other + ", " + *etag)}, "NotModified"},
		"not modified":              {s3.GetObjectInput{IfModifiedSince: &hour}, "NotModified"},
		"modified since":            {s3.GetObjectInput{IfModifiedSince: &past}, ""},
		"none match beats modified": {s3.GetObjectInput{IfNoneMatch: other, IfModifiedSince: &hour}, ""},
		"range behind the end":      {s3.GetObjectInput{Range: aws.String("bytes=7-")}, "InvalidRange"},
	} {
		test.in.Bucket, test.in.Key = b, k
		if _, err := c.GetObject(t.Context(), &test.in); code(err) != test.want && !(test.want == "NotModified" && strings.Contains(fmt.Sprint(err), "304")) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
	for name, test := range map[string]struct {
		in   s3.PutObjectInput
		want string
	}{
		"only where none is": {s3.PutObjectInput{Key: k, IfNoneMatch: aws.String("*")}, "PreconditionFailed"},
		"none is":            {s3.PutObjectInput{Key: aws.String("new"), IfNoneMatch: aws.String("*")}, ""},
		"in place of it":     {s3.PutObjectInput{Key: k, IfMatch: etag}, ""},
		"of another":         {s3.PutObjectInput{Key: k, IfMatch: other}, "PreconditionFailed"},
		"of none":            {s3.PutObjectInput{Key: aws.String("nothing"), IfMatch: etag}, "NoSuchKey"},
	} {
		test.in.Bucket, test.in.Body = b, strings.NewReader("x")
		if _, err := c.PutObject(t.Context(), &test.in); code(err) != test.want {
			t.Errorf("put %s: %v, want %q", name, err, test.want)
		}
	}
}

func TestListing(t *testing.T) {
	t.Parallel()
	s := serve(t, plain)
	c := s.client(mine)
	create(t, c, "listing")
	keys := []string{"a", "b/1", "b/2", "b/c/3", "b0", "l/0/x", "l/1/x", "l/1/y", "l/2", "ü+ /z", "\x7f"}
	for _, key := range keys {
		put(t, c, "listing", key, []byte("x"))
	}
	for name, test := range map[string]struct {
		in   s3.ListObjectsV2Input
		want []string
	}{
		"all":                    {s3.ListObjectsV2Input{}, []string{"a", "b/1", "b/2", "b/c/3", "b0", "l/0/x", "l/1/x", "l/1/y", "l/2", "\x7f", "ü+ /z"}},
		"prefix":                 {s3.ListObjectsV2Input{Prefix: aws.String("b/")}, []string{"b/1", "b/2", "b/c/3"}},
		"delimiter":              {s3.ListObjectsV2Input{Delimiter: aws.String("/")}, []string{"a", "b/ ...", "b0", "l/ ...", "\x7f", "ü+ / ..."}},
		"prefix and delimiter":   {s3.ListObjectsV2Input{Prefix: aws.String("l/"), Delimiter: aws.String("/")}, []string{"l/0/ ...", "l/1/ ...", "l/2"}},
		"delimiter of two":       {s3.ListObjectsV2Input{Delimiter: aws.String("/1")}, []string{"a", "b/1 ...", "b/2", "b/c/3", "b0", "l/0/x", "l/1 ...", "l/2", "\x7f", "ü+ /z"}},
		"start after a key":      {s3.ListObjectsV2Input{StartAfter: aws.String("b/2")}, []string{"b/c/3", "b0", "l/0/x", "l/1/x", "l/1/y", "l/2", "\x7f", "ü+ /z"}},
		"start in a prefix":      {s3.ListObjectsV2Input{StartAfter: aws.String("b/1"), Delimiter: aws.String("/")}, []string{"b/ ...", "b0", "l/ ...", "\x7f", "ü+ / ..."}},
		"start after a prefix":   {s3.ListObjectsV2Input{StartAfter: aws.String("b/"), Delimiter: aws.String("/")}, []string{"b0", "l/ ...", "\x7f", "ü+ / ..."}},
		"start before a prefix":  {s3.ListObjectsV2Input{StartAfter: aws.String("a"), Prefix: aws.String("l/1/")}, []string{"l/1/x", "l/1/y"}},
		"nothing has the prefix": {s3.ListObjectsV2Input{Prefix: aws.String("zz")}, nil},
	} {
		for _, size := range []int32{1, 2, 3, 1000} {
			in := test.in
			in.Bucket, in.MaxKeys = aws.String("listing"), &size
			if got := list(t, c, &in); !cmp.Equal(got, test.want) {
				t.Errorf("%s by %d: %q, want %q", name, size, got, test.want)
			}
			in.EncodingType = types.EncodingTypeUrl
			if got := list(t, c, &in); len(got) != len(test.want) {
				t.Errorf("%s by %d, encoded: %q, want %d", name, size, got, len(test.want))
			}
		}
	}
	if out, err := c.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("listing"), MaxKeys: aws.Int32(0)}); err != nil || *out.IsTruncated || *out.KeyCount != 0 {
		t.Errorf("none wanted: %+v, %v", out, err)
	}
	old, err := c.ListObjects(t.Context(), &s3.ListObjectsInput{Bucket: aws.String("listing"), Delimiter: aws.String("/"), MaxKeys: aws.Int32(2)})
	if err != nil || aws.ToString(old.NextMarker) != "b/" || len(old.Contents) != 1 || len(old.CommonPrefixes) != 1 {
		t.Errorf("first version: %+v, %v", old, err)
	}
}

// list returns all pages of a listing; a common prefix ends with dots.
func list(t *testing.T, c *s3.Client, in *s3.ListObjectsV2Input) []string {
	t.Helper()
	var got []string
	pages := s3.NewListObjectsV2Paginator(c, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		merged := map[string]string{}
		for _, o := range page.Contents {
			merged[*o.Key] = *o.Key
		}
		for _, p := range page.CommonPrefixes {
			merged[*p.Prefix] = *p.Prefix + " ..."
		}
		for _, key := range slices.Sorted(maps.Keys(merged)) {
			got = append(got, merged[key])
		}
	}
	return got
}

func TestTransferManager(t *testing.T) {
	overBoth(t, func(t *testing.T, s *server) {
		c := s.client(mine)
		create(t, c, "big")
		text := make([]byte, 17<<20+7)
		_, _ = rand.Read(text)
		tm := transfermanager.New(c, func(o *transfermanager.Options) { o.PartSizeBytes = 5 << 20 })
		for _, sse := range []string{"AES256", "aws:kms"} {
			key := "big " + sse
			if _, err := tm.UploadObject(t.Context(), &transfermanager.UploadObjectInput{Bucket: aws.String("big"), Key: &key, Body: bytes.NewReader(text), ServerSideEncryption: tmtypes.ServerSideEncryption(sse)}); err != nil {
				t.Fatal(err)
			}
			got, out := get(t, c, &s3.GetObjectInput{Bucket: aws.String("big"), Key: &key, ChecksumMode: types.ChecksumModeEnabled})
			if got != string(text) || !strings.HasSuffix(*out.ETag, `-4"`) || string(out.ServerSideEncryption) != sse {
				t.Errorf("%s: %d bytes, ETag %s, %s", key, len(got), *out.ETag, out.ServerSideEncryption)
			}
			part, _ := get(t, c, &s3.GetObjectInput{Bucket: aws.String("big"), Key: &key, Range: aws.String("bytes=5242870-10485770")})
			if part != string(text[5242870:10485771]) {
				t.Errorf("%s: a range over three parts has %d bytes, or others", key, len(part))
			}
			down, err := tm.GetObject(t.Context(), &transfermanager.GetObjectInput{Bucket: aws.String("big"), Key: &key})
			if err != nil {
				t.Fatal(err)
			}
			if whole, err := io.ReadAll(down.Body); err != nil || !bytes.Equal(whole, text) {
				t.Errorf("%s: the transfer manager gets %d bytes, %v", key, len(whole), err)
			}
		}
	})
}

func TestPresigned(t *testing.T) {
	overBoth(t, func(t *testing.T, s *server) {
		c := s.client(mine)
		create(t, c, "presigned")
		p := s3.NewPresignClient(c)
		in, err := p.PresignPutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("presigned"), Key: aws.String("a b"), Metadata: map[string]string{"k": "v"}})
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), in.Method, in.URL, strings.NewReader("hello"))
		if err != nil {
			t.Fatal(err)
		}
		for name, values := range in.SignedHeader {
			if name != "Host" && name != "Content-Length" {
				req.Header[name] = values
			}
		}
		if status, body := do(t, s, req); status != http.StatusOK {
			t.Fatalf("presigned put: %d %s", status, body)
		}
		out, err := p.PresignGetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("presigned"), Key: aws.String("a b"), ResponseContentType: aws.String("text/y")})
		if err != nil {
			t.Fatal(err)
		}
		if status, body := do(t, s, request(t, http.MethodGet, out.URL)); status != http.StatusOK || body != "hello" {
			t.Errorf("presigned get: %d %s", status, body)
		}
		if status, body := do(t, s, request(t, http.MethodGet, strings.Replace(out.URL, "/presigned/a", "/presigned/b", 1))); status != http.StatusForbidden || !strings.Contains(body, "SignatureDoesNotMatch") {
			t.Errorf("changed URL: %d %s", status, body)
		}
		head, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("presigned"), Key: aws.String("a b")})
		if err != nil || head.Metadata["k"] != "v" {
			t.Errorf("metadata of the presigned put: %v, %v", head, err)
		}
	})
}

func request(t *testing.T, method, url string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func do(t *testing.T, s *server, req *http.Request) (int, string) {
	t.Helper()
	resp, err := s.http().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}
