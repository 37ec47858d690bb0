package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/fault"
)

// An Account owns resources.
type Account struct {
	ID      string // twelve digits
	Created time.Time
}

// Accounts remembers accounts and access keys.
type Accounts interface {
	// InsertAccount inserts an account and its key, both or neither. It
	// returns AlreadyExists for an account that is there.
	InsertAccount(ctx context.Context, a Account, k SealedKey) error
	// Accounts returns all accounts, by id.
	Accounts(ctx context.Context) ([]Account, error)
	// DeleteAccount removes an account with its keys, users, roles and
	// sessions, or returns NoSuchEntity.
	DeleteAccount(ctx context.Context, id string) error
	// AccessKey returns a key by its id, or NoSuchEntity.
	AccessKey(ctx context.Context, id string) (SealedKey, error)
	// TouchKey notes that a key was used.
	TouchKey(ctx context.Context, id string, u Use) error
}

// CreateAccount makes an account and returns its root's access key: the only
// time that its secret is shown.
func (s *Service) CreateAccount(ctx context.Context, id string) (AccessKey, error) {
	if !arn.IsAccount(id) || id == arn.ServiceAccount {
		return AccessKey{}, fault.New(Validation, "%.40q is not an account id: twelve digits are, other than %s.", id, arn.ServiceAccount)
	}
	key, sealed, err := s.NewKey(id, "")
	if err != nil {
		return AccessKey{}, fmt.Errorf("make the access key of account %s: %w", id, err)
	}
	err = s.store.InsertAccount(ctx, Account{ID: id, Created: sealed.Created}, sealed)
	if errors.Is(err, AlreadyExists) {
		return AccessKey{}, fault.New(AlreadyExists, "Account %s already exists.", id)
	}
	if err != nil {
		return AccessKey{}, fmt.Errorf("create account %s: %w", id, err)
	}
	return key, nil
}

// Accounts returns all accounts, ordered by id.
func (s *Service) Accounts(ctx context.Context) ([]Account, error) { return s.store.Accounts(ctx) }

// DeleteAccount closes an account: its access keys and sessions stop at once,
// its users and roles are gone, and nobody can act for it any more. What the
// account owns stays where it is, as in an account that AWS has closed:
// others' copies of its versions go on working, and work that was begun ends
// under its grants. If an account of that id is created again, it owns it
// all, under a new access key.
func (s *Service) DeleteAccount(ctx context.Context, id string) error {
	err := s.store.DeleteAccount(ctx, id)
	if errors.Is(err, NoSuchEntity) {
		return fault.New(NoSuchEntity, "There is no account %.40q.", id)
	}
	return err
}
