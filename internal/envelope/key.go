package envelope

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// KeySize is the length of every key in bytes: all of them are AES-256 keys.
const KeySize = 32

// A Key is a secret of 256 bits. It never shows itself: every way of printing
// or logging it says "redacted", and encoding it is an error.
type Key struct{ secret [KeySize]byte }

const redacted = "redacted"

// NewKey returns a fresh random key.
func NewKey() Key {
	var k Key
	_, _ = rand.Read(k.secret[:]) // documented never to fail
	return k
}

// KeyFrom returns the key whose secret is raw, which has KeySize bytes.
func KeyFrom(raw []byte) (Key, error) {
	if len(raw) != KeySize {
		return Key{}, fmt.Errorf("a key has %d bytes, not %d", KeySize, len(raw))
	}
	return Key{secret: [KeySize]byte(raw)}, nil
}

// Reveal returns a copy of the secret. Its few callers write it where it
// belongs: the master key's file, and the answer of GenerateDataKey.
func (k Key) Reveal() []byte { return append([]byte(nil), k.secret[:]...) }

// IsZero reports whether k is the zero value, which nothing is sealed under.
func (k Key) IsZero() bool { return k == Key{} }

// String hides the secret.
func (k Key) String() string { return redacted }

// GoString hides the secret.
func (k Key) GoString() string { return redacted }

// Format hides the secret from every verb.
func (k Key) Format(w fmt.State, _ rune) { _, _ = io.WriteString(w, redacted) }

// LogValue hides the secret from logs.
func (k Key) LogValue() slog.Value { return slog.StringValue(redacted) }

var errSecret = errors.New("a key is a secret and is not encoded")

// MarshalText fails, so that no encoder writes a key by accident.
func (k Key) MarshalText() ([]byte, error) { return nil, errSecret }
