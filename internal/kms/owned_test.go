package kms_test

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/envelope"
	"mimeo/internal/kms"
	"mimeo/internal/sqlstore/sqlstoretest"
)

func TestServiceKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	found := make([]arn.Key, 8)
	var group sync.WaitGroup
	for i := range found {
		group.Go(func() {
			var err error
			if found[i], err = w.ServiceKey(ctx, "aws", region); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, k := range found {
		if k != found[0] {
			t.Fatalf("two service keys in a region: %s, %s", k, found[0])
		}
	}
	k := found[0]
	if elsewhere, err := w.ServiceKey(ctx, "aws", "eu-west-1"); err != nil || elsewhere.ID == k.ID || elsewhere.Region != "eu-west-1" {
		t.Errorf("in another region: %s, %v", elsewhere, err)
	}
	d, err := w.GenerateDataKey(ctx, service, k.String(), version)
	want(t, "a service", err, "")
	opened, err := w.OpenDataKey(ctx, service, d.Ciphertext, version)
	if want(t, "a service opens", err, ""); opened != d.Plain {
		t.Error("opened another key")
	}
	for _, who := range []arn.Caller{root(account), user(account, "ann"), root("000000000000")} {
		for name, call := range w.calls(who, k.String(), d.Ciphertext) {
			if name == "ListAliases" && who.Principal.Account == "000000000000" {
				continue // of its own account: there is no such caller
			}
			want(t, who.Principal.String()+": "+name, call(), kms.AccessDenied)
		}
	}
	if keys, _, err := w.ListKeys(ctx, root(account), "", 10); err != nil || len(keys) != 0 {
		t.Errorf("a customer sees %v, %v", keys, err)
	}
}

func TestManagedKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	k, err := w.ManagedKey(ctx, root(account), "s3")
	want(t, "make", err, "")
	if again, err := w.ManagedKey(ctx, user(account, "ann"), "s3"); err != nil || again != k {
		t.Errorf("again %s, %v; want %s", again, err, k)
	}
	if theirs, err := w.ManagedKey(ctx, root(other), "s3"); err != nil || theirs.ID == k.ID || theirs.Account != other {
		t.Errorf("of another account: %s, %v", theirs, err)
	}
	if _, err := w.ManagedKey(ctx, service, "s3"); err == nil {
		t.Error("a service has a managed key")
	}
	d, err := w.DescribeKey(ctx, root(account), "alias/aws/s3")
	if want(t, "describe", err, ""); d.ARN != k || d.Manager != kms.AWS {
		t.Errorf("described %+v", d)
	}
	data, err := w.GenerateDataKey(ctx, user(account, "ann").Through("s3"), "alias/aws/s3", nil)
	want(t, "use through the service, without a policy of her own", err, "")
	_, err = w.GenerateDataKey(ctx, root(account), "alias/aws/s3", nil)
	want(t, "use directly", err, kms.AccessDenied)
	_, err = w.GenerateDataKey(ctx, root(account).Through("rekognition"), "alias/aws/s3", nil)
	want(t, "use through another service", err, kms.AccessDenied)
	_, err = w.OpenDataKey(ctx, root(account).Through("s3"), data.Ciphertext, nil)
	want(t, "open", err, "")
	_, err = w.OpenDataKey(ctx, root(other).Through("s3"), data.Ciphertext, nil)
	want(t, "open by another account", err, kms.AccessDenied)
	for name, call := range w.calls(root(account).Through("s3"), k.ID, data.Ciphertext) {
		switch name {
		case "DisableKey", "EnableKey", "ScheduleKeyDeletion", "CancelKeyDeletion", "PutKeyPolicy", "CreateAlias", "CreateGrant", "Sign", "Verify":
			want(t, name, call(), kms.AccessDenied)
		case "GetPublicKey":
			want(t, name, call(), kms.Unsupported)
		case "RevokeGrant":
			want(t, name, call(), kms.InvalidGrantID)
		default:
			want(t, name, call(), "")
		}
	}
	aliases, _, err := w.ListAliases(ctx, root(account), "", "", 10)
	if err != nil || len(aliases) != 1 || aliases[0].Name != "alias/aws/s3" {
		t.Errorf("aliases %v, %v", aliases, err)
	}
}

// The database holds no key material in plain, and opens under no other
// master key, nor in another key's row.
func TestMaterialAtRest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := sqlstoretest.OpenIn(t, dir)
	master := envelope.NewKey()
	s := kms.New(db.KMS(), master, identities{}, time.Now)
	k, err := s.CreateKey(t.Context(), root(account), kms.NewKey{})
	want(t, "create", err, "")
	e, err := s.Encrypt(t.Context(), root(account), kms.EncryptRequest{Use: kms.Use{KeyID: k.ARN.ID}, Plaintext: []byte("x")})
	want(t, "encrypt", err, "")

	sealed, err := db.KMS().Material(t.Context(), k.ARN.ID)
	if err != nil {
		t.Fatal(err)
	}
	material, err := envelope.Unwrap(master, sealed, map[string]string{"purpose": "key material", "key": k.ARN.String()})
	if err != nil {
		t.Fatal(err)
	}
	if _, plain, err := kms.DecryptWith(material, e.Ciphertext, nil); err != nil || string([]byte(plain)) != "x" {
		t.Errorf("the material does not decrypt: %v", err)
	}
	for _, file := range []string{"mimeo.db", "mimeo.db-wal"} {
		raw, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(raw, material.Reveal()) {
			t.Errorf("%s holds the material in plain", file)
		}
	}
	stranger := kms.New(db.KMS(), envelope.NewKey(), identities{}, time.Now)
	if _, err := stranger.Decrypt(t.Context(), root(account), kms.DecryptRequest{Ciphertext: e.Ciphertext}); err == nil {
		t.Error("another master key decrypts")
	}
	moved := k
	moved.ARN.ID = "714705f4-f713-457f-9e29-5903d46c6009"
	if err := db.KMS().InsertKey(t.Context(), moved, sealed, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := s.GenerateDataKey(t.Context(), root(account), moved.ARN.ID, nil); err == nil {
		t.Error("material works in another key's row")
	}
}

// A key and its alias are stored together or not at all.
func TestInsertKeyIsAtomic(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	k := w.key()
	want(t, "alias", w.CreateAlias(ctx, root(account), "alias/taken", k.ARN.ID), "")
	second := k
	second.ARN.ID = "714705f4-f713-457f-9e29-5903d46c6009"
	if err := w.store.InsertKey(ctx, second, []byte("x"), "alias/taken"); err != error(kms.AlreadyExists) { //nolint:errorlint // the bare code
		t.Errorf("insert with a taken alias: %v", err)
	}
	if _, err := w.store.Key(ctx, second.ARN.ID); err != error(kms.NotFound) { //nolint:errorlint // the bare code
		t.Errorf("half of it is stored: %v", err)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	k := w.key()
	for i := range 51 {
		err := w.CreateAlias(ctx, root(account), "alias/"+string(rune('a'+i%26))+string(rune('a'+i/26)), k.ARN.ID)
		if i < 50 {
			want(t, "alias", err, "")
		} else {
			want(t, "alias 51", err, kms.LimitExceeded)
		}
	}
	g := kms.Grant{ID: "1", Key: k.ARN, Grantee: service.Principal, Operations: []kms.Operation{kms.DecryptOperation}}
	second, third := g, g
	second.ID, third.ID = "2", "3"
	if _, err := w.store.InsertGrants(ctx, []kms.Grant{g}, 2); err != nil {
		t.Fatal(err)
	}
	if _, err := w.store.InsertGrants(ctx, []kms.Grant{second, third}, 2); err != error(kms.LimitExceeded) { //nolint:errorlint // the bare code
		t.Errorf("grant beyond the limit: %v", err)
	}
	if all, err := w.store.Grants(ctx, kms.GrantQuery{KeyID: k.ARN.ID}); err != nil || len(all) != 1 {
		t.Errorf("after a refusal of two grants the key has %d, %v; want the one that was there", len(all), err)
	}
	// Room is made by what is deleted, and by that alone.
	if err := w.store.DeleteGrant(ctx, k.ARN.ID, "2"); err != error(kms.NotFound) { //nolint:errorlint // the bare code
		t.Errorf("delete a grant that was refused: %v", err)
	}
	if err := w.store.DeleteGrant(ctx, k.ARN.ID, "1"); err != nil {
		t.Fatal(err)
	}
	for i, want := range []error{nil, kms.LimitExceeded} {
		if _, err := w.store.InsertGrants(ctx, []kms.Grant{second, third}, 2); err != want { //nolint:errorlint // the bare code
			t.Errorf("two grants, for the %d. time: %v, want %v", i+1, err, want)
		}
		second.ID, third.ID = "4", "5"
	}
	tags := map[string]string{}
	for i := range 51 {
		tags[string(rune('a'+i))] = ""
	}
	_, err := w.CreateKey(ctx, root(account), kms.NewKey{Tags: tags})
	want(t, "51 tags", err, kms.Tag)
}
