package app

import (
	"context"
	"time"

	"mimeo/internal/job"
)

// sweepEvery is how often blobs are looked for that nothing names.
const sweepEvery = time.Hour

// workers are the kinds of durable work, one line each.
func (s *services) workers() []job.Worker {
	return []job.Worker{}
}

// concurrency is how many jobs of a kind run at once, where it is not the
// runner's default.
var concurrency = map[job.Kind]int{}

// sweep removes, now and then, blobs that nothing names.
func (a *App) sweep(ctx context.Context) error {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}
