// Package cores shares the processors between those who can wait and lets
// those who cannot go first: trainings work in turns of some tens of
// milliseconds, of which there are fewer while requests are worked on.
package cores

import (
	"sync"
	"time"
)

// A Pool is a number of processors. A nil one has no bound.
type Pool struct {
	mu      sync.Mutex
	n       int
	urgent  int // works that nobody may hold up
	running int // turns
	shares  map[*Share]bool
}

// New returns a pool of n processors.
func New(n int) *Pool { return &Pool{n: n, shares: map[*Share]bool{}} }

// Urgent is called when a work begins that somebody waits for, such as the
// answer to a request. It never waits; until end is called there is a turn
// less.
func (p *Pool) Urgent() (end func()) {
	if p == nil {
		return func() {}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.urgent++
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.urgent--
		p.pass()
	}
}

// A Share is what one of those who can wait has of a pool.
type Share struct {
	pool    *Pool
	running int
	used    time.Duration // by turns that have ended
	waiting []chan<- struct{}
}

// Join returns a new share, which has no less right to the next turn than any
// other and no more. Leave gives it back.
func (p *Pool) Join() *Share {
	s := &Share{pool: p}
	if p == nil {
		return s
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	first := true
	for other := range p.shares {
		if first || other.used < s.used {
			s.used, first = other.used, false
		}
	}
	p.shares[s] = true
	return s
}

// Leave gives a share back. Its turns have ended.
func (s *Share) Leave() {
	if s.pool == nil {
		return
	}
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	delete(s.pool.shares, s)
}

// Turn waits until it is the share's turn to use a processor, and returns how
// to end it. Who has a turn must not wait for another one.
func (s *Share) Turn() (end func()) {
	if s.pool == nil {
		return func() {}
	}
	begun := make(chan struct{})
	s.pool.mu.Lock()
	s.waiting = append(s.waiting, begun)
	s.pool.pass()
	s.pool.mu.Unlock()
	<-begun
	begin := time.Now()
	return func() {
		s.pool.mu.Lock()
		defer s.pool.mu.Unlock()
		s.running--
		s.pool.running--
		s.used += time.Since(begin)
		s.pool.pass()
	}
}

// pass gives turns to those who wait, as long as there are any: first to the
// share that has the fewest, then to that which has had the least. There is
// always one, so that whoever can wait does not wait for ever.
func (p *Pool) pass() {
	for p.running < max(1, p.n-p.urgent) {
		next := p.next()
		if next == nil {
			return
		}
		close(next.waiting[0])
		next.waiting = next.waiting[1:]
		next.running++
		p.running++
	}
}

// next is the share that has most right to a turn; nil: nobody waits.
func (p *Pool) next() (best *Share) {
	for s := range p.shares {
		switch {
		case len(s.waiting) == 0:
		case best == nil, s.running < best.running, s.running == best.running && s.used < best.used:
			best = s
		}
	}
	return best
}
