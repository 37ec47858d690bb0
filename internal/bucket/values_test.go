package bucket_test

import (
	"encoding/base64"
	"hash"
	"hash/crc32"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/minio/crc64nvme"

	"mimeo/internal/bucket"
)

func TestBucketNames(t *testing.T) {
	t.Parallel()
	for name, ok := range map[string]bool{
		"abc": true, "my-images": true, "my.images.1": true, strings.Repeat("a", 63): true, "1ab": true, "custom-labels-console-us-east-1-0a1b": true,
		"": false, "ab": false, strings.Repeat("a", 64): false, "-ab": false, "ab-": false, ".ab": false, "a..b": false, "Abc": false, "a_b": false, "a/b": false,
		"192.168.5.4": false, "xn--abc": false, "sthree-abc": false, "amzn-s3-demo-x": false, "abc-s3alias": false, "abc--ol-s3": false, "abc.mrap": false, "abc--x-s3": false, "abc--table-s3": false, "ünicode": false, "a b": false,
	} {
		if err := bucket.CheckBucketName(name); (err == nil) != ok {
			t.Errorf("%q: %v, want it to be allowed: %v", name, err, ok)
		}
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	for key, ok := range map[string]bool{"k": true, "/": true, "..": true, strings.Repeat("k", 1024): true, "\x00": true, "": false, strings.Repeat("k", 1025): false, "\xff": false} {
		if err := bucket.CheckKey(key); (err == nil) != ok {
			t.Errorf("%.20q: %v, want it to be allowed: %v", key, err, ok)
		}
	}
}

// TestWholeChecksums computes the checksum of a text from those of its parts,
// and compares it with that of the text.
func TestWholeChecksums(t *testing.T) {
	t.Parallel()
	source := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test's own
	for a, newHash := range map[bucket.Algorithm]func() hash.Hash{
		bucket.CRC32:     func() hash.Hash { return crc32.NewIEEE() },
		bucket.CRC32C:    func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) },
		bucket.CRC64NVME: func() hash.Hash { return crc64nvme.New() },
	} {
		for range 50 {
			all := newHash()
			var parts []bucket.Part
			for range 1 + source.IntN(4) {
				text := make([]byte, source.IntN(3000))
				for i := range text {
					text[i] = byte(source.Uint32())
				}
				one := newHash()
				_, _ = one.Write(text)
				_, _ = all.Write(text)
				parts = append(parts, bucket.Part{Size: int64(len(text)), Checksums: map[bucket.Algorithm][]byte{a: one.Sum(nil)}})
			}
			want := base64.StdEncoding.EncodeToString(all.Sum(nil))
			if got := a.Whole(parts); got.Value != want || got.Composite {
				t.Errorf("%s of %d parts: %+v, want %s", a, len(parts), got, want)
			}
		}
	}
}

// TestChecksumVectors has the check values of the catalogue of CRCs
// (https://reveng.sourceforge.io/crc-catalogue/): of the digits 1 to 9.
func TestChecksumVectors(t *testing.T) {
	t.Parallel()
	for a, want := range map[bucket.Algorithm]string{
		bucket.CRC32: "y/Q5Jg==", bucket.CRC32C: "4waSgw==", bucket.CRC64NVME: "rosUhgp5mIg=",
	} {
		body := bucket.Body{Size: 9, Algorithm: a, Checksum: func() (string, error) { return want, nil }}
		if err := bucket.CheckBytes([]byte("123456789"), body); err != nil {
			t.Errorf("%s: %v", a, err)
		}
		if err := bucket.CheckBytes([]byte("123456780"), body); err == nil {
			t.Errorf("%s: another text has the same checksum", a)
		}
	}
}

// FuzzSpan looks that a span lies in its text.
func FuzzSpan(f *testing.F) {
	for _, header := range []string{"bytes=0-0", "bytes=5-", "bytes=-5", "bytes=5-2", "bytes=0-1,3-4", "bytes=99999999999999999999-", "bytes=-", ""} {
		f.Add(header, int64(10))
	}
	f.Fuzz(func(t *testing.T, header string, size int64) {
		size &= 1<<50 - 1
		span, ok, err := bucket.ParseSpan(header, size)
		if ok && (err != nil || span.Offset < 0 || span.Length < 1 || span.Offset+span.Length > size) {
			t.Errorf("%q of %d bytes: %+v, %v", header, size, span, err)
		}
		if !ok && span != (bucket.Span{}) {
			t.Errorf("%q of %d bytes is no range and is %+v", header, size, span)
		}
	})
}
