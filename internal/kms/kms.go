// Package kms is the embedded key management service: keys, aliases, grants
// and data keys, as far as the life cycle of models needs them and as
// https://docs.aws.amazon.com/kms/latest/APIReference has them.
//
// A key is 256 bits that never leave this package: its material is stored
// sealed under the server's master key. With a symmetric key everything is
// encrypted with its encryption context authenticated, and a ciphertext names
// its key (docs/formats/kms-ciphertext.md). An asymmetric key signs.
//
// Who may use a key is decided here, for every call: by the key's policy and
// the caller's own, or by a grant. About another account's key nobody learns
// whether it exists.
package kms

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/envelope"
	"mimeo/internal/policy"
)

// Permissions are the policies of a caller's own identity.
type Permissions interface {
	Subject(ctx context.Context, caller arn.Caller) (policy.Subject, error)
	// PrincipalsByID returns a policy as it is stored, PrincipalsByName one
	// as it is shown: identity.Service says why they differ.
	PrincipalsByID(ctx context.Context, document string) (string, error)
	PrincipalsByName(ctx context.Context, document string) (string, error)
}

// Store remembers keys, aliases and grants.
type Store interface {
	Keys
	Aliases
	Grants
}

// Keys remembers keys with their sealed material.
type Keys interface {
	// InsertKey inserts a key and, unless it is empty, its alias: both or
	// neither. It returns AlreadyExists where the alias is taken.
	InsertKey(ctx context.Context, k Key, sealed []byte, alias string) error
	// Key returns a key by its id, whosever it is, or NotFound.
	Key(ctx context.Context, id string) (Key, error)
	// Material returns the sealed material of a key, or NotFound.
	Material(ctx context.Context, id string) ([]byte, error)
	// Keys returns up to limit keys whose id is greater than after, by id.
	Keys(ctx context.Context, in arn.Namespace, after string, limit int) ([]arn.Key, error)
	// UpdateKey replaces state, time of deletion and policy of a key by what
	// change makes of it, in one transaction. An error of change ends it.
	UpdateKey(ctx context.Context, id string, change func(*Key) error) error
	// DeleteKeys removes every key that was to be deleted by now, with its
	// material, aliases and grants, and says how many they were.
	DeleteKeys(ctx context.Context, now time.Time) (int, error)
}

// Aliases remembers the names of keys.
type Aliases interface {
	// InsertAlias returns AlreadyExists where the name is taken, LimitExceeded
	// where the key has max aliases, and NotFound where the key is gone.
	InsertAlias(ctx context.Context, a Alias, max int) error
	// Alias returns an alias by its name, or NotFound.
	Alias(ctx context.Context, in arn.Namespace, name string) (Alias, error)
	// Aliases returns up to limit aliases whose name is greater than after, by
	// name; only those of a key, unless keyID is empty.
	Aliases(ctx context.Context, in arn.Namespace, keyID, after string, limit int) ([]Alias, error)
}

// Grants remembers grants.
type Grants interface {
	// InsertGrants inserts grants of one key, all or none, and returns them.
	// Where a grant of the same non-empty name and the same content stands,
	// that one is returned instead. It returns LimitExceeded where the key
	// would have more than max grants, and NotFound where the key is gone.
	InsertGrants(ctx context.Context, grants []Grant, max int) ([]Grant, error)
	// Grant returns a grant of a key, or NotFound.
	Grant(ctx context.Context, keyID, id string) (Grant, error)
	// Grants returns up to Limit grants that match q, by id.
	Grants(ctx context.Context, q GrantQuery) ([]Grant, error)
	// DeleteGrant removes a grant, or returns NotFound.
	DeleteGrant(ctx context.Context, keyID, id string) error
}

// A Service holds the keys of all accounts and regions.
type Service struct {
	store       Store
	master      envelope.Key
	permissions Permissions
	now         func() time.Time
	policies    *policy.Cache // of the keys
}

// New returns a service whose keys are sealed under master.
func New(store Store, master envelope.Key, permissions Permissions, now func() time.Time) *Service {
	return &Service{store: store, master: master, permissions: permissions, now: now, policies: policy.NewCache(policy.Parse)}
}

// An EncryptionContext is what a ciphertext is bound to: it is authenticated,
// not stored, and must be given again to decrypt.
type EncryptionContext map[string]string

// A Plaintext is what was, or is to be, encrypted. It never shows itself.
type Plaintext []byte

const redacted = "redacted"

// String hides the bytes.
func (Plaintext) String() string { return redacted }

// GoString hides the bytes.
func (Plaintext) GoString() string { return redacted }

// Format hides the bytes from every verb.
func (Plaintext) Format(w fmt.State, _ rune) { _, _ = w.Write([]byte(redacted)) }

// LogValue hides the bytes from logs.
func (Plaintext) LogValue() slog.Value { return slog.StringValue(redacted) }

// A Use names a key and says how it is to be used.
type Use struct {
	KeyID       string // key id, key ARN, alias name or alias ARN
	Context     EncryptionContext
	GrantTokens []string // tried before all other grants
	DryRun      bool     // check everything, then fail with DryRun
	// Grants are what CreateGrant is to give: policies can ask for that.
	Grants []GrantRequest
	// said are the condition keys of what only one operation's requests say.
	said policy.Keys
	// other is the id of the key on the other side of a ReEncrypt.
	other string
}

// namespace is where a caller's own resources live. A service of ours has
// none; its partition follows from the region.
func namespace(caller arn.Caller) arn.Namespace {
	n := caller.Namespace()
	if caller.Principal.IsService() {
		n.Partition = arn.PartitionOf(caller.Region)
	}
	return n
}
