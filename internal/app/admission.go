package app

import (
	"context"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/fault"
	"mimeo/internal/quota"
)

// DefaultMaxInFlight is how many requests of one edge are worked on at once
// where the configuration does not say.
const DefaultMaxInFlight = 512

// admit is the one place that every operation of an edge passes before any
// work is done for it. Each edge has places of its own, and no account has
// more of them than it leaves free: one that waits for news of all its copies
// keeps nobody else from being answered.
func (s *services) admit(c Config) func(context.Context, arn.Caller, string) (func(), error) {
	places := quota.NewPlaces(c.maxInFlight())
	return func(ctx context.Context, caller arn.Caller, operation string) (func(), error) {
		if err := s.quotas.Admit(ctx, caller, operation); err != nil {
			return nil, err
		}
		leave, ok := places.Take(caller.Principal.Account)
		if !ok {
			return nil, overloaded(c.maxInFlight())
		}
		return leave, nil
	}
}

// overloaded refuses a request for which there is no place, at once: a server
// that lets requests queue without bound answers all of them too late.
func overloaded(places int) error {
	return fault.New(customlabels.Throttling,
		"The server works on %d requests at once, and an account gets no more places than it leaves free. Try again in a moment.", places)
}
