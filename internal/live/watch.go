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
}

// Watch begins to watch the work on a version, until it is closed. A change
// that comes after it wakes who waits.
func (b *Board[P]) Watch(v arn.ProjectVersion) *Watch[P] {
	w := &Watch[P]{board: b}
	w.work, w.leave = b.use(v)
	_, w.changed = w.look()
	return w
}

// Close ends the watch.
func (w *Watch[P]) Close() { w.leave() }

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

// MaxWait is how long anybody waits at most.
const MaxWait = time.Minute

// Await calls look whenever it is worth to look again: after a change in this
// process, and after a moment, for those of others. It returns when look found
// news or failed, or when the waiting is over: the time is, ctx has ended, or
// closing is closed. look is called then too, so its context never ends.
func (w *Watch[P]) Await(ctx context.Context, wait time.Duration, closing <-chan struct{}, look func(context.Context) (news bool, err error)) error {
	timer, tick := time.NewTimer(wait), time.NewTicker(Every)
	defer timer.Stop()
	defer tick.Stop()
	for {
		over := false
		select {
		case <-ctx.Done():
			over = true
		case <-closing:
			over = true
		case <-timer.C:
			over = true
		case <-w.changed:
		case <-tick.C:
		}
		_, w.changed = w.look()
		if news, err := look(context.WithoutCancel(ctx)); news || over || err != nil {
			return err
		}
	}
}
