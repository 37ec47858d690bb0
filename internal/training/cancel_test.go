package training_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/family"
	"mimeo/internal/job"
	"mimeo/internal/kms"
	"mimeo/internal/objects"
	"mimeo/internal/training"
	"mimeo/internal/vault"
)

const cancelled = "The training was cancelled by arn:aws:iam::111122223333:root."

// manifests is a request for a training under a key, on manifests.
func (w *world) manifests(train, test objects.Ref, key kms.Key) func(name string) training.Request {
	return func(name string) training.Request {
		req := w.request(name)
		req.KMSKeyID = key.ARN.String()
		req.Training = &training.Data{Manifests: []objects.Ref{train}}
		req.Testing = &training.TestData{Manifests: []objects.Ref{test}}
		return req
	}
}

// small are requests for trainings on a few images, under a key.
func (w *world) small() func(name string) training.Request {
	w.t.Helper()
	train, test := w.put("train.manifest", joined(w.manifest("train", 3, "red", "green"))), w.put("test.manifest", joined(w.manifest("test", 2, "red", "green")))
	key, err := w.kms.CreateKey(w.t.Context(), w.root, kms.NewKey{})
	w.must(err)
	return w.manifests(train, test, key)
}

func (w *world) create(req training.Request) arn.ProjectVersion {
	w.t.Helper()
	v, err := w.training.CreateProjectVersion(w.t.Context(), w.root, req)
	w.must(err)
	return v
}

func (w *world) cancel(v arn.ProjectVersion) error {
	status, err := w.training.CancelTraining(w.t.Context(), w.root, v)
	if err == nil && status != customlabels.TrainingInProgress {
		w.t.Errorf("CancelTraining = %s", status)
	}
	return err
}

// blobCount is how many blobs there are.
func (w *world) blobCount() (n int) {
	w.t.Helper()
	for _, err := range w.blobs.List(w.t.Context()) {
		w.must(err)
		n++
	}
	return n
}

// checkCancelled checks that nothing is left of a training but its version,
// where there were so many blobs before.
func (w *world) checkCancelled(a arn.ProjectVersion, blobs int) {
	w.t.Helper()
	v := w.version(a)
	if v.Status != customlabels.TrainingFailed || v.StatusMessage != cancelled || v.TrainingEndedAt.IsZero() || v.BillableSeconds != 0 {
		w.t.Errorf("the cancelled training is %+v", v)
	}
	w.checkTidy(a.Name)
	if n := w.blobCount(); n != blobs {
		w.t.Errorf("%s: %d blobs are left, there were %d", a.Name, n, blobs)
	}
	for _, role := range customlabels.ResultRoles {
		at := objects.Ref{Bucket: "results", Key: "out/" + customlabels.ResultFile(role, a)}
		if body, _, err := w.buckets.Get(w.t.Context(), w.root, at); err == nil {
			w.t.Errorf("the file %s is left", at.Key)
			w.must(body.Close())
		}
	}
	if len(v.Files) > 0 || len(v.Bundle.Artifacts) > 0 {
		w.t.Errorf("the cancelled version has files %v and artifacts %v", v.Files, v.Bundle.Artifacts)
	}
	if live, err := w.kms.LiveGrants(w.t.Context(), vault.VersionGrantPrefix); err != nil || strings.Contains(fmt.Sprint(live), a.String()) {
		w.t.Errorf("the version grant of %s lives on: %v, %v", a.Name, live, err)
	}
	if err := w.cancel(a); !errors.Is(err, customlabels.ResourceInUse) {
		w.t.Errorf("cancelling what has ended: %v", err)
	}
}

func TestATrainingIsCancelledBeforeItsJobRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	req, before := w.small(), w.blobCount()
	v := w.create(req("v1"))
	for range 2 {
		w.must(w.cancel(v))
	}
	if now := w.version(v); now.Status != customlabels.TrainingInProgress || now.StatusMessage != "The training is being cancelled." {
		t.Errorf("before its job ends it the version is %s: %s", now.Status, now.StatusMessage)
	}
	if _, err := w.registry.DeleteProjectVersion(t.Context(), w.root, v); !errors.Is(err, customlabels.ResourceInUse) {
		t.Errorf("deleting a version in training: %v", err)
	}
	w.drain(training.Worker{Service: w.training})
	w.checkCancelled(v, before)
	_, err := w.registry.DeleteProjectVersion(t.Context(), w.root, v)
	w.must(err)
	w.drain(w.registry.Workers()...)
	if err := w.cancel(v); !errors.Is(err, customlabels.ResourceNotFound) {
		t.Errorf("cancelling what is gone: %v", err)
	}
	if again := w.train(req("v1")); again.Status != customlabels.TrainingCompleted {
		t.Errorf("the next training of that name is %s: %s", again.Status, again.StatusMessage)
	}
}

// TestATrainingIsCancelledAnywhere: at every single write, before and after it
// is made. One that had ended before is what it is.
func TestATrainingIsCancelledAnywhere(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		t.Run(fmt.Sprintf("after=%v", after), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			req := w.small()
			c := &cutter{after: after}
			w.cutBy(c)
			ended := 0
			for n := 1; ; n++ {
				blobs := w.blobCount()
				var late error
				var v arn.ProjectVersion
				c.other = func() { late = w.cancel(v) }
				c.n = 0
				v = w.create(req(fmt.Sprint("at-", n)))
				w.drainCut(c, n)
				switch {
				case !c.hit:
					if n < 30 || ended > 3 {
						t.Errorf("a training makes %d writes, of which %d came after its end", n, ended)
					}
					return
				case errors.Is(late, customlabels.ResourceInUse) && w.version(v).Status == customlabels.TrainingCompleted:
					ended++
					checkBundle(t, w, w.version(v))
				case late != nil:
					t.Errorf("cancelled at write %d: %v", n, late)
				default:
					w.checkCancelled(v, blobs)
				}
			}
		})
	}
}

// TestNoFaultHurtsACancelledTraining fails every single write of the end of a
// training that was cancelled when its results were being written.
func TestNoFaultHurtsACancelledTraining(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		t.Run(fmt.Sprintf("after=%v", after), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			req := w.small()
			c := &cutter{after: after}
			w.cutBy(c)
			for n := 1; ; n++ {
				blobs := w.blobCount()
				v := w.create(req(fmt.Sprint("at-", n)))
				c.other = nil
				whole := w.training.Objects
				w.training.Objects = cancelling{whole, func() {
					w.must(w.cancel(v))
					c.n, c.hit = n, false
				}}
				w.drainCut(c, 0)
				w.training.Objects = whole
				w.checkCancelled(v, blobs)
				if !c.hit {
					if n < 10 {
						t.Errorf("the end of a cancelled training makes %d writes", n)
					}
					return
				}
			}
		})
	}
}

// cancelling calls when before result files are put.
type cancelling struct {
	objects.Store
	when func()
}

func (c cancelling) Put(ctx context.Context, caller arn.Caller, bucket string, files []objects.File, opts objects.PutOptions) error {
	c.when()
	return c.Store.Put(ctx, caller, bucket, files, opts)
}

// stuck is a family that trains until it is told to stop.
type stuck struct {
	colours
	began chan struct{}
}

func (s stuck) Train(ctx context.Context, req family.TrainRequest, _ io.Writer) error {
	req.Progress(family.Progress{Total: 1, Phase: "thinking"})
	s.began <- struct{}{}
	<-ctx.Done()
	return ctx.Err()
}

// TestATrainingIsCancelledWhileItsFamilyWorks, by this process or by another
// one, which cannot stop the work: the flag in the database does.
func TestATrainingIsCancelledWhileItsFamilyWorks(t *testing.T) {
	t.Parallel()
	for name, elsewhere := range map[string]bool{"here": false, "elsewhere": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			req, before := w.small(), w.blobCount()
			s := stuck{began: make(chan struct{})}
			w.training.Families = []family.Family{s}
			v := w.create(req("v1"))
			w.engine().Start(t, job.Options{}, training.Worker{Service: w.training})
			<-s.began
			by := w.training
			if elsewhere {
				by = &training.Service{Store: by.Store, Registry: by.Registry, Now: by.Now}
			}
			_, err := by.CancelTraining(t.Context(), w.root, v)
			w.must(err)
			w.awaitEnd(v)
			w.checkCancelled(v, before)
		})
	}
}

// TestACancelledTrainingDoesNotWaitForItsNextAttempt that is an hour away.
func TestACancelledTrainingDoesNotWaitForItsNextAttempt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	req, before := w.small(), w.blobCount()
	failed := make(chan struct{}, 100)
	w.training.Families = []family.Family{broken{failed: failed}}
	v := w.create(req("v1"))
	w.engine().Start(t, job.Options{Backoff: func(int) time.Duration { return time.Hour }}, training.Worker{Service: w.training})
	<-failed
	w.must(w.cancel(v))
	w.awaitEnd(v)
	w.checkCancelled(v, before)
}

// broken is a family that cannot train at the moment.
type broken struct {
	colours
	failed chan struct{}
}

func (b broken) Train(context.Context, family.TrainRequest, io.Writer) error {
	b.failed <- struct{}{}
	return errCut
}

// awaitStatus waits for a training to end as it should.
func (w *world) awaitStatus(v arn.ProjectVersion, want customlabels.Status) {
	w.t.Helper()
	for status := customlabels.TrainingInProgress; status != want; {
		if status.IsTerminal() {
			w.t.Fatalf("the training is %s, want %s", status, want)
		}
		d, err := w.training.DescribeTraining(w.t.Context(), w.root, training.DescribeRequest{Version: v, Wait: training.MaxWait})
		w.must(err)
		status = d.Status
	}
}

// awaitEnd waits for a training to end, and for its job.
func (w *world) awaitEnd(v arn.ProjectVersion) {
	w.t.Helper()
	for ended := false; !ended; {
		d, err := w.training.DescribeTraining(w.t.Context(), w.root, training.DescribeRequest{Version: v, Wait: training.MaxWait})
		w.must(err)
		ended = d.Status.IsTerminal()
	}
	for {
		left, err := w.db.Queue().Unfinished(w.t.Context())
		w.must(err)
		if left == 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
}
