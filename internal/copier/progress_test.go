package copier_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/copier"
	"mimeo/internal/customlabels"
	"mimeo/internal/job"
	"mimeo/internal/objects"
)

// another is a service in another process: it has the database in common.
func (w *world) another() *copier.Service {
	return &copier.Service{
		Store: w.Store, Registry: w.Registry, Permissions: w.Permissions, Objects: w.Objects, Vault: w.Vault, Notary: w.Notary,
		Documents: w.Documents, Now: w.Now,
	}
}

func (w *world) describe(t testing.TB, s *copier.Service, v arn.ProjectVersion) copier.Description {
	t.Helper()
	d, err := s.DescribeCopy(t.Context(), trusted, v, 0)
	must(t, err)
	return d
}

func stepNames(d copier.Progress) (names []string) {
	for _, s := range d.Steps {
		names = append(names, s.Name)
	}
	return names
}

// TestWhatACopyDidIsToldAfterARestart by a process that did none of it.
func TestWhatACopyDidIsToldAfterARestart(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		mode   copier.Mode
		unread bool
		want   []string
	}{
		"share":                   {copier.Share, false, []string{"share", "results"}},
		"share of what is unread": {copier.Share, true, []string{"share", "verify weights", "results"}},
		"reseal":                  {copier.Reseal, false, []string{"reseal weights", "verify weights", "results"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorldOf(t, map[customlabels.Role]string{customlabels.Weights: "weights"})
			if test.unread {
				w.forgetReads(t)
			}
			req := w.request("c1")
			req.Mode = test.mode
			v := w.start(t, req)
			before := w.describe(t, w.Service, v)
			w.drain(t)
			d := w.describe(t, w.another(), v)
			if d.Status != customlabels.CopyingCompleted || !slices.Equal(stepNames(d.Progress), test.want) {
				t.Errorf("the copy is %s (%s) by the steps %q, want %q", d.Status, d.StatusMessage, stepNames(d.Progress), test.want)
			}
			for _, s := range d.Steps {
				if s.Start.IsZero() || s.End.Before(s.Start) {
					t.Errorf("the step %s is from %s to %s", s.Name, s.Start, s.End)
				}
			}
			if d.Revision <= before.Revision || before.Revision == 0 {
				t.Errorf("the revision is %d after it was %d", d.Revision, before.Revision)
			}
			if moved := d.BytesDone > 0 && d.BytesDone == d.BytesTotal; moved != (test.mode == copier.Reseal) || d.Estimated != 0 {
				t.Errorf("%d of %d bytes are done, and %s to go", d.BytesDone, d.BytesTotal, d.Estimated)
			}
		})
	}
}

func TestAFailedCopyTellsItsSteps(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.loseBlob(t, customlabels.Weights)
	v := w.start(t, w.resealed("c1"))
	w.drain(t)
	d := w.describe(t, w.another(), v)
	at := slices.IndexFunc(d.Steps, func(s copier.Step) bool { return s.Name == "reseal weights" })
	if d.Status != customlabels.CopyingFailed || at < 0 || !d.Steps[at].End.IsZero() {
		t.Errorf("the copy is %s after the steps %+v, want one that did not end", d.Status, d.Steps)
	}
}

// savedStore keeps what is stored of a copy's progress.
type savedStore struct {
	copier.Store
	saved *[]copier.Progress
}

func (s savedStore) SaveProgress(ctx context.Context, a job.Attempt, v arn.ProjectVersion, p copier.Progress) error {
	*s.saved = append(*s.saved, p)
	return s.Store.SaveProgress(ctx, a, v, p)
}

// TestProgressGoesOnFromACheckpoint: each slice is an attempt, that knows of
// the former ones what was stored.
func TestProgressGoesOnFromACheckpoint(t *testing.T) {
	t.Parallel()
	w := big(t)
	w.Slice = time.Nanosecond
	var saved []copier.Progress
	w.Store = savedStore{w.Store, &saved}
	v := w.start(t, w.resealed("c1"))
	w.drain(t)
	w.checkSame(t, v)
	saved = append(saved, w.describe(t, w.another(), v).Progress)
	for i, p := range saved[1:] {
		before := saved[i]
		if p.BytesDone < before.BytesDone || p.Revision <= before.Revision || !p.Steps[0].Start.Equal(before.Steps[0].Start) {
			t.Errorf("after %+v comes %+v", before, p)
		}
	}
	if len(saved) < 6 || saved[0].BytesDone == 0 {
		t.Errorf("the progress was stored %d times, first with %d bytes", len(saved), saved[0].BytesDone)
	}
}

// TestAResealedCopyWasReadBack: its digests are verified when it is
// COPYING_COMPLETED, and its record says how it was made.
func TestAResealedCopyWasReadBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.start(t, w.resealed("c1"))
	w.drain(t)
	for _, a := range w.version(t, v).Bundle.Artifacts {
		if a.VerifiedAt.IsZero() {
			t.Errorf("%s was not read back", a.Role)
		}
	}
	if says := w.signed(t, v).Copy; says.Mode != "RESEAL" {
		t.Errorf("the record says mode %q", says.Mode)
	}
	w.checkCompleted(t, v)
}

// TestACopyIsCancelledByAnotherProcess, that cannot stop the work: the flag in
// the database does, however long the step.
func TestACopyIsCancelledByAnotherProcess(t *testing.T) {
	t.Parallel()
	w := big(t)
	w.Interval = 1 << 30 // no checkpoint comes to its help
	req := w.resealed("c1")
	req.RateLimit = 1024
	v := w.start(t, req)
	w.engine.Start(t, impatient, w.Workers()...)
	for d := w.describe(t, w.Service, v); d.BytesDone == 0; time.Sleep(5 * time.Millisecond) {
		d = w.describe(t, w.Service, v)
	}
	other := w.another()
	_, err := other.CancelCopy(t.Context(), trusted, v)
	must(t, err)
	for end := time.Now().Add(time.Minute); err == nil; { // the step takes more than an hour
		if time.Now().After(end) {
			t.Fatal("the work goes on that another process cancelled")
		}
		_, err = other.DescribeCopy(t.Context(), trusted, v, 5*time.Second)
	}
	if !errors.Is(err, customlabels.ResourceNotFound) {
		t.Errorf("the cancelled copy: %v", err)
	}
	w.checkStaged(t, 0)
	w.checkBlobs(t)
}

// TestACopyOfBeforeIsDescribedAndCancelled: nothing is known of its job.
func TestACopyOfBeforeIsDescribedAndCancelled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.start(t, w.request("c1"))
	raw, err := sql.Open("sqlite", "file:"+filepath.Join(w.dir, "mimeo.db")+"?_pragma=busy_timeout(10000)")
	must(t, err)
	t.Cleanup(func() { must(t, raw.Close()) })
	_, err = raw.ExecContext(t.Context(), `DELETE FROM copies`)
	must(t, err)
	if d := w.describe(t, w.Service, v); d.Status != customlabels.CopyingInProgress || d.Revision == 0 {
		t.Errorf("the copy is %+v", d)
	}
	must(t, w.cancel(t, v))
	w.drain(t)
	w.checkCancelled(t, v)
}

// cancellingStore calls when before a copy is published.
type cancellingStore struct {
	copier.Store
	when func(customlabels.ProjectVersion)
}

func (s cancellingStore) FinishCopy(ctx context.Context, a job.Attempt, v customlabels.ProjectVersion, signed []byte, p copier.Progress) error {
	s.when(v)
	return s.Store.FinishCopy(ctx, a, v, signed, p)
}

// TestACopyIsCancelledWhoseFilesAreWritten, before it is published.
func TestACopyIsCancelledWhoseFilesAreWritten(t *testing.T) {
	t.Parallel()
	for _, mode := range []copier.Mode{copier.Share, copier.Reseal} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			var files []objects.Ref
			whole := w.Store
			w.Store = cancellingStore{whole, func(v customlabels.ProjectVersion) {
				for _, at := range v.Files {
					ref := objects.Ref{Bucket: at.Bucket, Key: at.Key}
					body, _, err := w.buckets.Get(t.Context(), trusted, ref)
					readAll(t, body, err)
					files = append(files, ref)
				}
				must(t, w.cancel(t, v.ARN))
			}}
			req := w.request("c1")
			req.Mode = mode
			v := w.start(t, req)
			w.drain(t)
			w.Store = whole
			if len(files) == 0 {
				t.Error("no file was written before the copy was cancelled")
			}
			for _, ref := range files {
				if body, _, err := w.buckets.Get(t.Context(), trusted, ref); err == nil {
					t.Errorf("the file %s of the cancelled copy is left", ref.Key)
					must(t, body.Close())
				}
			}
			w.checkCancelled(t, v)
		})
	}
}
