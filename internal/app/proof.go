package app

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/time/rate"

	"mimeo/internal/proof"
)

// openProof opens the service that proves by means of the given ones, and the
// server's signing key.
func openProof(ctx context.Context, s *storage, by proof.Service) (*proof.Service, error) {
	keyring, err := proof.OpenKeyring(ctx, s.db.Proofs(), s.master, time.Now)
	if err != nil {
		return nil, err
	}
	by.Store, by.Keyring, by.Now = s.db.Proofs(), keyring, time.Now
	return &by, nil
}

const (
	// scrubPause lies between two looks for blobs that are due.
	scrubPause = time.Hour
	// scrubRate is how many bytes a second the background scrub reads, on
	// average: a terabyte in ten hours.
	scrubRate = 32 << 20
	// scrubEvery is how long a blob is trusted after it was read.
	scrubEvery = 7 * 24 * time.Hour
)

// scrub reads blobs that nobody has read for long, at a modest rate, until
// ctx ends. An error is logged: the next run tries again.
func (a *App) scrub(ctx context.Context) error {
	ticker := time.NewTicker(scrubPause)
	defer ticker.Stop()
	for {
		a.patrol(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func (a *App) patrol(ctx context.Context) {
	seen, err := a.proof.Patrol(ctx, a.config.scrubEvery(), pacer())
	for _, d := range seen.Damaged {
		a.logger.ErrorContext(ctx, "a blob is damaged: restore it from a backup", "blob", d.Digest, "artifact", d.Role)
	}
	switch {
	case ctx.Err() != nil:
	case err != nil:
		a.logger.ErrorContext(ctx, "scrub", "error", err)
	default:
		a.logger.InfoContext(ctx, "scrub", "blobs", seen.Blobs, "bytes", seen.Bytes, "damaged", len(seen.Damaged))
	}
}

// pacer returns what keeps a scrub to its rate: before a large blob it waits
// the longer.
func pacer() func(context.Context, int64) error {
	const burst = scrubRate
	limit := rate.NewLimiter(scrubRate, burst)
	return func(ctx context.Context, size int64) error {
		for ; size > 0; size -= burst {
			if err := limit.WaitN(ctx, int(min(size, burst))); err != nil {
				return fmt.Errorf("wait for the rate of the scrub: %w", err)
			}
		}
		return nil
	}
}
