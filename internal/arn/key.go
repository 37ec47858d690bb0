package arn

import (
	"fmt"
	"strings"
)

const kms = "kms"

// A Key is the ARN of a KMS key: arn:P:kms:R:A:key/ID.
type Key struct {
	Namespace
	ID string
}

// ParseKey parses the ARN of a KMS key.
func ParseKey(s string) (Key, error) {
	a, err := Parse(s)
	id, ok := strings.CutPrefix(a.Resource, "key/")
	if err != nil || !ok || id == "" || a.Service != kms || a.Region == "" || !IsAccount(a.Account) {
		return Key{}, fmt.Errorf("%w: %.100q is not a KMS key", ErrMalformed, s)
	}
	return Key{Namespace: a.namespace(), ID: id}, nil
}

func (k Key) String() string { return k.arn(kms, "key/"+k.ID).String() }

// MarshalText returns the ARN, or nothing for the zero Key.
func (k Key) MarshalText() ([]byte, error) {
	if k == (Key{}) {
		return nil, nil
	}
	return []byte(k.String()), nil
}

// UnmarshalText parses the ARN of a key; nothing is the zero Key.
func (k *Key) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*k = Key{}
		return nil
	}
	*k, err = ParseKey(string(b))
	return err
}
