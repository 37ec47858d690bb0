package app

import (
	"mimeo/internal/customlabels"
	"mimeo/internal/fault"
)

// DefaultMaxInFlight is how many requests of one edge are worked on at once
// where the configuration does not say.
const DefaultMaxInFlight = 512

// An admission has a place for each request that is worked on.
type admission chan struct{}

// enter takes a place and returns how to leave it. Where all are taken the
// request is refused at once: a server that lets them queue without bound
// answers all of them too late.
func (a admission) enter() (leave func(), err error) {
	select {
	case a <- struct{}{}:
		return func() { <-a }, nil
	default:
		return nil, fault.New(customlabels.Throttling, "The server is working on %d requests, which is its limit. Try again in a moment.", cap(a))
	}
}
