package kms

import (
	"context"
	"errors"
	"fmt"

	"mimeo/internal/arn"
)

// serviceAlias names the service-owned key of a region.
const serviceAlias = reservedAliases + "service"

// ServiceKey returns the key that our own services use where a customer names
// none. There is one in a region; it is made when it is first asked for. No
// account sees it, and no caller but a service can use it.
func (s *Service) ServiceKey(ctx context.Context, partition, region string) (arn.Key, error) {
	in := arn.Namespace{Partition: partition, Region: region, Account: arn.ServiceAccount}
	return s.named(ctx, in, serviceAlias, func() Key { return s.draft(in, Ours) })
}

// ManagedKey returns the key of the caller's account that a service manages
// for it, such as alias/aws/s3. It is made when it is first asked for. The
// account can use it and look at it, but not change it.
func (s *Service) ManagedKey(ctx context.Context, caller arn.Caller, service string) (arn.Key, error) {
	in := namespace(caller)
	if !arn.IsAccount(in.Account) {
		return arn.Key{}, fmt.Errorf("%s has no account to hold a managed key", caller.Principal)
	}
	return s.named(ctx, in, reservedAliases+service, func() Key {
		k := s.draft(in, AWS)
		k.Description = "Default key that protects my data when no other key is defined"
		k.Policy = managedPolicy(in, service)
		return k
	})
}

// named returns the key of an alias, which it makes if there is none.
func (s *Service) named(ctx context.Context, in arn.Namespace, alias string, draft func() Key) (arn.Key, error) {
	a, err := s.store.Alias(ctx, in, alias)
	if errors.Is(err, NotFound) {
		k := draft()
		err = s.insert(ctx, k, alias)
		if err == nil {
			return k.ARN, nil
		}
		if errors.Is(err, AlreadyExists) { // another request was first
			a, err = s.store.Alias(ctx, in, alias)
		}
	}
	if err != nil {
		return arn.Key{}, fmt.Errorf("find the key of %s in %s: %w", alias, in.Region, err)
	}
	return arn.Key{Namespace: in, ID: a.KeyID}, nil
}
