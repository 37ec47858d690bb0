package training_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"sync"
	"testing"

	"mimeo/internal/arn"
	"mimeo/internal/blob"
	"mimeo/internal/customlabels"
	"mimeo/internal/digest"
	"mimeo/internal/job"
	"mimeo/internal/job/jobtest"
	"mimeo/internal/kms"
	"mimeo/internal/objects"
	"mimeo/internal/training"
	"mimeo/internal/vault"
)

var errCut = errors.New("cut")

// A cutter fails the nth write of everything that it stands in front of, once:
// before it was made, or after.
type cutter struct {
	mu    sync.Mutex
	n     int
	after bool
	hit   bool
}

func (c *cutter) write(do func() error) error {
	c.mu.Lock()
	c.n--
	cut, after := c.n == 0, c.after
	c.hit = c.hit || cut
	c.mu.Unlock()
	switch {
	case !cut:
		return do()
	case after:
		return errors.Join(do(), errCut)
	default:
		return errCut
	}
}

type cutStore struct {
	training.Store
	*cutter
}

func (s cutStore) PutLines(ctx context.Context, a job.Attempt, v arn.ProjectVersion, set customlabels.DatasetType, lines iter.Seq2[training.Line, error]) error {
	return s.write(func() error { return s.Store.PutLines(ctx, a, v, set, lines) })
}

func (s cutStore) SetProgress(ctx context.Context, a job.Attempt, v arn.ProjectVersion, message string) error {
	return s.write(func() error { return s.Store.SetProgress(ctx, a, v, message) })
}

func (s cutStore) EndTraining(ctx context.Context, a job.Attempt, v customlabels.ProjectVersion) error {
	return s.write(func() error { return s.Store.EndTraining(ctx, a, v) })
}

type cutSteps struct {
	job.Store
	*cutter
}

func (s cutSteps) RecordStep(ctx context.Context, a job.Attempt, name string, result json.RawMessage) error {
	return s.write(func() error { return s.Store.RecordStep(ctx, a, name, result) })
}

type cutObjects struct {
	objects.Store
	*cutter
}

func (s cutObjects) Put(ctx context.Context, caller arn.Caller, bucket string, files []objects.File, opts objects.PutOptions) error {
	return s.write(func() error { return s.Store.Put(ctx, caller, bucket, files, opts) })
}

type cutVault struct {
	training.Vault
	*cutter
}

func (s cutVault) NewVersionKey(ctx context.Context, v arn.ProjectVersion, use vault.KeyUse) (key vault.VersionKey, err error) {
	err = s.write(func() error {
		key, err = s.Vault.NewVersionKey(ctx, v, use)
		return err
	})
	return key, err
}

func (s cutVault) Release(ctx context.Context, use vault.KeyUse) error {
	return s.write(func() error { return s.Vault.Release(ctx, use) })
}

type cutBlobs struct {
	blob.Store
	*cutter
}

func (s cutBlobs) Put(ctx context.Context, r io.Reader) (d digest.Digest, n int64, err error) {
	err = s.write(func() error {
		d, n, err = s.Store.Put(ctx, r)
		return err
	})
	return d, n, err
}

// TestATrainingThatIsCutAnywhereEndsTheSame fails every single write of a
// training in turn, before and after it is made.
func TestATrainingThatIsCutAnywhereEndsTheSame(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		t.Run(fmt.Sprintf("after=%v", after), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			train, test := w.put("train", joined(w.manifest("train", 3, "red", "green"))), w.put("test", joined(w.manifest("test", 2, "red", "green")))
			key, err := w.kms.CreateKey(t.Context(), w.root, kms.NewKey{})
			w.must(err)
			c := &cutter{after: after}
			w.training.Store = cutStore{w.training.Store, c}
			w.training.Objects = cutObjects{w.training.Objects, c}
			w.training.Vault = cutVault{&vault.Vault{Keys: w.kms, Blobs: cutBlobs{w.blobs, c}}, c}
			var weights string
			for n := 1; ; n++ {
				req := w.request(fmt.Sprint("cut-at-", n))
				req.KMSKeyID = key.ARN.String()
				req.Training = &training.Data{Manifests: []objects.Ref{train}}
				req.Testing = &training.TestData{Manifests: []objects.Ref{test}}
				v := w.trainCut(req, c, n)
				if v.Status != customlabels.TrainingCompleted {
					t.Fatalf("cut at write %d: %s %s", n, v.Status, v.StatusMessage)
				}
				if got := checkBundle(t, w, v)[customlabels.Weights]; weights == "" {
					weights = got
				} else if got != weights {
					t.Errorf("cut at write %d: other weights", n)
				}
				w.checkTidy(n)
				if !c.hit {
					if n < 30 {
						t.Errorf("a training makes %d writes: some are not cut", n)
					}
					return
				}
			}
		})
	}
}

func (w *world) trainCut(req training.Request, c *cutter, n int) customlabels.ProjectVersion {
	w.t.Helper()
	a, err := w.training.CreateProjectVersion(w.t.Context(), w.root, req)
	w.must(err)
	c.n, c.hit = n, false
	engine := w.engine()
	engine.Store = cutSteps{engine.Store, c}
	engine.Drain(w.t, jobtest.Quick(3), training.Worker{Service: w.training})
	return w.version(a)
}

// checkTidy checks that nothing is left of a training but its version.
func (w *world) checkTidy(n int) {
	w.t.Helper()
	if live, err := w.kms.LiveGrants(w.t.Context(), vault.JobGrantPrefix); len(live) != 0 || err != nil {
		w.t.Errorf("cut at write %d: job grants live on: %v, %v", n, live, err)
	}
	if left, err := os.ReadDir(w.training.Scratch); len(left) != 0 || err != nil {
		w.t.Errorf("cut at write %d: checkpoints are left: %v, %v", n, left, err)
	}
}
