package envelope

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
)

// A Nonce is a stream's, recorded so that a seal which was cut can go on. It
// is no secret.
type Nonce [12]byte

// NewNonce returns a fresh random nonce.
func NewNonce() Nonce {
	var n Nonce
	_, _ = rand.Read(n[:]) // documented never to fail
	return n
}

// ResumePoint is the last place, at or before sealed bytes from the start of
// a stream, from which [SealFrom] can go on: the beginning of a package.
func ResumePoint(sealed int64) int64 { return max(sealed, 0) / sealedSize * sealedSize }

// SealFrom seals all of r as Seal does, and returns the sealed bytes from
// offset on, which is a ResumePoint within the stream.
//
// Calls with one key and nonce must be for one payload: then they make the
// same bytes, and no nonce ever meets two plain texts.
func SealFrom(r io.Reader, k Key, n Nonce, offset int64) (io.Reader, error) {
	first := offset / sealedSize
	if offset < 0 || offset%sealedSize != 0 || first > 1<<31 {
		return nil, fmt.Errorf("no package begins at the sealed byte %d", offset)
	}
	c := config(k)
	c.Nonce, c.SequenceNumber = (*[12]byte)(&n), uint32(first)
	marked := io.MultiReader(bytes.NewReader([]byte{marker}), r)
	return sealPackages(&skipping{r: marked, skip: first * chunkSize}, k, c)
}

// A skipping reader leaves out the first bytes; where there are not more, that
// is an error.
type skipping struct {
	r    io.Reader
	skip int64
}

func (s *skipping) Read(p []byte) (int, error) {
	if s.skip == 0 || len(p) == 0 {
		return s.r.Read(p)
	}
	skipped, err := io.CopyN(io.Discard, s.r, s.skip)
	if s.skip -= skipped; err != nil {
		return 0, notEnd(err)
	}
	n, err := io.ReadAtLeast(s.r, p, 1)
	if n == 0 {
		err = notEnd(err)
	}
	return n, err
}

// notEnd keeps an end that comes too early from being read as a good one.
func notEnd(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF { //nolint:errorlint // as readers return them
		return notEOF{fmt.Errorf("the payload ends before the place to go on: %w", err)}
	}
	return err
}
