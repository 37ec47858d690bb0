package serving_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/family"
	"mimeo/internal/job"
	"mimeo/internal/serving"
)

var errCut = errors.New("cut")

// cutStore fails the end of the next change, before it is made or after.
type cutStore struct {
	serving.Store
	before, after bool
}

func (s *cutStore) EndChange(ctx context.Context, a job.Attempt, v arn.ProjectVersion, from, to customlabels.Status, message string) error {
	before, after := s.before, s.after
	s.before, s.after = false, false
	if before {
		return errCut
	}
	err := s.Store.EndChange(ctx, a, v, from, to, message)
	if after {
		return errors.Join(err, errCut)
	}
	return err
}

func TestAChangeThatIsCutEndsTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.trained("v1", "")
	store := &cutStore{Store: w.db.Serving()}
	w.Service = serving.New(serving.Config{
		Store: store, Registry: w.registry, Vault: w.vault, Objects: w.buckets, Families: []family.Family{w.family}, Now: time.Now,
	})
	for _, cut := range []cutStore{{before: true}, {after: true}} {
		store.before, store.after = cut.before, cut.after
		w.start(v, 1)
		w.is(v, customlabels.Running)
		if _, err := w.detect(v, 204); err != nil {
			t.Errorf("after a cut start: %v", err)
		}
		store.before, store.after = cut.before, cut.after
		_, err := w.StopProjectVersion(t.Context(), w.root, v)
		w.must(err)
		w.work()
		w.is(v, customlabels.Stopped)
	}
}

// The job was cut after its last write, and its version was deleted before it
// ran again.
func TestAVersionThatIsDeletedBeforeItsJobEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	gone := w.trained("v1", "")
	w.must(w.db.Versions().Delete(t.Context(), gone, time.Now()))
	for _, kind := range []job.Kind{serving.StartKind, serving.StopKind} {
		w.must(w.db.Jobs().Insert(t.Context(), job.Spec{Kind: kind, Args: serving.Args{Version: gone}}))
	}
	w.work() // fails the test where a job does not end
}
