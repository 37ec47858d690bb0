package quota

import "sync"

// Places are a number of places that accounts share, such as those of the
// requests that are worked on at once. No account has more of them than it
// leaves free: one that takes all it can get leaves half to the others, and a
// second such one a quarter.
type Places struct {
	mu    sync.Mutex
	free  int
	taken map[string]int // by account
}

// NewPlaces returns n places, all of them free.
func NewPlaces(n int) *Places { return &Places{free: n, taken: map[string]int{}} }

// Take takes a place for an account and returns how to leave it, or false
// where the account can have no other now. It never waits.
func (p *Places) Take(account string) (leave func(), ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.taken[account] >= p.free {
		return nil, false
	}
	p.taken[account]++
	p.free--
	return func() { p.leave(account) }, true
}

func (p *Places) leave(account string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free++
	if p.taken[account]--; p.taken[account] == 0 {
		delete(p.taken, account)
	}
}
