package lineage_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mimeo/internal/arn"
	"mimeo/internal/copier"
	"mimeo/internal/customlabels"
	"mimeo/internal/digest"
	"mimeo/internal/fault"
	"mimeo/internal/job"
	"mimeo/internal/job/jobtest"
	"mimeo/internal/lineage"
	"mimeo/internal/policy"
	"mimeo/internal/registry"
	"mimeo/internal/sqlstore"
	"mimeo/internal/sqlstore/sqlstoretest"
	"mimeo/internal/training"
)

func root(account string) arn.Caller {
	return arn.Caller{Principal: arn.Root("aws", account), Region: "us-east-1"}
}

var here, there, beyond = root("111122223333"), root("555555555555"), root("999999999999")

// permissions give a root the whole of its account, and a user the versions
// of the project that it is named after.
type permissions struct{}

func (permissions) Subject(_ context.Context, caller arn.Caller) (policy.Subject, error) {
	who := policy.Subject{Principal: caller.Principal}
	if caller.Principal.IsRoot() {
		who.Identity = []policy.Policy{policy.FullAccess(caller.Principal.Account)}
		return who, nil
	}
	project := strings.TrimPrefix(caller.Principal.Name, "user/")
	document, err := policy.Parse(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"rekognition:DescribeProjectVersions",
		"Resource":"arn:aws:rekognition:*:*:project/` + project + `/1"}}`)
	who.Identity = []policy.Policy{{Name: "its project", Document: document}}
	return who, err
}

// Nobody here has a unique id: a policy is stored as it is written.
func (permissions) PrincipalsByID(_ context.Context, text string) (string, error)   { return text, nil }
func (permissions) PrincipalsByName(_ context.Context, text string) (string, error) { return text, nil }

// A world is a lineage service on a real store, whose versions are made by
// jobs as training and copying make them, without any model in them.
type world struct {
	*lineage.Service
	t      *testing.T
	db     *sqlstore.DB
	engine jobtest.Engine
	clock  time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db := sqlstoretest.Open(t)
	authority := registry.New(registry.Config{Projects: db.Projects(), Permissions: permissions{}, Log: slog.New(slog.DiscardHandler), Now: time.Now})
	return &world{
		Service: &lineage.Service{Store: db.Lineage(), Registry: authority}, t: t, db: db, clock: time.UnixMilli(1_700_000_000_000).UTC(),
		engine: jobtest.Engine{Queue: db.Queue(), Store: db.Jobs(), Insert: db.Jobs().Insert},
	}
}

// project makes a project of an account; its stamp is 1.
func (w *world) project(owner arn.Caller, name string) arn.Project {
	w.t.Helper()
	p := arn.Project{Namespace: owner.Namespace(), Name: name, Stamp: "1"}
	err := w.db.Projects().InsertProject(w.t.Context(), customlabels.Project{ARN: p, Feature: customlabels.CustomLabels, Status: customlabels.ProjectCreated, CreatedAt: w.clock}, nil, 100)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// version makes a version; a zero source is none. Every second is the next.
func (w *world) version(p arn.Project, name string, source arn.ProjectVersion) arn.ProjectVersion {
	w.t.Helper()
	v := w.begin(p, name, source)
	w.engine.Drain(w.t, job.Options{}, finisher{w, v})
	return v.ARN
}

func (w *world) begin(p arn.Project, name string, source arn.ProjectVersion) customlabels.ProjectVersion {
	w.t.Helper()
	w.clock = w.clock.Add(time.Second)
	v := customlabels.ProjectVersion{
		ARN: p.Version(name, strconv.FormatInt(w.clock.UnixMilli(), 10)), Project: p, CreatedAt: w.clock, Source: source, Status: customlabels.TrainingInProgress,
		KMSKey: arn.Key{Namespace: p.Namespace, ID: "k"},
	}
	spec := job.Spec{Kind: "finish", Key: v.ARN.String(), Args: struct{}{}}
	limits := customlabels.VersionLimits{InProject: 100, InProgress: 5}
	insert := func() error {
		return w.db.Trainings().InsertTraining(w.t.Context(), customlabels.NewVersion{ProjectVersion: v, Limits: limits}, nil, training.Progress{}, spec)
	}
	if v.IsCopy() {
		v.Status = customlabels.CopyingInProgress
		insert = func() error {
			return w.db.Copies().InsertCopy(w.t.Context(), customlabels.NewVersion{ProjectVersion: v, Limits: limits}, copier.Invocation{}, spec)
		}
	}
	if err := insert(); err != nil {
		w.t.Fatalf("insert %s: %v", v.ARN, err)
	}
	return v
}

// A finisher is the last write of a training or a copy.
type finisher struct {
	w *world
	v customlabels.ProjectVersion
}

func (finisher) Kind() job.Kind { return "finish" }

func (f finisher) Fail(_ context.Context, _ *job.Run, cause error) error { return cause }

func (f finisher) Work(ctx context.Context, run *job.Run) error {
	f.v.Bundle = customlabels.Bundle{Artifacts: []customlabels.Artifact{
		{Role: customlabels.Weights, Digest: digest.Of([]byte("sealed")), Plain: digest.Of([]byte("weights")), WrappedKey: []byte("k")},
		{Role: customlabels.ManifestSummary, Digest: digest.Of([]byte("summary")), WrappedKey: []byte("k")},
	}}
	if f.v.IsCopy() {
		f.v.Status = customlabels.CopyingCompleted
		return f.w.db.Copies().FinishCopy(ctx, run.Attempt, f.v, []byte("record"), copier.Progress{})
	}
	f.v.Status = customlabels.TrainingCompleted
	return f.w.db.Trainings().EndTraining(ctx, run.Attempt, f.v, training.Progress{})
}

func (w *world) delete(v arn.ProjectVersion) {
	w.t.Helper()
	for range 2 { // a restarted job repeats its last call
		if err := w.db.Versions().Delete(w.t.Context(), v, w.clock); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) describe(caller arn.Caller, v arn.ProjectVersion) lineage.Lineage {
	w.t.Helper()
	l, err := w.DescribeLineage(w.t.Context(), caller, lineage.Request{Version: v})
	if err != nil {
		w.t.Fatalf("describe the lineage of %s: %v", v, err)
	}
	return l
}

// names are the nodes of a lineage by the names of their versions, with a
// cross where one is deleted and a question mark where it is abridged.
func names(l lineage.Lineage) []string {
	all := make([]string, len(l.Nodes))
	for i, n := range l.Nodes {
		all[i] = n.Version.Name
		if !n.DeletedAt.IsZero() {
			all[i] += "+"
		}
		if n.Abridged {
			all[i] += "?"
		}
	}
	return all
}

func edges(l lineage.Lineage) []string {
	var all []string
	for _, e := range l.Edges {
		all = append(all, e.Source.Name+" > "+e.Copy.Name)
	}
	return all
}

func check[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// TestBothWays: a was trained, b copied from it abroad, c and d from b, and e
// beyond from b; f stands beside b, and nobody's chain leads through it.
func TestBothWays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mine, theirs, others := w.project(here, "mine"), w.project(there, "theirs"), w.project(beyond, "others")
	a := w.version(mine, "a", arn.ProjectVersion{})
	b := w.version(theirs, "b", a)
	c := w.version(theirs, "c", b)
	d := w.version(theirs, "d", c)
	e := w.version(others, "e", b)
	f := w.version(mine, "f", a)
	w.begin(mine, "unfinished", a)
	for _, test := range []struct {
		of           arn.ProjectVersion
		caller       arn.Caller
		nodes, edges []string
	}{
		{a, here, []string{"a", "b?", "f"}, []string{"a > b", "a > f"}},
		{b, there, []string{"a?", "b", "c", "d", "e?"}, []string{"a > b", "b > c", "c > d", "b > e"}},
		{d, there, []string{"a?", "b", "c", "d"}, []string{"a > b", "b > c", "c > d"}},
		{e, beyond, []string{"a?", "b?", "e"}, []string{"a > b", "b > e"}},
		{f, here, []string{"a", "f"}, []string{"a > f"}},
	} {
		l := w.describe(test.caller, test.of)
		check(t, "nodes of "+test.of.Name, names(l), test.nodes)
		check(t, "edges of "+test.of.Name, edges(l), test.edges)
	}
	l := w.describe(there, b)
	check(t, "an own node", l.Nodes[1], lineage.Node{
		Version: b, Project: theirs, Source: a, CreatedAt: time.UnixMilli(1_700_000_002_000).UTC(), Status: customlabels.CopyingCompleted,
		KMSKey: arn.Key{Namespace: theirs.Namespace, ID: "k"},
		Digests: map[customlabels.Role]lineage.Digests{
			customlabels.Weights:         {Sealed: digest.Of([]byte("sealed")), Plain: digest.Of([]byte("weights"))},
			customlabels.ManifestSummary: {Sealed: digest.Of([]byte("summary"))},
		},
	})
	check(t, "a foreign node", l.Nodes[0], lineage.Node{
		Version: a, CreatedAt: time.UnixMilli(1_700_000_001_000).UTC(), Abridged: true,
		Digests: map[customlabels.Role]lineage.Digests{customlabels.Weights: {Plain: digest.Of([]byte("weights"))}},
	})
}

// TestTheDeadKeepTheirPlace: whatever is deleted, and in whatever order, the
// chain stays whole, also from the dead's own point of view.
func TestTheDeadKeepTheirPlace(t *testing.T) {
	t.Parallel()
	for name, order := range map[string][]int{"the source first": {0, 1, 2}, "the copy first": {2, 1, 0}, "the middle first": {1, 2, 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			p := w.project(here, "p")
			a := w.version(p, "a", arn.ProjectVersion{})
			b := w.version(p, "b", a)
			c := w.version(p, "c", b)
			chain, want := []arn.ProjectVersion{a, b, c}, []string{"a", "b", "c"}
			for _, i := range order {
				before := w.describe(here, chain[i]).Nodes[i]
				w.delete(chain[i])
				want[i] += "+"
				for _, v := range chain {
					l := w.describe(here, v)
					check(t, "nodes of "+v.Name, names(l), want)
					check(t, "edges of "+v.Name, edges(l), []string{"a > b", "b > c"})
				}
				before.Status, before.DeletedAt = "", w.clock
				check(t, "the tombstone of "+chain[i].Name, w.describe(here, chain[i]).Nodes[i], before)
			}
		})
	}
}

// TestOnlyWhatHasAPlaceLeavesATombstone: a model that was never copied is
// forgotten, and so is a copy that failed.
func TestOnlyWhatHasAPlaceLeavesATombstone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.project(here, "p")
	alone, source := w.version(p, "alone", arn.ProjectVersion{}), w.version(p, "source", arn.ProjectVersion{})
	failed := w.begin(p, "failed", source).ARN
	for _, v := range []arn.ProjectVersion{alone, failed, source} {
		w.delete(v)
		if _, err := w.DescribeLineage(t.Context(), here, lineage.Request{Version: v}); !errors.Is(err, customlabels.ResourceNotFound) {
			t.Errorf("the lineage of %s, which is deleted: %v, want %s", v.Name, err, customlabels.ResourceNotFound)
		}
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.project(here, "p")
	v := w.version(p, "v0", arn.ProjectVersion{})
	want := []string{"v0"}
	for i := range 6 {
		w.version(p, "v"+strconv.Itoa(i+1), v)
		want = append(want, "v"+strconv.Itoa(i+1))
	}
	for size := 1; size <= 8; size++ {
		var got, copies []string
		req := lineage.Request{Version: v, MaxResults: size}
		for {
			l, err := w.DescribeLineage(t.Context(), here, req)
			if err != nil || len(l.Nodes) > size {
				t.Fatalf("pages of %d: %d nodes, %v", size, len(l.Nodes), err)
			}
			got, copies = append(got, names(l)...), append(copies, edges(l)...)
			if req.NextToken = l.NextToken; req.NextToken == "" {
				break
			}
		}
		check(t, "all pages of "+strconv.Itoa(size), got, want)
		check(t, "their edges", len(copies), 6)
	}
	for _, token := range []string{"x", "!", "YWJj", strings.Repeat("A", 1000)} {
		_, err := w.DescribeLineage(t.Context(), here, lineage.Request{Version: v, NextToken: token})
		if !errors.Is(err, customlabels.InvalidPaginationToken) {
			t.Errorf("token %.9q: %v", token, err)
		}
	}
}

// FuzzToken: whatever a client sends is a position or is refused; a position
// is the same after it was told.
func FuzzToken(f *testing.F) {
	for _, token := range []string{"", "x", "MCA", "MTcwMDAwMDAwMTAwMCBhcm46YXdz", strings.Repeat("A", 1000)} {
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, token string) {
		told, err := lineage.Reissue(token)
		if err != nil {
			if !errors.Is(err, customlabels.InvalidPaginationToken) {
				t.Fatalf("token %q: %v", token, err)
			}
			return
		}
		if again, err := lineage.Reissue(told); err != nil || again != told {
			t.Errorf("token %q is told as %q, and that as %q, %v", token, told, again, err)
		}
	})
}

func TestALongLineageIsTruncated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.project(here, "p")
	chain := []arn.ProjectVersion{w.version(p, "v0", arn.ProjectVersion{})}
	for i := range 6 {
		chain = append(chain, w.version(p, "v"+strconv.Itoa(i+1), chain[i]))
	}
	for limit, test := range map[int]struct {
		nodes     []string
		truncated bool
	}{
		1: {[]string{"v2", "v3", "v4"}, true},
		2: {[]string{"v1", "v2", "v3", "v4", "v5"}, true},
		3: {[]string{"v0", "v1", "v2", "v3", "v4", "v5", "v6"}, false},
	} {
		w.MaxVersions = limit
		l := w.describe(here, chain[3])
		check(t, "nodes within "+strconv.Itoa(limit), names(l), test.nodes)
		check(t, "truncated", l.Truncated, test.truncated)
	}
}

// TestWhoMaySee: of another account's version nobody learns whether it is
// there, nor does a user who may not describe its project's.
func TestWhoMaySee(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	open, closed := w.project(here, "open"), w.project(here, "closed")
	v := w.version(open, "v", arn.ProjectVersion{})
	secret := w.version(closed, "s", v)
	gone := w.version(closed, "gone", secret)
	w.delete(gone)
	user := arn.Caller{Principal: arn.Principal{Partition: "aws", Account: here.Principal.Account, Name: "user/open"}, Region: here.Region}
	l := w.describe(user, v)
	check(t, "what the user sees", names(l), []string{"v", "s?", "gone?"})
	if slices.ContainsFunc(l.Nodes[1:], func(n lineage.Node) bool { return n.Status != "" || n.KMSKey != (arn.Key{}) || !n.DeletedAt.IsZero() }) {
		t.Errorf("the user sees more: %+v", l.Nodes[1:])
	}
	for name, caller := range map[string]arn.Caller{"user": user, "another account": there} {
		var answers []string
		for _, asked := range []arn.ProjectVersion{secret, gone, closed.Version("never", secret.Stamp)} {
			_, err := w.DescribeLineage(t.Context(), caller, lineage.Request{Version: asked})
			var refused *fault.Error
			if !errors.As(err, &refused) || refused.Code != customlabels.AccessDenied {
				t.Fatalf("%s, %s: %v, want %s", name, asked, err, customlabels.AccessDenied)
			}
			answers = append(answers, strings.ReplaceAll(refused.Message, asked.String(), "V"))
		}
		if answers = slices.Compact(answers); len(answers) > 1 {
			t.Errorf("%s can tell apart what is there: %q", name, answers)
		}
	}
	elsewhere := here
	elsewhere.Region = "eu-west-1"
	if _, err := w.DescribeLineage(t.Context(), elsewhere, lineage.Request{Version: v}); !errors.Is(err, customlabels.InvalidParameter) {
		t.Errorf("from another Region: %v, want %s", err, customlabels.InvalidParameter)
	}
	if _, err := w.DescribeLineage(t.Context(), here, lineage.Request{Version: open.Version("never", "1")}); !errors.Is(err, customlabels.ResourceNotFound) {
		t.Errorf("of a version that never was: %v, want %s", err, customlabels.ResourceNotFound)
	}
}
