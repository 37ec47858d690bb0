package policy_test

import (
	"slices"
	"testing"

	"mimeo/internal/arn"
	"mimeo/internal/policy"
)

func TestNegatedElements(t *testing.T) {
	t.Parallel()
	const elsewhere = "arn:aws:rekognition:us-east-1:111122223333:project/q/*"
	for name, c := range map[string]struct {
		elements string
		want     policy.Verdict
	}{
		"NotAction, another":          {`"Effect":"Allow","NotAction":"iam:*","Resource":"*"`, policy.Allow},
		"NotAction, this":             {`"Effect":"Allow","NotAction":["iam:*","REKOGNITION:Copy*"],"Resource":"*"`, policy.NoMatch},
		"NotAction, denied":           {`"Effect":"Deny","NotAction":"iam:*","Resource":"*"`, policy.Deny},
		"NotAction, *":                {`"Effect":"Allow","NotAction":"*","Resource":"*"`, policy.NoMatch},
		"NotResource, another":        {`"Effect":"Allow","Action":"*","NotResource":"` + elsewhere + `"`, policy.Allow},
		"NotResource, this":           {`"Effect":"Allow","Action":"*","NotResource":["` + elsewhere + `","` + version + `"]`, policy.NoMatch},
		"NotResource, *":              {`"Effect":"Allow","Action":"*","NotResource":"*"`, policy.NoMatch},
		"NotResource, denied":         {`"Effect":"Deny","Action":"*","NotResource":"` + elsewhere + `"`, policy.Deny},
		"NotResource, open":           {`"Effect":"Allow","Action":"*","NotResource":"arn:aws:rekognition:*:*:project/${aws:x}/*"`, policy.NoMatch},
		"NotResource, open, denied":   {`"Effect":"Deny","Action":"*","NotResource":"arn:aws:rekognition:*:*:project/${aws:x}/*"`, policy.Deny},
		"Resource, open":              {`"Effect":"Allow","Action":"*","Resource":"arn:aws:rekognition:*:*:project/${aws:x}/*"`, policy.NoMatch},
		"Resource, default":           {`"Effect":"Allow","Action":"*","Resource":"arn:aws:rekognition:*:*:project/${aws:x, 'p'}/*"`, policy.Allow},
		"Resource, variable":          {`"Effect":"Allow","Action":"*","Resource":"arn:aws:rekognition:*:${aws:PrincipalAccount}:project/*"`, policy.Allow},
		"Resource, escaped star":      {`"Effect":"Allow","Action":"*","Resource":"arn:aws:rekognition:*:*:project/${*}"`, policy.NoMatch},
		"identity with NotPrincipal":  {`"Effect":"Deny","Action":"*","Resource":"*","NotPrincipal":"*"`, policy.Deny},
		"nothing but principal named": {`"Effect":"Allow","NotAction":"iam:*","NotResource":"` + elsewhere + `","Principal":"*"`, policy.NoMatch},
	} {
		who := subject(ann, []policy.Policy{{Name: "p", Document: parse(t, statement(c.elements))}})
		if got := policy.Authorize(who, copyVersion, owner, nil); got.Verdict != c.want {
			t.Errorf("%s: %v, want %v", name, got.Verdict, c.want)
		}
	}
}

// Only who is named in full, with account and role, is left out of a denial:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
func TestNotPrincipal(t *testing.T) {
	t.Parallel()
	const (
		account = `"arn:aws:iam::111122223333:root"`
		theUser = `"arn:aws:iam::111122223333:user/ann"`
		theRole = `"arn:aws:iam::111122223333:role/path/R"`
		theSess = `"arn:aws:sts::111122223333:assumed-role/R/s"`
	)
	session := user(owner, "assumed-role/R/s")
	for name, c := range map[string]struct {
		who    arn.Principal
		names  string
		denied bool
	}{
		"user and account":            {ann, theUser + "," + account, false},
		"user and bare account":       {ann, theUser + `,"111122223333"`, false},
		"user alone":                  {ann, theUser, true},
		"account alone":               {ann, account, true},
		"account alone, for its root": {user(owner, "root"), account, false},
		"another user":                {user(owner, "user/bob"), theUser + "," + account, true},
		"session, role and account":   {session, theSess + "," + theRole + "," + account, false},
		"role and account":            {session, theRole + "," + account, true},
		"session and account":         {session, theSess + "," + account, true},
		"another account":             {ann, `"555555555555"`, true},
		"everyone":                    {ann, `"*"`, false},
		"a service":                   {arn.Service("s3.amazonaws.com"), account, true},
	} {
		not := parse(t, statement(`"Effect":"Deny","NotPrincipal":{"AWS":[`+c.names+`]},"Action":"*","Resource":"*"`))
		resource := append(doc(t, "Allow", `"*"`, "*", "*"), policy.Policy{Name: "not", Document: not})
		if got := policy.Authorize(subject(c.who, nil), copyVersion, owner, resource); (got.Verdict == policy.Deny) != c.denied {
			t.Errorf("%s: %v, want denied %v", name, got.Verdict, c.denied)
		}
	}
	services := parse(t, statement(`"Effect":"Deny","NotPrincipal":{"Service":"s3.amazonaws.com"},"Action":"*","Resource":"*"`))
	for host, want := range map[string]policy.Verdict{"s3.amazonaws.com": policy.Allow, "kms.amazonaws.com": policy.Deny} {
		resource := append(doc(t, "Allow", `"*"`, "*", "*"), policy.Policy{Name: "not", Document: services})
		if got := policy.Authorize(subject(arn.Service(host), nil), copyVersion, owner, resource); got.Verdict != want {
			t.Errorf("%s: %v, want %v", host, got.Verdict, want)
		}
	}
}

// A session's ARN lacks the path of its role, aws:PrincipalArn has it: a role
// of that name with another path is another role.
func TestARoleIsNamedWithItsPath(t *testing.T) {
	t.Parallel()
	const account, sess = `"arn:aws:iam::111122223333:root"`, `"arn:aws:sts::111122223333:assumed-role/R/s"`
	for name, c := range map[string]struct {
		role  string
		named []string // of the roles below, those that the session is of
	}{
		"a role with a path":    {"role/path/R", []string{"role/path/R"}},
		"a role without a path": {"role/R", []string{"role/R"}},
		"no role that is known": {"", []string{"role/R", "role/path/R", "role/path/more/R", "role/Path/R"}},
	} {
		who := subject(user(owner, "assumed-role/R/s"), nil)
		if c.role != "" {
			who.Keys = key("aws:principalarn", user(owner, c.role).String())
		}
		for _, role := range []string{"role/R", "role/path/R", "role/path/more/R", "role/Path/R", "role/path/r", "role/path/Q"} {
			named, of := slices.Contains(c.named, role), user(owner, role).String()
			if got := policy.Authorize(who, copyVersion, owner, doc(t, "Allow", aws(of), "*", "*")); got.Allowed() != named {
				t.Errorf("%s: %s is allowed: %v, want allowed %v", name, of, got.Verdict, named)
			}
			all := doc(t, "Allow", `"*"`, "*", "*")
			if got := policy.Authorize(who, copyVersion, owner, append(all, doc(t, "Deny", aws(of), "*", "*")...)); got.Allowed() == named {
				t.Errorf("%s: %s is denied: %v, want denied %v", name, of, got.Verdict, named)
			}
			not := parse(t, statement(`"Effect":"Deny","NotPrincipal":{"AWS":[`+account+`,`+sess+`,"`+of+`"]},"Action":"*","Resource":"*"`))
			if got := policy.Authorize(who, copyVersion, owner, append(all, policy.Policy{Name: "not", Document: not})); got.Allowed() != named {
				t.Errorf("%s: all but %s are denied: %v, want allowed %v", name, of, got.Verdict, named)
			}
		}
	}
}
