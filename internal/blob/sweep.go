package blob

import (
	"context"
	"fmt"
	"iter"
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
	Blobs   int   // looked at, unfinished ones among them
	Deleted int   // of them
	Bytes   int64 // in the deleted blobs
}

// Sweep looks at every blob once, and at every one that is being staged. It
// asks for the references of a blob right before it deletes it, and where the
// answer is an error it deletes nothing and stops.
func (s Sweeper) Sweep(ctx context.Context) (Swept, error) {
	var swept Swept
	err := s.sweep(ctx, &swept, s.Store.List(ctx), s.Store.Delete)
	if err == nil {
		err = s.sweep(ctx, &swept, s.Store.Staged(ctx), s.Store.Discard)
	}
	return swept, err
}

func (s Sweeper) sweep(ctx context.Context, swept *Swept, stored iter.Seq2[Info, error], remove func(context.Context, digest.Digest) error) error {
	before := s.Now().Add(-s.Grace)
	for info, err := range stored {
		if err != nil {
			return fmt.Errorf("sweep: %w", err)
		}
		swept.Blobs++
		if !info.StoredAt.Before(before) {
			continue
		}
		used, err := s.References.Referenced(ctx, info.Digest)
		if err != nil {
			return fmt.Errorf("sweep: references of blob %s: %w", info.Digest, err)
		}
		if used {
			continue
		}
		if err := remove(ctx, info.Digest); err != nil {
			return fmt.Errorf("sweep: %w", err)
		}
		swept.Deleted++
		swept.Bytes += info.Size
	}
	return nil
}
