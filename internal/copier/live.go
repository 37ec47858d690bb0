package copier

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
)

// A Step is a part of a copy, with the times at which it was begun and done.
type Step struct {
	Name       string
	Start, End time.Time // zero End: not done yet
}

// A Progress is how far a copy has come. It is stored with the copy whenever
// something else is written of it, and outlives the attempt and the process.
type Progress struct {
	Steps                 []Step
	BytesDone, BytesTotal int64 // sealed
	Rate                  float64
	// Revision grows with every change. It is never behind the clock, so that
	// it grows also where a process ended whose last changes nobody stored.
	Revision int64
	// Sealed is, of each artifact, how many sealed bytes are durable.
	Sealed map[customlabels.Role]int64
}

func (p Progress) clone() Progress {
	p.Steps, p.Sealed = slices.Clone(p.Steps), maps.Clone(p.Sealed)
	return p
}

// touch notes that p has changed.
func (p *Progress) touch(now time.Time) { p.Revision = max(p.Revision+1, now.UnixMilli()) }

// Touched is p with a greater revision.
func (p Progress) Touched(now time.Time) Progress {
	p.touch(now)
	return p
}

// A sample is how many bytes there were at a time.
type sample struct {
	at   time.Time
	done int64
}

// live is what a process knows of the copies that it works on or is asked
// about: how far they have come, who waits for news, and how to stop them.
// The zero value works.
type live struct {
	mu     sync.Mutex
	copies map[arn.ProjectVersion]*liveCopy
}

type liveCopy struct {
	users    int // who work on it or watch it
	progress Progress
	from     sample
	changed  chan struct{} // closed at the next change
	stop     context.CancelCauseFunc
	told     time.Time
}

// use returns what is known of a copy, and keeps it until leave is called.
func (l *live) use(v arn.ProjectVersion) (c *liveCopy, leave func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.copies == nil {
		l.copies = map[arn.ProjectVersion]*liveCopy{}
	}
	if c = l.copies[v]; c == nil {
		c = &liveCopy{changed: make(chan struct{})}
		l.copies[v] = c
	}
	c.users++
	return c, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if c.users--; c.users == 0 {
			delete(l.copies, v)
		}
	}
}

// begin is called when an attempt begins to work on a copy. Its context ends,
// because of ErrCancelled, when the copy is cancelled.
func (l *live) begin(ctx context.Context, v arn.ProjectVersion) (_ context.Context, end func()) {
	c, leave := l.use(v)
	ctx, stop := context.WithCancelCause(ctx)
	l.mu.Lock()
	c.stop, c.progress, c.from = stop, Progress{}, sample{}
	l.mu.Unlock()
	return ctx, func() {
		stop(nil)
		l.change(v, func(c *liveCopy) bool {
			c.progress, c.stop = Progress{}, nil // the stored one is the last word
			return true
		})
		leave()
	}
}

// resume lets an attempt go on from what was stored of the copy.
func (l *live) resume(v arn.ProjectVersion, stored Progress) {
	l.change(v, func(c *liveCopy) bool {
		c.progress = stored
		return false
	})
}

// cancel ends the work on a copy, where this process does it.
func (l *live) cancel(v arn.ProjectVersion) {
	l.change(v, func(c *liveCopy) bool {
		if c.stop != nil {
			c.stop(ErrCancelled)
		}
		return true
	})
}

// changed wakes those who wait for news of a copy.
func (l *live) changed(v arn.ProjectVersion) {
	l.change(v, func(*liveCopy) bool { return true })
}

// change changes what is known of a copy, and wakes those who wait where make
// says so.
func (l *live) change(v arn.ProjectVersion, apply func(*liveCopy) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.copies[v]
	if c == nil || !apply(c) {
		return
	}
	close(c.changed)
	c.changed = make(chan struct{})
}

// look returns how far a copy has come, and a channel that is closed at the
// next change.
func (l *live) look(c *liveCopy) (Progress, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return c.progress.clone(), c.changed
}

// progress returns how far a copy has come that this process works on.
func (s *Service) progress(v arn.ProjectVersion) (p Progress) {
	s.live.change(v, func(c *liveCopy) bool {
		c.progress.touch(s.Now())
		p = c.progress.clone()
		return false
	})
	return p
}

// step begins a step of a copy, and returns how to end it. A step that was
// begun before goes on, and keeps the times that it has.
func (s *Service) step(v arn.ProjectVersion, name string) (end func()) {
	set := func(apply func(*Progress, int)) {
		s.live.change(v, func(c *liveCopy) bool {
			p := &c.progress
			apply(p, slices.IndexFunc(p.Steps, func(s Step) bool { return s.Name == name }))
			p.touch(s.Now())
			return true
		})
	}
	set(func(p *Progress, at int) {
		if at < 0 {
			p.Steps = append(p.Steps, Step{Name: name, Start: s.Now()})
		}
	})
	return func() {
		set(func(p *Progress, at int) {
			if at >= 0 && p.Steps[at].End.IsZero() {
				p.Steps[at].End = s.Now()
			}
		})
	}
}

// newsEvery is how often those who wait are woken for bytes alone.
const newsEvery = 200 * time.Millisecond

// moved notes how many of a copy's bytes there are. The rate is that of this
// attempt.
func (s *Service) moved(v arn.ProjectVersion, done, all int64) {
	now := s.Now()
	s.live.change(v, func(c *liveCopy) bool {
		p := &c.progress
		if c.from.at.IsZero() {
			c.from = sample{now, done}
		}
		p.BytesDone, p.BytesTotal = done, all
		if took := now.Sub(c.from.at).Seconds(); took > 0 && done > c.from.done {
			p.Rate = float64(done-c.from.done) / took
		}
		p.touch(now)
		if now.Sub(c.told) < newsEvery {
			return false
		}
		c.told = now
		return true
	})
}

// sealed notes how many of an artifact's sealed bytes are durable.
func (s *Service) sealed(v arn.ProjectVersion, role customlabels.Role, n int64) {
	s.live.change(v, func(c *liveCopy) bool {
		if c.progress.Sealed == nil {
			c.progress.Sealed = map[customlabels.Role]int64{}
		}
		c.progress.Sealed[role] = n
		return false
	})
}

// flagEvery is how often the database is asked for what other processes did.
const flagEvery = time.Second

// watch ends the work on a copy that another process cancels. No step is too
// long for it: it does not wait for the next.
func (s *Service) watch(ctx context.Context, v arn.ProjectVersion) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		tick := time.NewTicker(flagEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if now, err := s.Store.Version(ctx, v); err == nil && IsCancelled(now) {
					s.live.cancel(v)
					return
				}
			}
		}
	})
	return func() {
		cancel()
		watching.Wait()
	}
}
