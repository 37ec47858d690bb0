package quota

import (
	"context"

	"golang.org/x/time/rate"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/fault"
)

// A bucket holds the requests of one operation that an account may make now:
// at most those of a second. There is one for each account and operation that
// have a rate, and no more: both are few.
type bucket struct {
	perSecond int
	tokens    *rate.Limiter
}

type bucketKey struct{ account, operation string }

// Admit counts a request against the rate of its operation, of the account
// that makes it. It fails with ProvisionedThroughputExceeded where that has
// made too many. An operation without a rate is always admitted.
func (s *Service) Admit(ctx context.Context, caller arn.Caller, operation string) error {
	if _, ok := kindOf(Rate(operation)); !ok {
		return nil
	}
	account := caller.Principal.Account
	perSecond, err := s.Limit(ctx, account, Rate(operation))
	if err != nil {
		return err
	}
	if s.take(bucketKey{account, operation}, perSecond) {
		return nil
	}
	return fault.New(customlabels.ProvisionedThroughputExceeded,
		"Provisioned Rate exceeded: the account %s can make %d requests for %s a second.", account, perSecond, operation)
}

// take takes one token of a bucket, which is full where it is new or its rate
// was changed.
func (s *Service) take(key bucketKey, perSecond int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if perSecond == Unlimited {
		delete(s.buckets, key)
		return true
	}
	b, ok := s.buckets[key]
	if !ok || b.perSecond != perSecond {
		b = &bucket{perSecond, rate.NewLimiter(rate.Limit(perSecond), perSecond)}
		s.buckets[key] = b
	}
	return b.tokens.AllowN(s.now(), 1)
}
