package s3api_test

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // a checksum that S3 offers
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/minio/crc64nvme"
)

var hashes = map[types.ChecksumAlgorithm]func() hash.Hash{
	types.ChecksumAlgorithmCrc32:     func() hash.Hash { return crc32.NewIEEE() },
	types.ChecksumAlgorithmCrc32c:    func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) },
	types.ChecksumAlgorithmCrc64nvme: func() hash.Hash { return crc64nvme.New() },
	types.ChecksumAlgorithmSha1:      sha1.New,
	types.ChecksumAlgorithmSha256:    sha256.New,
}

// sum returns the base64 checksum of some texts in a row.
func sum(a types.ChecksumAlgorithm, texts ...[]byte) string {
	h := hashes[a]()
	for _, text := range texts {
		_, _ = h.Write(text)
	}
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// told returns the checksum that an answer has in the field of an algorithm.
func told(a types.ChecksumAlgorithm, fields ...*string) string {
	for i, of := range []types.ChecksumAlgorithm{
		types.ChecksumAlgorithmCrc32, types.ChecksumAlgorithmCrc32c, types.ChecksumAlgorithmCrc64nvme, types.ChecksumAlgorithmSha1, types.ChecksumAlgorithmSha256,
	} {
		if of == a {
			return aws.ToString(fields[i])
		}
	}
	return ""
}

func TestChecksumsOfObjects(t *testing.T) {
	overBoth(t, func(t *testing.T, s *server) {
		c := s.client(mine)
		create(t, c, "sums")
		text := bytes.Repeat([]byte("0123456789abcdef"), 10_000)
		for a := range hashes {
			want := sum(a, text)
			put, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("sums"), Key: aws.String(string(a)), Body: bytes.NewReader(text), ChecksumAlgorithm: a})
			if err != nil {
				t.Fatalf("put with %s: %v", a, err)
			}
			if got := told(a, put.ChecksumCRC32, put.ChecksumCRC32C, put.ChecksumCRC64NVME, put.ChecksumSHA1, put.ChecksumSHA256); got != want {
				t.Errorf("put tells %s %q, want %q", a, got, want)
			}
			head, err := c.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("sums"), Key: aws.String(string(a)), ChecksumMode: types.ChecksumModeEnabled})
			if err != nil {
				t.Fatal(err)
			}
			if got := told(a, head.ChecksumCRC32, head.ChecksumCRC32C, head.ChecksumCRC64NVME, head.ChecksumSHA1, head.ChecksumSHA256); got != want || head.ChecksumType != types.ChecksumTypeFullObject {
				t.Errorf("head tells %s %q of type %s, want %q of the full object", a, got, head.ChecksumType, want)
			}
		}
	})
}

// upload begins an upload and stores two parts, of which the first is as short
// as it may be.
func upload(t *testing.T, c *s3.Client, in *s3.CreateMultipartUploadInput, parts [][]byte) (string, []types.CompletedPart) {
	t.Helper()
	u, err := c.CreateMultipartUpload(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	var done []types.CompletedPart
	for i, text := range parts {
		n := int32(2*i + 1) //nolint:gosec // small; numbers may have gaps
		p, err := c.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: in.Bucket, Key: in.Key, UploadId: u.UploadId, PartNumber: &n, Body: bytes.NewReader(text), ChecksumAlgorithm: in.ChecksumAlgorithm})
		if err != nil {
			t.Fatal(err)
		}
		done = append(done, types.CompletedPart{PartNumber: &n, ETag: p.ETag, ChecksumCRC32: p.ChecksumCRC32, ChecksumCRC32C: p.ChecksumCRC32C, ChecksumCRC64NVME: p.ChecksumCRC64NVME, ChecksumSHA1: p.ChecksumSHA1, ChecksumSHA256: p.ChecksumSHA256})
	}
	return *u.UploadId, done
}

var twoParts = [][]byte{bytes.Repeat([]byte("a"), 5<<20), []byte("the end")}

func TestChecksumsOfUploads(t *testing.T) {
	t.Parallel()
	s := serve(t, plain)
	c := s.client(mine)
	create(t, c, "sums")
	whole := bytes.Join(twoParts, nil)
	for a := range hashes {
		for _, kind := range []types.ChecksumType{"", types.ChecksumTypeComposite, types.ChecksumTypeFullObject} {
			isCRC := strings.HasPrefix(string(a), "CRC")
			if kind == types.ChecksumTypeComposite && a == types.ChecksumAlgorithmCrc64nvme || kind == types.ChecksumTypeFullObject && !isCRC {
				continue // refused: see TestRefusals
			}
			key := string(a) + string(kind)
			id, parts := upload(t, c, &s3.CreateMultipartUploadInput{Bucket: aws.String("sums"), Key: &key, ChecksumAlgorithm: a, ChecksumType: kind}, twoParts)
			out, err := c.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{
				Bucket: aws.String("sums"), Key: &key, UploadId: &id, MpuObjectSize: aws.Int64(int64(len(whole))), ChecksumType: kind,
				MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
			})
			if err != nil {
				t.Fatalf("%s: %v", key, err)
			}
			want := sum(a, whole)
			if kind == types.ChecksumTypeComposite || kind == "" && a != types.ChecksumAlgorithmCrc64nvme {
				first, _ := base64.StdEncoding.DecodeString(sum(a, twoParts[0]))
				second, _ := base64.StdEncoding.DecodeString(sum(a, twoParts[1]))
				want = sum(a, first, second) + "-2"
			}
			if got := told(a, out.ChecksumCRC32, out.ChecksumCRC32C, out.ChecksumCRC64NVME, out.ChecksumSHA1, out.ChecksumSHA256); got != want {
				t.Errorf("%s: %q, want %q", key, got, want)
			}
			got, o := get(t, c, &s3.GetObjectInput{Bucket: aws.String("sums"), Key: &key, ChecksumMode: types.ChecksumModeEnabled})
			if got != string(whole) || !strings.HasSuffix(*o.ETag, `-2"`) {
				t.Errorf("%s: %d bytes, ETag %s", key, len(got), *o.ETag)
			}
			second, o := get(t, c, &s3.GetObjectInput{Bucket: aws.String("sums"), Key: &key, PartNumber: aws.Int32(2)})
			if second != "the end" || aws.ToInt32(o.PartsCount) != 2 {
				t.Errorf("%s: part 2 of %d is %q", key, aws.ToInt32(o.PartsCount), second)
			}
		}
	}
}

func TestUploads(t *testing.T) {
	t.Parallel()
	s := serve(t, plain)
	c := s.client(mine)
	create(t, c, "uploads")
	bkt, key := aws.String("uploads"), aws.String("k")
	id, parts := upload(t, c, &s3.CreateMultipartUploadInput{Bucket: bkt, Key: key}, append(twoParts, []byte("more")))
	complete := func(id string, parts ...types.CompletedPart) error {
		_, err := c.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{Bucket: bkt, Key: key, UploadId: &id, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}})
		return err
	}
	other := parts[0]
	other.ETag = parts[1].ETag
	lies := parts[0]
	lies.ChecksumCRC32 = aws.String("AAAAAA==")
	absent := parts[0]
	absent.PartNumber = aws.Int32(2)
	for name, test := range map[string]struct {
		parts []types.CompletedPart
		want  string
	}{
		"order":     {[]types.CompletedPart{parts[1], parts[0]}, "InvalidPartOrder"},
		"twice":     {[]types.CompletedPart{parts[0], parts[0]}, "InvalidPartOrder"},
		"too small": {[]types.CompletedPart{parts[0], parts[1], parts[2]}, "EntityTooSmall"},
		"ETag":      {[]types.CompletedPart{other}, "InvalidPart"},
		"checksum":  {[]types.CompletedPart{lies}, "InvalidPart"},
		"absent":    {[]types.CompletedPart{absent, parts[1]}, "InvalidPart"},
	} {
		if err := complete(id, test.parts...); code(err) != test.want {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
	listed, err := c.ListParts(t.Context(), &s3.ListPartsInput{Bucket: bkt, Key: key, UploadId: &id, MaxParts: aws.Int32(2)})
	if err != nil || len(listed.Parts) != 2 || !*listed.IsTruncated || *listed.NextPartNumberMarker != "3" || *listed.Parts[1].ETag != *parts[1].ETag {
		t.Errorf("parts: %+v, %v", listed, err)
	}
	uploads, err := c.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: bkt, Prefix: key})
	if err != nil || len(uploads.Uploads) != 1 || *uploads.Uploads[0].UploadId != id {
		t.Errorf("uploads: %+v, %v", uploads, err)
	}
	if _, err := s.buckets.HeadObject(t.Context(), root(mine), getOf("uploads", "k")); err == nil {
		t.Error("the object is there before its upload is complete")
	}
	for range 2 { // once more is no error: the first answer may be lost
		if err := complete(id, parts[0], parts[2]); err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := get(t, c, in("uploads", "k")); got != string(twoParts[0])+"more" {
		t.Errorf("the object has %d bytes", len(got))
	}
	if err := complete("00000000-0000-0000-0000-000000000000", parts[0]); code(err) != "NoSuchUpload" {
		t.Errorf("another upload: %v", err)
	}
	id, _ = upload(t, c, &s3.CreateMultipartUploadInput{Bucket: bkt, Key: key}, twoParts)
	if _, err := c.AbortMultipartUpload(t.Context(), &s3.AbortMultipartUploadInput{Bucket: bkt, Key: key, UploadId: &id}); err != nil {
		t.Error(err)
	}
	if err := complete(id, parts[0]); code(err) != "NoSuchUpload" {
		t.Errorf("after its end: %v, want NoSuchUpload", err)
	}
}

func TestCopies(t *testing.T) {
	t.Parallel()
	s := serve(t, plain)
	c := s.client(mine)
	create(t, c, "from")
	create(t, c, "dest")
	key := "dir/a b+ü%.txt"
	if _, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("from"), Key: &key, Body: strings.NewReader("hello"), ContentType: aws.String("text/x"), Metadata: map[string]string{"k": "v"}, ChecksumAlgorithm: types.ChecksumAlgorithmSha256}); err != nil {
		t.Fatal(err)
	}
	kmsKey := s.key(t, mine)
	source := aws.String("from/dir/a%20b%2B%C3%BC%25.txt")
	for name, test := range map[string]struct {
		in   s3.CopyObjectInput
		kind string
		meta string
	}{
		"as it is":       {s3.CopyObjectInput{}, "text/x", "v"},
		"other metadata": {s3.CopyObjectInput{MetadataDirective: types.MetadataDirectiveReplace, Metadata: map[string]string{"k": "w"}, ContentType: aws.String("text/y")}, "text/y", "w"},
		"sealed":         {s3.CopyObjectInput{ServerSideEncryption: types.ServerSideEncryptionAwsKms, SSEKMSKeyId: &kmsKey}, "text/x", "v"},
		"other sum":      {s3.CopyObjectInput{ChecksumAlgorithm: types.ChecksumAlgorithmCrc32c}, "text/x", "v"},
	} {
		test.in.Bucket, test.in.Key, test.in.CopySource = aws.String("dest"), &name, source
		out, err := c.CopyObject(t.Context(), &test.in)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if want := test.in.ChecksumAlgorithm; want == "" && aws.ToString(out.CopyObjectResult.ChecksumSHA256) != sum(types.ChecksumAlgorithmSha256, []byte("hello")) ||
			want != "" && aws.ToString(out.CopyObjectResult.ChecksumCRC32C) != sum(want, []byte("hello")) {
			t.Errorf("%s: %+v", name, out.CopyObjectResult)
		}
		got, o := get(t, c, in("dest", name))
		if got != "hello" || *o.ContentType != test.kind || o.Metadata["k"] != test.meta || aws.ToString(o.SSEKMSKeyId) != aws.ToString(test.in.SSEKMSKeyId) {
			t.Errorf("%s: %q %s %v %v", name, got, *o.ContentType, o.Metadata, o.SSEKMSKeyId)
		}
	}
	if _, err := c.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: aws.String("from"), Key: &key, CopySource: source, MetadataDirective: types.MetadataDirectiveReplace}); err != nil {
		t.Errorf("onto itself with other metadata: %v", err)
	}
	u, err := c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: aws.String("dest"), Key: aws.String("parts")})
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.UploadPartCopy(t.Context(), &s3.UploadPartCopyInput{Bucket: aws.String("dest"), Key: aws.String("parts"), UploadId: u.UploadId, PartNumber: aws.Int32(1), CopySource: source, CopySourceRange: aws.String("bytes=1-3")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{Bucket: aws.String("dest"), Key: aws.String("parts"), UploadId: u.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{ETag: p.CopyPartResult.ETag, PartNumber: aws.Int32(1)}}}}); err != nil {
		t.Fatal(err)
	}
	if got, _ := get(t, c, in("dest", "parts")); got != "ell" {
		t.Errorf("copied part: %q", got)
	}
}

func TestDeleteObjects(t *testing.T) {
	t.Parallel()
	s := serve(t, plain)
	c := s.client(mine)
	create(t, c, "deletes")
	ids := make([]types.ObjectIdentifier, 0, 3)
	for _, key := range []string{"a", "b & <c>", "ü"} {
		put(t, c, "deletes", key, []byte("x"))
		ids = append(ids, types.ObjectIdentifier{Key: &key})
	}
	ids = append(ids, types.ObjectIdentifier{Key: aws.String("absent")}, types.ObjectIdentifier{Key: aws.String("v"), VersionId: aws.String("7")})
	out, err := c.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: aws.String("deletes"), Delete: &types.Delete{Objects: ids}})
	if err != nil || len(out.Deleted) != 4 || len(out.Errors) != 1 || *out.Errors[0].Code != "NoSuchVersion" {
		t.Errorf("%+v, %v", out, err)
	}
	if got := list(t, c, &s3.ListObjectsV2Input{Bucket: aws.String("deletes")}); len(got) != 0 {
		t.Errorf("left: %q", got)
	}
	many := make([]types.ObjectIdentifier, 1001)
	for i := range many {
		many[i].Key = aws.String("k")
	}
	if _, err := c.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: aws.String("deletes"), Delete: &types.Delete{Objects: many}}); code(err) != "MalformedXML" {
		t.Errorf("1001 at once: %v", err)
	}
}

func TestLocationOfUploads(t *testing.T) {
	overBoth(t, func(t *testing.T, s *server) {
		c := s.client(mine)
		create(t, c, "uploads")
		bkt, key := aws.String("uploads"), aws.String("dir/a b")
		id, parts := upload(t, c, &s3.CreateMultipartUploadInput{Bucket: bkt, Key: key}, [][]byte{[]byte("all")})
		out, err := c.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{Bucket: bkt, Key: key, UploadId: &id, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}})
		if err != nil {
			t.Fatal(err)
		}
		if want := s.URL + "/uploads/dir/a%20b"; aws.ToString(out.Location) != want {
			t.Errorf("location %q, want %q", aws.ToString(out.Location), want)
		}
	})
}

// unseekable is a stream.
type unseekable struct{ io.Reader }

func TestStreams(t *testing.T) {
	t.Parallel()
	s := serve(t, secure)
	c := s.client(mine)
	create(t, c, "streams")
	text := bytes.Repeat([]byte("stream "), 100_000)
	if _, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("streams"), Key: aws.String("k"), Body: unseekable{bytes.NewReader(text)}, ContentLength: aws.Int64(int64(len(text))), ContentEncoding: aws.String("gzip")}); err != nil {
		t.Fatal(err)
	}
	got, out := get(t, c, in("streams", "k"))
	if got != string(text) || aws.ToString(out.ContentEncoding) != "gzip" {
		t.Errorf("%d bytes, encoding %q", len(got), aws.ToString(out.ContentEncoding))
	}
}
