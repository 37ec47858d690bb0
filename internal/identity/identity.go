// Package identity knows the accounts and their access keys: it tells who
// signed a request, and what an identity's own policies allow it.
//
// An account is twelve digits and owns everything. It has one access key, of
// its root. The secret of a key is sealed under the server's master key and
// is shown once, when the account is made.
package identity

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/envelope"
	"mimeo/internal/fault"
	"mimeo/internal/policy"
)

// The codes of this package, in the words of IAM.
const (
	AlreadyExists fault.Code = "EntityAlreadyExists"
	NoSuchEntity  fault.Code = "NoSuchEntity"
	Validation    fault.Code = "ValidationError"
)

// An Account owns resources.
type Account struct {
	ID      string // twelve digits
	Created time.Time
}

// A SecretKey is the secret half of an access key: 40 characters. It never
// shows itself; Reveal does, for the one place that writes it down.
type SecretKey struct{ secret string }

const redacted = "redacted"

// Reveal returns the secret.
func (s SecretKey) Reveal() string { return s.secret }

// String hides the secret.
func (s SecretKey) String() string { return redacted }

// GoString hides the secret.
func (s SecretKey) GoString() string { return redacted }

// LogValue hides the secret from logs.
func (s SecretKey) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText hides the secret from encoders.
func (s SecretKey) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// An AccessKey is what a client signs with.
type AccessKey struct {
	ID     string // "AKIA" and 16 characters
	Secret SecretKey
}

// A SealedKey is an access key as it is stored. Sealed is its secret, wrapped
// under the master key and bound to the key's id and account.
type SealedKey struct {
	ID, Account string
	Sealed      []byte
	Created     time.Time
}

// Store remembers accounts and keys.
type Store interface {
	// InsertAccount inserts an account and its key, both or neither. It
	// returns AlreadyExists for an account that is there.
	InsertAccount(ctx context.Context, a Account, k SealedKey) error
	// Accounts returns all accounts, by id.
	Accounts(ctx context.Context) ([]Account, error)
	// DeleteAccount removes an account and its keys, or returns NoSuchEntity.
	DeleteAccount(ctx context.Context, id string) error
	// AccessKey returns a key by its id, or NoSuchEntity.
	AccessKey(ctx context.Context, id string) (SealedKey, error)
}

// A Service answers who a caller is.
type Service struct {
	store  Store
	master envelope.Key
	now    func() time.Time
	decoy  SealedKey
}

// New returns a service whose secrets are sealed under master.
func New(store Store, master envelope.Key, now func() time.Time) (*Service, error) {
	s := &Service{store: store, master: master, now: now}
	_, decoy, err := s.newKey(arn.ServiceAccount)
	if err != nil {
		return nil, fmt.Errorf("seal under the master key: %w", err)
	}
	s.decoy = decoy
	return s, nil
}

// CreateAccount makes an account and returns its root's access key: the only
// time that its secret is shown.
func (s *Service) CreateAccount(ctx context.Context, id string) (AccessKey, error) {
	if !arn.IsAccount(id) || id == arn.ServiceAccount {
		return AccessKey{}, fault.New(Validation, "%.40q is not an account id: twelve digits are, other than %s.", id, arn.ServiceAccount)
	}
	key, sealed, err := s.newKey(id)
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

// DeleteAccount closes an account: its access key stops at once and nobody
// can act for it any more. What the account owns stays where it is, as in an
// account that AWS has closed: others' copies of its versions go on working,
// and work that was begun ends under its grants. If an account of that id is
// created again, it owns it all, under a new access key.
func (s *Service) DeleteAccount(ctx context.Context, id string) error {
	err := s.store.DeleteAccount(ctx, id)
	if errors.Is(err, NoSuchEntity) {
		return fault.New(NoSuchEntity, "There is no account %.40q.", id)
	}
	return err
}

// Credential returns the secret of an access key and whose it is; ok is false
// for a key that does not exist, or a session token that no session has. The
// principal's partition is the caller's to set: it follows from the region.
// An unknown key costs as much as a known one.
func (s *Service) Credential(ctx context.Context, accessKeyID, sessionToken string) (secret string, who arn.Principal, ok bool, err error) {
	key, err := s.store.AccessKey(ctx, accessKeyID)
	known := err == nil
	if errors.Is(err, NoSuchEntity) {
		key, err = s.decoy, nil
	}
	if err != nil {
		return "", arn.Principal{}, false, fmt.Errorf("look up access key: %w", err)
	}
	raw, err := envelope.UnwrapBytes(s.master, key.Sealed, sealContext(key))
	if err != nil {
		return "", arn.Principal{}, false, fmt.Errorf("unseal access key %s: %w", key.ID, err)
	}
	if !known || sessionToken != "" {
		return "", arn.Principal{}, false, nil // no sessions yet: no token is one
	}
	return string(raw), arn.Root("", key.Account), true, nil
}

// Subject returns the caller with the policies of its identity: an account's
// root is allowed everything. Everyone else has none.
func (s *Service) Subject(_ context.Context, caller arn.Caller) (policy.Subject, error) {
	who := policy.Subject{Principal: caller.Principal, Mandate: caller.Mandate}
	if caller.Principal.IsRoot() {
		who.Identity = []policy.Policy{policy.FullAccess(caller.Principal.Account)}
	}
	return who, nil
}

// A CallerIdentity is what a caller is told about itself.
type CallerIdentity struct {
	Account, UserID string
	ARN             arn.Principal
}

// GetCallerIdentity tells a caller who it is. It needs no permission.
func (s *Service) GetCallerIdentity(_ context.Context, caller arn.Caller) (CallerIdentity, error) {
	if !caller.Principal.IsRoot() {
		return CallerIdentity{}, fmt.Errorf("no identity is known of %s", caller.Principal)
	}
	return CallerIdentity{Account: caller.Principal.Account, UserID: caller.Principal.Account, ARN: caller.Principal}, nil
}

const keyAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" // 32: a random byte's low bits are uniform

func (s *Service) newKey(account string) (AccessKey, SealedKey, error) {
	var id [16]byte
	var secret [30]byte
	_, _ = rand.Read(id[:]) // documented never to fail
	_, _ = rand.Read(secret[:])
	for i, b := range id {
		id[i] = keyAlphabet[b%byte(len(keyAlphabet))]
	}
	key := AccessKey{ID: "AKIA" + string(id[:]), Secret: SecretKey{base64.StdEncoding.EncodeToString(secret[:])}}
	sealed := SealedKey{ID: key.ID, Account: account, Created: s.now()}
	var err error
	sealed.Sealed, err = envelope.WrapBytes(s.master, []byte(key.Secret.secret), sealContext(sealed))
	return key, sealed, err
}

// sealContext binds a sealed secret to its row: a secret that is moved to
// another account or key does not unseal.
func sealContext(k SealedKey) map[string]string {
	return map[string]string{"purpose": "access key", "id": k.ID, "account": k.Account}
}
