package policy_test

import (
	"testing"

	"mimeo/internal/arn"
	"mimeo/internal/policy"
)

const (
	owner   = "111122223333"
	other   = "555555555555"
	version = "arn:aws:rekognition:us-east-1:111122223333:project/p/version/v/1690000000000"
)

func user(account, name string) arn.Principal {
	return arn.Principal{Partition: "aws", Account: account, Name: name}
}

// ann asks to copy a version of her own account.
var ann = user(owner, "user/ann")

var copyVersion = policy.Request{Action: "rekognition:CopyProjectVersion", Resource: version}

func subject(who arn.Principal, identity []policy.Policy) policy.Subject {
	return policy.Subject{Principal: who, Identity: identity}
}

// doc builds a policy of one statement; an empty part is left out.
func doc(t testing.TB, effect, principal, action, resource string) []policy.Policy {
	t.Helper()
	elements := `"Sid":"S","Effect":"` + effect + `","Action":"` + action + `"`
	if principal != "" {
		elements += `,"Principal":` + principal
	}
	if resource != "" {
		elements += `,"Resource":"` + resource + `"`
	}
	d, err := policy.Parse(statement(elements))
	if err != nil {
		t.Fatal(err)
	}
	return []policy.Policy{{Name: "the policy under test", Document: d}}
}

func aws(p string) string { return `{"AWS":"` + p + `"}` }

func TestAuthorize(t *testing.T) {
	t.Parallel()
	const act = "rekognition:CopyProjectVersion"
	yes := doc(t, "Allow", "", "*", "*")
	no := doc(t, "Deny", "", act, "*")
	toOther := doc(t, "Allow", aws(other), act, "*")
	ownRoot, otherRoot := user(owner, "root"), user(other, "root")
	ann, session := user(owner, "user/ann"), user(other, "assumed-role/R/s")
	service := arn.Service("rekognition.amazonaws.com")
	for name, c := range map[string]struct {
		who                arn.Principal
		identity, resource []policy.Policy
		want               policy.Verdict
	}{
		"nothing":                      {who: ann, want: policy.NoMatch},
		"own, identity":                {ann, yes, nil, policy.Allow},
		"own, resource names her":      {ann, nil, doc(t, "Allow", aws("arn:aws:iam::111122223333:user/ann"), act, version), policy.Allow},
		"own, resource names account":  {ann, nil, doc(t, "Allow", aws(owner), act, "*"), policy.NoMatch},
		"own root, names account":      {ownRoot, nil, doc(t, "Allow", aws(owner), act, "*"), policy.Allow},
		"own, resource names another":  {ann, nil, doc(t, "Allow", aws("arn:aws:iam::111122223333:user/ann2"), act, "*"), policy.NoMatch},
		"own, anyone":                  {ann, nil, doc(t, "Allow", `"*"`, act, "*"), policy.Allow},
		"own, resource denies":         {ann, yes, doc(t, "Deny", `"*"`, act, "*"), policy.Deny},
		"own, denies the account":      {ann, yes, doc(t, "Deny", aws(owner), act, "*"), policy.Deny},
		"own, denies another account":  {ann, yes, doc(t, "Deny", aws(other), act, "*"), policy.Allow},
		"other, identity only":         {otherRoot, yes, nil, policy.NoMatch},
		"other, resource only":         {otherRoot, nil, toOther, policy.NoMatch},
		"other, both":                  {otherRoot, yes, toOther, policy.Allow},
		"other, identity denies":       {otherRoot, append(yes, no...), toOther, policy.Deny},
		"other, resource denies":       {otherRoot, yes, append(toOther, doc(t, "Deny", aws(other), act, "*")...), policy.Deny},
		"other, session by role":       {session, yes, doc(t, "Allow", aws("arn:aws:iam::555555555555:role/path/R"), act, "*"), policy.Allow},
		"other, session itself":        {session, yes, doc(t, "Allow", aws("arn:aws:sts::555555555555:assumed-role/R/s"), act, "*"), policy.Allow},
		"other, another session":       {session, yes, doc(t, "Allow", aws("arn:aws:sts::555555555555:assumed-role/R/t"), act, "*"), policy.NoMatch},
		"other, role of another":       {session, yes, doc(t, "Allow", aws("arn:aws:iam::111122223333:role/R"), act, "*"), policy.NoMatch},
		"other, federated":             {session, yes, doc(t, "Allow", `{"Federated":"accounts.google.com"}`, act, "*"), policy.NoMatch},
		"third account":                {user("999999999999", "root"), yes, toOther, policy.NoMatch},
		"another action":               {otherRoot, yes, doc(t, "Allow", aws(other), "rekognition:DetectCustomLabels", "*"), policy.NoMatch},
		"another resource":             {otherRoot, yes, doc(t, "Allow", aws(other), act, "arn:aws:rekognition:us-east-1:111122223333:project/q/version/*"), policy.NoMatch},
		"partition of the principal":   {otherRoot, yes, doc(t, "Allow", aws("arn:aws-cn:iam::555555555555:root"), act, "*"), policy.NoMatch},
		"partition of the resource":    {arn.Root("aws-cn", owner), yes, doc(t, "Allow", `"*"`, act, "*"), policy.NoMatch},
		"service, nothing":             {service, yes, nil, policy.NoMatch},
		"service, named":               {service, nil, doc(t, "Allow", `{"Service":"rekognition.amazonaws.com"}`, act, "*"), policy.Allow},
		"service, another":             {service, nil, doc(t, "Allow", `{"Service":"s3.amazonaws.com"}`, act, "*"), policy.NoMatch},
		"service, denied":              {service, nil, append(doc(t, "Allow", `{"Service":"rekognition.amazonaws.com"}`, act, "*"), doc(t, "Deny", `"*"`, act, "*")...), policy.Deny},
		"nobody":                       {arn.Principal{}, yes, doc(t, "Allow", `"*"`, act, "*"), policy.NoMatch},
		"no principal in a permission": {ann, nil, doc(t, "Allow", "", act, "*"), policy.NoMatch},
		"no principal in a denial":     {ann, yes, doc(t, "Deny", "", act, "*"), policy.Deny},
		"no resource in a permission":  {ann, doc(t, "Allow", "", act, ""), nil, policy.NoMatch},
		"no resource in a denial":      {ann, append(yes, doc(t, "Deny", "", act, "")...), nil, policy.Deny},
		"identity with a principal":    {ann, doc(t, "Allow", `"*"`, act, "*"), nil, policy.NoMatch},
		"no document":                  {ann, []policy.Policy{{Name: "empty"}}, []policy.Policy{{}}, policy.NoMatch},
		"full access":                  {ownRoot, []policy.Policy{policy.FullAccess(owner)}, nil, policy.Allow},
		"full access, foreign":         {otherRoot, []policy.Policy{policy.FullAccess(other)}, nil, policy.NoMatch},
	} {
		got := policy.Authorize(subject(c.who, c.identity), copyVersion, owner, c.resource)
		if got.Verdict != c.want || got.Allowed() != (c.want == policy.Allow) {
			t.Errorf("%s: %v (%s), want %v", name, got.Verdict, got.Reason(), c.want)
		}
		if got.Verdict != policy.NoMatch && (got.Policy == "" || got.Statement == "") || got.Verdict == policy.NoMatch && got.Missing == "" {
			t.Errorf("%s: the decision does not say what decided: %+v", name, got)
		}
	}
}

func TestAuthorizeByResource(t *testing.T) {
	t.Parallel()
	const act = "rekognition:CopyProjectVersion"
	yes := doc(t, "Allow", "", "*", "*")
	ann := user(owner, "user/ann")
	for name, c := range map[string]struct {
		who                arn.Principal
		identity, resource []policy.Policy
		want               policy.Verdict
	}{
		"identity alone":         {ann, yes, nil, policy.NoMatch},
		"identity, delegated":    {ann, yes, doc(t, "Allow", aws(owner), act, "*"), policy.Allow},
		"delegated alone":        {ann, nil, doc(t, "Allow", aws(owner), act, "*"), policy.NoMatch},
		"named":                  {ann, nil, doc(t, "Allow", aws("arn:aws:iam::111122223333:user/ann"), act, "*"), policy.Allow},
		"root not named":         {user(owner, "root"), yes, doc(t, "Allow", aws("arn:aws:iam::111122223333:user/ann"), act, "*"), policy.NoMatch},
		"denied by identity":     {ann, doc(t, "Deny", "", "*", "*"), doc(t, "Allow", aws(owner), act, "*"), policy.Deny},
		"denied, nothing allows": {ann, doc(t, "Deny", "", "*", "*"), nil, policy.Deny},
		"other, both":            {user(other, "root"), yes, doc(t, "Allow", aws(other), act, "*"), policy.Allow},
		"other, resource alone":  {user(other, "root"), nil, doc(t, "Allow", aws(other), act, "*"), policy.NoMatch},
	} {
		if got := policy.AuthorizeByResource(subject(c.who, c.identity), copyVersion, owner, c.resource); got.Verdict != c.want {
			t.Errorf("%s: %v (%s), want %v", name, got.Verdict, got.Reason(), c.want)
		}
	}
}

// TestByIdentity: half a permission is what Authorize makes a whole one of
// where everyone is allowed by the resource.
func TestByIdentity(t *testing.T) {
	t.Parallel()
	bob, yes := user(other, "user/bob"), doc(t, "Allow", "", "*", "*")
	ofOwner := func(account string) []policy.Policy {
		return []policy.Policy{{Name: "p", Document: parse(t, statement(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceAccount":"`+account+`"}}`))}}
	}
	for name, c := range map[string]struct {
		who     policy.Subject
		want    policy.Verdict
		missing policy.Missing
	}{
		"nothing":                    {subject(bob, nil), policy.NoMatch, policy.MissingIdentity},
		"allowed":                    {subject(bob, yes), policy.Allow, ""},
		"denied":                     {subject(bob, append(yes, doc(t, "Deny", "", "*", "*")...)), policy.Deny, ""},
		"for the resource's account": {subject(bob, ofOwner(owner)), policy.Allow, ""},
		"for the caller's account":   {subject(bob, ofOwner(other)), policy.NoMatch, policy.MissingIdentity},
		"the boundary says nothing":  {policy.Subject{Principal: bob, Identity: yes, Boundary: &doc(t, "Allow", "", "s3:*", "*")[0]}, policy.NoMatch, policy.MissingBoundary},
		"the boundary denies":        {policy.Subject{Principal: bob, Identity: yes, Boundary: &doc(t, "Deny", "", "*", "*")[0]}, policy.Deny, ""},
		"the session says nothing":   {policy.Subject{Principal: bob, Identity: yes, Session: doc(t, "Allow", "", "s3:*", "*")}, policy.NoMatch, policy.MissingSession},
		"a mandate for nothing":      {policy.Subject{Principal: bob, Identity: yes, Mandate: &arn.Mandate{}}, policy.NoMatch, policy.MissingMandate},
	} {
		got := policy.ByIdentity(c.who, copyVersion, owner)
		if got.Verdict != c.want || got.Missing != c.missing {
			t.Errorf("%s: %v, missing %q (%s), want %v, %q", name, got.Verdict, got.Missing, got.Reason(), c.want, c.missing)
		}
		whole := policy.Authorize(c.who, copyVersion, owner, doc(t, "Allow", `"*"`, "*", "*"))
		if whole.Verdict != c.want {
			t.Errorf("%s: with everyone allowed by the resource: %v, want %v", name, whole.Verdict, c.want)
		}
	}
}

func TestReason(t *testing.T) {
	t.Parallel()
	got := policy.Authorize(subject(ann, doc(t, "Deny", "", "*", "*")), copyVersion, owner, nil).Reason()
	if want := `the policy under test denies it explicitly in statement "S"`; got != want {
		t.Errorf("reason %q, want %q", got, want)
	}
	if got, want := policy.Authorize(subject(ann, nil), copyVersion, owner, nil).Reason(), "no identity-based policy allows it"; got != want {
		t.Errorf("reason %q, want %q", got, want)
	}
}

func TestTogether(t *testing.T) {
	t.Parallel()
	one := policy.Decision{Verdict: policy.Allow, Policy: "p", Statement: "one"}
	another := policy.Decision{Verdict: policy.Allow, Policy: "p", Statement: "another"}
	unnamed := policy.Decision{Verdict: policy.Allow}
	for name, c := range map[string]struct {
		all  []policy.Decision
		want policy.Decision
	}{
		"none":             {nil, policy.Decision{}},
		"one":              {[]policy.Decision{one}, one},
		"the same":         {[]policy.Decision{one, one, one}, one},
		"another":          {[]policy.Decision{one, one, another}, unnamed},
		"one is not named": {[]policy.Decision{one, unnamed}, unnamed},
	} {
		if got := policy.Together(c.all...); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"*", "*", true},
		{"arn:aws:s3:::b/*", "arn:aws:s3:::b/a/b:c", true},
		{"arn:aws:s3:::b/*", "arn:aws:s3:::b", false},
		{"arn:aws:s3:::b/*", "arn:aws:s3:::bb/x", false},
		{"arn:aws:s3:::b/?", "arn:aws:s3:::b/ü", true},
		{"arn:aws:s3:::b/?", "arn:aws:s3:::b/", false},
		{"arn:aws:s3:::b/*a*b*c", "arn:aws:s3:::b/xxaxxbxxcxc", true},
		{"arn:aws:s3:::b/*a*b*c", "arn:aws:s3:::b/xxaxxcxxb", false},
		{"arn:aws:s3:::B/x", "arn:aws:s3:::b/x", false},
		{"arn:*:rekognition:*:*:project/p/*", version, true},
		{"arn:aws:*:*:*:*", version, true},
		// A wildcard does not reach over a colon.
		{"arn:aws:rekognition:us-east-1:1*:project/p/version/v/1", "arn:aws:rekognition:us-east-1:1:2:project/p/version/v/1", false},
		{"arn:aws:rekognition:*:project/p/version/v/1", "arn:aws:rekognition:us-east-1:111122223333:project/p/version/v/1", false},
		{"arn:aws:s3:::b/*", "*", false},
	} {
		req := policy.Request{Action: "s3:GetObject", Resource: c.name}
		d, err := policy.Parse(statement(`"Effect":"Allow","Action":"s3:Get*","Resource":"` + c.pattern + `"`))
		if err != nil {
			if c.want {
				t.Errorf("%s: %v", c.pattern, err)
			}
			continue
		}
		if got := policy.Authorize(subject(ann, []policy.Policy{{Name: "p", Document: d}}), req, owner, nil).Allowed(); got != c.want {
			t.Errorf("%s matches %s: %t, want %t", c.pattern, c.name, got, c.want)
		}
	}
}

// BenchmarkAuthorize decides about a typical copy: a user with three policies
// of four statements, some with conditions, and a project policy.
func BenchmarkAuthorize(b *testing.B) {
	typical := parse(b, `{"Version":"2012-10-17","Statement":[
	 {"Effect":"Allow","Action":["s3:GetObject","s3:PutObject","s3:ListBucket"],"Resource":["arn:aws:s3:::*custom-labels*","arn:aws:s3:::*custom-labels*/*"]},
	 {"Effect":"Allow","Action":["rekognition:Describe*","rekognition:List*","rekognition:CreateProjectVersion","rekognition:CopyProjectVersion"],"Resource":"arn:aws:rekognition:*:${aws:PrincipalAccount}:project/*"},
	 {"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"},"NotIpAddress":{"aws:SourceIp":["10.0.0.0/8","192.168.0.0/16"]}}},
	 {"Effect":"Allow","Action":"rekognition:CopyProjectVersion","Resource":"arn:aws:rekognition:*:111122223333:project/p/version/*","Condition":{"StringEquals":{"aws:PrincipalTag/team":["vision","tests"]}}}]}`)
	who := policy.Subject{Principal: user(other, "user/bob"), Keys: policy.Keys{
		"aws:securetransport": {"true"}, "aws:sourceip": {"10.1.2.3"}, "aws:principaltag/team": {"vision"}, "aws:currenttime": {"2026-01-01T00:00:00Z"},
	}}
	for range 3 {
		who.Identity = append(who.Identity, policy.Policy{Name: "identity", Document: typical})
	}
	project := []policy.Policy{{Name: "project", Document: parse(b, good)}}
	b.ReportAllocs()
	for b.Loop() {
		if d := policy.Authorize(who, copyVersion, owner, project); !d.Allowed() {
			b.Fatal(d.Reason())
		}
	}
}
