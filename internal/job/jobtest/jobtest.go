// Package jobtest is the contract suite of the job runner and its store, and
// what tests of workers need to run one.
package jobtest

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mimeo/internal/job"
)

// patience is how long a test waits before it says that nothing happens.
const patience = 20 * time.Second

// An Engine is one queue under test, with its store.
type Engine struct {
	Queue *job.Queue
	Store job.Store
	// Insert commits a job. Abandon inserts one and rolls back.
	Insert, Abandon func(context.Context, job.Spec) error
}

// Start runs workers on the engine until stop is called or the test ends.
func (e Engine) Start(t testing.TB, options job.Options, workers ...job.Worker) (stop func()) {
	t.Helper()
	runner, err := job.NewRunner(e.Queue, e.Store, workers, slog.New(slog.DiscardHandler), options)
	if err != nil {
		t.Fatalf("NewRunner: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- runner.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// Drain runs workers until no job is left, for as long as their attempts come
// to an end: on a busy machine many of them take their time. Their Fail is
// called as after a restart: with an error that has the cause's text alone.
func (e Engine) Drain(t testing.TB, options job.Options, workers ...job.Worker) {
	t.Helper()
	restarted := make([]job.Worker, len(workers))
	var ended atomic.Int64
	for i, w := range workers {
		restarted[i] = forgetful{w, &ended}
	}
	stop := e.Start(t, options, restarted...)
	defer stop()
	e.wait(t, &ended)
}

// A forgetful worker counts what has ended.
type forgetful struct {
	job.Worker
	ended *atomic.Int64
}

func (f forgetful) Work(ctx context.Context, run *job.Run) error {
	defer f.ended.Add(1)
	return f.Worker.Work(ctx, run)
}

func (f forgetful) Fail(ctx context.Context, run *job.Run, cause error) error {
	defer f.ended.Add(1)
	return f.Worker.Fail(ctx, run, errors.New(cause.Error()))
}

func (e Engine) wait(t testing.TB, ended *atomic.Int64) {
	t.Helper()
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	before := int64(0)
	for {
		left, err := e.Queue.Unfinished(context.Background())
		if err != nil {
			t.Fatalf("Unfinished: %v", err)
		}
		if left == 0 {
			return
		}
		select {
		case <-poll.C:
			if now := ended.Load(); now != before {
				before = now
				deadline.Reset(patience)
			}
		case <-deadline.C:
			t.Fatalf("%d jobs are unfinished, and no attempt has ended for %s", left, patience)
		}
	}
}

// Quick are options for tests: failures are retried at once.
func Quick(failures int) job.Options {
	return job.Options{Failures: failures, Backoff: func(int) time.Duration { return time.Millisecond }}
}

// A worker does what its test says and remembers what happened.
type worker struct {
	work func(ctx context.Context, run *job.Run, call int) error
	fail func(call int) error

	mu     sync.Mutex
	works  int
	causes []string
}

func (w *worker) Kind() job.Kind { return "suite" }

func (w *worker) Work(ctx context.Context, run *job.Run) error {
	w.mu.Lock()
	w.works++
	call := w.works
	w.mu.Unlock()
	return w.work(ctx, run, call)
}

func (w *worker) Fail(_ context.Context, _ *job.Run, cause error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.causes = append(w.causes, cause.Error())
	if w.fail != nil {
		return w.fail(len(w.causes))
	}
	return nil
}

func (w *worker) check(t *testing.T, works int, causes ...string) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.works != works {
		t.Errorf("Work was called %d times, want %d", w.works, works)
	}
	if len(w.causes) != len(causes) {
		t.Fatalf("Fail was called with %q, want %q", w.causes, causes)
	}
	for i, c := range causes {
		if w.causes[i] != c {
			t.Errorf("Fail call %d had cause %q, want %q", i+1, w.causes[i], c)
		}
	}
}

var errFlaky = errors.New("flaky")

// Run checks every sentence of the contract on engines that open returns.
func Run(t *testing.T, open func(testing.TB) Engine) {
	for name, test := range map[string]func(*testing.T, Engine){
		"a committed job runs once with its arguments":         runsOnce,
		"an abandoned job never runs":                          abandoned,
		"a committed job is started without being looked for":  woken,
		"a key is taken until its job ends":                    keyTaken,
		"an error is retried and finished steps are kept":      stepsKept,
		"a permanent error fails the job at once":              permanent,
		"a job fails after too many failures":                  usedUp,
		"Fail is called until it returns nil":                  failAgain,
		"a panic is a failed attempt":                          panics,
		"a snooze is no failure":                               snoozes,
		"who waits forgets no failure":                         waits,
		"a stopped job runs again and has not failed":          stopped,
		"an attempt that was superseded cannot record":         fenced,
		"the time of an attempt is bounded":                    timeout,
		"an error after the time is not permanent":             latePermanent,
		"jobs without a worker stay":                           noWorker,
		"two workers of one kind are refused":                  twoWorkers,
		"a job that ended without success frees its key":       failedKeyFree,
		"a finished job's last words are heard while stopping": endsWhileStopping,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

func insert(t *testing.T, e Engine, key string, args any) {
	t.Helper()
	if err := e.Insert(t.Context(), job.Spec{Kind: "suite", Key: key, Args: args}); err != nil {
		t.Fatalf("Insert: %v", err)
	}
}
