package identity_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/envelope"
	"mimeo/internal/identity"
	"mimeo/internal/policy"
	"mimeo/internal/sqlstore"
	"mimeo/internal/sqlstore/sqlstoretest"
)

const trustEveryone = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"*"},"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]}}`

// A clock is set by its test.
type clock struct{ now time.Time }

// house is an identity service with the user ann and the roles r1 and r2.
func house(t *testing.T) (*identity.Service, *sqlstore.DB, *clock, arn.Caller) {
	t.Helper()
	db := sqlstoretest.Open(t)
	c := &clock{noon}
	s, err := identity.New(db.Identity(), envelope.NewKey(), func() time.Time { return c.now })
	if err == nil {
		_, err = s.CreateAccount(t.Context(), account)
	}
	if err != nil {
		t.Fatal(err)
	}
	ann := identity.Entity{Ref: identity.Ref{Partition: "aws", Account: account, Kind: identity.User, Name: "ann"}, ID: "AIDAANN", Path: "/"}
	for _, e := range []identity.Entity{ann, theRole("r1"), theRole("r2")} {
		if err := db.IAM().InsertEntity(t.Context(), e, 10); err != nil {
			t.Fatal(err)
		}
	}
	return s, db, c, arn.Caller{Principal: ann.Principal(), Region: "us-east-1"}
}

func theRole(name string) identity.Entity {
	return identity.Entity{
		Ref: identity.Ref{Partition: "aws", Account: account, Kind: identity.Role, Name: name}, ID: "AROA" + name, Path: "/",
		Content: identity.Content{Trust: trustEveryone, MaxSession: 4 * time.Hour, Tags: identity.Tags{"team": "role's"}},
	}
}

func roleARN(name string) string { return theRole(name).Principal().String() }

// as is who signs with the session's key.
func as(t *testing.T, s *identity.Service, c identity.Credentials) arn.Caller {
	t.Helper()
	_, who, ok, err := s.Credential(t.Context(), c.ID, c.Token.Reveal())
	if err != nil || !ok {
		t.Fatalf("Credential: %t, %v", ok, err)
	}
	who.Region = "us-east-1"
	return who
}

func TestSessionExpires(t *testing.T) {
	t.Parallel()
	s, _, c, ann := house(t)
	made, err := s.AssumeRole(t.Context(), ann, identity.AssumeRequest{Role: roleARN("r1"), SessionName: "s1", Duration: 15 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	session := as(t, s, made.Credentials)
	c.now = made.Expires.Add(-time.Second)
	as(t, s, made.Credentials)
	c.now = made.Expires
	if _, _, ok, err := s.Credential(t.Context(), made.ID, made.Token.Reveal()); ok || !errors.Is(err, identity.ExpiredToken) {
		t.Errorf("an expired session: %t, %v", ok, err)
	}
	if _, _, ok, err := s.Credential(t.Context(), made.ID, "wrong"); ok || err != nil {
		t.Errorf("an expired session with a wrong token: %t, %v", ok, err)
	}
	if who, err := s.Subject(t.Context(), session); err != nil || len(who.Identity) != 0 || who.Keys["aws:userid"] != nil {
		t.Errorf("an expired session still has %+v, %v", who, err)
	}
	c.now = c.now.Add(8 * 24 * time.Hour)
	if _, err := s.AssumeRole(t.Context(), ann, identity.AssumeRequest{Role: roleARN("r1"), SessionName: "s2"}); err != nil {
		t.Fatal(err)
	}
	if _, _, ok, err := s.Credential(t.Context(), made.ID, made.Token.Reveal()); ok || err != nil {
		t.Errorf("a forgotten session: %t, %v", ok, err)
	}
}

func TestChains(t *testing.T) {
	t.Parallel()
	s, _, _, ann := house(t)
	first, err := s.AssumeRole(t.Context(), ann, identity.AssumeRequest{
		Role: roleARN("r1"), SessionName: "s1", SourceID: "ann-herself",
		Tags: identity.Tags{"Team": "vision", "own": "x"}, Transitive: []string{"Team"},
	})
	if err != nil {
		t.Fatal(err)
	}
	caller := as(t, s, first.Credentials)
	second, err := s.AssumeRole(t.Context(), caller, identity.AssumeRequest{Role: roleARN("r2"), SessionName: "s2"})
	if err != nil {
		t.Fatal(err)
	}
	who, err := s.Subject(t.Context(), as(t, s, second.Credentials))
	if err != nil {
		t.Fatal(err)
	}
	want := policy.Keys{
		"aws:principaltag/team": {"vision"}, "aws:principaltag/own": nil, "aws:sourceidentity": {"ann-herself"},
		"aws:userid": {"AROAr2:s2"}, "aws:principaltype": {"AssumedRole"}, "aws:principalarn": {roleARN("r2")}, "aws:username": nil,
	}
	for key, want := range want {
		if got := who.Keys[key]; !slices.Equal(got, want) {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	for name, req := range map[string]identity.AssumeRequest{
		"longer than an hour":   {Duration: 2 * time.Hour},
		"another source":        {SourceID: "bob"},
		"a transitive tag anew": {Tags: identity.Tags{"team": "sound"}},
		"an unknown transitive": {Transitive: []string{"x"}},
		"a reserved tag":        {Tags: identity.Tags{"AWS:x": "y"}},
	} {
		req.Role, req.SessionName = roleARN("r2"), "s3"
		if _, err := s.AssumeRole(t.Context(), caller, req); !errors.Is(err, identity.Validation) && !errors.Is(err, identity.AccessDenied) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The tags of a role count in its trust policy for whoever asks, and tell
// nothing in the policies of another account.
func TestARolesTagsAreItsOwners(t *testing.T) {
	t.Parallel()
	s, db, _, ann := house(t)
	const tagged = `"Condition":{"StringEquals":{"aws:ResourceTag/team":"role's"}}`
	guarded := theRole("guarded")
	guarded.Trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"},{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole",` + tagged + `}]}`
	stranger := func(name, condition string) identity.Entity {
		return identity.Entity{
			Ref: identity.Ref{Partition: "aws", Account: "555555555555", Kind: identity.User, Name: name}, ID: "AIDA" + name, Path: "/",
			Content: identity.Content{Inline: map[string]string{"p": `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*",` + condition + `}}`}},
		}
	}
	bob, prober := stranger("bob", `"Condition":{}`), stranger("prober", tagged)
	if _, err := s.CreateAccount(t.Context(), "555555555555"); err != nil {
		t.Fatal(err)
	}
	for _, e := range []identity.Entity{guarded, bob, prober} {
		if err := db.IAM().InsertEntity(t.Context(), e, 10); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		who  arn.Principal
		role string
		want error
	}{
		{bob.Principal(), "r1", nil},
		{bob.Principal(), "guarded", identity.AccessDenied},
		{prober.Principal(), "r1", identity.AccessDenied},
		{ann.Principal, "guarded", identity.AccessDenied},
	} {
		_, err := s.AssumeRole(t.Context(), arn.Caller{Principal: test.who, Region: "us-east-1"}, identity.AssumeRequest{Role: roleARN(test.role), SessionName: "s1"})
		if !errors.Is(err, test.want) {
			t.Errorf("%s assumes %s: %v, want %v", test.who, test.role, err, test.want)
		}
	}
}

// Whoever is not, or no longer, who it says has no policies.
func TestSubjectFailsClosed(t *testing.T) {
	t.Parallel()
	s, db, _, ann := house(t)
	ctx := t.Context()
	ref, _ := identity.RefOf(ann.Principal)
	give := func(e *identity.Entity) error {
		e.Attached = []string{"arn:aws:iam::aws:policy/AdministratorAccess"}
		return nil
	}
	if err := db.IAM().UpdateEntity(ctx, ref, give); err != nil {
		t.Fatal(err)
	}
	made, err := s.AssumeRole(ctx, ann, identity.AssumeRequest{Role: roleARN("r1"), SessionName: "s1"})
	if err != nil {
		t.Fatal(err)
	}
	session := as(t, s, made.Credentials)
	with := func(change func(*arn.Caller)) arn.Caller {
		c := ann
		change(&c)
		return c
	}
	for name, c := range map[string]struct {
		caller arn.Caller
		want   int
	}{
		"the user":               {ann, 1},
		"in another case":        {with(func(c *arn.Caller) { c.Principal.Name = "user/ANN" }), 0},
		"with another path":      {with(func(c *arn.Caller) { c.Principal.Name = "user/x/ann" }), 0},
		"in another partition":   {with(func(c *arn.Caller) { c.Principal.Partition = "aws-cn" }), 0},
		"in another account":     {with(func(c *arn.Caller) { c.Principal.Account = "555555555555" }), 0},
		"a role":                 {with(func(c *arn.Caller) { c.Principal.Name = "role/r1" }), 0},
		"a session without one":  {with(func(c *arn.Caller) { c.Principal = session.Principal }), 0},
		"the session of another": {with(func(c *arn.Caller) { c.Session = session.Session }), 0},
		"root by a session":      {with(func(c *arn.Caller) { c.Principal, c.Session = arn.Root("aws", account), session.Session }), 0},
		"an unknown session":     {with(func(c *arn.Caller) { c.Session = "ASIAX" }), 0},
	} {
		who, err := s.Subject(ctx, c.caller)
		if err != nil || len(who.Identity) != c.want {
			t.Errorf("%s has %d policies, %v; want %d", name, len(who.Identity), err, c.want)
		}
	}
	if err := db.IAM().DeleteEntity(ctx, ref, func(identity.Entity, int) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if who, err := s.Subject(ctx, ann); err != nil || len(who.Identity) != 0 {
		t.Errorf("a deleted user has %+v, %v", who, err)
	}
	if err := s.DeleteAccount(ctx, account); err != nil {
		t.Fatal(err)
	}
	if _, _, ok, err := s.Credential(ctx, made.ID, made.Token.Reveal()); ok || err != nil {
		t.Errorf("a session of a deleted account: %t, %v", ok, err)
	}
}

// Every policy of AWS is one, in every partition.
func TestManagedPolicies(t *testing.T) {
	t.Parallel()
	for _, partition := range []string{"aws", "aws-cn", "aws-us-gov"} {
		all := identity.AWSManagedPolicies(partition)
		if len(all) < 10 {
			t.Errorf("%d policies in %s", len(all), partition)
		}
		for _, p := range all {
			if _, err := policy.ParseIdentity(p.Document); err != nil {
				t.Errorf("%s: %v", p.ARN, err)
			}
			if strings.Contains(p.Document, `"arn:aws:`) && partition != "aws" {
				t.Errorf("%s names resources of another partition", p.ARN)
			}
			if got, ok := identity.AWSManaged(p.ARN.String()); !ok || got != p || p.Updated.IsZero() || p.Version == 0 {
				t.Errorf("%s is found as %+v, %t", p.ARN, got, ok)
			}
		}
	}
	for _, name := range []string{"arn:aws:iam::aws:policy/Nothing", "arn:aws:iam::111122223333:policy/AdministratorAccess", "arn:aws:iam::aws:policy/x/AdministratorAccess", "x"} {
		if _, ok := identity.AWSManaged(name); ok {
			t.Errorf("%s is a policy of AWS", name)
		}
	}
}

func BenchmarkSubject(b *testing.B) {
	db := sqlstoretest.Open(b)
	s, err := identity.New(db.Identity(), envelope.NewKey(), time.Now)
	if err == nil {
		_, err = s.CreateAccount(b.Context(), account)
	}
	e := theRole("r1")
	e.Kind, e.Trust = identity.User, ""
	e.Attached = []string{"arn:aws:iam::aws:policy/AmazonRekognitionCustomLabelsFullAccess"}
	e.Inline = map[string]string{"p": `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}`}
	if err == nil {
		err = db.IAM().InsertEntity(b.Context(), e, 10)
	}
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		who, err := s.Subject(b.Context(), arn.Caller{Principal: e.Principal(), Region: "us-east-1"})
		if err != nil || len(who.Identity) != 2 {
			b.Fatalf("%+v, %v", who, err)
		}
	}
}

// The policies of a session are of the role's account, or AWS's: bounded by
// another account's policy, a session would tell what that policy says.
func TestSessionPoliciesAreOfTheRolesAccount(t *testing.T) {
	t.Parallel()
	s, _, _, ann := house(t)
	for name, want := range map[string]error{
		"arn:aws:iam::" + account + ":policy/own":        nil,
		"arn:aws:iam::aws:policy/AdministratorAccess":    nil,
		"arn:aws:iam::555555555555:policy/theirs":        identity.Validation,
		"arn:aws-cn:iam::" + account + ":policy/own":     identity.Validation,
		"arn:aws-cn:iam::aws:policy/AdministratorAccess": identity.Validation,
	} {
		_, err := s.AssumeRole(t.Context(), ann, identity.AssumeRequest{Role: roleARN("r1"), SessionName: "s1", PolicyARNs: []string{name}})
		if !errors.Is(err, want) {
			t.Errorf("a session with %s: %v, want %v", name, err, want)
		}
	}
}

// A session of GetSessionToken may what its user or root may, but of IAM
// nothing, and of STS it may assume roles.
func TestSessionTokensAreBounded(t *testing.T) {
	t.Parallel()
	s, db, _, ann := house(t)
	ctx := t.Context()
	ref, _ := identity.RefOf(ann.Principal)
	administers := func(e *identity.Entity) error {
		e.Attached = []string{"arn:aws:iam::aws:policy/AdministratorAccess"}
		return nil
	}
	for _, of := range []identity.Ref{ref, theRole("r1").Ref} {
		if err := db.IAM().UpdateEntity(ctx, of, administers); err != nil {
			t.Fatal(err)
		}
	}
	root := arn.Caller{Principal: arn.Root("aws", account), Region: "us-east-1"}
	token := func(of arn.Caller) arn.Caller {
		made, err := s.GetSessionToken(ctx, of, 0)
		if err != nil {
			t.Fatal(err)
		}
		c := as(t, s, made)
		c.Principal.Partition = "aws" // as the edge sets a root's
		return c
	}
	assumed := func(by arn.Caller) arn.Caller {
		made, err := s.AssumeRole(ctx, by, identity.AssumeRequest{Role: roleARN("r1"), SessionName: "s1", SourceID: "ann", Tags: identity.Tags{"a": "b"}})
		if err != nil {
			t.Fatal(err)
		}
		return as(t, s, made.Credentials)
	}
	annsToken := token(ann)
	for name, c := range map[string]struct {
		caller  arn.Caller
		bounded bool
	}{
		"a user":                    {ann, false},
		"a user's token":            {annsToken, true},
		"a root":                    {root, false},
		"a root's token":            {token(root), true},
		"a role":                    {assumed(ann), false},
		"a role assumed by a token": {assumed(annsToken), false},
	} {
		who, err := s.Subject(ctx, c.caller)
		if err != nil {
			t.Fatal(err)
		}
		for action, allowed := range map[string]bool{
			"iam:ListUsers": !c.bounded, "iam:GetUser": !c.bounded, "iam:CreateAccessKey": !c.bounded,
			"sts:DecodeAuthorizationMessage": !c.bounded, "sts:GetAccessKeyInfo": !c.bounded, "sts:GetFederationToken": !c.bounded,
			"sts:AssumeRole": true, "sts:TagSession": true, "sts:SetSourceIdentity": true,
			"rekognition:CopyProjectVersion": true, "kms:Decrypt": true, "s3:GetObject": true,
		} {
			d := policy.Authorize(who, policy.Request{Action: action, Resource: "*"}, account, nil)
			if d.Allowed() != allowed || c.bounded && !allowed && !strings.Contains(d.Reason(), "GetSessionToken") {
				t.Errorf("%s: %s is allowed: %t, because %s", name, action, d.Allowed(), d.Reason())
			}
		}
		if _, err := s.GetCallerIdentity(ctx, c.caller); err != nil {
			t.Errorf("%s: GetCallerIdentity: %v", name, err)
		}
		if _, err := s.GetAccessKeyInfo(ctx, c.caller, "AKIAX"); errors.Is(err, identity.AccessDenied) != c.bounded {
			t.Errorf("%s: GetAccessKeyInfo: %v", name, err)
		}
	}
}
