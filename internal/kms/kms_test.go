package kms_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/envelope"
	"mimeo/internal/fault"
	"mimeo/internal/kms"
	"mimeo/internal/policy"
	"mimeo/internal/sqlstore"
	"mimeo/internal/sqlstore/sqlstoretest"
)

const (
	account = "111122223333"
	other   = "555555555555"
	region  = "us-east-1"
)

// identities are the policies of callers: an account's root has full access,
// everyone else what the test gives.
type identities map[string]policy.Policy

func (i identities) Subject(_ context.Context, caller arn.Caller) (policy.Subject, error) {
	who := policy.Subject{Principal: caller.Principal}
	if p, ok := i[caller.Principal.Name]; ok {
		who.Identity = []policy.Policy{p}
	} else if caller.Principal.IsRoot() {
		who.Identity = []policy.Policy{policy.FullAccess(caller.Principal.Account)}
	}
	return who, nil
}

// Nobody here has a unique id: a policy is stored as it is written.
func (identities) PrincipalsByID(_ context.Context, text string) (string, error)   { return text, nil }
func (identities) PrincipalsByName(_ context.Context, text string) (string, error) { return text, nil }

// A world is a service on a real store whose clock the test owns.
type world struct {
	*kms.Service
	t     *testing.T
	store *sqlstore.KMS
	now   time.Time
	who   identities
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db := sqlstoretest.Open(t)
	w := &world{t: t, store: db.KMS(), now: time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC), who: identities{}}
	w.Service = kms.New(w.store, envelope.NewKey(), w.who, func() time.Time { return w.now })
	return w
}

func root(id string) arn.Caller {
	return arn.Caller{Principal: arn.Root("aws", id), Region: region}
}

func user(id, name string) arn.Caller {
	return arn.Caller{Principal: arn.Principal{Partition: "aws", Account: id, Name: "user/" + name}, Region: region}
}

var service = arn.Caller{Principal: arn.Service("rekognition.amazonaws.com"), Region: region}

func (w *world) key() kms.Key {
	w.t.Helper()
	return w.keyWith(kms.NewKey{})
}

func (w *world) keyWith(n kms.NewKey) kms.Key {
	w.t.Helper()
	k, err := w.CreateKey(w.t.Context(), root(account), n)
	if err != nil {
		w.t.Fatal(err)
	}
	return k
}

func (w *world) encrypt(caller arn.Caller, keyID, plain string, ec kms.EncryptionContext) []byte {
	w.t.Helper()
	e, err := w.Encrypt(w.t.Context(), caller, kms.EncryptRequest{Use: kms.Use{KeyID: keyID, Context: ec}, Plaintext: []byte(plain)})
	if err != nil {
		w.t.Fatal(err)
	}
	return e.Ciphertext
}

func (w *world) decrypt(caller arn.Caller, ciphertext []byte, ec kms.EncryptionContext) (string, error) {
	d, err := w.Decrypt(w.t.Context(), caller, kms.DecryptRequest{Use: kms.Use{Context: ec}, Ciphertext: ciphertext})
	return string([]byte(d.Plaintext)), err
}

// want checks that err is a fault with that code; the empty code is success.
func want(t *testing.T, what string, err error, code fault.Code) {
	t.Helper()
	var f *fault.Error
	switch {
	case code == "" && err != nil:
		t.Errorf("%s: %v", what, err)
	case code != "" && (!errors.Is(err, code) || !errors.As(err, &f) || f.Message == ""):
		t.Errorf("%s: %v, want %s with a message", what, err, code)
	}
}

func TestEncryptDecrypt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := w.key()
	ec := kms.EncryptionContext{"a": "1", "b": "2"}
	ciphertext := w.encrypt(root(account), k.ARN.ID, "attack at dawn", ec)
	if got, err := w.decrypt(root(account), ciphertext, kms.EncryptionContext{"b": "2", "a": "1"}); err != nil || got != "attack at dawn" {
		t.Errorf("decrypted %q, %v", got, err)
	}
	for name, other := range map[string]kms.EncryptionContext{
		"none": nil, "less": {"a": "1"}, "more": {"a": "1", "b": "2", "c": "3"}, "value": {"a": "1", "b": "3"}, "case": {"A": "1", "b": "2"}, "shifted": {"a": "1b", "": "2"},
	} {
		_, err := w.decrypt(root(account), ciphertext, other)
		want(t, name, err, kms.InvalidCiphertext)
	}
	for i := range ciphertext {
		damaged := append([]byte(nil), ciphertext...)
		damaged[i] ^= 1
		_, err := w.decrypt(root(account), damaged, ec)
		if !errors.Is(err, kms.InvalidCiphertext) && !errors.Is(err, kms.AccessDenied) {
			t.Fatalf("byte %d damaged: %v", i, err)
		}
		_, err = w.decrypt(root(account), ciphertext[:i], ec)
		want(t, "cut", err, kms.InvalidCiphertext)
	}
	if again := w.encrypt(root(account), k.ARN.ID, "attack at dawn", ec); string(again) == string(ciphertext) {
		t.Error("two ciphertexts of one text are equal")
	}
	for _, plain := range []string{"", strings.Repeat("x", 4097)} {
		_, err := w.Encrypt(t.Context(), root(account), kms.EncryptRequest{Use: kms.Use{KeyID: k.ARN.ID}, Plaintext: []byte(plain)})
		want(t, "size", err, kms.Validation)
	}
	w.encrypt(root(account), k.ARN.ID, strings.Repeat("x", 4096), nil)
	_, err := w.Encrypt(t.Context(), root(account), kms.EncryptRequest{Use: kms.Use{KeyID: k.ARN.ID, Context: kms.EncryptionContext{"a": strings.Repeat("x", 8192)}}, Plaintext: []byte("x")})
	want(t, "long context", err, kms.Validation)
}

func TestDecryptWithKeyID(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k, second := w.key(), w.key()
	ciphertext := w.encrypt(root(account), k.ARN.ID, "x", nil)
	for id, code := range map[string]fault.Code{
		k.ARN.ID: "", k.ARN.String(): "", second.ARN.ID: kms.IncorrectKey, "none": kms.NotFound,
	} {
		_, err := w.Decrypt(t.Context(), root(account), kms.DecryptRequest{Use: kms.Use{KeyID: id}, Ciphertext: ciphertext})
		want(t, id, err, code)
	}
}

func TestDataKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := w.key()
	ec := kms.EncryptionContext{"v": "1"}
	d, err := w.GenerateDataKey(t.Context(), root(account), k.ARN.String(), ec)
	if err != nil || d.Key != k.ARN {
		t.Fatalf("data key of %v, %v", d.Key, err)
	}
	got, err := w.OpenDataKey(t.Context(), root(account), d.Ciphertext, ec)
	if err != nil || got != d.Plain {
		t.Errorf("opened another key: %v", err)
	}
	_, err = w.OpenDataKey(t.Context(), root(account), d.Ciphertext, nil)
	want(t, "another context", err, kms.InvalidCiphertext)
	for size, code := range map[int]fault.Code{0: kms.Validation, 1: "", 16: "", 1024: "", 1025: kms.Validation} {
		r := kms.DataKeyRequest{Use: kms.Use{KeyID: k.ARN.ID, Context: ec}, Bytes: size}
		plain, e, err := w.GenerateDataKeyOfSize(t.Context(), root(account), r)
		want(t, "with plaintext", err, code)
		if code != "" {
			continue
		}
		if got, err := w.decrypt(root(account), e.Ciphertext, ec); err != nil || got != string([]byte(plain)) || len(got) != size {
			t.Errorf("size %d: decrypted %d bytes, %v", size, len(got), err)
		}
		e, err = w.GenerateDataKeyWithoutPlaintext(t.Context(), root(account), r)
		want(t, "without plaintext", err, "")
		if got, err := w.decrypt(root(account), e.Ciphertext, ec); err != nil || len(got) != size {
			t.Errorf("size %d without plaintext: decrypted %d bytes, %v", size, len(got), err)
		}
	}
}

func TestReEncrypt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	from, to := w.key(), w.key()
	before, after := kms.EncryptionContext{"v": "1"}, kms.EncryptionContext{"v": "2"}
	ciphertext := w.encrypt(root(account), from.ARN.ID, "x", before)
	r, err := w.ReEncrypt(t.Context(), root(account), kms.ReEncryptRequest{
		Source: kms.Use{Context: before}, Destination: kms.Use{KeyID: to.ARN.ID, Context: after}, Ciphertext: ciphertext,
	})
	if err != nil || r.Source != from.ARN || r.Key != to.ARN {
		t.Fatalf("re-encrypted from %v to %v, %v", r.Source, r.Key, err)
	}
	if err := w.DisableKey(t.Context(), root(account), from.ARN.ID); err != nil {
		t.Fatal(err)
	}
	if got, err := w.decrypt(root(account), r.Ciphertext, after); err != nil || got != "x" {
		t.Errorf("decrypted %q, %v", got, err)
	}
	_, err = w.ReEncrypt(t.Context(), root(account), kms.ReEncryptRequest{Source: kms.Use{Context: before}, Destination: kms.Use{KeyID: to.ARN.ID}, Ciphertext: ciphertext})
	want(t, "from a disabled key", err, kms.Disabled)
	_, err = w.ReEncrypt(t.Context(), root(account), kms.ReEncryptRequest{Source: kms.Use{Context: after}, Destination: kms.Use{KeyID: from.ARN.ID}, Ciphertext: r.Ciphertext})
	want(t, "to a disabled key", err, kms.Disabled)
}

// A key that is disabled, or is to be deleted, stops every use at once.
func TestStates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, me := t.Context(), root(account)
	k := w.key()
	id := k.ARN.ID
	ciphertext := w.encrypt(me, id, "x", nil)
	uses := map[string]func() error{
		"Encrypt": func() error {
			_, err := w.Encrypt(ctx, me, kms.EncryptRequest{Use: kms.Use{KeyID: id}, Plaintext: []byte("x")})
			return err
		},
		"Decrypt":         func() error { _, err := w.decrypt(me, ciphertext, nil); return err },
		"GenerateDataKey": func() error { _, err := w.GenerateDataKey(ctx, me, id, nil); return err },
		"GenerateDataKeyWithoutPlaintext": func() error {
			_, err := w.GenerateDataKeyWithoutPlaintext(ctx, me, kms.DataKeyRequest{Use: kms.Use{KeyID: id}, Bytes: 32})
			return err
		},
		"CreateGrant": func() error {
			_, err := w.CreateGrant(ctx, me, kms.GrantRequest{KeyID: id, Grantee: root(other).Principal, Operations: []kms.Operation{kms.DecryptOperation}})
			return err
		},
	}
	all := func(when string, code fault.Code) {
		t.Helper()
		for name, use := range uses {
			want(t, when+": "+name, use(), code)
		}
		_, err := w.DescribeKey(ctx, me, id)
		want(t, when+": DescribeKey", err, "")
		_, err = w.GetKeyPolicy(ctx, me, id)
		want(t, when+": GetKeyPolicy", err, "")
	}
	all("enabled", "")
	want(t, "disable", w.DisableKey(ctx, me, id), "")
	want(t, "disable again", w.DisableKey(ctx, me, id), "")
	all("disabled", kms.Disabled)
	want(t, "enable", w.EnableKey(ctx, me, id), "")
	all("enabled again", "")
	_, err := w.CancelKeyDeletion(ctx, me, id)
	want(t, "cancel nothing", err, kms.InvalidState)
	for _, days := range []int{-1, 0, 6, 31} {
		_, err = w.ScheduleKeyDeletion(ctx, me, id, days)
		want(t, "window", err, kms.Validation)
	}
	k, err = w.ScheduleKeyDeletion(ctx, me, id, 7)
	if want(t, "schedule", err, ""); !k.DeleteAt.Equal(w.now.Add(7 * 24 * time.Hour)) {
		t.Errorf("deletion at %s", k.DeleteAt)
	}
	all("pending deletion", kms.InvalidState)
	want(t, "enable", w.EnableKey(ctx, me, id), kms.InvalidState)
	want(t, "disable", w.DisableKey(ctx, me, id), kms.InvalidState)
	want(t, "alias", w.CreateAlias(ctx, me, "alias/x", id), kms.InvalidState)
	_, err = w.ScheduleKeyDeletion(ctx, me, id, 7)
	want(t, "schedule again", err, kms.InvalidState)
	k, err = w.CancelKeyDeletion(ctx, me, id)
	if want(t, "cancel", err, ""); k.State != kms.IsDisabled || !k.DeleteAt.IsZero() {
		t.Errorf("after cancel: %+v", k)
	}
	all("cancelled", kms.Disabled)
}

func TestDeletion(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(w *world, id string, ciphertext []byte){
		"by the job": func(w *world, _ string, _ []byte) {
			if n, err := w.DeleteExpired(w.t.Context()); n != 1 || err != nil {
				w.t.Errorf("deleted %d keys, %v", n, err)
			}
		},
		"at use": func(w *world, id string, _ []byte) {
			_, err := w.DescribeKey(w.t.Context(), root(account), id)
			want(w.t, "describe", err, kms.NotFound)
		},
		"cancelled too late": func(w *world, id string, _ []byte) {
			_, err := w.CancelKeyDeletion(w.t.Context(), root(account), id)
			want(w.t, "cancel", err, kms.NotFound)
		},
		"at decryption": func(w *world, _ string, ciphertext []byte) {
			_, err := w.decrypt(root(account), ciphertext, nil)
			want(w.t, "decrypt", err, kms.AccessDenied)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ctx, me := t.Context(), root(account)
			k := w.key()
			want(t, "alias", w.CreateAlias(ctx, me, "alias/x", k.ARN.ID), "")
			_, err := w.CreateGrant(ctx, me, kms.GrantRequest{KeyID: k.ARN.ID, Grantee: service.Principal, Operations: []kms.Operation{kms.DecryptOperation}, Name: "job"})
			want(t, "grant", err, "")
			ciphertext := w.encrypt(me, k.ARN.ID, "x", nil)
			_, err = w.ScheduleKeyDeletion(ctx, me, k.ARN.ID, 7)
			want(t, "schedule", err, "")
			w.now = w.now.Add(7*24*time.Hour - time.Millisecond)
			if n, err := w.DeleteExpired(ctx); n != 0 || err != nil {
				t.Fatalf("deleted %d keys before the window was over, %v", n, err)
			}
			w.now = w.now.Add(time.Millisecond)
			end(w, k.ARN.ID, ciphertext)
			if _, err := w.store.Material(ctx, k.ARN.ID); !errors.Is(err, kms.NotFound) {
				t.Errorf("the material is still there: %v", err)
			}
			if grants, err := w.LiveGrants(ctx, ""); len(grants) != 0 || err != nil {
				t.Errorf("grants of an ended key: %v, %v", grants, err)
			}
			if _, err := w.store.Alias(ctx, k.ARN.Namespace, "alias/x"); !errors.Is(err, kms.NotFound) {
				t.Errorf("the alias is still there: %v", err)
			}
			_, err = w.DescribeKey(ctx, me, k.ARN.ID)
			want(t, "describe", err, kms.NotFound)
			_, err = w.decrypt(me, ciphertext, nil)
			want(t, "decrypt", err, kms.AccessDenied)
		})
	}
}
