// Package digest names stored bytes. The digest of a blob is the BLAKE3 hash
// of its sealed bytes, so anybody can check a stored blob without a key.
package digest

import (
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/zeebo/blake3"
)

// Size is the length of a digest in bytes.
const Size = 32

// ErrMismatch is returned where bytes are not those that a digest names.
var ErrMismatch = errors.New("stored bytes do not match their digest")

// A Digest is the BLAKE3-256 hash of sealed bytes. Its text form is 64
// lower-case hexadecimal digits.
type Digest [Size]byte

// Parse reads the text form.
func Parse(s string) (Digest, error) {
	var d Digest
	if err := d.UnmarshalText([]byte(s)); err != nil {
		return Digest{}, err
	}
	return d, nil
}

// Of returns the digest of b.
func Of(b []byte) Digest { return blake3.Sum256(b) }

func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// MarshalText returns the text form.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the text form; upper-case digits are refused, so that
// a digest has one spelling.
func (d *Digest) UnmarshalText(b []byte) error {
	if len(b) != 2*Size {
		return fmt.Errorf("digest has %d digits, want %d", len(b), 2*Size)
	}
	for _, c := range b {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return fmt.Errorf("digest has a character %q that is no lower-case hexadecimal digit", c)
		}
	}
	_, err := hex.Decode(d[:], b)
	return err
}

// A Writer passes bytes on to another writer and computes their digest.
type Writer struct {
	w    io.Writer
	h    *blake3.Hasher
	size int64
}

// NewWriter returns a Writer that passes bytes on to w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w, h: blake3.New()} }

func (w *Writer) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	_, _ = w.h.Write(p[:n]) // a hash never fails
	w.size += int64(n)
	return n, err
}

// Digest returns the digest of what was written so far.
func (w *Writer) Digest() Digest { return sum(w.h) }

// Size returns the number of bytes written so far.
func (w *Writer) Size() int64 { return w.size }

// A Reader reads bytes that must match a digest. It never reports the end of
// the file where they do not: the last read fails with [ErrMismatch].
type Reader struct {
	r    io.Reader
	h    *blake3.Hasher
	want Digest
}

// NewReader returns a Reader of r's bytes, which must be those that want
// names.
func NewReader(r io.Reader, want Digest) *Reader {
	return &Reader{r: r, h: blake3.New(), want: want}
}

func (r *Reader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	_, _ = r.h.Write(p[:n]) // a hash never fails
	if errors.Is(err, io.EOF) && sum(r.h) != r.want {
		return n, fmt.Errorf("%w: %s", ErrMismatch, r.want)
	}
	return n, err
}

func sum(h hash.Hash) Digest { return Digest(h.Sum(nil)) }
