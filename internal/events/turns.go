package events

import (
	"sync"
	"time"
)

// turnEvery is how far apart the deliveries of one account ask again that
// found no place. However many they are, their asking costs no more than a
// hundred small writes a second.
const turnEvery = 10 * time.Millisecond

// turns say when deliveries that found no place ask again: those of one
// account one after the other, as they came. The zero value works.
type turns struct {
	mu   sync.Mutex
	last map[string]time.Time // that was given, by account; accounts are few
}

// next gives the next turn to a delivery of an account, and returns how long
// it is until then.
func (t *turns) next(account string, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last == nil {
		t.last = map[string]time.Time{}
	}
	turn := now
	if last := t.last[account]; last.After(now) {
		turn = last
	}
	turn = turn.Add(turnEvery)
	t.last[account] = turn
	return turn.Sub(now)
}
