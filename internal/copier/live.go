package copier

import (
	"context"
	"sync"
	"time"

	"mimeo/internal/arn"
)

// A Step is a part of a copy, with the times at which it was begun and done.
type Step struct {
	Name       string
	Start, End time.Time // zero End: not done yet
}

// A progress is how far a copy has come that this process works on.
type progress struct {
	steps     []Step
	done, all int64 // sealed bytes
	rate      float64
	from      sample
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
	progress progress
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
	c.stop, c.progress = stop, progress{}
	l.mu.Unlock()
	return ctx, func() {
		stop(nil)
		l.changed(v)
		leave()
	}
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
func (l *live) look(c *liveCopy) (progress, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := c.progress
	p.steps = append([]Step(nil), p.steps...)
	return p, c.changed
}

// step begins a step of a copy, and returns how to end it.
func (s *Service) step(v arn.ProjectVersion, name string) (end func()) {
	i := 0
	s.live.change(v, func(c *liveCopy) bool {
		i = len(c.progress.steps)
		c.progress.steps = append(c.progress.steps, Step{Name: name, Start: s.Now()})
		return true
	})
	return func() {
		s.live.change(v, func(c *liveCopy) bool {
			if i < len(c.progress.steps) {
				c.progress.steps[i].End = s.Now()
			}
			return true
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
		if p.from.at.IsZero() {
			p.from = sample{now, done}
		}
		p.done, p.all = done, all
		if took := now.Sub(p.from.at).Seconds(); took > 0 {
			p.rate = float64(done-p.from.done) / took
		}
		if now.Sub(c.told) < newsEvery {
			return false
		}
		c.told = now
		return true
	})
}
