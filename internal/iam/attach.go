package iam

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"mimeo/internal/arn"
	"mimeo/internal/fault"
	"mimeo/internal/identity"
	"mimeo/internal/policy"
)

// Attach gives a managed policy to a user or role.
func (s *Service) Attach(ctx context.Context, caller arn.Caller, on Target, name string) error {
	if err := checkPolicyARN(name); err != nil {
		return err
	}
	return s.change(ctx, caller, on, on.action("Attach%sPolicy"), func(e *identity.Entity) error {
		if slices.Contains(e.Attached, name) {
			return nil
		}
		if len(e.Attached) >= attachQuota {
			return fault.New(LimitExceeded, "Cannot exceed quota for PoliciesPer%s: %d", on.noun(), attachQuota)
		}
		if _, err := s.find(ctx, caller, name); errors.Is(err, identity.NoSuchEntity) {
			return noPolicy(name)
		} else if err != nil {
			return err
		}
		e.Attached = append(e.Attached, name)
		return nil
	}, policyKey(name))
}

// Detach takes a managed policy from a user or role.
func (s *Service) Detach(ctx context.Context, caller arn.Caller, on Target, name string) error {
	return s.change(ctx, caller, on, on.action("Detach%sPolicy"), func(e *identity.Entity) error {
		i := slices.Index(e.Attached, name)
		if i < 0 {
			return fault.New(identity.NoSuchEntity, "Policy %s was not found.", name)
		}
		e.Attached = slices.Delete(e.Attached, i, i+1)
		return nil
	}, policyKey(name))
}

func policyKey(name string) policy.Keys { return policy.Keys{"iam:policyarn": {name}} }

// ListAttached returns a page of the ARNs of the managed policies that a user
// or role has.
func (s *Service) ListAttached(ctx context.Context, caller arn.Caller, on Target, l List) (Page[arn.ARN], error) {
	e, err := s.named(ctx, caller, on, on.action("ListAttached%sPolicies"))
	if err != nil {
		return Page[arn.ARN]{}, err
	}
	var all []arn.ARN
	for _, name := range slices.Sorted(slices.Values(e.Attached)) {
		a, err := arn.Parse(name)
		if err != nil {
			return Page[arn.ARN]{}, fmt.Errorf("%s %s: %w", on.Kind, on.Name, err)
		}
		if strings.HasPrefix(strings.TrimPrefix(a.Resource, "policy"), l.Prefix) {
			all = append(all, a)
		}
	}
	return pageOf(all, l, arn.ARN.String)
}

// ListEntities returns a page of the users and roles that have a policy; an
// empty kind is both.
func (s *Service) ListEntities(ctx context.Context, caller arn.Caller, name string, kind identity.Kind, as Usage, l List) (Page[Use], error) {
	if _, err := s.managed(ctx, caller, name, "iam:ListEntitiesForPolicy"); err != nil {
		return Page[Use]{}, err
	}
	var all []Use
	for _, boundary := range as.boundaries() {
		found, err := s.store.UsersOf(ctx, caller.Principal.Partition, caller.Principal.Account, name, boundary)
		if err != nil {
			return Page[Use]{}, fmt.Errorf("list who has %s: %w", name, err)
		}
		all = append(all, found...)
	}
	order := func(u Use) string { return string(u.Kind) + "/" + strings.ToLower(u.Name) }
	slices.SortFunc(all, func(a, b Use) int { return strings.Compare(order(a), order(b)) })
	all = slices.Compact(all) // one that has it both ways
	all = slices.DeleteFunc(all, func(u Use) bool {
		return kind != "" && u.Kind != kind || !strings.HasPrefix(u.Path, l.Prefix)
	})
	return pageOf(all, l, order)
}

// A Usage is how an entity has a policy.
type Usage string

// Both where empty.
const (
	AsPermissions Usage = "PermissionsPolicy"
	AsBoundary    Usage = "PermissionsBoundary"
)

func (u Usage) boundaries() []bool {
	switch u {
	case AsPermissions:
		return []bool{false}
	case AsBoundary:
		return []bool{true}
	default:
		return []bool{false, true}
	}
}
