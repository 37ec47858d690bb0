package copier_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"mimeo/internal/arn"
	"mimeo/internal/copier"
	"mimeo/internal/customlabels"
)

// TestConditionsOnTags: in a caller's own policies the tags of the request
// count everywhere, those of a resource for its owner alone.
func TestConditionsOnTags(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(w.db.Tags().SetTags(t.Context(), w.into, customlabels.Tags{"Team": "vision"}, 50))
	own := w.start(t, w.request("own"))
	w.drain(t)
	must(w.db.Tags().SetTags(t.Context(), own, customlabels.Tags{"release": "yes"}, 50))
	abroad := func(*copier.Request) {}
	copyOwn := func(r *copier.Request) { r.SourceProject, r.Source = w.into, own }

	const copying = "rekognition:CopyProjectVersion"
	for name, test := range map[string]struct {
		action, condition string
		change            func(*copier.Request)
		allowed           bool
	}{
		"the request's tag is asked for":          {copying, `{"StringEquals":{"aws:RequestTag/stage":"production"}}`, abroad, true},
		"in another spelling of the key":          {copying, `{"StringEquals":{"AWS:requesttag/Stage":"production"}}`, abroad, true},
		"another value of it is":                  {copying, `{"StringEquals":{"aws:RequestTag/stage":"test"}}`, abroad, false},
		"it is, to create":                        {"rekognition:CreateProjectVersion", `{"StringEquals":{"aws:RequestTag/stage":"test"}}`, abroad, false},
		"no other tags may be given":              {"rekognition:TagResource", `{"ForAllValues:StringEquals":{"aws:TagKeys":["stage","owner"]}}`, abroad, true},
		"other tags must be given":                {"rekognition:TagResource", `{"ForAnyValue:StringEquals":{"aws:TagKeys":["owner"]}}`, abroad, false},
		"the destination's tag is":                {"rekognition:CreateProjectVersion", `{"StringEquals":{"aws:ResourceTag/team":"vision"}}`, abroad, true},
		"another of the destination is":           {"rekognition:CreateProjectVersion", `{"StringEquals":{"aws:ResourceTag/team":"audio"}}`, abroad, false},
		"the source's tag is, by its owner":       {copying, `{"StringEqualsIfExists":{"aws:ResourceTag/release":"yes"}}`, copyOwn, true},
		"another of the source is, by its owner":  {copying, `{"StringEqualsIfExists":{"aws:ResourceTag/release":"no"}}`, copyOwn, false},
		"the source's tag is, by another account": {copying, `{"StringEquals":{"aws:ResourceTag/of":"the source"}}`, abroad, false},
	} {
		w.people.policies.Store(session.Principal, fmt.Sprintf(`{"Version":"2012-10-17","Statement":[
			{"Effect":"Allow","NotAction":%q,"Resource":"*"},{"Effect":"Allow","Action":%[1]q,"Resource":"*","Condition":%s}]}`, test.action, test.condition))
		req := w.request("explained")
		test.change(&req)
		e, err := w.Explain(t.Context(), session, req)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if e.Allowed != test.allowed {
			t.Errorf("where %s, allowed is %v: %+v", name, e.Allowed, e.Findings)
		}
	}
}

// TestAProjectPolicyKnowsTheTagsOfTheSource: what it says of them holds for
// callers of every account. Their own policies know nothing of them, so that
// nobody finds the tags out by asking.
func TestAProjectPolicyKnowsTheTagsOfTheSource(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	guarded := w.newProject(t, trusting, "guarded")
	open, secret := w.train(t, guarded, "open").ARN, w.train(t, guarded, "secret").ARN
	must(t, w.db.Tags().SetTags(t.Context(), secret, customlabels.Tags{"Confidential": "yes"}, 50))
	w.allow(t, guarded, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"rekognition:CopyProjectVersion","Resource":"*"},
		{"Effect":"Deny","Principal":"*","Action":"rekognition:CopyProjectVersion","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/confidential":"yes"}}}]}`)
	released := w.newProject(t, trusting, "released")
	plain, out := w.train(t, released, "plain").ARN, w.train(t, released, "out").ARN
	must(t, w.db.Tags().SetTags(t.Context(), out, customlabels.Tags{"release": "yes"}, 50))
	w.allow(t, released, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"rekognition:CopyProjectVersion","Resource":"*",
		"Condition":{"StringEquals":{"aws:ResourceTag/Release":"yes"}}}]}`)
	probing := func(condition string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"*","Condition":` + condition + `}]}`
	}
	asked := 0
	for name, c := range map[string]struct {
		source arn.ProjectVersion
		policy string // of the caller
		want   error
	}{
		"without the tag that denies": {open, allowing(everything...), nil},
		"with the tag that denies":    {secret, allowing(everything...), customlabels.AccessDenied},
		"without the tag that allows": {plain, allowing(everything...), customlabels.AccessDenied},
		"with the tag that allows":    {out, allowing(everything...), nil},
		"a probe for a tag":           {out, probing(`{"StringLike":{"aws:ResourceTag/of":"*"}}`), nil},
		"a probe for what it allows":  {out, probing(`{"StringEquals":{"aws:ResourceTag/release":"yes"}}`), nil},
		"not there, tags asked for":   {released.Version("nothing", "1"), allowing(everything...), customlabels.AccessDenied},
	} {
		w.people.policies.Store(session.Principal, c.policy)
		asked++
		req := w.request(fmt.Sprint("c", asked))
		req.SourceProject, req.Source = arn.Project{Namespace: c.source.Namespace, Name: c.source.ProjectName, Stamp: "1"}, c.source
		e, err := w.Explain(t.Context(), session, req)
		if err != nil || e.Allowed != (c.want == nil) {
			t.Errorf("%s: explained as allowed %v, %v; want %v: %+v", name, e.Allowed, err, c.want == nil, e.Findings)
		}
		if f := e.Findings[0]; f.Verdict == copier.Deny && (f.Policy != "" || !strings.Contains(f.Reason, "no project policy of the source project allows")) {
			t.Errorf("%s: the caller is told %+v", name, f)
		}
		if _, err := w.Start(t.Context(), session, req); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// TestTheAccountOfTheSourceCounts: a caller's own policies know whose the
// source is, in the decision, in its reason and in the ground that is recorded.
func TestTheAccountOfTheSourceCounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const ground = `statement "OfTheSource"`
	may := func(key, account string) {
		w.people.policies.Store(session.Principal, fmt.Sprintf(`{"Version":"2012-10-17","Statement":[
			{"Effect":"Allow","NotAction":"rekognition:CopyProjectVersion","Resource":"*"},
			{"Effect":"Allow","Action":"rekognition:CopyProjectVersion","Resource":%q},
			{"Sid":"OfTheSource","Effect":"Allow","Action":"rekognition:CopyProjectVersion","Resource":%q,"Condition":{"StringEquals":{%q:%q}}}]}`,
			w.into, w.source.ARN, key, account))
	}
	for i, key := range []string{"aws:ResourceAccount", "s3:ResourceAccount"} {
		may(key, trusted.Principal.Account)
		e, err := w.Explain(t.Context(), session, w.request("explained"))
		if f := e.Findings[0]; err != nil || f.Verdict != copier.Deny || !strings.Contains(f.Reason, "no identity-based policy allows it") {
			t.Errorf("%s is the caller's account: %+v, %v", key, f, err)
		}
		may(key, trusting.Principal.Account)
		v, err := w.Start(t.Context(), session, w.request(fmt.Sprint("c", i)))
		if err != nil {
			t.Fatalf("%s is the source's account: %v", key, err)
		}
		w.drain(t)
		if g := w.signed(t, v).Decision[0]; g.Check != string(copier.SourcePermission) || g.Policy != "the identity policy p" || g.Statement != ground {
			t.Errorf("%s is the source's account: the first ground is %+v, want %s", key, g, ground)
		}
	}
}

// TestConditionsOfAProjectPolicy speak about the other account's caller.
func TestConditionsOfAProjectPolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.newProject(t, trusting, "guarded")
	source := w.train(t, p, "v1")
	w.allow(t, p, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"rekognition:CopyProjectVersion","Resource":"*",
		"Condition":{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::555555555555:role/Copier"},"StringEquals":{"aws:RequestTag/stage":"production"}}}]}`)
	w.people.policies.Store(session.Principal, allowing(everything...))
	request := func(name string) copier.Request {
		req := w.request(name)
		req.SourceProject, req.Source = p, source.ARN
		return req
	}
	if _, err := w.Start(t.Context(), session, request("c1")); err != nil {
		t.Errorf("the principal that is named: %v", err)
	}
	if _, err := w.Start(t.Context(), trusted, request("c2")); !errors.Is(err, customlabels.AccessDenied) {
		t.Errorf("another principal of the account: %v", err)
	}
	untagged := request("c3")
	untagged.Tags = nil
	if _, err := w.Start(t.Context(), session, untagged); !errors.Is(err, customlabels.AccessDenied) {
		t.Errorf("without the tag: %v", err)
	}
}
