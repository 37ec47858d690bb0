package blob

import (
	"context"
	"fmt"
	"time"

	"mimeo/internal/digest"
)

// References knows which blobs are in use.
type References interface {
	// Referenced reports whether anything names the blob: a finished
	// version or object, or work that may still become one.
	Referenced(ctx context.Context, d digest.Digest) (bool, error)
}

// A Sweeper deletes blobs that nothing names: what work left behind that was
// cut between storing a blob and committing the row that names it.
type Sweeper struct {
	Store      Store
	References References
	// Grace is how long a blob may be without a reference. It must be longer
	// than any writer takes from the first byte of a Put to the commit of
	// the row that names the blob, retries included.
	Grace time.Duration
	Now   func() time.Time
}

// Swept is what a sweep found.
type Swept struct {
	Blobs   int   // looked at
	Deleted int   // of them
	Bytes   int64 // in the deleted blobs
}

// Sweep looks at every blob once. It asks for the references of a blob right
// before it deletes it, and where the answer is an error it deletes nothing
// and stops.
func (s Sweeper) Sweep(ctx context.Context) (Swept, error) {
	var swept Swept
	before := s.Now().Add(-s.Grace)
	for info, err := range s.Store.List(ctx) {
		if err != nil {
			return swept, fmt.Errorf("sweep: %w", err)
		}
		swept.Blobs++
		if !info.StoredAt.Before(before) {
			continue
		}
		used, err := s.References.Referenced(ctx, info.Digest)
		if err != nil {
			return swept, fmt.Errorf("sweep: references of blob %s: %w", info.Digest, err)
		}
		if used {
			continue
		}
		if err := s.Store.Delete(ctx, info.Digest); err != nil {
			return swept, fmt.Errorf("sweep: %w", err)
		}
		swept.Deleted++
		swept.Bytes += info.Size
	}
	return swept, nil
}
