package policy_test

import (
	"strings"
	"testing"

	"mimeo/internal/arn"
	"mimeo/internal/policy"
)

const theRole = "arn:aws:iam::111122223333:role/R"

func TestAuthorizeTrust(t *testing.T) {
	t.Parallel()
	assume := policy.Request{Action: "sts:AssumeRole", Resource: theRole}
	yes := doc(t, "Allow", "", "sts:AssumeRole", theRole)
	bob, chained := user(other, "user/bob"), user(owner, "assumed-role/Q/s")
	for name, c := range map[string]struct {
		who      arn.Principal
		identity []policy.Policy
		trusted  string
		want     policy.Verdict
	}{
		"identity alone":              {ann, yes, aws(other), policy.NoMatch},
		"own, named":                  {ann, nil, aws(ann.String()), policy.Allow},
		"own, account named":          {ann, nil, aws(owner), policy.NoMatch},
		"own, account named and yes":  {ann, yes, aws(owner), policy.Allow},
		"own role, named":             {chained, nil, aws("arn:aws:iam::111122223333:role/Q"), policy.Allow},
		"other, named":                {bob, nil, aws(bob.String()), policy.NoMatch},
		"other, named and yes":        {bob, yes, aws(bob.String()), policy.Allow},
		"other, account named":        {bob, yes, aws(other), policy.Allow},
		"a service":                   {arn.Service("rekognition.amazonaws.com"), nil, `{"Service":"rekognition.amazonaws.com"}`, policy.Allow},
		"other, another named":        {bob, yes, aws(ann.String()), policy.NoMatch},
		"other, identity denies":      {bob, append(yes, doc(t, "Deny", "", "*", "*")...), aws(other), policy.Deny},
		"other, another role allowed": {bob, doc(t, "Allow", "", "sts:AssumeRole", theRole+"2"), aws(other), policy.NoMatch},
	} {
		trust, err := policy.ParseTrust(statement(`"Effect":"Allow","Principal":` + c.trusted + `,"Action":"sts:AssumeRole"`))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := policy.AuthorizeTrust(subject(c.who, c.identity), assume, owner, policy.Policy{Name: "the trust policy", Document: trust})
		if got.Verdict != c.want {
			t.Errorf("%s: %v (%s), want %v", name, got.Verdict, got.Reason(), c.want)
		}
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	const act = "rekognition:CopyProjectVersion"
	yes, elsewhere := doc(t, "Allow", "", "*", "*"), doc(t, "Allow", "", "s3:*", "*")
	no := doc(t, "Deny", "", act, "*")
	session := user(owner, "assumed-role/R/s")
	stranger := user(other, "assumed-role/R/s")
	bySession := doc(t, "Allow", aws(session.String()), act, "*")
	byRole := doc(t, "Allow", aws("arn:aws:iam::111122223333:role/R"), act, "*")
	toStranger := doc(t, "Allow", aws(stranger.String()), act, "*")
	for name, c := range map[string]struct {
		who                         arn.Principal
		identity, boundary, session []policy.Policy
		resource                    []policy.Policy
		want                        policy.Verdict
		missing                     policy.Missing
	}{
		"both bounds allow":                  {session, yes, yes, yes, nil, policy.Allow, ""},
		"boundary says nothing":              {session, yes, elsewhere, yes, nil, policy.NoMatch, policy.MissingBoundary},
		"boundary denies":                    {session, yes, no, nil, bySession, policy.Deny, ""},
		"session policy says nothing":        {session, yes, nil, elsewhere, nil, policy.NoMatch, policy.MissingSession},
		"session policy denies":              {session, yes, nil, append(no, yes...), bySession, policy.Deny, ""},
		"one of two session policies":        {session, yes, nil, append(elsewhere, yes...), nil, policy.Allow, ""},
		"bounds give nothing":                {session, nil, yes, yes, nil, policy.NoMatch, policy.MissingIdentity},
		"session named, bounds say nothing":  {session, nil, elsewhere, elsewhere, bySession, policy.Allow, ""},
		"everyone named":                     {session, nil, elsewhere, elsewhere, doc(t, "Allow", `"*"`, act, "*"), policy.Allow, ""},
		"user named":                         {ann, nil, elsewhere, nil, doc(t, "Allow", aws(ann.String()), act, "*"), policy.Allow, ""},
		"role named":                         {session, nil, nil, nil, byRole, policy.Allow, ""},
		"role named, bounds allow":           {session, nil, yes, yes, byRole, policy.Allow, ""},
		"role named, boundary says nothing":  {session, nil, elsewhere, nil, byRole, policy.NoMatch, policy.MissingBoundary},
		"role named, session says nothing":   {session, nil, nil, elsewhere, byRole, policy.NoMatch, policy.MissingSession},
		"account named, boundary nothing":    {session, yes, elsewhere, nil, doc(t, "Allow", aws(owner), act, "*"), policy.NoMatch, policy.MissingBoundary},
		"other, both":                        {stranger, yes, yes, yes, toStranger, policy.Allow, ""},
		"other, named, boundary nothing":     {stranger, yes, elsewhere, nil, toStranger, policy.NoMatch, policy.MissingBoundary},
		"other, named, session nothing":      {stranger, yes, nil, elsewhere, toStranger, policy.NoMatch, policy.MissingSession},
		"other, bounds allow, identity not":  {stranger, nil, yes, yes, toStranger, policy.NoMatch, policy.MissingIdentity},
		"other, all but the resource policy": {stranger, yes, yes, yes, nil, policy.NoMatch, policy.MissingResource},
		"a boundary without document":        {session, yes, []policy.Policy{{Name: "gone"}}, nil, nil, policy.NoMatch, policy.MissingBoundary},
	} {
		who := policy.Subject{Principal: c.who, Identity: c.identity, Session: c.session}
		if c.boundary != nil {
			who.Boundary = &c.boundary[0]
		}
		got := policy.Authorize(who, copyVersion, owner, c.resource)
		if got.Verdict != c.want || got.Missing != c.missing {
			t.Errorf("%s: %v, missing %q (%s), want %v, %q", name, got.Verdict, got.Missing, got.Reason(), c.want, c.missing)
		}
	}
}

func TestAMandateIsAllThatCounts(t *testing.T) {
	t.Parallel()
	yes, no := doc(t, "Allow", "", "*", "*"), doc(t, "Deny", "", "*", "*")
	put := policy.Request{Action: "s3:PutObject", Resource: "arn:aws:s3:::b/p/x"}
	mandate := &arn.Mandate{{Action: "s3:PutObject", Resource: put.Resource, Owner: owner}}
	star := &arn.Mandate{{Action: "s3:PutObject", Resource: "arn:aws:s3:::b/p/*", Owner: owner}}
	moved := &arn.Mandate{{Action: "s3:PutObject", Resource: put.Resource, Owner: "999999999999"}}
	for name, c := range map[string]struct {
		identity []policy.Policy
		mandate  *arn.Mandate
		req      policy.Request
		want     bool
	}{
		"covered, although denied now": {no, mandate, put, true},
		"another action":               {yes, mandate, policy.Request{Action: "s3:GetObject", Resource: put.Resource}, false},
		"another resource":             {yes, mandate, policy.Request{Action: put.Action, Resource: "arn:aws:s3:::b/q/x"}, false},
		"another owner by now":         {yes, moved, put, false},
		"a star is no wildcard":        {yes, star, put, false},
		"a key that is a star":         {yes, star, policy.Request{Action: put.Action, Resource: "arn:aws:s3:::b/p/*"}, true},
		"an empty one":                 {yes, &arn.Mandate{}, put, false},
		"none":                         {yes, nil, put, true},
	} {
		who := policy.Subject{Principal: ann, Identity: c.identity, Mandate: c.mandate}
		if got := policy.Authorize(who, c.req, owner, nil); got.Allowed() != c.want {
			t.Errorf("%s: Authorize: %v (%s), want allowed %v", name, got.Verdict, got.Reason(), c.want)
		}
		all := doc(t, "Allow", `"*"`, "*", "*")
		if got := policy.AuthorizeByResource(who, c.req, owner, all); got.Allowed() != c.want {
			t.Errorf("%s: AuthorizeByResource: %v (%s), want allowed %v", name, got.Verdict, got.Reason(), c.want)
		}
	}
}

func TestParseIdentityAndTrust(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		parse func(string) (*policy.Document, error)
		text  string
		want  string // part of the message; empty: accepted
	}{
		{"identity", policy.ParseIdentity, `"Effect":"Allow","Action":"s3:*","Resource":"*"`, ""},
		{"identity with principal", policy.ParseIdentity, rest, "Principal is not allowed"},
		{"identity without resource", policy.ParseIdentity, `"Effect":"Allow","Action":"s3:*"`, "Resource is missing"},
		{"trust", policy.ParseTrust, `"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession"],"Principal":"*"`, ""},
		{"trust with resource", policy.ParseTrust, `"Effect":"Allow","Action":"sts:AssumeRole","Principal":"*","Resource":"*"`, "Resource is not allowed"},
		{"trust without principal", policy.ParseTrust, `"Effect":"Allow","Action":"sts:AssumeRole"`, "Principal is missing"},
		{"trust with another action", policy.ParseTrust, `"Effect":"Allow","Action":"s3:GetObject","Principal":"*"`, "s3:GetObject"},
	} {
		_, err := c.parse(statement(c.text))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}
