package kms

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"fmt"

	"mimeo/internal/arn"
	"mimeo/internal/policy"
)

// SigningAlgorithm is the one that keys of the spec ECC_NIST_P256 have.
const SigningAlgorithm = "ECDSA_SHA_256"

// A MessageType says what a message is, in AWS's word.
type MessageType string

// The types of messages. What is signed of a raw one is its SHA-256.
const (
	RawMessage    MessageType = "RAW"
	DigestMessage MessageType = "DIGEST"
)

// maxMessage is the longest raw message, in bytes.
const maxMessage = 4096

// A Message is what is, or was, signed.
type Message struct {
	Bytes []byte
	Type  MessageType
}

// digest returns what is signed of a message.
func (m Message) digest() ([]byte, error) {
	switch {
	case m.Type == DigestMessage && len(m.Bytes) != sha256.Size:
		return nil, invalid("Digest is invalid length for algorithm %s.", SigningAlgorithm)
	case m.Type == DigestMessage:
		return m.Bytes, nil
	case m.Type != RawMessage:
		return nil, invalid("MessageType %.60s is incompatible with algorithm %s.", string(m.Type), SigningAlgorithm)
	case len(m.Bytes) == 0 || len(m.Bytes) > maxMessage:
		return nil, invalid("The message has %d bytes; 1 to %d can be signed.", len(m.Bytes), maxMessage)
	}
	sum := sha256.Sum256(m.Bytes)
	return sum[:], nil
}

// keys are the condition keys of Sign and Verify.
func (m Message) keys() policy.Keys {
	return policy.Keys{"kms:messagetype": {string(m.Type)}, "kms:signingalgorithm": {SigningAlgorithm}}
}

// SignRequest asks for Sign.
type SignRequest struct {
	Use
	Message
}

// Signed is a signature, in DER (RFC 3279, section 2.2.3), and its key.
type Signed struct {
	Signature []byte
	Key       arn.Key
}

// Sign signs a message with the private key of a pair.
func (s *Service) Sign(ctx context.Context, caller arn.Caller, r SignRequest) (Signed, error) {
	digest, err := r.digest()
	if err != nil {
		return Signed{}, err
	}
	r.said = r.Message.keys()
	pair, k, err := s.pair(ctx, caller, SignOperation, r.Use)
	if err != nil {
		return Signed{}, err
	}
	signature, err := ecdsa.SignASN1(rand.Reader, pair, digest)
	return Signed{Signature: signature, Key: k.ARN}, err
}

// VerifyRequest asks for Verify.
type VerifyRequest struct {
	Use
	Message
	Signature []byte
}

// Verify returns the key where a signature is one of the message with it, else
// it fails with InvalidSignature.
func (s *Service) Verify(ctx context.Context, caller arn.Caller, r VerifyRequest) (arn.Key, error) {
	digest, err := r.digest()
	if err != nil {
		return arn.Key{}, err
	}
	r.said = r.Message.keys()
	pair, k, err := s.pair(ctx, caller, VerifyOperation, r.Use)
	if err != nil {
		return arn.Key{}, err
	}
	if !ecdsa.VerifyASN1(&pair.PublicKey, digest, r.Signature) {
		return arn.Key{}, invalidSignature(k.ARN)
	}
	return k.ARN, nil
}

// A PublicKey is the public key of a pair: a SubjectPublicKeyInfo in DER (RFC 5280).
type PublicKey struct {
	DER []byte
	Key Key
}

// GetPublicKey returns the public key of a pair, with which everybody can
// verify its signatures.
func (s *Service) GetPublicKey(ctx context.Context, caller arn.Caller, u Use) (PublicKey, error) {
	pair, k, err := s.pair(ctx, caller, GetPublicKeyOperation, u)
	if err != nil {
		return PublicKey{}, err
	}
	der, err := x509.MarshalPKIXPublicKey(&pair.PublicKey)
	return PublicKey{DER: der, Key: k}, err
}

// pair returns the pair of a usable key.
func (s *Service) pair(ctx context.Context, caller arn.Caller, op Operation, u Use) (*ecdsa.PrivateKey, Key, error) {
	k, err := s.findUsable(ctx, caller, op, u)
	if err != nil {
		return nil, Key{}, err
	}
	material, err := s.material(ctx, k.ARN)
	if err != nil {
		return nil, Key{}, err
	}
	pair, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), material.Reveal())
	if err != nil {
		return nil, Key{}, fmt.Errorf("read the pair of %s: %w", k.ARN, err)
	}
	return pair, k, nil
}
