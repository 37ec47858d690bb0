package copier_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/fault"
	"mimeo/internal/kms"
	"mimeo/internal/objects"
	"mimeo/internal/quota"
	"mimeo/internal/vault"
)

// TestNoGrantIsLeft mixes copies in every mode and under all kinds of keys with failures, cuts,
// cancels, refusals, deletions and restarts. Whenever no job is left, there is a grant
// for each version that has a model under a customer's key, and no other.
func TestNoGrantIsLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.setQuotas(t, quota.Values{quota.CopiesInProgress: new(4), quota.ModelsPerProject: new(6)})
	shared := w.newKeyWith(t, elsewhere, sharedWith(elsewhere, []arn.Caller{trusted}, fourActions...))
	kept, seen := w.Objects, map[string]int{}
	projects := 0
	rapid.Check(t, func(t *rapid.T) {
		projects++
		l := &leakage{w: w, into: w.newProject(w.t, trusted, fmt.Sprint("leak", projects)), keys: []arn.Key{{}, w.key, shared}, seen: seen}
		t.Repeat(map[string]func(*rapid.T){
			"copy":                  l.copy,
			"copy again":            l.copy,
			"delete":                l.delete,
			"cancel":                l.cancel,
			"a request that is cut": l.cutRequest,
			"jobs": func(t *rapid.T) {
				cut := &faults{}
				cut.at.Store(rapid.Int64Range(1, 12).Draw(t, "cut at"))
				l.workOn(rapid.SampledFrom([]objects.Store{kept, refusing{kept}, faultyObjects{kept, cut}}).Draw(t, "objects"))
			},
		})
		l.meetAll(t)
	})
	t.Logf("what happened: %v", seen)
	for _, what := range []string{"started", "refused", "deleted", "cancelled", "cut", string(customlabels.CopyingCompleted), string(customlabels.CopyingFailed)} {
		if seen[what] == 0 {
			t.Errorf("nothing was %s", what)
		}
	}
}

// leakage is one sequence of requests, into a project of its own.
type leakage struct {
	w    *world
	into arn.Project
	keys []arn.Key
	next int
	seen map[string]int
}

func (l *leakage) copy(t *rapid.T) {
	l.next++
	req := l.w.request(fmt.Sprint("c", l.next))
	req.DestinationProject, req.KMSKeyID, req.Mode = l.into, "", drawMode(t)
	if key := rapid.SampledFrom(l.keys).Draw(t, "key"); key != (arn.Key{}) {
		req.KMSKeyID = key.String()
	}
	if _, err := l.w.Start(l.w.t.Context(), trusted, req); err != nil {
		l.seen["refused"]++
		return
	}
	l.seen["started"]++
}

// meetAll lets everything happen that is to happen, whatever came before.
func (l *leakage) meetAll(t *rapid.T) {
	l.work()
	for _, v := range l.versions() { // room for what follows
		_, err := l.w.registry.DeleteProjectVersion(l.w.t.Context(), trusted, v.ARN)
		must(l.w.t, err)
	}
	l.work()
	for before := l.seen["refused"]; l.seen["refused"] == before; {
		l.copy(t)
	}
	l.cancel(t)
	l.cutRequest(t)
	l.workOn(refusing{l.w.Objects})
	l.copy(t)
	l.work()
	l.delete(t)
	l.work()
}

func (l *leakage) versions() []customlabels.ProjectVersion {
	l.w.t.Helper()
	all, err := l.w.db.Versions().VersionsBefore(l.w.t.Context(), l.into, nil, customlabels.ProjectVersion{}, 100)
	must(l.w.t, err)
	return all
}

// delete deletes any version of the project; one in progress is refused.
func (l *leakage) delete(t *rapid.T) {
	if all := l.versions(); len(all) > 0 {
		v := rapid.SampledFrom(all).Draw(t, "version")
		if _, err := l.w.registry.DeleteProjectVersion(l.w.t.Context(), trusted, v.ARN); err == nil {
			l.seen["deleted"]++
		}
	}
}

// cancel cancels any version of the project; one that has ended is refused.
func (l *leakage) cancel(t *rapid.T) {
	if all := l.versions(); len(all) > 0 {
		v := rapid.SampledFrom(all).Draw(t, "version")
		if _, err := l.w.CancelCopy(l.w.t.Context(), trusted, v.ARN); err == nil {
			l.seen["cancelled"]++
		}
	}
}

// cutRequest leaves what a request leaves that is killed before its commit;
// the restart sweeps it.
func (l *leakage) cutRequest(*rapid.T) {
	l.seen["cut"]++
	_, err := l.w.vault.Prepare(l.w.t.Context(), trusted, l.w.key.String(), l.into.Version(fmt.Sprint("cut", l.seen["cut"]), "1"))
	must(l.w.t, err)
	_, err = vault.SweepGrants(l.w.t.Context(), l.w.kms, l.w.db.Versions(), time.Now())
	must(l.w.t, err)
}

// workOn does all jobs with another store of objects.
func (l *leakage) workOn(o objects.Store) {
	kept := l.w.Objects
	l.w.Objects = o
	l.work()
	l.w.Objects = kept
}

// work does all jobs and compares the grants with the versions.
func (l *leakage) work() {
	w := l.w
	w.t.Helper()
	w.engine.Drain(w.t, impatient, append(w.Workers(), w.registry.Workers()...)...)
	want := map[arn.ProjectVersion]bool{}
	for _, v := range l.versions() {
		l.seen[string(v.Status)]++
		if v.Status.HasModel() && v.KMSKey != (arn.Key{}) {
			want[v.ARN] = true
		}
	}
	for _, g := range l.live(vault.JobGrantPrefix) {
		w.t.Errorf("the job grant %s is live, and no job is", g.Name)
	}
	for _, g := range l.live(vault.VersionGrantPrefix) {
		name, _, _ := strings.Cut(strings.TrimPrefix(g.Name, vault.VersionGrantPrefix), "#")
		v, err := arn.ParseProjectVersion(name)
		must(w.t, err)
		if !want[v] {
			w.t.Errorf("the version grant %s is live, and %s has no model", g.Name, v)
		}
		delete(want, v)
	}
	for v := range want {
		w.t.Errorf("%s has a model, and no grant", v)
	}
}

// live are the live grants for versions of the project.
func (l *leakage) live(prefix string) []kms.Grant {
	l.w.t.Helper()
	live, err := l.w.kms.LiveGrants(l.w.t.Context(), prefix+strings.TrimSuffix(l.into.Version("", "").String(), "/"))
	must(l.w.t, err)
	return live
}

// refusing takes no object.
type refusing struct{ objects.Store }

func (refusing) Put(context.Context, arn.Caller, string, []objects.File, objects.PutOptions) error {
	return fault.New(objects.AccessDenied, "Access Denied")
}
