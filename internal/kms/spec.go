package kms

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"slices"

	"mimeo/internal/envelope"
	"mimeo/internal/policy"
)

// A Spec is the kind of a key, in AWS's word.
type Spec string

// The kinds of keys that there are.
const (
	SymmetricDefault Spec = "SYMMETRIC_DEFAULT"
	ECCNISTP256      Spec = "ECC_NIST_P256"
)

// A Usage is what a key is for, in AWS's word.
type Usage string

// The usages of keys.
const (
	EncryptDecrypt Usage = "ENCRYPT_DECRYPT"
	SignVerify     Usage = "SIGN_VERIFY"
)

// Usage returns what the keys of a spec are for, or nothing where there are none.
func (s Spec) Usage() Usage {
	switch s {
	case SymmetricDefault:
		return EncryptDecrypt
	case ECCNISTP256:
		return SignVerify
	default:
		return ""
	}
}

// does reports whether op is one of the operations that a grant can allow with
// keys of the spec. They do no others with their material.
func (s Spec) does(op Operation) bool {
	switch {
	case slices.Contains(encrypting, op):
		return s.Usage() == EncryptDecrypt
	case slices.Contains(signing, op):
		return s.Usage() == SignVerify
	default:
		return slices.Contains(common, op)
	}
}

// keys are the condition keys of every key of the spec.
func (s Spec) keys() policy.Keys {
	return policy.Keys{
		"kms:keyspec":     {string(s)},
		"kms:keyusage":    {string(s.Usage())},
		"kms:keyorigin":   {"AWS_KMS"},
		"kms:multiregion": {"false"},
		// The names that these had before keys were called keys.
		"kms:customermasterkeyspec":  {string(s)},
		"kms:customermasterkeyusage": {string(s.Usage())},
	}
}

// newMaterial makes the secret of a key: 256 bits of chance, or the private
// key of a pair as a number (SEC 1, section 2.3.6).
func (s Spec) newMaterial() (envelope.Key, error) {
	if s != ECCNISTP256 {
		return envelope.NewKey(), nil
	}
	pair, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return envelope.Key{}, fmt.Errorf("make a key pair: %w", err)
	}
	raw, err := pair.Bytes()
	if err != nil {
		return envelope.Key{}, fmt.Errorf("make a key pair: %w", err)
	}
	return envelope.KeyFrom(raw)
}
