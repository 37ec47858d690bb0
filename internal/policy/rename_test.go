package policy_test

import (
	"errors"
	"strings"
	"testing"

	"mimeo/internal/arn"
	"mimeo/internal/policy"
)

const (
	annsID = "AIDAAAAAAAAAAAAAAAAA"
	roleID = "AROABBBBBBBBBBBBBBBB"
)

// TestUniqueIDs: an id as the principal means who has it, and nobody else.
func TestUniqueIDs(t *testing.T) {
	t.Parallel()
	session := user(owner, "assumed-role/R/s")
	for name, c := range map[string]struct {
		who       arn.Principal
		id, named string
		want      policy.Verdict
	}{
		"the user":             {ann, annsID, annsID, policy.Allow},
		"of the same name":     {ann, annsID[:19] + "B", annsID, policy.NoMatch},
		"without an id":        {ann, "", annsID, policy.NoMatch},
		"a session":            {session, roleID, roleID, policy.Allow},
		"of another role":      {session, roleID[:19] + "C", roleID, policy.NoMatch},
		"the root":             {user(owner, "root"), "", annsID, policy.NoMatch},
		"a service":            {arn.Service("kms.amazonaws.com"), "", annsID, policy.NoMatch},
		"of another account":   {user(other, "user/ann"), annsID[:19] + "B", annsID, policy.NoMatch},
		"one of two":           {ann, annsID, roleID + `","` + annsID, policy.Allow},
		"by name all the same": {ann, annsID, ann.String(), policy.Allow},
	} {
		who := subject(c.who, nil)
		who.ID = c.id
		named := doc(t, "Allow", `{"AWS":["`+c.named+`"]}`, "*", "*")
		if got := policy.Authorize(who, copyVersion, owner, named); got.Verdict != c.want {
			t.Errorf("%s: %v (%s), want %v", name, got.Verdict, got.Reason(), c.want)
		}
	}
	not := append(doc(t, "Allow", `"*"`, "*", "*"), policy.Policy{Name: "not", Document: parse(t, statement(
		`"Effect":"Deny","NotPrincipal":{"AWS":["`+annsID+`","`+owner+`"]},"Action":"*","Resource":"*"`))})
	for id, want := range map[string]policy.Verdict{annsID: policy.Allow, annsID[:19] + "B": policy.Deny} {
		who := subject(ann, nil)
		who.ID = id
		if got := policy.Authorize(who, copyVersion, owner, not); got.Verdict != want {
			t.Errorf("%s, with the id %s left out: %v, want %v", id, annsID, got.Verdict, want)
		}
	}
	for _, id := range []string{"AIDA", "AIDAaaaaaaaaaaaaaaaa", "AIDAAAAAAAAAAAA*", "ANPAAAAAAAAAAAAAAAAA", "AROA/BBBBBBBBBBBBBBB"} {
		if _, err := policy.Parse(statement(`"Effect":"Allow","Principal":{"AWS":"` + id + `"},"Action":"*","Resource":"*"`)); err == nil {
			t.Errorf("%q is taken for a principal", id)
		}
	}
}

func TestRenamePrincipals(t *testing.T) {
	t.Parallel()
	const name = "arn:aws:iam::111122223333:user/ann"
	rename := func(s string) (string, error) {
		if s == name {
			return annsID, nil
		}
		return s, nil
	}
	for what, c := range map[string]struct{ text, want string }{
		"one":        {`{"Statement":{"Principal":{"AWS":"@"}}}`, `{"Statement":{"Principal":{"AWS":"#"}}}`},
		"a list":     {"{ \"Statement\" : [ {\n\t\"Principal\" : { \"AWS\" : [ \"*\" , \"@\" ,\"@\"] } } ] }\n", "{ \"Statement\" : [ {\n\t\"Principal\" : { \"AWS\" : [ \"*\" , \"#\" ,\"#\"] } } ] }\n"},
		"the second": {`{"Statement":[{"Principal":"*"},{"NotPrincipal":{"AWS":"@"}}]}`, `{"Statement":[{"Principal":"*"},{"NotPrincipal":{"AWS":"#"}}]}`},
		"escaped":    {`{"Statement":{"Principal":{"AWS":"` + strings.Replace(name, "/", `\/`, 1) + `"}}}`, `{"Statement":{"Principal":{"AWS":"#"}}}`},
		"elsewhere": {
			`{"Id":"@","Statement":{"Sid":"@","Principal":{"Service":"@","Federated":["@"]},"Resource":"@","Condition":{"ArnEquals":{"aws:PrincipalArn":"@","AWS":"@"}},"@":"@"}}`,
			`{"Id":"@","Statement":{"Sid":"@","Principal":{"Service":"@","Federated":["@"]},"Resource":"@","Condition":{"ArnEquals":{"aws:PrincipalArn":"@","AWS":"@"}},"@":"@"}}`,
		},
		"a member":       {`{"Statement":{"Principal":{"AWS":{"@":"@"}}}}`, `{"Statement":{"Principal":{"AWS":{"@":"@"}}}}`},
		"cut short":      {`{"Statement":{"Principal":{"AWS":"@"}`, `{"Statement":{"Principal":{"AWS":"@"}`},
		"a member twice": {`{"Statement":{"Principal":{"AWS":"@","AWS":"@"}}}`, `{"Statement":{"Principal":{"AWS":"@","AWS":"@"}}}`},
		"nothing":        {"", ""},
	} {
		text, want := strings.ReplaceAll(c.text, "@", name), strings.NewReplacer("@", name, "#", annsID).Replace(c.want)
		if got, err := policy.RenamePrincipals(text, rename); err != nil || got != want {
			t.Errorf("%s: %v,\n%s, want\n%s", what, err, got, want)
		}
	}
	failed := errors.New("failed")
	if _, err := policy.RenamePrincipals(`{"Statement":{"Principal":{"AWS":"x"}}}`, func(string) (string, error) { return "", failed }); !errors.Is(err, failed) {
		t.Errorf("a failure is told as %v", err)
	}
}

// FuzzRenamePrincipals: a document stays one, and what gets no other name
// stays as it is.
func FuzzRenamePrincipals(f *testing.F) {
	f.Add(good)
	f.Add(`{"Statement":[{"Effect":"Allow","Principal":{"AWS":["\u0041","555555555555"]},"Action":"*","Resource":"*"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		same, err := policy.RenamePrincipals(text, func(s string) (string, error) { return s, nil })
		if err != nil || same != text {
			t.Errorf("%q became %q, %v", text, same, err)
		}
		renamed, err := policy.RenamePrincipals(text, func(string) (string, error) { return annsID, nil })
		if err != nil {
			t.Fatal(err)
		}
		if _, err := policy.Parse(text); err == nil {
			if _, err := policy.Parse(renamed); err != nil {
				t.Errorf("%q became %q: %v", text, renamed, err)
			}
		}
	})
}
