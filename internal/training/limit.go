package training

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"mimeo/internal/quota"
)

// A limitError says why a training takes more than it may. It is shown to the
// version's owner.
type limitError string

func (e limitError) Error() string { return string(e) }

// limit ends a context when the training has worked as long as its account's
// trainings may. The cause is a limitError then.
func (t *training) limit(ctx context.Context) (_ context.Context, end func(), err error) {
	hours, err := t.Quotas.Limit(ctx, t.v.ARN.Account, quota.HoursPerTraining)
	if err != nil {
		return nil, nil, err
	}
	over := limitError(fmt.Sprintf("The training failed: it was not done after %d hours of work, the quota of this account (%s). Train on fewer images.", hours, quota.HoursPerTraining))
	ctx, end = context.WithTimeoutCause(ctx, time.Duration(hours)*time.Hour-t.stored.Worked, over)
	return ctx, end, nil
}

// A room is the memory that trainings have together. Who waits enters in the
// order in which it came.
type room struct {
	mu      sync.Mutex
	taken   int64
	waiting []*waiter
}

type waiter struct {
	bytes int64
	enter chan struct{}
}

// take takes bytes of a room that has size, which are no more, and waits where
// others have them.
func (r *room) take(ctx context.Context, bytes, size int64) (leave func(), err error) {
	w := &waiter{bytes, make(chan struct{})}
	r.mu.Lock()
	r.waiting = append(r.waiting, w)
	r.admit(size)
	r.mu.Unlock()
	leave = func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.taken -= bytes
		r.admit(size)
	}
	select {
	case <-w.enter:
		return leave, nil
	case <-ctx.Done():
		r.giveUp(w, size)
		return nil, context.Cause(ctx)
	}
}

// giveUp takes a waiter away, who may just have entered.
func (r *room) giveUp(w *waiter, size int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-w.enter:
		r.taken -= w.bytes
	default:
		r.waiting = slices.DeleteFunc(r.waiting, func(other *waiter) bool { return other == w })
	}
	r.admit(size)
}

func (r *room) admit(size int64) {
	for len(r.waiting) > 0 && r.taken+r.waiting[0].bytes <= size {
		r.taken += r.waiting[0].bytes
		close(r.waiting[0].enter)
		r.waiting = r.waiting[1:]
	}
}

// errNoRoom is why a slice ends in which a training found no memory.
var errNoRoom = errors.New("other trainings have the memory")

// leastWait is how long a slice waits for memory, also one that is over.
const leastWait = 10 * time.Second

// takeMemory takes the memory that a family plans for this slice; it may wait as
// long as the slice lasts, which is no work. More than there is at all is
// refused.
func (t *training) takeMemory(ctx context.Context, bytes int64) error {
	size := t.Memory
	if size == 0 {
		return nil
	}
	if bytes > size {
		return limitError(fmt.Sprintf("The training failed: it needs %d MiB of memory, and this server has %d MiB for trainings. Train on fewer images or labels.",
			inMiB(bytes), inMiB(size)))
	}
	begin := t.Now()
	waiting, cancel := context.WithTimeoutCause(ctx, max(leastWait, t.until.Sub(begin)), errNoRoom)
	defer cancel()
	leave, err := t.memory.take(waiting, bytes, size)
	t.began = t.began.Add(t.Now().Sub(begin))
	if err == nil {
		t.leave = append(t.leave, leave)
	}
	return err
}

func inMiB(bytes int64) int64 { return (bytes + 1<<20 - 1) >> 20 }
