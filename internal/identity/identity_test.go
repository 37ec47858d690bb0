package identity_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mimeo/internal/arn"
	"mimeo/internal/envelope"
	"mimeo/internal/fault"
	"mimeo/internal/identity"
	"mimeo/internal/policy"
	"mimeo/internal/sqlstore/sqlstoretest"
)

const account = "111122223333"

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func open(t *testing.T) (*identity.Service, string) {
	t.Helper()
	dir := t.TempDir()
	db := sqlstoretest.OpenIn(t, dir)
	s, err := identity.New(db.Identity(), envelope.NewKey(), func() time.Time { return noon })
	if err != nil {
		t.Fatal(err)
	}
	return s, dir
}

func TestAccessKey(t *testing.T) {
	t.Parallel()
	s, dir := open(t)
	key, err := s.CreateAccount(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^AKIA[A-Z2-7]{16}$`).MatchString(key.ID) || len(key.Secret.Reveal()) != 40 {
		t.Errorf("key %q with a secret of %d characters", key.ID, len(key.Secret.Reveal()))
	}
	secret, who, ok, err := s.Credential(t.Context(), key.ID, "")
	if err != nil || !ok || secret != key.Secret.Reveal() || who != (arn.Caller{Principal: arn.Root("", account)}) {
		t.Errorf("Credential: %v, %t, %v; right secret: %t", who, ok, err, secret == key.Secret.Reveal())
	}
	for name, c := range map[string]struct{ id, token string }{
		"unknown key": {"AKIAAAAAAAAAAAAAAAAA", ""},
		"no key":      {"", ""},
		"lower case":  {strings.ToLower(key.ID), ""},
		"a token":     {key.ID, "token"},
	} {
		secret, who, ok, err := s.Credential(t.Context(), c.id, c.token)
		if ok || err != nil || secret != "" || who != (arn.Caller{}) {
			t.Errorf("%s: Credential: %v, %t, %v", name, who, ok, err)
		}
	}
	for _, file := range []string{"mimeo.db", "mimeo.db-wal"} {
		raw, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil && file == "mimeo.db" {
			t.Fatal(err)
		}
		if bytes.Contains(raw, []byte(key.Secret.Reveal())) {
			t.Errorf("%s holds the secret in plain", file)
		}
	}
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	ctx := t.Context()
	first, err := s.CreateAccount(ctx, account)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateAccount(ctx, "000000000001"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateAccount(ctx, account); !errors.Is(err, identity.AlreadyExists) {
		t.Errorf("second account of one id: %v", err)
	}
	for _, id := range []string{"", "11112222333", "1111222233334", "11112222333a", "000000000000", "１１１１"} {
		if _, err := s.CreateAccount(ctx, id); !errors.Is(err, identity.Validation) {
			t.Errorf("account %q: %v", id, err)
		}
	}
	got, err := s.Accounts(ctx)
	want := []identity.Account{{ID: "000000000001", Created: noon}, {ID: account, Created: noon}}
	if err != nil || !cmp.Equal(got, want) {
		t.Errorf("accounts %v, %v; want %v", got, err, want)
	}
	if err := s.DeleteAccount(ctx, account); err != nil {
		t.Fatal(err)
	}
	if _, _, ok, err := s.Credential(ctx, first.ID, ""); ok || err != nil {
		t.Errorf("the key of a deleted account: %t, %v", ok, err)
	}
	var f *fault.Error
	if err := s.DeleteAccount(ctx, account); !errors.Is(err, identity.NoSuchEntity) || !errors.As(err, &f) {
		t.Errorf("delete again: %v", err)
	}
	again, err := s.CreateAccount(ctx, account)
	if err != nil || again.ID == first.ID {
		t.Errorf("create again: %v, same key: %t", err, again.ID == first.ID)
	}
	if _, _, ok, _ := s.Credential(ctx, first.ID, ""); ok {
		t.Error("the old key works in the new account")
	}
}

// A secret that was moved to another row, or sealed under another master key,
// is an error, never a credential.
func TestSealedToItsRow(t *testing.T) {
	t.Parallel()
	db := sqlstoretest.Open(t)
	now := func() time.Time { return noon }
	s, err := identity.New(db.Identity(), envelope.NewKey(), now)
	if err != nil {
		t.Fatal(err)
	}
	key, err := s.CreateAccount(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	row, err := db.Identity().AccessKey(t.Context(), key.ID)
	if err != nil {
		t.Fatal(err)
	}
	row.ID, row.Account = "AKIAMOVED", "555555555555"
	if err := db.Identity().InsertAccount(t.Context(), identity.Account{ID: row.Account}, row); err != nil {
		t.Fatal(err)
	}
	if _, _, ok, err := s.Credential(t.Context(), row.ID, ""); ok || !errors.Is(err, envelope.ErrNotAuthentic) {
		t.Errorf("a moved secret: %t, %v", ok, err)
	}
	// An account and its key are stored together or not at all.
	if err := db.Identity().InsertAccount(t.Context(), identity.Account{ID: "999999999999"}, row); err == nil {
		t.Error("one key in two accounts")
	}
	if all, err := s.Accounts(t.Context()); err != nil || len(all) != 2 {
		t.Errorf("half an account is stored: %v, %v", all, err)
	}
	stranger, err := identity.New(db.Identity(), envelope.NewKey(), now)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, ok, err := stranger.Credential(t.Context(), key.ID, ""); ok || !errors.Is(err, envelope.ErrNotAuthentic) {
		t.Errorf("another master key: %t, %v", ok, err)
	}
}

func TestCallers(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	caller := func(name string) arn.Caller {
		return arn.Caller{Principal: arn.Principal{Partition: "aws", Account: account, Name: name}, Region: "us-east-1"}
	}
	root, err := s.Subject(t.Context(), caller("root"))
	if err != nil || len(root.Identity) != 1 {
		t.Fatalf("policies of root: %v, %v", root.Identity, err)
	}
	req := policy.Request{Action: "kms:CreateKey", Resource: "*"}
	if !policy.Authorize(root, req, account, nil).Allowed() {
		t.Error("root is not allowed to use its own account")
	}
	if policy.Authorize(root, req, "555555555555", nil).Allowed() {
		t.Error("root is allowed to use another account")
	}
	for _, who := range []arn.Caller{caller("user/ann"), {Principal: arn.Service("s3.amazonaws.com")}, {}} {
		if got, err := s.Subject(t.Context(), who); err != nil || len(got.Identity) != 0 {
			t.Errorf("policies of %v: %v, %v", who, got, err)
		}
	}
	id, err := s.GetCallerIdentity(t.Context(), caller("root"))
	if err != nil || id.UserID != account || id.Account != account || id.ARN.String() != "arn:aws:iam::111122223333:root" {
		t.Errorf("identity %+v, %v", id, err)
	}
}

func TestSecretIsRedacted(t *testing.T) {
	t.Parallel()
	s, _ := open(t)
	key, err := s.CreateAccount(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", key.Secret, "key", key)
	encoded, err := json.Marshal(key)
	if err != nil {
		t.Fatal(err)
	}
	printed := fmt.Sprintf("%v %+v %#v %s %q %v", key, key, key, key.Secret, key.Secret, &key) + log.String() + string(encoded)
	if strings.Contains(printed, key.Secret.Reveal()) {
		t.Errorf("the secret is shown in %s", printed)
	}
}
