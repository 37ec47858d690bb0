package apptest

import (
	"sync/atomic"
	"time"
)

// A Clock tells a server's services a later time than the real one, by as
// much as its test has let pass. The zero Clock, and none, tell the real one.
type Clock struct{ passed atomic.Int64 }

// Pass lets time pass at once.
func (c *Clock) Pass(d time.Duration) { c.passed.Add(int64(d)) }

// Now is the time by this clock.
func (c *Clock) Now() time.Time {
	if c == nil {
		return time.Now()
	}
	return time.Now().Add(time.Duration(c.passed.Load()))
}
