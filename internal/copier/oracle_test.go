package copier_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/copier"
	"mimeo/internal/customlabels"
	"mimeo/internal/fault"
	"mimeo/internal/objects"
	"mimeo/internal/policy"
)

// calls notes what a decision asks of its surroundings.
type calls struct{ made []string }

func (c *calls) note(format string, args ...any) {
	c.made = append(c.made, fmt.Sprintf(format, args...))
}

type notingRegistry struct {
	copier.Registry
	*calls
}

func (r notingRegistry) Project(ctx context.Context, a arn.Project) (customlabels.Project, error) {
	r.note("Project %s", a)
	return r.Registry.Project(ctx, a)
}

func (r notingRegistry) Version(ctx context.Context, a arn.ProjectVersion) (customlabels.ProjectVersion, error) {
	r.note("Version %s", a)
	return r.Registry.Version(ctx, a)
}

func (r notingRegistry) Policies(ctx context.Context, a arn.Project) ([]customlabels.ProjectPolicy, error) {
	r.note("Policies %s", a)
	return r.Registry.Policies(ctx, a)
}

func (r notingRegistry) Tags(ctx context.Context, resource fmt.Stringer) (customlabels.Tags, error) {
	r.note("Tags %s", resource)
	return r.Registry.Tags(ctx, resource)
}

type notingStore struct {
	copier.Store
	*calls
}

func (s notingStore) HasVersion(ctx context.Context, p arn.Project, name string) (bool, error) {
	s.note("HasVersion %s %s", p, name)
	return s.Store.HasVersion(ctx, p, name)
}

func (s notingStore) CanInsertCopy(ctx context.Context, v customlabels.NewVersion) error {
	s.note("CanInsertCopy %s", v.ARN)
	return s.Store.CanInsertCopy(ctx, v)
}

type notingObjects struct {
	objects.Store
	*calls
}

func (o notingObjects) CanPut(ctx context.Context, caller arn.Caller, key string, refs ...objects.Ref) (policy.Decision, error) {
	o.note("CanPut %s %v", key, refs)
	return o.Store.CanPut(ctx, caller, key, refs...)
}

type notingVault struct {
	copier.Vault
	*calls
}

func (v notingVault) CanUse(ctx context.Context, caller arn.Caller, keyID string, a arn.ProjectVersion) (arn.Key, policy.Decision, error) {
	v.note("CanUse %s", keyID)
	return v.Vault.CanUse(ctx, caller, keyID, a)
}

// TestADenialIsTheSameWhetherTheSourceExists: the whole answer, what is told
// by an explanation, and what is read to make them, for all kinds of sources
// that a stranger could want to tell apart.
func TestADenialIsTheSameWhetherTheSourceExists(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stranger := arn.Caller{Principal: arn.Root("aws", "999999999999"), Region: "us-east-1"}
	silent := w.newProject(t, trusting, "silent")
	closed := w.newProject(t, trusting, "closed")
	w.allow(t, closed, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"rekognition:CopyProjectVersion","Resource":"*"}]}`)
	tagged := w.newProject(t, trusting, "tagged")
	w.train(t, tagged, "v1")
	w.allow(t, tagged, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"rekognition:CopyProjectVersion","Resource":"*","Condition":{"Null":{"aws:ResourceTag/of":"true"}}}]}`)
	mine := w.newProject(t, stranger, "mine")
	w.Now = func() time.Time { return time.UnixMilli(1_800_000_000_000) }
	made := &calls{}
	w.Registry, w.Store = notingRegistry{w.Registry, made}, notingStore{w.Store, made}
	w.Objects, w.Vault = notingObjects{w.Objects, made}, notingVault{w.Vault, made}

	var starts, explanations []string
	for _, p := range []arn.Project{w.source.Project, silent, closed, tagged, {Namespace: trusting.Namespace(), Name: "nothing", Stamp: "1"}} {
		req := w.request("refused")
		req.SourceProject, req.Source, req.DestinationProject = p, p.Version("v1", "1700000000000"), mine
		unname := strings.NewReplacer("project/"+p.Name+"/", "project/P/").Replace
		made.made = nil
		_, err := w.Start(t.Context(), stranger, req)
		var refused *fault.Error
		if !errors.As(err, &refused) || refused.Code != customlabels.AccessDenied {
			t.Fatalf("copying from %s: %v", p, err)
		}
		why := (*policy.DeniedError)(nil)
		if !errors.As(err, &why) || !why.Foreign {
			t.Errorf("copying from %s: the cause %v may be shown to the caller", p, refused.Cause)
		}
		starts = append(starts, unname(fmt.Sprint(refused.Code, refused.Message, made.made)))
		made.made = nil
		e, err := w.Explain(t.Context(), stranger, req)
		if err != nil {
			t.Fatalf("explaining a copy from %s: %v", p, err)
		}
		for _, f := range e.Findings {
			if about := strings.HasPrefix(string(f.Check), "Source") && f.Check != copier.SourcePermission && f.Check != copier.SourceArns; about && f.Verdict != copier.Unknown {
				t.Errorf("a stranger is told about %s: %+v", p, f)
			}
		}
		if e.Plan != nil {
			t.Errorf("a stranger is told the plan of a copy from %s: %+v", p, e.Plan)
		}
		explanations = append(explanations, unname(fmt.Sprint(e, made.made)))
	}
	for what, answers := range map[string][]string{"start": starts, "explain": explanations} {
		if same := slices.Compact(slices.Clone(answers)); len(same) != 1 {
			t.Errorf("%s tells sources apart:\n%s", what, strings.Join(same, "\n"))
		}
	}
	if !strings.Contains(starts[0], "Policies") || !strings.Contains(starts[0], "Tags") {
		t.Errorf("nothing was noted of what is read: %s", starts[0])
	}
}

// TestARefusalAtHomeNamesWhatDecided: the policy and the statement in the
// message, and what the engine was asked, for DecodeAuthorizationMessage.
func TestARefusalAtHomeNamesWhatDecided(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, action := range everything[1:] { // the source is another account's
		w.people.policies.Store(session.Principal, fmt.Sprintf(`{"Version":"2012-10-17","Statement":[
			{"Effect":"Allow","Action":"*","Resource":"*"},{"Sid":"Never","Effect":"Deny","Action":%q,"Resource":"*"}]}`, action))
		_, err := w.Start(t.Context(), session, w.request("refused"))
		var refused *fault.Error
		var why *policy.DeniedError
		if !errors.As(err, &refused) || refused.Code != customlabels.AccessDenied || !strings.Contains(refused.Message, `the identity policy p denies it explicitly in statement "Never"`) {
			t.Errorf("a copy against a denial of %s: %v", action, err)
		}
		if !errors.As(err, &why) || why.Foreign || why.Request.Action != action || why.Decision.Statement != `statement "Never"` {
			t.Errorf("a copy against a denial of %s: the cause is %+v", action, why)
		}
	}
}
