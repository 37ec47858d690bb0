package envelope

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
)

// MaxWrapped is the most bytes that [WrapBytes] takes.
const MaxWrapped = 64 << 10

// The first byte of what is wrapped: what it is, and in which version of the
// format.
const (
	wrappedKey   byte = 0x11
	wrappedBytes byte = 0x12
)

const (
	nonceSize = 12
	tagSize   = 16
)

// Wrap encrypts the key k under another one, bound to a context: who does not
// give the same context cannot unwrap it. The context is not stored.
func Wrap(with, k Key, context map[string]string) ([]byte, error) {
	if k.IsZero() {
		return nil, ErrEmptyKey
	}
	return wrap(wrappedKey, with, k.secret[:], context)
}

// Unwrap returns the key that Wrap was given, or fails with ErrNotAuthentic.
func Unwrap(with Key, wrapped []byte, context map[string]string) (Key, error) {
	raw, err := unwrap(wrappedKey, with, wrapped, context)
	if err != nil {
		return Key{}, err
	}
	return KeyFrom(raw)
}

// WrapBytes encrypts a small secret of at most MaxWrapped bytes, as Wrap does
// a key. What one of them wrapped the other does not unwrap. A key wraps at
// most 2^32 things: the nonces are random.
func WrapBytes(with Key, secret []byte, context map[string]string) ([]byte, error) {
	if len(secret) > MaxWrapped {
		return nil, fmt.Errorf("wrap %d bytes: the limit is %d", len(secret), MaxWrapped)
	}
	return wrap(wrappedBytes, with, secret, context)
}

// UnwrapBytes returns what WrapBytes was given, or fails with ErrNotAuthentic.
func UnwrapBytes(with Key, wrapped []byte, context map[string]string) ([]byte, error) {
	if len(wrapped) > 1+nonceSize+MaxWrapped+tagSize {
		return nil, fmt.Errorf("%w: %d bytes are too many", ErrNotAuthentic, len(wrapped))
	}
	return unwrap(wrappedBytes, with, wrapped, context)
}

func wrap(kind byte, with Key, secret []byte, context map[string]string) ([]byte, error) {
	aead, err := aesGCM(with)
	if err != nil {
		return nil, err
	}
	return aead.Seal([]byte{kind}, nil, secret, additional(kind, context)), nil
}

func unwrap(kind byte, with Key, wrapped []byte, context map[string]string) ([]byte, error) {
	aead, err := aesGCM(with)
	if err != nil {
		return nil, err
	}
	if len(wrapped) < 1+nonceSize+tagSize || wrapped[0] != kind {
		return nil, fmt.Errorf("%w: it is not of the right kind", ErrNotAuthentic)
	}
	secret, err := aead.Open(nil, nil, wrapped[1:], additional(kind, context))
	if err != nil {
		return nil, ErrNotAuthentic
	}
	return secret, nil
}

// aesGCM puts a random nonce before what it seals.
func aesGCM(k Key) (cipher.AEAD, error) {
	if k.IsZero() {
		return nil, ErrEmptyKey
	}
	block, err := aes.NewCipher(k.secret[:])
	if err != nil {
		return nil, fmt.Errorf("wrap: %w", err)
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// additional is the authenticated data of a wrapped key: the kind, and the
// context's pairs in the order of their names, each text behind its length,
// so that no two contexts have one encoding.
func additional(kind byte, context map[string]string) []byte {
	b := append([]byte("mimeo wrap "), kind)
	b = binary.BigEndian.AppendUint32(b, uint32(len(context)))
	for _, name := range slices.Sorted(maps.Keys(context)) {
		b = appendText(b, name)
		b = appendText(b, context[name])
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}
