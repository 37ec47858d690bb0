package bucket

import (
	"bytes"
	"crypto/md5" //nolint:gosec // the ETag of S3 is one
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"

	"mimeo/internal/fault"
)

// maxPutSize is how many bytes one request may bring:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
const maxPutSize = 5 << 30

// A Body is the bytes of an object or a part on their way in, and what the
// sender says about them.
type Body struct {
	io.Reader
	Size      int64     // in bytes; negative: unknown
	MD5       string    // base64; empty: not told
	Algorithm Algorithm // of the sender's checksum; empty: none
	// Checksum returns the sender's checksum. It is asked after the last
	// byte, because it may come behind the bytes. Nil: none.
	Checksum func() (string, error)
}

// An intake reads a body and computes what is said about it. It reports the
// end of the file only where all of that is true: what is read from it to the
// end can be kept.
type intake struct {
	body   Body
	md5    hash.Hash
	hashes map[Algorithm]hash.Hash
	size   int64
	err    error // that ended the reading
}

// newIntake checks what can be checked before the first byte. The checksums of
// wanted are computed beside the one that the sender tells.
func newIntake(body Body, wanted ...Algorithm) (*intake, error) {
	if body.Size > maxPutSize {
		return nil, tooLarge()
	}
	if body.MD5 != "" {
		if raw, err := base64.StdEncoding.DecodeString(body.MD5); err != nil || len(raw) != md5.Size {
			return nil, fault.New(InvalidDigest, "The Content-MD5 you specified was invalid.")
		}
	}
	in := &intake{body: body, md5: md5.New(), hashes: map[Algorithm]hash.Hash{}} //nolint:gosec // see the import
	if body.Algorithm != "" {
		wanted = append(wanted, body.Algorithm)
	}
	for _, a := range wanted {
		if !a.Valid() {
			return nil, fmt.Errorf("no checksum algorithm %q", a)
		}
		in.hashes[a] = a.newHash()
	}
	return in, nil
}

func (in *intake) Read(p []byte) (int, error) {
	if in.err != nil {
		return 0, in.err
	}
	n, err := in.body.Read(p)
	_, _ = in.md5.Write(p[:n]) // a hash never fails
	for _, h := range in.hashes {
		_, _ = h.Write(p[:n])
	}
	in.size += int64(n)
	switch {
	case in.size > maxPutSize:
		err = tooLarge()
	case in.body.Size >= 0 && in.size > in.body.Size:
		err = incomplete()
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = fault.New(IncompleteBody, "%s", incompleteBody).Because(err)
	case errors.Is(err, io.EOF):
		err = in.atEnd()
	}
	in.err = err
	return n, err
}

const incompleteBody = "You did not provide the number of bytes specified by the Content-Length HTTP header"

func incomplete() error { return fault.New(IncompleteBody, "%s", incompleteBody) }

// atEnd returns io.EOF where the bytes are those that the sender meant.
func (in *intake) atEnd() error {
	if in.body.Size >= 0 && in.size != in.body.Size {
		return incomplete()
	}
	if in.body.MD5 != "" && base64.StdEncoding.EncodeToString(in.md5.Sum(nil)) != in.body.MD5 {
		return fault.New(BadDigest, "The Content-MD5 you specified did not match what we received.")
	}
	if in.body.Checksum == nil {
		return io.EOF
	}
	told, err := in.body.Checksum()
	if err != nil {
		return err
	}
	if err := in.body.Algorithm.checkValue(told); err != nil {
		return err
	}
	want, _ := base64.StdEncoding.DecodeString(told) // checkValue has seen it
	if !bytes.Equal(in.sum(in.body.Algorithm), want) {
		return fault.New(BadDigest, "The %s you specified did not match the calculated checksum.", in.body.Algorithm)
	}
	return io.EOF
}

func (in *intake) sum(a Algorithm) []byte { return in.hashes[a].Sum(nil) }

// checksum returns the checksum of what was read.
func (in *intake) checksum(a Algorithm) Checksum {
	return Checksum{Algorithm: a, Value: base64.StdEncoding.EncodeToString(in.sum(a))}
}

// sums returns all checksums of what was read.
func (in *intake) sums() map[Algorithm][]byte {
	all := make(map[Algorithm][]byte, len(in.hashes))
	for a := range in.hashes {
		all[a] = in.sum(a)
	}
	return all
}

// CheckBytes checks a short text, such as an XML document, against what its
// sender says about it.
func CheckBytes(text []byte, body Body) error {
	body.Reader = bytes.NewReader(text)
	in, err := newIntake(body)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, in)
	return err
}

// ParseAlgorithm reads the name of an algorithm.
func ParseAlgorithm(name string) (Algorithm, error) {
	if a := Algorithm(name); slices.Contains(Algorithms[:], a) {
		return a, nil
	}
	return "", invalidRequest("Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
}
