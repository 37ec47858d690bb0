package copier_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"mimeo/internal/arn"
	"mimeo/internal/bucket"
	"mimeo/internal/copier"
	"mimeo/internal/customlabels"
	"mimeo/internal/job"
	"mimeo/internal/kms"
	"mimeo/internal/objects"
)

var session = arn.Caller{
	Principal: arn.Principal{Partition: "aws", Account: "555555555555", Name: "assumed-role/Copier/nightly"},
	Region:    "us-east-1", Session: "ASIAEXAMPLE", SourceIP: "192.0.2.1", UserAgent: "a program",
}

// allowing is an identity policy that allows actions on everything.
func allowing(actions ...string) string {
	return `{"Version":"2012-10-17","Statement":[{"Sid":"Work","Effect":"Allow","Resource":"*","Action":["` + strings.Join(actions, `","`) + `"]}]}`
}

// everything is what a copy under a key of one's own, with tags, needs.
var everything = []string{
	"rekognition:CopyProjectVersion", "rekognition:CreateProjectVersion", "rekognition:TagResource", "s3:PutObject",
	"kms:DescribeKey", "kms:CreateGrant", "kms:GenerateDataKey", "kms:Decrypt",
}

// TestACopyOutlivesItsCallersPermissions: what the job may do was decided when
// the copy was.
func TestACopyOutlivesItsCallersPermissions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.people.policies.Store(session.Principal, allowing(everything...))
	v, err := w.Start(t.Context(), session, w.request("c1"))
	if err != nil {
		t.Fatalf("start the copy: %v", err)
	}
	w.people.policies.Delete(session.Principal)
	if _, err := w.Start(t.Context(), session, w.request("c2")); !errors.Is(err, customlabels.AccessDenied) {
		t.Errorf("a copy without permissions: %v", err)
	}
	w.drain(t)
	w.checkCompleted(t, v)
}

// TestEachPermissionIsNeeded takes one permission after the other away.
func TestEachPermissionIsNeeded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i, action := range everything {
		w.people.policies.Store(session.Principal, allowing(append(append([]string(nil), everything[:i]...), everything[i+1:]...)...))
		_, err := w.Start(t.Context(), session, w.request("refused"))
		if !errors.Is(err, customlabels.AccessDenied) || !strings.Contains(err.Error(), action) {
			t.Errorf("a copy without %s: %v", action, err)
		}
	}
	w.checkGrants(t, 0, 1) // the source's
}

// mandated returns the caller that the job of a copy acts as.
func (w *world) mandated(t *testing.T, caller arn.Caller, name string) arn.Caller {
	t.Helper()
	var args copier.Args
	store := &argsOf{Store: w.Store, args: &args}
	w.Store = store
	if _, err := w.Start(t.Context(), caller, w.request(name)); err != nil {
		t.Fatal(err)
	}
	w.Store = store.Store
	if args.Caller.Mandate == nil {
		t.Fatal("the job has no mandate")
	}
	want := arn.Caller{Principal: caller.Principal, Region: caller.Region, Mandate: args.Caller.Mandate}
	if args.Caller != want {
		t.Errorf("the job keeps of the request %+v", args.Caller)
	}
	return args.Caller
}

// TestAMandateIsForTheResultsAlone: not for another object, action or key.
func TestAMandateIsForTheResultsAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.people.policies.Store(session.Principal, allowing(append(everything, "s3:*")...))
	careful := w.mandated(t, session, "c1")
	w.people.policies.Store(session.Principal, allowing(everything...))
	clumsy := w.mandated(t, session, "c2")
	other := w.newKey(t, trusted)
	const to = "destination-custom-labels"
	file := func(name string) objects.Ref {
		return objects.Ref{Bucket: to, Key: "copied/EvaluationResultSummary-copies-" + name + ".json"}
	}
	key := func(k arn.Key) func(arn.Caller) error {
		return func(c arn.Caller) error {
			_, err := w.kms.GenerateDataKey(t.Context(), c, k.String(), nil)
			return err
		}
	}
	for name, test := range map[string]struct {
		as   arn.Caller
		do   func(arn.Caller) error
		want error
	}{
		"writing a result":              {careful, func(c arn.Caller) error { _, err := w.buckets.CanPut(t.Context(), c, "", file("c1")); return err }, nil},
		"writing a result under a key":  {careful, func(c arn.Caller) error { return w.buckets.CanSeal(t.Context(), c, w.key.String(), file("c1")) }, nil},
		"removing a result":             {careful, func(c arn.Caller) error { return w.buckets.CanDelete(t.Context(), c, file("c1")) }, nil},
		"removing without permission":   {clumsy, func(c arn.Caller) error { return w.buckets.CanDelete(t.Context(), c, file("c2")) }, bucket.AccessDenied},
		"writing another copy's result": {careful, func(c arn.Caller) error { _, err := w.buckets.CanPut(t.Context(), c, "", file("c2")); return err }, bucket.AccessDenied},
		"reading a result": {careful, func(c arn.Caller) error {
			_, err := w.buckets.Head(t.Context(), c, file("c1"))
			return err
		}, bucket.AccessDenied},
		"using the key":   {careful, key(w.key), nil},
		"using another":   {careful, key(other), kms.AccessDenied},
		"disabling a key": {careful, func(c arn.Caller) error { return w.kms.DisableKey(t.Context(), c, w.key.String()) }, kms.AccessDenied},
		"copying once more": {careful, func(c arn.Caller) error {
			_, err := w.Start(t.Context(), c, w.request("c3"))
			return err
		}, customlabels.AccessDenied},
	} {
		if err := test.do(test.as); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}

// argsOf notes the arguments of the job that is inserted.
type argsOf struct {
	copier.Store
	args *copier.Args
}

func (s *argsOf) InsertCopy(ctx context.Context, v customlabels.NewVersion, call copier.Invocation, spec job.Spec) error {
	*s.args = spec.Args.(copier.Args)
	return s.Store.InsertCopy(ctx, v, call, spec)
}
