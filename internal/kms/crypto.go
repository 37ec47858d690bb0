package kms

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"mimeo/internal/arn"
	"mimeo/internal/envelope"
	"mimeo/internal/fault"
)

// EncryptRequest asks for Encrypt.
type EncryptRequest struct {
	Use
	Plaintext Plaintext // 1 to 4096 bytes
}

// Encrypted is a ciphertext and the key that it names.
type Encrypted struct {
	Ciphertext []byte
	Key        arn.Key
}

// Encrypt encrypts a small plaintext, bound to the encryption context.
func (s *Service) Encrypt(ctx context.Context, caller arn.Caller, r EncryptRequest) (Encrypted, error) {
	if len(r.Plaintext) == 0 || len(r.Plaintext) > maxPlaintext {
		return Encrypted{}, invalid("The plaintext has %d bytes; 1 to %d can be encrypted.", len(r.Plaintext), maxPlaintext)
	}
	return s.encrypt(ctx, caller, EncryptOperation, r.Use, r.Plaintext)
}

// encrypt encrypts what a caller gives or what is generated for it.
func (s *Service) encrypt(ctx context.Context, caller arn.Caller, op Operation, u Use, plain Plaintext) (Encrypted, error) {
	k, err := s.findUsable(ctx, caller, op, u)
	if err != nil {
		return Encrypted{}, err
	}
	material, err := s.material(ctx, k.ARN)
	if err != nil {
		return Encrypted{}, err
	}
	ciphertext, err := encrypt(k.ARN.ID, material, plain, u.Context)
	return Encrypted{Ciphertext: ciphertext, Key: k.ARN}, err
}

// findUsable is find for a key that must be enabled and for op; it ends a dry run.
func (s *Service) findUsable(ctx context.Context, caller arn.Caller, op Operation, u Use) (Key, error) {
	k, err := s.find(ctx, caller, op, u)
	if err != nil {
		return Key{}, err
	}
	return k, k.ready(op, u)
}

// ready returns nil where a key that may be used can be, and is to be.
func (k Key) ready(op Operation, u Use) error {
	if err := k.usable(op); err != nil {
		return err
	}
	if u.DryRun {
		return dryRun()
	}
	return nil
}

// DecryptRequest asks for Decrypt. KeyID may be empty: the ciphertext names
// its key. If it is not, it must name the same.
type DecryptRequest struct {
	Use
	Ciphertext []byte
}

// Decrypted is a plaintext and the key that it was encrypted under.
type Decrypted struct {
	Plaintext Plaintext
	Key       arn.Key
}

// Decrypt returns the plaintext of a ciphertext, given the encryption context
// that it was encrypted with.
func (s *Service) Decrypt(ctx context.Context, caller arn.Caller, r DecryptRequest) (Decrypted, error) {
	return s.decrypt(ctx, caller, DecryptOperation, r)
}

func (s *Service) decrypt(ctx context.Context, caller arn.Caller, op Operation, r DecryptRequest) (Decrypted, error) {
	id, err := keyOf(r.Ciphertext)
	if err != nil {
		return Decrypted{}, err
	}
	if r.KeyID != "" {
		k, err := s.find(ctx, caller, op, r.Use)
		if err != nil {
			return Decrypted{}, err
		}
		if !k.Spec.does(op) {
			return Decrypted{}, wrongUsage(k, op)
		}
		if k.ARN.ID != id {
			return Decrypted{}, fault.New(IncorrectKey, "The key ID in the request does not identify a CMK that can perform this operation.")
		}
	}
	k, err := s.keyInCiphertext(ctx, caller, op, id, r.Use)
	if err != nil {
		return Decrypted{}, err
	}
	material, err := s.material(ctx, k.ARN)
	if err != nil {
		return Decrypted{}, err
	}
	plain, err := decrypt(material, r.Ciphertext, r.Context)
	return Decrypted{Plaintext: plain, Key: k.ARN}, err
}

// keyInCiphertext returns the usable key of a ciphertext. Whether there is
// none, or it is elsewhere, or the caller may not use it, is one answer.
func (s *Service) keyInCiphertext(ctx context.Context, caller arn.Caller, op Operation, id string, u Use) (Key, error) {
	if err := u.Context.check(); err != nil {
		return Key{}, err
	}
	k, err := s.key(ctx, id)
	if errors.Is(err, NotFound) || err == nil && !k.ARN.SameRegion(namespace(caller)) {
		return Key{}, unreadable()
	}
	if err != nil {
		return Key{}, err
	}
	u.KeyID = k.ARN.String()
	if _, _, err := s.authorize(ctx, caller, k, op, u); err != nil {
		if errors.Is(err, AccessDenied) && !caller.Owns(k.ARN.Namespace) {
			return Key{}, unreadable().Because(err)
		}
		return Key{}, err
	}
	return k, k.ready(op, u)
}

// ReEncryptRequest asks for ReEncrypt. Source.KeyID may be empty.
type ReEncryptRequest struct {
	Source, Destination Use
	Ciphertext          []byte
}

// ReEncrypted is a ciphertext with the key that it is, and the one that it
// was, encrypted under.
type ReEncrypted struct {
	Encrypted
	Source arn.Key
}

// ReEncrypt decrypts a ciphertext and encrypts it again under another key or
// another context; the plaintext is not shown.
func (s *Service) ReEncrypt(ctx context.Context, caller arn.Caller, r ReEncryptRequest) (ReEncrypted, error) {
	from, err := keyOf(r.Ciphertext)
	if err != nil {
		return ReEncrypted{}, err
	}
	to := r.Destination
	to.other, to.DryRun = from, false // a dry run ends after both sides were asked
	destination, err := s.findUsable(ctx, caller, ReEncryptToOperation, to)
	if err != nil {
		return ReEncrypted{}, err
	}
	r.Source.other = destination.ARN.ID
	was, err := s.decrypt(ctx, caller, ReEncryptFromOperation, DecryptRequest{Use: r.Source, Ciphertext: r.Ciphertext})
	if err != nil {
		return ReEncrypted{}, err
	}
	to.KeyID, to.DryRun = destination.ARN.String(), r.Destination.DryRun
	is, err := s.encrypt(ctx, caller, ReEncryptToOperation, to, was.Plaintext)
	return ReEncrypted{Encrypted: is, Source: was.Key}, err
}

// A DataKey is a key for one thing: the plain one encrypts it and is
// forgotten, the ciphertext is kept beside it.
type DataKey struct {
	Plain      envelope.Key
	Ciphertext []byte
	Key        arn.Key
}

// String hides the plain key.
func (DataKey) String() string { return redacted }

// GenerateDataKey returns a fresh key of 256 bits, encrypted under a key and
// bound to a context.
func (s *Service) GenerateDataKey(ctx context.Context, caller arn.Caller, keyID string, ec EncryptionContext) (DataKey, error) {
	made, err := s.GenerateDataKeys(ctx, caller, keyID, ec)
	if err != nil {
		return DataKey{}, err
	}
	return made[0], nil
}

// GenerateDataKeys is GenerateDataKey for each of several contexts, which are
// all allowed or all refused; the key is looked up once.
func (s *Service) GenerateDataKeys(ctx context.Context, caller arn.Caller, keyID string, contexts ...EncryptionContext) ([]DataKey, error) {
	asked := make([]ask, len(contexts))
	for i, ec := range contexts {
		asked[i] = ask{GenerateDataKeyOperation, Use{KeyID: keyID, Context: ec}}
	}
	k, _, err := s.findForAll(ctx, caller, asked)
	if err != nil {
		return nil, err
	}
	material, err := s.material(ctx, k.ARN)
	if err != nil {
		return nil, err
	}
	made := make([]DataKey, len(contexts))
	for i, ec := range contexts {
		made[i] = DataKey{Plain: envelope.NewKey(), Key: k.ARN}
		if made[i].Ciphertext, err = encrypt(k.ARN.ID, material, made[i].Plain.Reveal(), ec); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// OpenDataKey returns the plain key of what GenerateDataKey returned.
func (s *Service) OpenDataKey(ctx context.Context, caller arn.Caller, ciphertext []byte, ec EncryptionContext) (envelope.Key, error) {
	d, err := s.Decrypt(ctx, caller, DecryptRequest{Use: Use{Context: ec}, Ciphertext: ciphertext})
	if err != nil {
		return envelope.Key{}, err
	}
	k, err := envelope.KeyFrom(d.Plaintext)
	if err != nil {
		return envelope.Key{}, fmt.Errorf("data key under %s: %w", d.Key, err)
	}
	return k, nil
}

// DataKeyRequest asks for a data key of any size.
type DataKeyRequest struct {
	Use
	Bytes int // 1 to 1024
}

// maxDataKey is the longest data key, in bytes.
const maxDataKey = 1024

// GenerateDataKeyOfSize returns a random data key of Bytes bytes with its
// ciphertext.
func (s *Service) GenerateDataKeyOfSize(ctx context.Context, caller arn.Caller, r DataKeyRequest) (Plaintext, Encrypted, error) {
	return s.dataKey(ctx, caller, GenerateDataKeyOperation, r)
}

// GenerateDataKeyWithoutPlaintext is GenerateDataKeyOfSize for a key that is
// needed later. It is a permission of its own.
func (s *Service) GenerateDataKeyWithoutPlaintext(ctx context.Context, caller arn.Caller, r DataKeyRequest) (Encrypted, error) {
	_, e, err := s.dataKey(ctx, caller, GenerateDataKeyWithoutPlaintextOperation, r)
	return e, err
}

func (s *Service) dataKey(ctx context.Context, caller arn.Caller, op Operation, r DataKeyRequest) (Plaintext, Encrypted, error) {
	if r.Bytes < 1 || r.Bytes > maxDataKey {
		return nil, Encrypted{}, invalid("A data key has 1 to %d bytes, not %d.", maxDataKey, r.Bytes)
	}
	plain := make(Plaintext, r.Bytes)
	_, _ = rand.Read(plain) // documented never to fail
	e, err := s.encrypt(ctx, caller, op, r.Use, plain)
	if err != nil {
		return nil, Encrypted{}, err
	}
	return plain, e, nil
}
