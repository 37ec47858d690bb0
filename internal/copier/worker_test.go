package copier_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/blob"
	"mimeo/internal/copier"
	"mimeo/internal/customlabels"
	"mimeo/internal/digest"
	"mimeo/internal/job"
	"mimeo/internal/objects"
	"mimeo/internal/vault"
)

func TestACopyIsWholeAndItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.start(t, w.request("c1"))
	if got := w.version(t, v); got.Status != customlabels.CopyingInProgress || got.StatusMessage != "The model copy is in progress." {
		t.Errorf("right after the request the copy is %s: %s", got.Status, got.StatusMessage)
	}
	w.drain(t)
	w.checkCompleted(t, v)
}

func TestACopyMovesNoBlob(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.start(t, w.request("c1"))
	w.drain(t)
	source := w.source.Bundle
	for _, a := range w.version(t, v).Bundle.Artifacts {
		if from, ok := source.Artifact(a.Role); !ok || from.Digest != a.Digest {
			t.Errorf("the copy's %s is stored in %s, the source's in %s", a.Role, a.Digest, from.Digest)
		}
	}
}

func TestACopyOfACopy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.start(t, w.request("c1"))
	w.drain(t)
	again := w.request("c2")
	again.SourceProject, again.Source, again.KMSKeyID = w.into, first, ""
	second := w.start(t, again)
	w.drain(t)
	if v := w.version(t, second); v.Status != customlabels.CopyingCompleted || v.Source != first {
		t.Errorf("the copy of a copy is %s of %s", v.Status, v.Source)
	}
}

func TestCopiesFailWithAReason(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		harm    func(*testing.T, *world)
		message string
	}{
		"the source's key is disabled": {
			func(t *testing.T, w *world) { must(t, w.kms.DisableKey(t.Context(), trusting, w.sourceKey.String())) },
			"failed at the source, opening the version key",
		},
		"the destination's key is disabled": {
			func(t *testing.T, w *world) { must(t, w.kms.DisableKey(t.Context(), trusted, w.key.String())) },
			"failed at the destination, making a version key",
		},
		"the bucket is gone": {
			func(t *testing.T, w *world) {
				must(t, w.buckets.DeleteBucket(t.Context(), trusted, "destination-custom-labels"))
			},
			"failed at the destination, writing s3://destination-custom-labels/copied/",
		},
		"a result is damaged": {
			func(t *testing.T, w *world) { w.loseBlob(t, customlabels.ManifestSummary) },
			"the stored artifact is damaged",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			v := w.start(t, w.request("c1"))
			test.harm(t, w)
			w.drain(t)
			w.checkFailed(t, v, test.message)
		})
	}
}

// TestACopyThatKeepsFailingSaysAtWhat: what failed last is told, of which a
// retry could have mended each.
func TestACopyThatKeepsFailingSaysAtWhat(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err     error
		message string
	}{
		"any error":     {errFault, "failed at the source, resealing the artifact EvaluationResultSummary: the service had an internal error."},
		"the full disk": {fmt.Errorf("write: %w", syscall.ENOSPC), "failed at the destination, resealing the artifact EvaluationResultSummary: the disk of the server is full. Have its operator make room,"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.Vault = unresealing{w.Vault, test.err}
			v := w.start(t, w.resealed("c1"))
			w.drain(t)
			w.checkFailed(t, v, test.message)
		})
	}
}

// unresealing never reseals.
type unresealing struct {
	copier.Vault
	err error
}

func (u unresealing) Reseal(context.Context, vault.Reseal) (customlabels.Artifact, error) {
	return customlabels.Artifact{}, u.err
}

// TestDamagedWeightsAreNotCopied: a source that was never verified is read in
// full first.
func TestDamagedWeightsAreNotCopied(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.forgetReads(t)
	w.loseBlob(t, customlabels.Weights)
	v := w.start(t, w.request("c1"))
	w.drain(t)
	w.checkFailed(t, v, "failed at the source, verifying the artifact weights: the stored artifact is damaged")
}

func TestAnUnverifiedSourceIsVerifiedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.forgetReads(t)
	v := w.start(t, w.request("c1"))
	w.drain(t)
	for _, of := range []arn.ProjectVersion{v, w.source.ARN} {
		for _, a := range w.version(t, of).Bundle.Artifacts {
			if a.VerifiedAt.IsZero() {
				t.Errorf("%s of %s is not stamped as verified", a.Role, of)
			}
		}
	}
}

// TestAFailedCopyLeavesForeignFiles: a file that somebody wrote over the
// job's own is not the job's to remove.
func TestAFailedCopyLeavesForeignFiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.start(t, w.request("c1"))
	w.loseBlob(t, customlabels.TestingSnapshot)
	foreign := objects.Ref{Bucket: "destination-custom-labels", Key: "copied/" + customlabels.ResultFile(customlabels.TrainingSnapshot, v)}
	file := objects.File{Key: foreign.Key, Body: io.LimitReader(zeros{}, 9)}
	if err := w.buckets.Put(t.Context(), trusted, foreign.Bucket, []objects.File{file}, objects.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	w.drain(t)
	w.checkFailed(t, v, "damaged")
	if _, err := w.buckets.Head(t.Context(), trusted, foreign); err != nil {
		t.Errorf("the foreign file is gone: %v", err)
	}
}

// TestAFailedCopyLeavesNoFileThatItNeverRecorded: the file is in the bucket,
// and the job is cut before it can say so, every time.
func TestAFailedCopyLeavesNoFileThatItNeverRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.start(t, w.request("c1"))
	w.Objects = cutAfterPut{w.Objects}
	w.drain(t)
	w.checkFailed(t, v, "internal error")
}

// cutAfterPut writes every object and fails.
type cutAfterPut struct{ objects.Store }

func (o cutAfterPut) Put(ctx context.Context, caller arn.Caller, bucket string, files []objects.File, opts objects.PutOptions) error {
	return errors.Join(o.Store.Put(ctx, caller, bucket, files, opts), errFault)
}

// loseBlob makes the blob of an artifact unreadable as what it was.
func (w *world) loseBlob(t *testing.T, role customlabels.Role) {
	t.Helper()
	a, ok := w.source.Bundle.Artifact(role)
	if !ok {
		t.Fatalf("the source has no %s", role)
	}
	w.vault.Blobs = damaged{w.vault.Blobs, a.Digest}
}

// damaged flips a bit of one blob.
type damaged struct {
	blob.Store
	of digest.Digest
}

func (d damaged) Open(ctx context.Context, name digest.Digest) (blob.Blob, error) {
	b, err := d.Store.Open(ctx, name)
	if err == nil && name == d.of {
		b = flipped{b}
	}
	return b, err
}

type flipped struct{ blob.Blob }

func (f flipped) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.Blob.ReadAt(p, off)
	if n > 0 {
		p[0] ^= 1
	}
	return n, err
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestACopyThatIsDeletedBeforeItsJobEnds: the job was cut after its last write,
// and its version is going or gone when it runs again.
func TestACopyThatIsDeletedBeforeItsJobEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, v := range []arn.ProjectVersion{w.insert(t, w.into, "leaving", customlabels.Deleting), w.into.Version("gone", "1")} {
		use, err := w.vault.Prepare(t.Context(), trusted, w.key.String(), v)
		if err != nil {
			t.Fatal(err)
		}
		args := copier.Args{Version: v, Caller: trusted, Key: use}
		if err := w.db.Jobs().Insert(t.Context(), job.Spec{Kind: copier.Kind, Args: args}); err != nil {
			t.Fatal(err)
		}
	}
	w.engine.Drain(t, impatient, append(w.Workers(), idle{})...)
	w.checkGrants(t, 0, 1) // the source's
	if now := w.version(t, w.into.Version("leaving", "1")); now.Status != customlabels.Deleting || len(now.Files) > 0 {
		t.Errorf("the version that was being deleted is %s, with %v", now.Status, now.Files)
	}
}

// idle does the jobs that insert leaves.
type idle struct{}

func (idle) Kind() job.Kind                                    { return "nobody" }
func (idle) Work(context.Context, *job.Run) error              { return nil }
func (idle) Fail(_ context.Context, _ *job.Run, c error) error { return c }

// TestACopyOutlivesJumpsOfTheClock: whoever asks for the time is told another
// day, forwards and backwards.
func TestACopyOutlivesJumpsOfTheClock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var asked atomic.Int64
	w.Now = func() time.Time {
		n := asked.Add(1)
		return time.Now().Add(time.Duration(n*n%7-3) * 24 * time.Hour)
	}
	var copies []arn.ProjectVersion
	for i := range 5 {
		copies = append(copies, w.start(t, w.request(fmt.Sprint("c", i))))
	}
	w.drain(t)
	for _, copied := range copies {
		v := w.version(t, copied)
		if v.Status != customlabels.CopyingCompleted || strconv.FormatInt(v.CreatedAt.UnixMilli(), 10) != copied.Stamp {
			t.Errorf("%s is %s and was created at %d: %s", copied, v.Status, v.CreatedAt.UnixMilli(), v.StatusMessage)
		}
	}
	w.checkGrants(t, 0, len(copies)+1) // the source has one too
}
