package kms_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mimeo/internal/arn"
	"mimeo/internal/envelope"
	"mimeo/internal/fault"
	"mimeo/internal/kms"
	"mimeo/internal/policy"
	"mimeo/internal/sqlstore/sqlstoretest"
)

func (w *world) signingKey() kms.Key {
	w.t.Helper()
	return w.keyWith(kms.NewKey{Spec: kms.ECCNISTP256})
}

func raw(text string) kms.Message { return kms.Message{Bytes: []byte(text), Type: kms.RawMessage} }

func digestOf(text string) kms.Message {
	sum := sha256.Sum256([]byte(text))
	return kms.Message{Bytes: sum[:], Type: kms.DigestMessage}
}

func (w *world) sign(caller arn.Caller, keyID string, m kms.Message) ([]byte, error) {
	signed, err := w.Sign(w.t.Context(), caller, kms.SignRequest{Use: kms.Use{KeyID: keyID}, Message: m})
	return signed.Signature, err
}

func (w *world) verify(caller arn.Caller, keyID string, m kms.Message, signature []byte) error {
	_, err := w.Verify(w.t.Context(), caller, kms.VerifyRequest{Use: kms.Use{KeyID: keyID}, Message: m, Signature: signature})
	return err
}

// TestSignatures: what is signed verifies, here and with the public key alone,
// and nothing else does. A message and its digest are the same.
func TestSignatures(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	me := root(account)
	k := w.signingKey()
	id := k.ARN.ID
	public, err := w.GetPublicKey(t.Context(), me, kms.Use{KeyID: id})
	want(t, "public key", err, "")
	if diff := cmp.Diff(k, public.Key); diff != "" {
		t.Errorf("the public key's key differs (-want +got):\n%s", diff)
	}
	parsed, err := x509.ParsePKIXPublicKey(public.DER)
	if err != nil {
		t.Fatal(err)
	}
	for name, signedAs := range map[string]kms.Message{"raw": raw("attack at dawn"), "digest": digestOf("attack at dawn")} {
		signature, err := w.sign(me, id, signedAs)
		want(t, name, err, "")
		if !ecdsa.VerifyASN1(parsed.(*ecdsa.PublicKey), digestOf("attack at dawn").Bytes, signature) {
			t.Errorf("%s: the public key does not verify %x", name, signature)
		}
		want(t, name+", verified raw", w.verify(me, id, raw("attack at dawn"), signature), "")
		want(t, name+", verified by digest", w.verify(me, id, digestOf("attack at dawn"), signature), "")
		want(t, name+", another message", w.verify(me, id, raw("attack at dusk"), signature), kms.InvalidSignature)
		want(t, name+", another key", w.verify(me, w.signingKey().ARN.ID, signedAs, signature), kms.InvalidSignature)
		for i := range signature {
			damaged := bytes.Clone(signature)
			damaged[i] ^= 1
			want(t, name+", damaged", w.verify(me, id, signedAs, damaged), kms.InvalidSignature)
			want(t, name+", cut", w.verify(me, id, signedAs, signature[:i]), kms.InvalidSignature)
		}
	}
}

func TestMessages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.signingKey().ARN.ID
	of := func(size int, kind kms.MessageType) kms.Message {
		return kms.Message{Bytes: []byte(strings.Repeat("x", size)), Type: kind}
	}
	for name, c := range map[string]struct {
		message kms.Message
		code    fault.Code
	}{
		"one byte":     {of(1, kms.RawMessage), ""},
		"the longest":  {of(4096, kms.RawMessage), ""},
		"empty":        {of(0, kms.RawMessage), kms.Validation},
		"too long":     {of(4097, kms.RawMessage), kms.Validation},
		"digest":       {of(32, kms.DigestMessage), ""},
		"short digest": {of(31, kms.DigestMessage), kms.Validation},
		"long digest":  {of(33, kms.DigestMessage), kms.Validation},
		"a mu":         {of(64, "EXTERNAL_MU"), kms.Validation},
	} {
		signature, err := w.sign(root(account), id, c.message)
		want(t, "sign "+name, err, c.code)
		want(t, "verify "+name, w.verify(root(account), id, c.message, signature), c.code)
	}
}

// TestSignatureVectors puts the key pair of RFC 6979, appendix A.2.5, into the
// store: the public key and the signatures are the ones that it prints.
func TestSignatureVectors(t *testing.T) {
	t.Parallel()
	const (
		x  = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"
		ux = "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
		uy = "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
		// SubjectPublicKeyInfo of an uncompressed point of P-256 (RFC 5480).
		info = "3059301306072a8648ce3d020106082a8648ce3d03010703420004"
	)
	db, master := sqlstoretest.Open(t), envelope.NewKey()
	w := &world{t: t, store: db.KMS(), Service: kms.New(db.KMS(), master, identities{}, time.Now)}
	k := w.signingKey()
	k.ARN.ID = "714705f4-f713-457f-9e29-5903d46c6009"
	material, err := envelope.KeyFrom(unhex(t, x))
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := envelope.Wrap(master, material, map[string]string{"purpose": "key material", "key": k.ARN.String()})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.store.InsertKey(t.Context(), k, sealed, ""); err != nil {
		t.Fatal(err)
	}
	public, err := w.GetPublicKey(t.Context(), root(account), kms.Use{KeyID: k.ARN.ID})
	if want := unhex(t, info+ux+uy); err != nil || !bytes.Equal(public.DER, want) {
		t.Errorf("public key %x, %v; want %x", public.DER, err, want)
	}
	for message, rs := range map[string][2]string{
		"sample": {"efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716", "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"},
		"test":   {"f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367", "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083"},
	} {
		signature, err := asn1.Marshal([]*big.Int{new(big.Int).SetBytes(unhex(t, rs[0])), new(big.Int).SetBytes(unhex(t, rs[1]))})
		if err != nil {
			t.Fatal(err)
		}
		want(t, message, w.verify(root(account), k.ARN.ID, raw(message), signature), "")
	}
}

// TestUsages: a key does what it is for, and nothing else, whatever its state.
func TestUsages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, me := t.Context(), root(account)
	signs, encrypts, target := w.signingKey().ARN.ID, w.key().ARN.ID, w.key().ARN.ID
	forged, err := kms.EncryptWith(signs, envelope.NewKey(), []byte("x"), nil) // it names a key that encrypts nothing
	want(t, "forge", err, "")
	sealed := w.encrypt(me, encrypts, "x", nil)
	signature, err := w.sign(me, signs, raw("x"))
	want(t, "sign", err, "")

	of := func(id string, ciphertext []byte) map[string]error {
		calls := w.calls(me, id, ciphertext)
		all := map[string]error{}
		for _, op := range []string{"Encrypt", "Decrypt", "Decrypt by ciphertext", "ReEncrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "Can"} {
			all[op] = calls[op]()
		}
		_, all["ReEncrypt from it"] = w.ReEncrypt(ctx, me, kms.ReEncryptRequest{Destination: kms.Use{KeyID: target}, Ciphertext: ciphertext})
		return all
	}
	for op, err := range of(encrypts, sealed) {
		want(t, op+" with a symmetric key", err, "")
	}
	refuses := func(state string) {
		t.Helper()
		for op, err := range of(signs, forged) {
			want(t, op+" with a key that signs, "+state, err, kms.InvalidKeyUsage)
		}
		_, err := w.Decrypt(ctx, me, kms.DecryptRequest{Use: kms.Use{KeyID: signs}, Ciphertext: sealed})
		want(t, "Decrypt another key's ciphertext, "+state, err, kms.InvalidKeyUsage)
		_, err = w.sign(me, encrypts, raw("x"))
		want(t, "Sign, "+state, err, kms.InvalidKeyUsage)
		want(t, "Verify, "+state, w.verify(me, encrypts, raw("x"), signature), kms.InvalidKeyUsage)
		_, err = w.GetPublicKey(ctx, me, kms.Use{KeyID: encrypts})
		want(t, "GetPublicKey, "+state, err, kms.Unsupported)
	}
	used := func(state string, code fault.Code) {
		t.Helper()
		_, err := w.sign(me, signs, raw("x"))
		want(t, "Sign, "+state, err, code)
		want(t, "Verify, "+state, w.verify(me, signs, raw("x"), signature), code)
		_, err = w.GetPublicKey(ctx, me, kms.Use{KeyID: signs})
		want(t, "GetPublicKey, "+state, err, code)
	}
	refuses("enabled")
	used("enabled", "")
	for _, id := range []string{signs, encrypts} {
		want(t, "disable", w.DisableKey(ctx, me, id), "")
	}
	refuses("disabled")
	used("disabled", kms.Disabled)
	for _, id := range []string{signs, encrypts} {
		_, err := w.ScheduleKeyDeletion(ctx, me, id, 7)
		want(t, "schedule", err, "")
	}
	refuses("pending deletion")
	used("pending deletion", kms.InvalidState)
}

func TestDryRunsOfSigning(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	use := kms.Use{KeyID: w.signingKey().ARN.ID, DryRun: true}
	_, err := w.Sign(t.Context(), root(account), kms.SignRequest{Use: use, Message: raw("x")})
	want(t, "Sign", err, kms.DryRun)
	_, err = w.Verify(t.Context(), root(account), kms.VerifyRequest{Use: use, Message: raw("x"), Signature: []byte("x")})
	want(t, "Verify", err, kms.DryRun)
	use.KeyID = w.key().ARN.ID
	_, err = w.Sign(t.Context(), root(account), kms.SignRequest{Use: use, Message: raw("x")})
	want(t, "Sign with a symmetric key", err, kms.InvalidKeyUsage)
}

// TestGrantsOfASigningKey: a grant allows what the key can do, and needs no
// encryption context.
func TestGrantsOfASigningKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, bob := w.signingKey().ARN.String(), user(other, "bob")
	grant := func(r kms.GrantRequest) error {
		r.KeyID, r.Grantee = id, bob.Principal
		_, err := w.CreateGrant(t.Context(), root(account), r)
		return err
	}
	uses := map[kms.Operation]func() error{
		kms.SignOperation:         func() error { _, err := w.sign(bob, id, raw("x")); return err },
		kms.VerifyOperation:       func() error { return w.verify(bob, id, raw("x"), []byte("x")) },
		kms.GetPublicKeyOperation: func() error { _, err := w.GetPublicKey(t.Context(), bob, kms.Use{KeyID: id}); return err },
		kms.DescribeKeyOperation:  func() error { _, err := w.DescribeKey(t.Context(), bob, id); return err },
	}
	for op, use := range uses {
		want(t, string(op)+" without a grant", use(), kms.AccessDenied)
		want(t, "grant "+string(op), grant(kms.GrantRequest{Operations: []kms.Operation{op}}), "")
		if err := use(); err != nil && !errors.Is(err, kms.InvalidSignature) {
			t.Errorf("%s under the grant: %v", op, err)
		}
	}
	want(t, "grant CreateGrant and RetireGrant", grant(kms.GrantRequest{Operations: []kms.Operation{kms.CreateGrantOperation, kms.RetireGrantOperation}}), "")
	for _, op := range []kms.Operation{
		kms.EncryptOperation, kms.DecryptOperation, kms.GenerateDataKeyOperation, kms.GenerateDataKeyWithoutPlaintextOperation, kms.ReEncryptFromOperation, kms.ReEncryptToOperation,
	} {
		want(t, "grant "+string(op), grant(kms.GrantRequest{Operations: []kms.Operation{kms.SignOperation, op}}), kms.Validation)
	}
	sign := []kms.Operation{kms.SignOperation}
	want(t, "equal to a context", grant(kms.GrantRequest{Operations: sign, EncryptionContextEquals: version}), kms.Validation)
	want(t, "with part of a context", grant(kms.GrantRequest{Operations: sign, EncryptionContextSubset: version}), kms.Validation)
}

func TestConditionsOfASigningKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := user(account, "ann")
	sign := func(id string) error { _, err := w.sign(ann, id, raw("x")); return err }
	signDigest := func(id string) error { _, err := w.sign(ann, id, digestOf("x")); return err }
	describe := func(id string) error { _, err := w.DescribeKey(t.Context(), ann, id); return err }
	for name, c := range map[string]struct {
		operators string
		call      func(id string) error
		want      bool
	}{
		"spec and usage":               {`"StringEquals":{"kms:KeySpec":"ECC_NIST_P256","kms:KeyUsage":"SIGN_VERIFY"}`, describe, true},
		"spec and usage, as they were": {`"StringEquals":{"kms:CustomerMasterKeySpec":"ECC_NIST_P256","kms:CustomerMasterKeyUsage":"SIGN_VERIFY"}`, describe, true},
		"another spec":                 {`"StringEquals":{"kms:KeySpec":"SYMMETRIC_DEFAULT"}`, describe, false},
		"another usage":                {`"StringEquals":{"kms:KeyUsage":"ENCRYPT_DECRYPT"}`, describe, false},
		"algorithm":                    {`"StringEquals":{"kms:SigningAlgorithm":"ECDSA_SHA_256"}`, sign, true},
		"another algorithm":            {`"StringEquals":{"kms:SigningAlgorithm":"ECDSA_SHA_384"}`, sign, false},
		"algorithm of no signature":    {`"StringEquals":{"kms:SigningAlgorithm":"ECDSA_SHA_256"}`, describe, false},
		"no encryption":                {`"Null":{"kms:EncryptionAlgorithm":"true"}`, sign, true},
		"raw":                          {`"StringEquals":{"kms:MessageType":"RAW"}`, sign, true},
		"raw, a digest":                {`"StringEquals":{"kms:MessageType":"RAW"}`, signDigest, false},
		"digest":                       {`"StringEquals":{"kms:MessageType":"DIGEST"}`, signDigest, true},
		"digest, of Verify": {`"StringEquals":{"kms:MessageType":"DIGEST"}`, func(id string) error {
			signature, err := w.sign(root(account), id, raw("x"))
			want(t, "sign", err, "")
			return w.verify(ann, id, digestOf("x"), signature)
		}, true},
		"raw, of Verify of a digest": {`"StringEquals":{"kms:MessageType":"RAW"}`, func(id string) error { return w.verify(ann, id, digestOf("x"), []byte("x")) }, false},
	} {
		k := w.keyWith(kms.NewKey{Spec: kms.ECCNISTP256, SkipLockoutCheck: true, Policy: `{"Version":"2012-10-17","Statement":[
		 {"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":"kms:*","Resource":"*"},
		 {"Effect":"Allow","Principal":{"AWS":"` + ann.Principal.String() + `"},"Action":"kms:*","Resource":"*","Condition":{` + c.operators + `}}]}`})
		if err := c.call(k.ARN.ID); (err == nil) != c.want || err != nil && !errors.Is(err, kms.AccessDenied) {
			t.Errorf("%s: %v, want allowed %v", name, err, c.want)
		}
	}
	w.who["user/ann"] = identityPolicy(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:CreateKey","Resource":"*","Condition":{"StringEquals":{"kms:KeyUsage":"SIGN_VERIFY"}}}}`)
	for spec, code := range map[kms.Spec]fault.Code{kms.ECCNISTP256: "", kms.SymmetricDefault: kms.AccessDenied, "": kms.AccessDenied} {
		_, err := w.CreateKey(t.Context(), ann, kms.NewKey{Spec: spec})
		var why *policy.DeniedError
		if want(t, "create "+string(spec), err, code); code != "" && !errors.As(err, &why) {
			t.Errorf("create %s: %v says not why", spec, err)
		}
	}
}
