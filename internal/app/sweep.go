package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"mimeo/internal/blob"
	"mimeo/internal/digest"
	"mimeo/internal/vault"
)

const (
	// sweepEvery is how often there is a look for what can be removed.
	sweepEvery = time.Hour
	// sweepGrace is how long a blob may lie unnamed: a training stores its
	// model long before it publishes the version.
	sweepGrace = 7 * 24 * time.Hour
	// grantGrace is how long a grant may be without its version: no request
	// takes so long.
	grantGrace = time.Hour
)

// Sweep removes blobs that nothing has named for a time, and retires the
// grants of requests that came to nothing. A short grace is only for a server
// on which no job runs and nothing is asked for or uploaded.
func (a *App) Sweep(ctx context.Context, grace time.Duration) (blob.Swept, error) {
	db := a.storage.db
	if _, err := vault.SweepGrants(ctx, a.keys, db.Versions(), a.now().Add(-min(grace, grantGrace))); err != nil {
		return blob.Swept{}, fmt.Errorf("sweep grants: %w", err)
	}
	return blob.Sweeper{
		Store: a.storage.blobs,
		// Jobs read all that they have recorded, so they are asked only of
		// what nobody else names; and versions again after them: what a job
		// names, its version names before the job forgets it.
		References: references{db.Buckets(), db.Versions(), db.Jobs(), db.Versions()},
		Grace:      grace, Now: time.Now,
	}.Sweep(ctx)
}

// sweep sweeps at once and then now and again until ctx ends.
func (a *App) sweep(ctx context.Context) error {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		a.tidy(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// tidy removes blobs that nothing names and keys whose window of deletion is
// over. An error is logged: the next sweep tries again.
func (a *App) tidy(ctx context.Context) {
	swept, err := a.Sweep(ctx, sweepGrace)
	ended, keysErr := a.keys.DeleteExpired(ctx)
	switch err := errors.Join(err, keysErr); {
	case ctx.Err() != nil:
	case err != nil:
		a.logger.ErrorContext(ctx, "sweep", "error", err)
	default:
		a.logger.InfoContext(ctx, "sweep", "blobs", swept.Blobs, "deleted", swept.Deleted, "bytes", swept.Bytes, "keys", ended)
	}
}

// references asks everyone who names blobs, in order.
type references []blob.References

// Referenced reports whether anyone names the blob.
func (all references) Referenced(ctx context.Context, d digest.Digest) (bool, error) {
	for _, r := range all {
		if used, err := r.Referenced(ctx, d); used || err != nil {
			if err != nil {
				err = fmt.Errorf("look for references: %w", err)
			}
			return used, err
		}
	}
	return false, nil
}
