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
	"mimeo/internal/objects"
	"mimeo/internal/training"
	"mimeo/internal/vault"
)

var errCut = errors.New("cut")

// A cutter fails the nth write of everything that it stands in front of, once:
// before it was made, or after. Where it has something else to do, it does that
// and fails nothing.
type cutter struct {
	mu    sync.Mutex
	n     int
	after bool
	hit   bool
	other func()
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
	case c.other != nil && after:
		err := do()
		c.other()
		return err
	case c.other != nil:
		c.other()
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

func (s cutStore) SaveProgress(ctx context.Context, a job.Attempt, v arn.ProjectVersion, message string, p training.Progress) error {
	return s.write(func() error { return s.Store.SaveProgress(ctx, a, v, message, p) })
}

func (s cutStore) EndTraining(ctx context.Context, a job.Attempt, v customlabels.ProjectVersion, p training.Progress) error {
	return s.write(func() error { return s.Store.EndTraining(ctx, a, v, p) })
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

func (s cutObjects) DeleteIfMarked(ctx context.Context, caller arn.Caller, ref objects.Ref, mark string) error {
	return s.write(func() error { return s.Store.DeleteIfMarked(ctx, caller, ref, mark) })
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

func (s cutVault) Abandon(ctx context.Context, use vault.KeyUse) error {
	return s.write(func() error { return s.Vault.Abandon(ctx, use) })
}

func (s cutVault) Drop(ctx context.Context, a customlabels.Artifact) error {
	return s.write(func() error { return s.Vault.Drop(ctx, a) })
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
			req := w.small()
			c := &cutter{after: after}
			w.cutBy(c)
			var weights string
			for n := 1; ; n++ {
				v := w.trainCut(req(fmt.Sprint("cut-at-", n)), c, n)
				if v.Status != customlabels.TrainingCompleted {
					t.Fatalf("cut at write %d: %s %s", n, v.Status, v.StatusMessage)
				}
				if got := checkBundle(t, w, v)[customlabels.Weights]; weights == "" {
					weights = got
				} else if got != weights {
					t.Errorf("cut at write %d: other weights", n)
				}
				w.checkTidy(v.ARN.Name)
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

// cutBy puts a cutter in front of all that trainings write.
func (w *world) cutBy(c *cutter) {
	w.training.Store = cutStore{w.training.Store, c}
	w.training.Objects = cutObjects{w.training.Objects, c}
	w.training.Vault = cutVault{&vault.Vault{Keys: w.kms, Blobs: cutBlobs{w.blobs, c}}, c}
}

func (w *world) trainCut(req training.Request, c *cutter, n int) customlabels.ProjectVersion {
	w.t.Helper()
	c.n = 0
	a := w.create(req)
	w.drainCut(c, n)
	return w.version(a)
}

// drainCut works until no job is left, cut at the nth write.
func (w *world) drainCut(c *cutter, n int) {
	w.t.Helper()
	c.n, c.hit = n, false
	engine := w.engine()
	engine.Store = cutSteps{engine.Store, c}
	engine.Drain(w.t, jobtest.Quick(3), training.Worker{Service: w.training})
}

// checkTidy checks that nothing is left of a training but its version.
func (w *world) checkTidy(name string) {
	w.t.Helper()
	if live, err := w.kms.LiveGrants(w.t.Context(), vault.JobGrantPrefix); len(live) != 0 || err != nil {
		w.t.Errorf("%s: job grants live on: %v, %v", name, live, err)
	}
	if left, err := os.ReadDir(w.training.Scratch); len(left) != 0 || err != nil {
		w.t.Errorf("%s: checkpoints are left: %v, %v", name, left, err)
	}
}
