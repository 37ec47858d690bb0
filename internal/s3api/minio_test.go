package s3api_test

import (
	"bytes"
	"crypto/rand"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/encrypt"
)

// TestMinioClient has a client that signs each chunk of a stream, which the
// SDK never does.
func TestMinioClient(t *testing.T) {
	overBoth(t, func(t *testing.T, s *server) {
		k, ctx := s.keys[mine], t.Context()
		scheme, host, _ := strings.Cut(s.URL, "://")
		opts := &minio.Options{Creds: credentials.NewStaticV4(k.ID, k.Secret.Reveal(), ""), Secure: scheme == "https", Region: region, Transport: s.http().Transport}
		c, err := minio.New(host, opts)
		if err != nil {
			t.Fatal(err)
		}
		opts.TrailingHeaders = true
		trailing, err := minio.New(host, opts)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.MakeBucket(ctx, "minio-bkt", minio.MakeBucketOptions{}); err != nil {
			t.Fatal(err)
		}
		if there, err := c.BucketExists(ctx, "minio-bkt"); err != nil || !there {
			t.Errorf("bucket exists: %v, %v", there, err)
		}
		sse, err := encrypt.NewSSEKMS(s.key(t, mine), nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, test := range map[string]struct {
			size   int
			length int64
			opts   minio.PutObjectOptions
		}{
			"empty":     {0, 0, minio.PutObjectOptions{}},
			"small":     {100, 100, minio.PutObjectOptions{UserMetadata: map[string]string{"K": "v"}}},
			"chunks":    {200_000, 200_000, minio.PutObjectOptions{ContentType: "text/x"}},
			"stream":    {6 << 20, -1, minio.PutObjectOptions{PartSize: 5 << 20}},
			"CRC32C":    {200_000, 200_000, minio.PutObjectOptions{Checksum: minio.ChecksumCRC32C}},
			"MD5":       {1000, 1000, minio.PutObjectOptions{SendContentMd5: true}},
			"encrypted": {1000, 1000, minio.PutObjectOptions{ServerSideEncryption: sse}},
		} {
			text := make([]byte, test.size)
			_, _ = rand.Read(text)
			writer := c
			if test.opts.Checksum.IsSet() {
				writer = trailing
			}
			if _, err := writer.PutObject(ctx, "minio-bkt", "dir/"+name, bytes.NewReader(text), test.length, test.opts); err != nil {
				t.Errorf("put %s: %v", name, err)
				continue
			}
			o, err := c.GetObject(ctx, "minio-bkt", "dir/"+name, minio.GetObjectOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(o); err != nil || !bytes.Equal(got, text) {
				t.Errorf("get %s: %d bytes, %v", name, len(got), err)
			}
			_ = o.Close()
		}
		listed := 0
		for o := range c.ListObjects(ctx, "minio-bkt", minio.ListObjectsOptions{Prefix: "dir/", Recursive: true}) {
			if o.Err != nil {
				t.Error(o.Err)
			}
			listed++
		}
		if listed != 7 {
			t.Errorf("%d objects are listed, want 7", listed)
		}
		if _, err := c.CopyObject(ctx, minio.CopyDestOptions{Bucket: "minio-bkt", Object: "copy"}, minio.CopySrcOptions{Bucket: "minio-bkt", Object: "dir/small"}); err != nil {
			t.Errorf("copy: %v", err)
		}
		if err := c.RemoveObject(ctx, "minio-bkt", "copy", minio.RemoveObjectOptions{}); err != nil {
			t.Errorf("remove: %v", err)
		}
		_, err = c.StatObject(ctx, "minio-bkt", "copy", minio.StatObjectOptions{})
		if minio.ToErrorResponse(err).StatusCode != http.StatusNotFound {
			t.Errorf("stat of what is removed: %v", err)
		}
	})
}
