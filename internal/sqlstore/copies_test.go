package sqlstore_test

import (
	"testing"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/copier"
)

// TestOldCallsAreForgotten: a call is answered for its time, and its row goes
// with the next copy after it.
func TestOldCallsAreForgotten(t *testing.T) {
	t.Parallel()
	db := open(t, t.TempDir())
	p := project("111122223333", "p")
	insertProject(t, db, p)
	source := insertSource(t, db, p, "v")
	call := func(name string, at time.Time) copier.Invocation {
		return copier.Invocation{Name: name, At: at, Expires: at.Add(time.Minute)}
	}
	answered := func(c copier.Invocation) arn.ProjectVersion {
		t.Helper()
		v, err := db.Copies().Answered(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	noon := time.UnixMilli(1_800_000_000_000)
	first, second := copyOf(source, p, "first"), copyOf(source, p, "second")
	if err := db.Copies().InsertCopy(t.Context(), standard(first, nil), call("first", noon), copyJob(first)); err != nil {
		t.Fatal(err)
	}
	if got := answered(call("first", noon)); got != first.ARN {
		t.Errorf("the call is answered with %s, want %s", got, first.ARN)
	}
	if got := answered(call("second", noon)); got != (arn.ProjectVersion{}) {
		t.Errorf("a call that was never made is answered with %s", got)
	}
	if got := answered(call("first", noon.Add(time.Minute))); got != (arn.ProjectVersion{}) {
		t.Errorf("after its time the call is answered with %s", got)
	}
	if err := db.Copies().InsertCopy(t.Context(), standard(second, nil), call("second", noon.Add(time.Minute)), copyJob(second)); err != nil {
		t.Fatal(err)
	}
	if got := answered(call("first", noon)); got != (arn.ProjectVersion{}) {
		t.Errorf("the old call is still remembered: %s", got)
	}
}
