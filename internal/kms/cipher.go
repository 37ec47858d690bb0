package kms

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"

	"mimeo/internal/envelope"
	"mimeo/internal/fault"
)

// The layout of a ciphertext, docs/formats/kms-ciphertext.md:
//
//	format 0x01 | key id, 16 bytes | salt, 32 bytes | AES-256-GCM ciphertext and tag
const (
	format     byte = 0x01
	saltSize        = 32
	headerSize      = 1 + 16 + saltSize
	tagSize         = 16
	nonceSize       = 12
)

// What the API takes, in bytes.
const (
	maxPlaintext = 4096
	maxContext   = 8192
)

// info separates the keys that are derived here from any others.
const info = "mimeo kms ciphertext 1"

// encrypt encrypts plain under a key's material, bound to ec.
func encrypt(keyID string, material envelope.Key, plain []byte, ec EncryptionContext) ([]byte, error) {
	id, err := uuid.Parse(keyID)
	if err != nil {
		return nil, fmt.Errorf("key id %q: %w", keyID, err)
	}
	header := make([]byte, 0, headerSize+len(plain)+tagSize)
	header = append(header, format)
	header = append(header, id[:]...)
	header = header[:headerSize]
	_, _ = rand.Read(header[headerSize-saltSize:]) // documented never to fail
	aead, nonce, err := derive(material, header[headerSize-saltSize:])
	if err != nil {
		return nil, err
	}
	return aead.Seal(header, nonce, plain, additional(header, ec)), nil
}

// keyOf returns the id of the key that a ciphertext names.
func keyOf(ciphertext []byte) (string, error) {
	if len(ciphertext) < headerSize+tagSize || ciphertext[0] != format {
		return "", fault.New(InvalidCiphertext, "The ciphertext is not one of this service.")
	}
	return uuid.UUID(ciphertext[1:17]).String(), nil
}

// decrypt returns what encrypt was given, or InvalidCiphertext.
func decrypt(material envelope.Key, ciphertext []byte, ec EncryptionContext) (Plaintext, error) {
	header := ciphertext[:headerSize:headerSize]
	aead, nonce, err := derive(material, header[headerSize-saltSize:])
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, nonce, ciphertext[headerSize:], additional(header, ec))
	if err != nil {
		return nil, fault.New(InvalidCiphertext, "The ciphertext is damaged, or the encryption context is not the one that it was encrypted with.")
	}
	return plain, nil
}

// derive returns the cipher of one message. Its key and nonce are made from a
// random salt of 256 bits (HKDF, RFC 5869), so that a key encrypts any number
// of messages.
func derive(material envelope.Key, salt []byte) (cipher.AEAD, []byte, error) {
	okm, err := hkdf.Key(sha256.New, material.Reveal(), salt, info, envelope.KeySize+nonceSize)
	if err != nil {
		return nil, nil, fmt.Errorf("derive a message key: %w", err)
	}
	block, err := aes.NewCipher(okm[:envelope.KeySize])
	if err != nil {
		return nil, nil, fmt.Errorf("derive a message key: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	return aead, okm[envelope.KeySize:], err
}

// additional is what a ciphertext authenticates beside its plaintext: its
// header, and the pairs of the context ordered by name, every text preceded by
// its length.
func additional(header []byte, ec EncryptionContext) []byte {
	all := slices.Clone(header)
	for _, name := range slices.Sorted(maps.Keys(ec)) {
		for _, s := range []string{name, ec[name]} {
			all = binary.BigEndian.AppendUint32(all, uint32(len(s)))
			all = append(all, s...)
		}
	}
	return all
}

// Digest names a context by its content, so that grants can be looked up by
// it: SHA-256 in hexadecimal. The nil context, which is no constraint, has the
// empty digest.
func (c EncryptionContext) Digest() string {
	if c == nil {
		return ""
	}
	sum := sha256.Sum256(additional(nil, c))
	return hex.EncodeToString(sum[:])
}

// orEmpty is the context of a request: none is the empty one.
func (c EncryptionContext) orEmpty() EncryptionContext {
	if c == nil {
		return EncryptionContext{}
	}
	return c
}

func (c EncryptionContext) check() error {
	size := 0
	for name, value := range c {
		size += len(name) + len(value)
	}
	if size > maxContext {
		return invalid("The encryption context has %d bytes; the limit is %d.", size, maxContext)
	}
	return nil
}
