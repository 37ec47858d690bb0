package record

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"

	"mimeo/internal/digest"
)

// A PublicKey checks records.
type PublicKey struct{ key string } // comparable

// ParsePublicKeys reads one public key or more as PEM, "PUBLIC KEY".
func ParsePublicKeys(text []byte) (all []PublicKey, err error) {
	for len(bytes.TrimSpace(text)) > 0 || len(all) == 0 {
		block, rest := pem.Decode(text)
		if block == nil || block.Type != pemType {
			return nil, errors.New("this is no public key: PEM with PUBLIC KEY is expected")
		}
		key, err := parsePublicKey(block)
		if err != nil {
			return nil, err
		}
		all, text = append(all, key), rest
	}
	return all, nil
}

func parsePublicKey(block *pem.Block) (PublicKey, error) {
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return PublicKey{}, fmt.Errorf("parse public key: %w", err)
	}
	key, ok := parsed.(ed25519.PublicKey)
	if !ok {
		return PublicKey{}, fmt.Errorf("the public key is a %T, records are signed with Ed25519", parsed)
	}
	return PublicKey{string(key)}, nil
}

const pemType = "PUBLIC KEY"

// PublicKeyFrom returns the key of raw bytes.
func PublicKeyFrom(raw []byte) (PublicKey, error) {
	if len(raw) != ed25519.PublicKeySize {
		return PublicKey{}, fmt.Errorf("a public key has %d bytes, want %d", len(raw), ed25519.PublicKeySize)
	}
	return PublicKey{string(raw)}, nil
}

// Bytes returns the raw key.
func (k PublicKey) Bytes() []byte { return []byte(k.key) }

// ID names the key: the BLAKE3 digest of its 32 bytes.
func (k PublicKey) ID() string { return digest.Of([]byte(k.key)).String() }

// PEM returns the key in the form that ParsePublicKeys, OpenSSL and others
// read.
func (k PublicKey) PEM() (string, error) {
	der, err := x509.MarshalPKIXPublicKey(ed25519.PublicKey(k.key))
	if err != nil {
		return "", fmt.Errorf("encode public key: %w", err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der})), nil
}

// A PrivateKey signs records. It never shows itself; Reveal does, for the one
// place that wraps it.
type PrivateKey struct{ seed string }

const redacted = "redacted"

// NewPrivateKey makes a key.
func NewPrivateKey() (PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return PrivateKey{}, fmt.Errorf("make a signing key: %w", err)
	}
	return PrivateKey{string(key.Seed())}, nil
}

// PrivateKeyFrom returns the key that Reveal showed.
func PrivateKeyFrom(seed []byte) (PrivateKey, error) {
	if len(seed) != ed25519.SeedSize {
		return PrivateKey{}, fmt.Errorf("a signing key has %d bytes, want %d", len(seed), ed25519.SeedSize)
	}
	return PrivateKey{string(seed)}, nil
}

// Reveal returns the secret.
func (k PrivateKey) Reveal() []byte { return []byte(k.seed) }

// String hides the secret.
func (k PrivateKey) String() string { return redacted }

// GoString hides the secret.
func (k PrivateKey) GoString() string { return redacted }

// LogValue hides the secret from logs.
func (k PrivateKey) LogValue() slog.Value { return slog.StringValue(redacted) }

// Public returns the key that checks what this one signs.
func (k PrivateKey) Public() PublicKey {
	return PublicKey{string(k.private().Public().(ed25519.PublicKey))}
}

func (k PrivateKey) private() ed25519.PrivateKey { return ed25519.NewKeyFromSeed([]byte(k.seed)) }

// signature is a pair of keys as dsse wants it; to verify, the public one is
// enough.
type signature struct {
	public  PublicKey
	private PrivateKey
}

func (s signature) Sign(_ context.Context, data []byte) ([]byte, error) {
	return ed25519.Sign(s.private.private(), data), nil
}

func (s signature) Verify(_ context.Context, data, sig []byte) error {
	if !ed25519.Verify(ed25519.PublicKey(s.public.key), data, sig) {
		return ErrSignature
	}
	return nil
}

func (s signature) KeyID() (string, error) { return s.public.ID(), nil }

func (s signature) Public() crypto.PublicKey { return ed25519.PublicKey(s.public.key) }
