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
	Stager
}

// A Stager keeps bytes that are to become a blob, so that a writer which is cut
// can go on where it was. Whoever stages chooses the name, and has it to
// itself.
type Stager interface {
	// Stage opens what is staged under name, cut to its first keep bytes; with
	// 0 it begins anew. It fails with ErrNotFound where there are fewer.
	Stage(ctx context.Context, name digest.Digest, keep int64) (Staging, error)
	// Publish makes what is staged under name, and synced, the blob d, which
	// is its digest. Publishing twice is no error; it fails with ErrNotFound
	// where there is neither.
	Publish(ctx context.Context, name, d digest.Digest) error
	// Discard removes what is staged, if anything is.
	Discard(ctx context.Context, name digest.Digest) error
	// Staged yields what is staged, in no particular order; Info.Digest is
	// the name.
	Staged(ctx context.Context) iter.Seq2[Info, error]
}

// A Staging is open for more bytes. After an error of Write or Sync only Close
// is left: what was synced before is what can be gone on from.
type Staging interface {
	io.WriteCloser
	// Sync makes durable what was written.
	Sync() error
	// Digest and Size are those of all the bytes, kept ones among them, as
	// they were read and written.
	Digest() digest.Digest
	Size() int64
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
