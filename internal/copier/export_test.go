package copier

import (
	"context"
	"errors"
	"slices"

	"mimeo/internal/arn"
)

// Authorized makes those checks of a decision that ask policies, from reading
// the caller's own to the last verdict.
func (s *Service) Authorized(ctx context.Context, caller arn.Caller, req Request) error {
	d, err := s.decide(ctx, caller, req)
	if err != nil {
		return err
	}
	permissions := []Check{SourcePermission, DestinationPermission, CreatePermission, TagPermission}
	var errs []error
	for _, c := range d.checks() {
		if slices.Contains(permissions, c.name) {
			decided, err := c.ask(ctx)
			if err == nil && decided.Policy == "" {
				err = errors.New(string(c.name) + " was decided by no policy")
			}
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
