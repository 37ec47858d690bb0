package live

import (
	"context"
	"time"

	"mimeo/internal/arn"
)

// A Watch waits for news of the work on a version.
type Watch[P Progress[P]] struct {
	board   *Board[P]
	work    *work[P]
	leave   func()
	changed <-chan struct{}
	over    <-chan time.Time // nil until somebody waits
	tick    *time.Ticker
}

// Watch begins to watch the work on a version, until it is closed. A change
// that comes after it wakes Next.
func (b *Board[P]) Watch(v arn.ProjectVersion) *Watch[P] {
	w := &Watch[P]{board: b}
	w.work, w.leave = b.use(v)
	_, w.changed = w.look()
	return w
}

// Close ends the watch.
func (w *Watch[P]) Close() {
	if w.tick != nil {
		w.tick.Stop()
	}
	w.leave()
}

// Progress is how far the work has come by what this process knows: the zero
// value where it does not do it.
func (w *Watch[P]) Progress() P {
	p, _ := w.look()
	return p
}

func (w *Watch[P]) look() (P, <-chan struct{}) {
	w.board.mu.Lock()
	defer w.board.mu.Unlock()
	return w.work.progress.Clone(), w.work.changed
}

// Next returns when it is worth to look again: after a change in this process,
// and after a moment, for those of others. It reports whether the waiting is
// over then: the time is, counted from the first call, ctx has ended, or
// closing is closed.
func (w *Watch[P]) Next(ctx context.Context, wait time.Duration, closing <-chan struct{}) (over bool) {
	if w.tick == nil {
		w.over, w.tick = time.After(wait), time.NewTicker(Every)
	}
	select {
	case <-ctx.Done():
		over = true
	case <-closing:
		over = true
	case <-w.over:
		over = true
	case <-w.changed:
	case <-w.tick.C:
	}
	_, w.changed = w.look()
	return over
}
