// Package blob is the contract of the content-addressed store: sealed bytes,
// named by their digest. The store never sees a key or a plain byte. Every
// implementation passes blobtest.Run.
package blob

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"

	"mimeo/internal/digest"
)

// ErrNotFound is returned for a digest that the store does not hold.
var ErrNotFound = errors.New("blob not found")

// A Store keeps blobs. Its methods may be called concurrently.
type Store interface {
	// Put stores all of r and returns its digest and size in bytes. When it
	// returns without an error the blob is durable. Nothing is left behind
	// when r fails or ctx ends. Putting the same bytes twice is no error.
	Put(ctx context.Context, r io.Reader) (digest.Digest, int64, error)
	// Open opens a blob, or fails with ErrNotFound. Bytes read are not
	// checked: read through [Verified] where the whole blob is read.
	Open(ctx context.Context, d digest.Digest) (Blob, error)
	// Delete removes the blob if present. Deleting twice is no error: a
	// restarted job repeats its last call.
	Delete(ctx context.Context, d digest.Digest) error
	// List yields every stored blob in no particular order.
	List(ctx context.Context) iter.Seq2[Info, error]
}

// A Blob is an open blob.
type Blob interface {
	io.ReaderAt
	io.Closer
	// Size is the number of sealed bytes.
	Size() int64
}

// Info is what a listing tells of a blob.
type Info struct {
	Digest   digest.Digest
	Size     int64
	StoredAt time.Time
}

// Verified returns a reader of the whole blob that refuses to end where the
// bytes are not those that d names.
func Verified(b Blob, d digest.Digest) io.Reader {
	return digest.NewReader(io.NewSectionReader(b, 0, b.Size()), d)
}
