package identity

import (
	"crypto/rand"
	"encoding/base64"
	"log/slog"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/envelope"
)

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
	ID     string // "AKIA" and 16 characters, or "ASIA" for a session
	Secret SecretKey
}

// A SealedKey is an access key as it is stored. Sealed is its secret, wrapped
// under the master key and bound to the key's id and account.
type SealedKey struct {
	ID, Account string
	Entity      string // the id of the user; empty for the account's root
	Sealed      []byte
	Active      bool
	Created     time.Time
	Used        Use
	// Owner is who signs with it, as the store finds the user now. A root
	// has no partition: it follows from the region.
	Owner arn.Principal
}

// A Use is when and for what a key was used last.
type Use struct {
	At              time.Time
	Service, Region string
}

// NewKey makes an access key of an account's root, or of the user with that
// id. It is nobody's until the sealed one is stored.
func (s *Service) NewKey(account, user string) (AccessKey, SealedKey, error) {
	key := AccessKey{ID: NewID("AKIA"), Secret: newSecret()}
	sealed := SealedKey{ID: key.ID, Account: account, Entity: user, Active: true, Created: s.now()}
	var err error
	sealed.Sealed, err = envelope.WrapBytes(s.master, []byte(key.Secret.secret), sealContext(key.ID, account))
	return key, sealed, err
}

// NewID returns a fresh id, such as AIDA… of a user: the prefix and 16 random
// characters.
func NewID(prefix string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" // 32: a random byte's low bits are uniform
	var id [16]byte
	_, _ = rand.Read(id[:]) // documented never to fail
	for i, b := range id {
		id[i] = alphabet[b%byte(len(alphabet))]
	}
	return prefix + string(id[:])
}

func newSecret() SecretKey {
	var secret [30]byte
	_, _ = rand.Read(secret[:]) // likewise
	return SecretKey{base64.StdEncoding.EncodeToString(secret[:])}
}

// sealContext binds a sealed secret to its row: a secret that is moved to
// another account or key does not unseal.
func sealContext(id, account string) map[string]string {
	return map[string]string{"purpose": "access key", "id": id, "account": account}
}
