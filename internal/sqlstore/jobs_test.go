package sqlstore_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"mimeo/internal/job"
	"mimeo/internal/job/jobtest"
	"mimeo/internal/sqlstore"
)

func engine(t testing.TB) jobtest.Engine { return engineOf(open(t, t.TempDir())) }

func engineOf(db *sqlstore.DB) jobtest.Engine {
	return jobtest.Engine{Queue: db.Queue(), Store: db.Jobs(), Insert: db.Jobs().Insert, Abandon: db.Jobs().Abandon}
}

func TestJobs(t *testing.T) {
	t.Parallel()
	jobtest.Run(t, engine)
}

// A worker is a function as a job.Worker that must not fail.
type worker func(context.Context, *job.Run) error

func (w worker) Kind() job.Kind                               { return "suite" }
func (w worker) Work(ctx context.Context, run *job.Run) error { return w(ctx, run) }
func (w worker) Fail(_ context.Context, _ *job.Run, cause error) error {
	return fmt.Errorf("the job failed: %w", cause)
}

const victimDir = "MIMEO_TEST_VICTIM_DIR"

// TestKilledProcess kills a process in the middle of a job thirty times: the
// job still runs to its end, though it may fail only once.
func TestKilledProcess(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv(victimDir); dir != "" {
		work := worker(func(context.Context, *job.Run) error {
			fmt.Println("working")
			select {} // until killed
		})
		engineOf(open(t, dir)).Drain(t, jobtest.Quick(1), work)
		return
	}
	dir := t.TempDir()
	db := open(t, dir)
	if err := db.Jobs().Insert(t.Context(), job.Spec{Kind: "suite", Key: "k"}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for range 30 {
		killWhileWorking(t, dir)
	}
	var attempt int
	engineOf(open(t, dir)).Drain(t, jobtest.Quick(1), worker(func(_ context.Context, run *job.Run) error {
		attempt = run.Number
		return nil
	}))
	if attempt != 31 {
		t.Errorf("the job ended with attempt %d, want 31", attempt)
	}
}

func killWhileWorking(t *testing.T, dir string) {
	t.Helper()
	victim := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledProcess$")
	victim.Env = append(os.Environ(), victimDir+"="+dir)
	out, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	var said []string
	for lines := bufio.NewScanner(out); !slices.Contains(said, "working") && lines.Scan(); {
		said = append(said, lines.Text())
	}
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = victim.Wait() // killed: its status says nothing
	if !slices.Contains(said, "working") {
		t.Fatalf("the victim never worked: %q", said)
	}
}

// BenchmarkCommitToStart measures the time from the beginning of the
// transaction that inserts a job to the job's first instruction.
func BenchmarkCommitToStart(b *testing.B) {
	e := engine(b)
	started := make(chan time.Time, 1)
	e.Start(b, job.Options{}, worker(func(context.Context, *job.Run) error {
		started <- time.Now()
		return nil
	}))
	var took []time.Duration
	for b.Loop() {
		begin := time.Now()
		if err := e.Insert(b.Context(), job.Spec{Kind: "suite"}); err != nil {
			b.Fatal(err)
		}
		took = append(took, (<-started).Sub(begin))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*9/10].Microseconds())/1000, "p90-ms")
}
