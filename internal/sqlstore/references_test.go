package sqlstore_test

import (
	"context"
	"encoding/json"
	"testing"

	"mimeo/internal/digest"
	"mimeo/internal/job"
	"mimeo/internal/job/jobtest"
)

// A blob is in use while a recorded step of an unfinished job names it.
func TestStepsReferenceBlobs(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir())
	stored, other := digest.Of([]byte("stored")), digest.Of([]byte("other"))
	if err := db.Jobs().Insert(t.Context(), job.Spec{Kind: "suite"}); err != nil {
		t.Fatal(err)
	}
	referenced := func(d digest.Digest) bool {
		t.Helper()
		used, err := db.Jobs().Referenced(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		return used
	}
	var during, duringOther bool
	engineOf(db).Drain(t, jobtest.Quick(1), worker(func(ctx context.Context, run *job.Run) error {
		artifact, err := json.Marshal(map[string]any{"digest": stored})
		if err != nil {
			return err
		}
		if err := db.Jobs().RecordStep(ctx, run.Attempt, "seal", artifact); err != nil {
			return err
		}
		during, duringOther = referenced(stored), referenced(other)
		return nil
	}))
	if !during || duringOther || referenced(stored) {
		t.Errorf("while the job runs: %v, another blob %v; afterwards %v; want true, false, false", during, duringOther, referenced(stored))
	}
}
