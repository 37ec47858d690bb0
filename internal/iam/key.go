package iam

import (
	"context"
	"errors"
	"fmt"

	"mimeo/internal/arn"
	"mimeo/internal/fault"
	"mimeo/internal/identity"
)

// Keys remembers the access keys of users and of roots.
type Keys interface {
	// InsertKey inserts a key, or returns LimitExceeded where its owner has
	// quota of them, or NoSuchEntity where the owner is gone.
	InsertKey(ctx context.Context, k identity.SealedKey, quota int) error
	// KeysOf returns the keys of a user of an account, or of its root where
	// user is empty, in the order of their ids.
	KeysOf(ctx context.Context, account, user string) ([]identity.SealedKey, error)
	// AccessKey returns a key by its id, or NoSuchEntity.
	AccessKey(ctx context.Context, id string) (identity.SealedKey, error)
	// SetKeyActive switches a key of a user or root on or off, or returns
	// NoSuchEntity.
	SetKeyActive(ctx context.Context, account, user, id string, active bool) error
	// Count counts what an account has in a partition.
	Count(ctx context.Context, partition, account string) (Summary, error)
	// DeleteKey removes a key of a user or root, or returns NoSuchEntity.
	DeleteKey(ctx context.Context, account, user, id string) error
}

// rootName is how IAM calls the owner of a root's keys.
const rootName = "root"

// owner returns whose keys an operation is for: the named user, or the caller
// where no name is given. A root has neither an id nor, here, a name.
func (s *Service) owner(ctx context.Context, caller arn.Caller, user, action string) (identity.Entity, error) {
	if user != "" {
		return s.named(ctx, caller, Target{identity.User, user}, action)
	}
	e, err := s.permissions.Caller(ctx, caller)
	if err != nil {
		return e, err
	}
	resource := caller.Principal
	if e.ID != "" {
		resource = e.Principal()
	}
	e.Account = caller.Principal.Account
	return e, s.authorize(ctx, caller, action, resource.String(), identity.ResourceTags(e.Tags))
}

// GetSelf returns the user that the caller is; its id is empty for a root.
func (s *Service) GetSelf(ctx context.Context, caller arn.Caller) (identity.Entity, error) {
	return s.owner(ctx, caller, "", "iam:GetUser")
}

// CreateAccessKey makes a second way to sign: the only time that its secret is
// shown. It returns the user that it is for.
func (s *Service) CreateAccessKey(ctx context.Context, caller arn.Caller, user string) (identity.AccessKey, identity.SealedKey, identity.Entity, error) {
	e, err := s.owner(ctx, caller, user, "iam:CreateAccessKey")
	if err != nil {
		return identity.AccessKey{}, identity.SealedKey{}, e, err
	}
	key, sealed, err := s.permissions.NewKey(e.Account, e.ID)
	if err == nil {
		err = s.store.InsertKey(ctx, sealed, KeysQuota)
	}
	switch {
	case errors.Is(err, LimitExceeded):
		err = fault.New(LimitExceeded, "Cannot exceed quota for AccessKeysPerUser: %d", KeysQuota)
	case errors.Is(err, identity.NoSuchEntity):
		err = Target{identity.User, user}.missing()
	case err != nil:
		err = fmt.Errorf("make an access key of %s: %w", user, err)
	}
	if err != nil {
		return identity.AccessKey{}, identity.SealedKey{}, e, err
	}
	return key, sealed, e, nil
}

// ListAccessKeys returns a page of the access keys of a user.
func (s *Service) ListAccessKeys(ctx context.Context, caller arn.Caller, user string, l List) (identity.Entity, Page[identity.SealedKey], error) {
	e, err := s.owner(ctx, caller, user, "iam:ListAccessKeys")
	if err != nil {
		return e, Page[identity.SealedKey]{}, err
	}
	all, err := s.store.KeysOf(ctx, e.Account, e.ID)
	if err != nil {
		return e, Page[identity.SealedKey]{}, fmt.Errorf("list the access keys of %s: %w", user, err)
	}
	keys, err := pageOf(all, l, func(k identity.SealedKey) string { return k.ID })
	return e, keys, err
}

// UpdateAccessKey makes a key work, or not, from now on.
func (s *Service) UpdateAccessKey(ctx context.Context, caller arn.Caller, user, id, status string) error {
	if status != Active && status != Inactive {
		return fault.New(identity.Validation, "The status of an access key is %s or %s.", Active, Inactive)
	}
	e, err := s.owner(ctx, caller, user, "iam:UpdateAccessKey")
	if err != nil {
		return err
	}
	return noKey(id, s.store.SetKeyActive(ctx, e.Account, e.ID, id, status == Active))
}

// The states of an access key.
const (
	Active   = "Active"
	Inactive = "Inactive"
)

// DeleteAccessKey removes an access key.
func (s *Service) DeleteAccessKey(ctx context.Context, caller arn.Caller, user, id string) error {
	e, err := s.owner(ctx, caller, user, "iam:DeleteAccessKey")
	if err != nil {
		return err
	}
	return noKey(id, s.store.DeleteKey(ctx, e.Account, e.ID, id))
}

func noKey(id string, err error) error {
	if errors.Is(err, identity.NoSuchEntity) {
		return fault.New(identity.NoSuchEntity, "The Access Key with id %.40s cannot be found.", id)
	}
	return err
}

// GetAccessKeyLastUsed returns a key of the caller's account: when it was
// used, and whose it is.
func (s *Service) GetAccessKeyLastUsed(ctx context.Context, caller arn.Caller, id string) (identity.SealedKey, string, error) {
	key, err := s.store.AccessKey(ctx, id)
	if err != nil && !errors.Is(err, identity.NoSuchEntity) {
		return key, "", fmt.Errorf("look up access key: %w", err)
	}
	missing := err != nil || key.Account != caller.Principal.Account ||
		key.Entity != "" && key.Owner.Partition != caller.Principal.Partition
	resource := in(caller, "user/*").String()
	if !missing && key.Entity != "" {
		resource = key.Owner.String()
	}
	if err := s.authorize(ctx, caller, "iam:GetAccessKeyLastUsed", resource); err != nil {
		return identity.SealedKey{}, "", err
	}
	if missing {
		return identity.SealedKey{}, "", noKey(id, identity.NoSuchEntity)
	}
	owner, ok := identity.RefOf(key.Owner)
	if !ok {
		owner.Name = rootName
	}
	return key, owner.Name, nil
}

// A Summary counts what an account has.
type Summary struct{ Users, Roles, Policies, Versions, RootKeys int }

// GetAccountSummary counts what the caller's account has.
func (s *Service) GetAccountSummary(ctx context.Context, caller arn.Caller) (Summary, error) {
	if err := s.authorize(ctx, caller, "iam:GetAccountSummary", "*"); err != nil {
		return Summary{}, err
	}
	return s.store.Count(ctx, caller.Principal.Partition, caller.Principal.Account)
}
