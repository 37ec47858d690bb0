package identity_test

import (
	"testing"

	"mimeo/internal/identity"
)

// A policy is stored with the ids of those who are there, and shown with their
// names; one that is stored before a name is made anew does not mean the new
// one.
func TestPrincipalsByID(t *testing.T) {
	t.Parallel()
	s, db, _, _ := house(t)
	ctx := t.Context()
	insert := func(kind identity.Kind, path, name, id string) identity.Entity {
		t.Helper()
		e := identity.Entity{Ref: identity.Ref{Partition: "aws", Account: account, Kind: kind, Name: name}, ID: id, Path: path}
		if err := db.IAM().InsertEntity(ctx, e, 10); err != nil {
			t.Fatal(err)
		}
		return e
	}
	document := func(principal string) string {
		return `{"Statement": [{"Principal": {"AWS": ["*", "` + principal + `"]}}]}`
	}
	const evesID, rolesID = "AIDAAAAAAAAAAAAAAAAA", "AROABBBBBBBBBBBBBBBB"
	eve := insert(identity.User, "/x/", "eve", evesID)
	insert(identity.Role, "/", "worker", rolesID)
	check := func(when string, stored map[string]string) {
		t.Helper()
		for name, want := range stored {
			text, err := s.PrincipalsByID(ctx, document(name))
			if err != nil || text != document(want) {
				t.Errorf("%s: %s is stored as %s, %v; want %s", when, name, text, err, want)
			}
			if text, err = s.PrincipalsByName(ctx, text); err != nil || text != document(name) {
				t.Errorf("%s: %s is shown as %s, %v", when, name, text, err)
			}
		}
	}
	all := map[string]string{
		"arn:aws:iam::" + account + ":user/x/eve":  evesID,
		"arn:aws:iam::" + account + ":role/worker": rolesID,
	}
	for _, name := range []string{
		account, "arn:aws:iam::" + account + ":root", "arn:aws:iam::" + account + ":user/eve", "arn:aws:iam::" + account + ":user/x/EVE",
		"arn:aws-cn:iam::" + account + ":user/x/eve", "arn:aws:iam::555555555555:user/x/eve", "arn:aws:iam::" + account + ":role/x/worker",
		"arn:aws:sts::" + account + ":assumed-role/worker/s1", "AIDAZZZZZZZZZZZZZZZZ",
	} {
		all[name] = name
	}
	check("at first", all)

	if err := db.IAM().DeleteEntity(ctx, eve.Ref, func(identity.Entity, int) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if text, err := s.PrincipalsByName(ctx, document(evesID)); err != nil || text != document(evesID) {
		t.Errorf("a user that is gone is shown as %s, %v", text, err)
	}
	insert(identity.User, "/x/", "eve", evesID[:19]+"B")
	if text, err := s.PrincipalsByName(ctx, document(evesID)); err != nil || text != document(evesID) {
		t.Errorf("a user that is gone is shown as %s, %v; there is another one of the name", text, err)
	}
	check("of the new one", map[string]string{eve.Principal().String(): evesID[:19] + "B"})
}
