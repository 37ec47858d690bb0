package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"mimeo/internal/copier"
	"mimeo/internal/identity"
	"mimeo/internal/quota"
)

const (
	// DefaultRegion is the region of profiles that name no other.
	DefaultRegion = "us-east-1"
	// FirstAccount is made, with the profile FirstProfile, by the first
	// start of a server that has no account.
	FirstAccount = "111122223333"
	// FirstProfile is the profile of the first account.
	FirstProfile = "mimeo"
)

// An Account is one as operators see it.
type Account struct {
	ID       string    `json:"id"`
	Created  time.Time `json:"created"`
	Profiles []string  `json:"profiles"` // in the data directory's AWS files
}

// A NewAccount says what account to make, and under which profile its access
// key goes into the AWS files of the data directory: nobody else is told it.
type NewAccount struct {
	ID      string `json:"id"`
	Profile string `json:"profile"`
	Region  string `json:"region,omitempty"` // DefaultRegion where empty
}

// Accounts is what an operator can do with a server's accounts.
type Accounts interface {
	Create(ctx context.Context, a NewAccount) error
	List(ctx context.Context) ([]Account, error)
	Delete(ctx context.Context, id string) error
	// SetCopyMode says how copies into the account are made: share or reseal;
	// empty: as is set for the server.
	SetCopyMode(ctx context.Context, id, mode string) error
}

// accounts works on the identity service and the profiles of a directory.
type accounts struct {
	mu       sync.Mutex // one change of the profiles at a time
	identity *identity.Service
	modes    copyModes
	profiles profiles
	endpoint string
}

// copyModes remembers how copies into an account are made.
type copyModes interface {
	SetAccountMode(ctx context.Context, account string, mode copier.Mode) error
}

// Create makes an account and writes its profile. An account whose profile
// cannot be written is not kept, for nobody would have its secret.
func (s *accounts) Create(ctx context.Context, a NewAccount) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.profiles.check(a.Profile); err != nil {
		return err
	}
	key, err := s.identity.CreateAccount(ctx, a.ID)
	if err != nil {
		return err
	}
	if a.Region == "" {
		a.Region = DefaultRegion
	}
	err = s.profiles.put(profile{
		name: a.Profile, account: a.ID, region: a.Region, endpoint: s.endpoint,
		accessKeyID: key.ID, secretAccessKey: key.Secret.Reveal(),
	})
	if err != nil {
		return errors.Join(err, s.identity.DeleteAccount(ctx, a.ID))
	}
	return nil
}

// List returns all accounts with their profiles.
func (s *accounts) List(ctx context.Context) ([]Account, error) {
	found, err := s.identity.Accounts(ctx)
	if err != nil {
		return nil, fmt.Errorf("list accounts: %w", err)
	}
	all := make([]Account, len(found))
	for i, a := range found {
		names, err := s.profiles.names(a.ID)
		if err != nil {
			return nil, err
		}
		all[i] = Account{ID: a.ID, Created: a.Created, Profiles: names}
	}
	return all, nil
}

// Delete closes an account and removes its profiles.
func (s *accounts) Delete(ctx context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.identity.DeleteAccount(ctx, id); err != nil {
		return err
	}
	return s.profiles.remove(id)
}

// SetCopyMode implements Accounts.
func (s *accounts) SetCopyMode(ctx context.Context, id, mode string) error {
	m, err := copier.ParseMode(mode)
	if err != nil {
		return err
	}
	err = s.modes.SetAccountMode(ctx, id, m)
	if errors.Is(err, quota.NoSuchEntity) {
		return fmt.Errorf("there is no account %.40q", id)
	}
	return err
}

// first makes the first account where there is none.
func (s *accounts) first(ctx context.Context) error {
	all, err := s.identity.Accounts(ctx)
	if err != nil || len(all) > 0 {
		return err
	}
	return s.Create(ctx, NewAccount{ID: FirstAccount, Profile: FirstProfile})
}
