package app

import (
	"context"
	"time"
)

// forgetEvery is how often there is a look for models that nobody asks.
const forgetEvery = time.Minute

// forget drops models that nobody asks from memory, now and again until ctx
// ends.
func (a *App) forget(ctx context.Context) error {
	ticker := time.NewTicker(forgetEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			if n := a.serving.DropIdle(); n > 0 {
				a.logger.InfoContext(ctx, "idle models leave memory", "models", n)
			}
		}
	}
}
