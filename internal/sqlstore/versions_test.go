package sqlstore_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mimeo/internal/arn"
	"mimeo/internal/copier"
	"mimeo/internal/customlabels"
	"mimeo/internal/digest"
	"mimeo/internal/job"
	"mimeo/internal/sqlstore"
)

var epoch = time.UnixMilli(1_700_000_000_123).UTC()

func project(account, name string) arn.Project {
	return arn.Project{Namespace: arn.Namespace{Partition: "aws", Region: "us-east-1", Account: account}, Name: name, Stamp: "1"}
}

// insertProject makes a project that versions can belong to.
func insertProject(t *testing.T, db *sqlstore.DB, p arn.Project) {
	t.Helper()
	err := db.Projects().InsertProject(t.Context(), customlabels.Project{
		ARN: p, Feature: customlabels.CustomLabels, Status: customlabels.ProjectCreated, CreatedAt: epoch,
	}, nil, 100)
	if err != nil {
		t.Fatalf("insert project %s: %v", p, err)
	}
}

// insertSource inserts a version with a model, as training leaves it.
func insertSource(t *testing.T, db *sqlstore.DB, p arn.Project, name string) customlabels.ProjectVersion {
	t.Helper()
	v := customlabels.ProjectVersion{
		ARN: p.Version(name, "1700000000123"), Project: p, Status: customlabels.TrainingCompleted, CreatedAt: epoch,
		OutputConfig: customlabels.OutputConfig{Bucket: "b", Prefix: "p"},
		Provenance:   customlabels.Provenance{TrainingEndedAt: epoch.Add(time.Minute), BaseModel: "classifier", F1Score: 0.5},
		Files:        customlabels.ResultFiles{customlabels.EvaluationSummary: {Bucket: "b", Key: "p/e.json"}},
		Bundle: customlabels.Bundle{
			VersionKey: []byte("wrapped"), Grant: "g",
			Key: arn.Key{Namespace: p.Namespace, ID: "k"},
			Artifacts: []customlabels.Artifact{
				{Role: customlabels.EvaluationSummary, Digest: digest.Of([]byte("e")), Size: 1, WrappedKey: []byte("we")},
				{Role: customlabels.Weights, Digest: digest.Of([]byte(name)), Size: 2, WrappedKey: []byte("ww"), VerifiedAt: epoch},
			},
		},
	}
	if err := db.InsertVersion(t.Context(), v); err != nil {
		t.Fatalf("insert version %s: %v", v.ARN, err)
	}
	return v
}

func copyOf(source customlabels.ProjectVersion, into arn.Project, name string) customlabels.ProjectVersion {
	return customlabels.ProjectVersion{
		ARN: into.Version(name, "1700000000200"), Project: into, Status: customlabels.CopyingInProgress, CreatedAt: epoch, Source: source.ARN,
		OutputConfig: customlabels.OutputConfig{Bucket: "b", Prefix: "p"},
	}
}

func copyJob(v customlabels.ProjectVersion) job.Spec {
	return job.Spec{Kind: "copy", Key: v.ARN.String(), Args: struct{}{}}
}

// standard is a new version under limits of 100 and 5.
func standard(v customlabels.ProjectVersion, tags customlabels.Tags) customlabels.NewVersion {
	return customlabels.NewVersion{ProjectVersion: v, Tags: tags, Limits: customlabels.VersionLimits{InProject: 100, InProgress: 5}}
}

func TestAVersionIsReadAsItWasStored(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir())
	p := project("111122223333", "p")
	insertProject(t, db, p)
	want := insertSource(t, db, p, "v")
	got, err := db.Versions().Version(t.Context(), want.ARN)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("read %v (-want +got):\n%s", err, diff)
	}
	if _, err := db.Versions().Version(t.Context(), p.Version("other", "1")); !errors.Is(err, customlabels.ResourceNotFound) {
		t.Errorf("reading a version that is not there: %v", err)
	}
	for content, want := range map[string]bool{"e": true, "v": true, "x": false} {
		if got, err := db.Versions().Referenced(t.Context(), digest.Of([]byte(content))); err != nil || got != want {
			t.Errorf("blob of %q is referenced: %v, %v; want %v", content, got, err, want)
		}
	}
}

func TestVersionsArePagedFromTheNewest(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir())
	p := project("111122223333", "p")
	insertProject(t, db, p)
	for _, name := range []string{"a", "b", "c"} { // of one instant: the name decides
		insertSource(t, db, p, name)
	}
	var got []string
	var last customlabels.ProjectVersion
	for {
		page, err := db.Versions().VersionsBefore(t.Context(), p, nil, last, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, v := range page {
			got = append(got, v.ARN.Name)
		}
		last = page[len(page)-1]
	}
	if diff := cmp.Diff([]string{"c", "b", "a"}, got); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	named, err := db.Versions().VersionsBefore(t.Context(), p, []string{"a", "nobody", "b"}, customlabels.ProjectVersion{}, 9)
	if err != nil || len(named) != 2 || named[0].ARN.Name != "b" || named[1].ARN.Name != "a" {
		t.Errorf("versions by name: %v, %v; want b and a", named, err)
	}
}

func TestACopyIsInsertedWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir())
	from, into := project("111122223333", "p"), project("555555555555", "q")
	insertProject(t, db, from)
	insertProject(t, db, into)
	source := insertSource(t, db, from, "v")
	failed := source
	failed.ARN, failed.Status, failed.Bundle = from.Version("bad", "3"), customlabels.TrainingFailed, customlabels.Bundle{}
	if err := db.InsertVersion(t.Context(), failed); err != nil {
		t.Fatal(err)
	}
	if err := db.Copies().InsertCopy(t.Context(), standard(copyOf(source, into, "taken"), nil), copier.Invocation{}, copyJob(source)); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		v    customlabels.ProjectVersion
		want error
	}{
		"the name is taken":        {copyOf(source, into, "taken"), customlabels.ResourceInUse},
		"the project is not there": {copyOf(source, project("555555555555", "r"), "v"), customlabels.ResourceNotFound},
		"the source is not there":  {copyOf(customlabels.ProjectVersion{ARN: from.Version("gone", "1")}, into, "v"), customlabels.ResourceNotFound},
		"the source has no model":  {copyOf(failed, into, "v"), customlabels.InvalidParameter},
	} {
		if err := db.Copies().InsertCopy(t.Context(), standard(test.v, customlabels.Tags{"a": "b"}), copier.Invocation{}, copyJob(test.v)); !errors.Is(err, test.want) {
			t.Errorf("where %s: %v, want %v", name, err, test.want)
		}
	}
	all, err := db.Versions().VersionsBefore(t.Context(), into, nil, customlabels.ProjectVersion{}, 100)
	if err != nil || len(all) != 1 {
		t.Errorf("the destination has %d versions, %v; want 1", len(all), err)
	}
}

func TestCopiesInProgressAreLimited(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir())
	p := project("111122223333", "p")
	insertProject(t, db, p)
	source := insertSource(t, db, p, "v")
	for i := range 6 {
		v := copyOf(source, p, fmt.Sprint("c", i))
		err := db.Copies().InsertCopy(t.Context(), standard(v, nil), copier.Invocation{}, copyJob(v))
		if limited := errors.Is(err, customlabels.LimitExceeded); limited != (i == 5) {
			t.Errorf("copy %d: %v", i, err)
		}
	}
	other := project("555555555555", "q")
	insertProject(t, db, other)
	v := copyOf(source, other, "c")
	if err := db.Copies().InsertCopy(t.Context(), standard(v, nil), copier.Invocation{}, copyJob(v)); err != nil {
		t.Errorf("a copy into another account: %v", err)
	}
}

func TestASourceThatIsReadIsNotDeleted(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir())
	p := project("111122223333", "p")
	insertProject(t, db, p)
	source := insertSource(t, db, p, "v")
	v := copyOf(source, p, "c")
	if err := db.Copies().InsertCopy(t.Context(), standard(v, nil), copier.Invocation{}, copyJob(v)); err != nil {
		t.Fatal(err)
	}
	deletion := job.Spec{Kind: "delete-version", Key: source.ARN.String(), Args: struct{}{}}
	if err := db.Versions().BeginDelete(t.Context(), source, deletion); !errors.Is(err, customlabels.ResourceInUse) {
		t.Errorf("deleting a pinned version: %v, want ResourceInUse", err)
	}
	if err := db.Versions().Delete(t.Context(), v.ARN, time.Now()); err != nil { // drops the pin
		t.Fatal(err)
	}
	if err := db.Versions().BeginDelete(t.Context(), source, deletion); err != nil {
		t.Errorf("deleting an unpinned version: %v", err)
	}
	if err := db.Versions().BeginDelete(t.Context(), source, deletion); !errors.Is(err, customlabels.ResourceInUse) {
		t.Errorf("deleting a version that is being deleted: %v, want ResourceInUse", err)
	}
	for range 2 {
		if err := db.Versions().Delete(t.Context(), source.ARN, time.Now()); err != nil {
			t.Errorf("deleting: %v", err)
		}
	}
}

// TestPagesAreSeeks: a page, wherever it begins, costs what it holds. Nothing
// is sorted, and no rows before it are passed over.
func TestPagesAreSeeks(t *testing.T) {
	t.Parallel()
	plans := open(t, t.TempDir()).Plans(t)
	for name, index := range map[string]string{
		"a page of versions": "versions_by_age (project=? AND (created,name)<(?,?))",
		"a version by name":  "sqlite_autoindex_versions_2 (project=? AND name=?)",
		"a page of projects": "projects_by_age (partition=? AND region=? AND account=? AND (created,name)<(?,?))",
		"a project by name":  "sqlite_autoindex_projects_2 (partition=? AND region=? AND account=? AND name=?)",
	} {
		t.Logf("%s: %s", name, plans[name])
		if !strings.Contains(plans[name], "USING INDEX "+index) || strings.HasPrefix(name, "a page") && strings.Contains(plans[name], "TEMP B-TREE") {
			t.Errorf("%s: %s; want a search of %s", name, plans[name], index)
		}
	}
}

// TestOnlyDamageThatWasKnownIsMended: two read a blob at the same time, and
// the one that found it whole writes last. No clock decides.
func TestOnlyDamageThatWasKnownIsMended(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir())
	p := project("111122223333", "p")
	insertProject(t, db, p)
	v := insertSource(t, db, p, "v")
	a, _ := v.Bundle.Artifact(customlabels.Weights)
	a.VerifiedAt = epoch.Add(-time.Hour)
	damaged := epoch.Add(time.Minute)
	if err := db.Versions().MarkDamaged(t.Context(), a.Digest, damaged); err != nil {
		t.Fatal(err)
	}
	for _, known := range []time.Time{{}, damaged.Add(-time.Second), damaged} {
		a.DamagedAt = known
		if err := db.Versions().MarkVerified(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		got, err := db.Versions().Version(t.Context(), v.ARN)
		if err != nil {
			t.Fatal(err)
		}
		if err := got.CanCopy(); (err == nil) != known.Equal(damaged) {
			t.Errorf("damaged since %s, whole for one who knew of %s: %v", damaged, known, err)
		}
	}
}
