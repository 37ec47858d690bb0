// Package live is what a process knows of the long work on versions that it
// does or is asked about: how far each has come, who waits for news, and how to
// stop it. None of it is durable: what has to outlive the process is stored by
// those who work.
package live

import (
	"context"
	"sync"
	"time"

	"mimeo/internal/arn"
)

// Every is how often those who wait, and those who work, ask the database for
// what other processes did.
const Every = time.Second

// A Progress is how far a work has come. A clone has nothing in common with it.
type Progress[P any] interface{ Clone() P }

// A Board has the works of one kind, by their versions. The zero value works.
type Board[P Progress[P]] struct {
	mu    sync.Mutex
	works map[arn.ProjectVersion]*work[P]
}

type work[P Progress[P]] struct {
	users    int // who do it or watch it
	progress P
	changed  chan struct{} // closed at the next change
	stop     context.CancelCauseFunc
}

// use returns a version's work, and keeps it until leave is called.
func (b *Board[P]) use(v arn.ProjectVersion) (w *work[P], leave func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.works == nil {
		b.works = map[arn.ProjectVersion]*work[P]{}
	}
	if w = b.works[v]; w == nil {
		w = &work[P]{changed: make(chan struct{})}
		b.works[v] = w
	}
	w.users++
	return w, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if w.users--; w.users == 0 {
			delete(b.works, v)
		}
	}
}

// Begin is called when an attempt begins to work on a version. Its context
// ends, with the cause that Stop is given, when the work is stopped. From end
// on, what is stored is the last word.
func (b *Board[P]) Begin(ctx context.Context, v arn.ProjectVersion) (_ context.Context, end func()) {
	w, leave := b.use(v)
	ctx, stop := context.WithCancelCause(ctx)
	var none P
	b.mu.Lock()
	w.stop, w.progress = stop, none
	b.mu.Unlock()
	return ctx, func() {
		stop(nil)
		b.mu.Lock()
		w.stop = nil
		b.mu.Unlock()
		b.Change(v, func(p *P) bool {
			*p = none
			return true
		})
		leave()
	}
}

// Stop ends the work on a version, where this process does it, and wakes those
// who wait.
func (b *Board[P]) Stop(v arn.ProjectVersion, cause error) {
	b.mu.Lock()
	if w := b.works[v]; w != nil && w.stop != nil {
		w.stop(cause)
	}
	b.mu.Unlock()
	b.Changed(v)
}

// Changed wakes those who wait for news of a version.
func (b *Board[P]) Changed(v arn.ProjectVersion) {
	b.Change(v, func(*P) bool { return true })
}

// Change changes how far the work on a version has come, where it is done or
// watched, and wakes those who wait where apply says so.
func (b *Board[P]) Change(v arn.ProjectVersion, apply func(*P) bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.works[v]
	if w == nil || !apply(&w.progress) {
		return
	}
	close(w.changed)
	w.changed = make(chan struct{})
}

// StopWhen asks now and again whether the work on a version is to stop, such
// as by what another process wrote, and then stops it. No step is too long for
// it: it does not wait for the next.
func (b *Board[P]) StopWhen(ctx context.Context, v arn.ProjectVersion, cause error, asked func(context.Context) bool) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	var asking sync.WaitGroup
	asking.Go(func() {
		tick := time.NewTicker(Every)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if asked(ctx) {
					b.Stop(v, cause)
					return
				}
			}
		}
	})
	return func() {
		cancel()
		asking.Wait()
	}
}
