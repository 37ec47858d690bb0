package s3api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// denying puts a policy on a bucket that denies everyone to use its objects
// under one condition.
func denying(t *testing.T, c *s3.Client, name, condition string) {
	t.Helper()
	putPolicy(t, c, name, `{"Effect":"Deny","Principal":"*","Action":["s3:GetObject","s3:GetObjectVersion","s3:PutObject","s3:DeleteObject","s3:DeleteObjectVersion"],"Resource":"arn:aws:s3:::`+name+`/*","Condition":{`+condition+`}}`)
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

// The condition keys of what a request says in its headers and its query.
func TestConditionsOfTheRequest(t *testing.T) {
	t.Parallel()
	s := serve(t, plain)
	c, ctx, bkt := s.client(mine), t.Context(), aws.String("bkt")
	create(t, c, *bkt)
	put(t, c, *bkt, "k", []byte("x"))
	create(t, c, "from")
	put(t, c, "from", "k", []byte("x"))
	write := func(in s3.PutObjectInput) func() error {
		return func() error {
			in.Bucket, in.Key = bkt, aws.String("new")
			_, err := c.PutObject(ctx, &in)
			return err
		}
	}
	copied := func(in s3.CopyObjectInput) func() error {
		return func() error {
			in.Bucket, in.Key, in.CopySource = bkt, aws.String("copy"), aws.String("from/k")
			_, err := c.CopyObject(ctx, &in)
			return err
		}
	}
	upload := func(in s3.CreateMultipartUploadInput, none *string) func() error {
		return func() error {
			in.Bucket, in.Key = bkt, aws.String("parts")
			return uploadOne(t, c, &in, none)
		}
	}
	remove := func(in s3.DeleteObjectInput) func() error {
		return func() error {
			in.Bucket, in.Key = bkt, aws.String("none")
			_, err := c.DeleteObject(ctx, &in)
			return err
		}
	}
	read := func(version *string) func() error {
		return func() error {
			_, err := c.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bkt, Key: aws.String("k"), VersionId: version})
			return err
		}
	}
	const noACL = `"StringNotEquals":{"s3:x-amz-acl":"bucket-owner-full-control"}`
	const noCondition = `"Null":{"s3:if-none-match":"true"},"Bool":{"s3:ObjectCreationOperation":"true"}`
	for name, test := range map[string]struct {
		condition string
		call      func() error
		denied    bool
	}{
		"ACL":                       {`"StringEquals":{"s3:x-amz-acl":"private"}`, write(s3.PutObjectInput{ACL: "private"}), true},
		"ACL that must be":          {noACL, write(s3.PutObjectInput{ACL: "bucket-owner-full-control"}), false},
		"no ACL where one must be":  {noACL, write(s3.PutObjectInput{}), true},
		"ACL of a copy":             {noACL, copied(s3.CopyObjectInput{ACL: "bucket-owner-full-control"}), false},
		"ACL of an upload":          {noACL, upload(s3.CreateMultipartUploadInput{ACL: "bucket-owner-full-control"}, nil), false},
		"no ACL of an upload":       {noACL, upload(s3.CreateMultipartUploadInput{}, nil), true},
		"storage class":             {`"StringEquals":{"s3:x-amz-storage-class":"STANDARD"}`, write(s3.PutObjectInput{StorageClass: "STANDARD"}), true},
		"no storage class":          {`"Null":{"s3:x-amz-storage-class":"false"}`, write(s3.PutObjectInput{}), false},
		"directive":                 {`"StringEquals":{"s3:x-amz-metadata-directive":"REPLACE"}`, copied(s3.CopyObjectInput{MetadataDirective: "REPLACE"}), true},
		"another directive":         {`"StringEquals":{"s3:x-amz-metadata-directive":"REPLACE"}`, copied(s3.CopyObjectInput{MetadataDirective: "COPY"}), false},
		"write without a condition": {noCondition, write(s3.PutObjectInput{}), true},
		"write with a condition":    {noCondition, write(s3.PutObjectInput{IfNoneMatch: aws.String("*")}), false},
		"parts without a condition": {noCondition, upload(s3.CreateMultipartUploadInput{}, nil), true},
		"parts with a condition":    {noCondition, upload(s3.CreateMultipartUploadInput{}, aws.String("*")), false},
		"copy without a condition":  {noCondition, copied(s3.CopyObjectInput{}), true},
		"If-Match of a write":       {`"StringEquals":{"s3:if-match":"*"}`, write(s3.PutObjectInput{IfMatch: aws.String("*")}), true},
		"If-Match of a deletion":    {`"Null":{"s3:if-match":"false"}`, remove(s3.DeleteObjectInput{IfMatch: aws.String("*")}), true},
		"deletion":                  {`"Null":{"s3:if-match":"false"}`, remove(s3.DeleteObjectInput{}), false},
		"version":                   {`"StringEquals":{"s3:versionid":"null"}`, read(aws.String("null")), true},
		"no version":                {`"StringEquals":{"s3:versionid":"null"}`, read(nil), false},
		"deletion of a version":     {`"StringEquals":{"s3:versionid":"null"}`, remove(s3.DeleteObjectInput{VersionId: aws.String("null")}), true},
	} {
		if _, err := c.DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: bkt}); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"new", "copy", "parts"} {
			if _, err := c.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bkt, Key: &key}); err != nil {
				t.Fatal(err)
			}
		}
		denying(t, c, *bkt, test.condition)
		err := test.call()
		if refused := err != nil && strings.Contains(err.Error(), "403"); refused != test.denied || err != nil && !refused {
			t.Errorf("%s: %v, want denied %v", name, err, test.denied)
		}
	}
}

// uploadOne uploads an object of one part; none is the If-None-Match of its end.
func uploadOne(t *testing.T, c *s3.Client, in *s3.CreateMultipartUploadInput, none *string) error {
	t.Helper()
	u, err := c.CreateMultipartUpload(t.Context(), in)
	if err != nil {
		return err
	}
	part, err := c.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: in.Bucket, Key: in.Key, UploadId: u.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("part")})
	if err != nil {
		return err
	}
	done := &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: part.ETag, ChecksumCRC32: part.ChecksumCRC32}}}
	_, err = c.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{Bucket: in.Bucket, Key: in.Key, UploadId: u.UploadId, MultipartUpload: done, IfNoneMatch: none})
	return err
}
