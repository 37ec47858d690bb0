package job

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivertype"
)

// A Store keeps what jobs record. It lies in the queue's own database.
type Store interface {
	Steps
	// End runs finish, which ends the job, and removes the job's recorded
	// steps, in one transaction.
	End(ctx context.Context, a Attempt, finish func(context.Context, *sql.Tx) error) error
}

// Options bound what a runner does. The zero value works.
type Options struct {
	// Concurrency is how many jobs of a kind run at once; 4 where not said.
	Concurrency map[Kind]int
	// Failures is after how many failed attempts in a row a job ends
	// without success; default 8. A snooze ends the row. Attempts that
	// ended because the process was stopped or killed are no failures.
	Failures int
	// Backoff is the wait after the nth failure in a row; by default a
	// second, doubled every time, at most five minutes.
	Backoff func(failures int) time.Duration
	// Timeout is when the context of an attempt ends, which counts as a
	// failure; default 30 minutes. Longer work runs in slices that snooze.
	Timeout time.Duration
	// Grace is how long Run waits for running jobs after it told them to
	// stop; default 20 seconds.
	Grace time.Duration
}

func (o Options) withDefaults() Options {
	o.Failures = cmp.Or(o.Failures, 8)
	o.Timeout = cmp.Or(o.Timeout, 30*time.Minute)
	o.Grace = cmp.Or(o.Grace, 20*time.Second)
	if o.Backoff == nil {
		o.Backoff = doubling
	}
	return o
}

func doubling(failures int) time.Duration {
	const longest = 5 * time.Minute
	if failures > 9 {
		return longest
	}
	return min(longest, time.Second<<max(0, failures-1))
}

// A Runner works on the jobs of a queue. One process has one.
type Runner struct {
	client  *river.Client[*sql.Tx]
	queue   *Queue
	grace   time.Duration
	logger  *slog.Logger
	working atomic.Bool
}

// NewRunner returns a runner with one worker for each kind of job. Jobs of
// other kinds stay in the queue.
func NewRunner(queue *Queue, store Store, workers []Worker, logger *slog.Logger, options Options) (*Runner, error) {
	options = options.withDefaults()
	kinds := river.NewWorkers()
	queues := make(map[string]river.QueueConfig)
	for _, w := range workers {
		if _, taken := queues[string(w.Kind())]; taken {
			return nil, fmt.Errorf("two workers do %s jobs", w.Kind())
		}
		queues[string(w.Kind())] = river.QueueConfig{MaxWorkers: cmp.Or(options.Concurrency[w.Kind()], 4)}
		river.AddWorkerArgs(kinds, payload{kind: w.Kind()}, &adapter{worker: w, store: store, options: options, logger: logger})
	}
	client, err := river.NewClient(driver{riversqlite.New(queue.db), queue.bell}, &river.Config{
		Workers:           kinds,
		Queues:            queues,
		MaxAttempts:       attemptsOfRiver,
		FetchCooldown:     time.Millisecond,
		FetchPollInterval: time.Second,
		// Nothing is rescued by age: whatever runs at boot died with its
		// process, and what runs later is this process's own. The adapter
		// keeps the time, so a job's context ends only when we stop.
		RescueStuckJobsAfter: 100 * 365 * 24 * time.Hour,
		JobTimeout:           -1,
		Logger:               slog.New(warnings{logger.Handler()}),
	})
	if err != nil {
		return nil, fmt.Errorf("open job runner: %w", err)
	}
	return &Runner{client: client, queue: queue, grace: options.Grace, logger: logger}, nil
}

// Run works until ctx ends. Then it tells the running jobs to stop and waits
// for them; they run again at the next start. It first puts back the jobs
// that were running when the last process died.
func (r *Runner) Run(ctx context.Context) error {
	if err := r.rescue(ctx); err != nil {
		if ctx.Err() != nil {
			return nil // stopped before it began
		}
		return err
	}
	ended, cancel := r.client.Subscribe(river.EventKindJobSnoozed, river.EventKindJobFailed, river.EventKindJobCompleted)
	defer cancel()
	// Stopping is ours to time: a job that is told to stop by StopAndCancel
	// is put back by River, one whose parent context ends has failed.
	if err := r.client.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("start job runner: %w", err)
	}
	r.working.Store(true)
	defer r.working.Store(false)
	for {
		select {
		case event := <-ended:
			r.wakeFor(ctx, event)
		case <-ctx.Done():
			return r.stop(context.WithoutCancel(ctx))
		}
	}
}

// Working reports whether jobs are being worked on: Run has begun.
func (r *Runner) Working() bool { return r.working.Load() }

// wakeFor wakes the runner when a job that was put back for a moment is due:
// River's own look-out comes by once a second. One that is in a hurry is due.
func (r *Runner) wakeFor(ctx context.Context, event *river.Event) {
	if event == nil {
		return
	}
	_, hurried := r.queue.hurry.LoadAndDelete(event.Job.ID)
	if event.Kind == river.EventKindJobCompleted {
		return
	}
	kind := Kind(event.Job.Kind)
	if hurried {
		if _, err := r.client.JobRetry(ctx, event.Job.ID); err != nil {
			r.logger.WarnContext(ctx, "job", "job", event.Job.ID, "error", fmt.Errorf("hurry: %w", err))
		}
		r.queue.Wake(kind)
		return
	}
	if wait := time.Until(event.Job.ScheduledAt); wait < time.Second {
		time.AfterFunc(wait, func() { r.queue.Wake(kind) })
	}
}

func (r *Runner) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, r.grace)
	defer cancel()
	if err := r.client.StopAndCancel(ctx); err != nil {
		return fmt.Errorf("jobs were still running %s after they were told to stop: %w", r.grace, err)
	}
	return nil
}

// rescue makes every running job available again.
func (r *Runner) rescue(ctx context.Context) error {
	for {
		found, err := r.client.JobList(ctx, river.NewJobListParams().States(rivertype.JobStateRunning).First(1000))
		if err != nil {
			return fmt.Errorf("list jobs of the last process: %w", err)
		}
		if len(found.Jobs) == 0 {
			return nil
		}
		now := time.Now()
		params := riverdriver.JobRescueManyParams{StuckHorizon: now}
		for _, j := range found.Jobs {
			note, err := json.Marshal(rivertype.AttemptError{At: now, Attempt: j.Attempt, Error: "the process ended"})
			if err != nil {
				return fmt.Errorf("encode rescue of job %d: %w", j.ID, err)
			}
			params.ID = append(params.ID, j.ID)
			params.Error = append(params.Error, note)
			params.FinalizedAt = append(params.FinalizedAt, nil)
			params.ScheduledAt = append(params.ScheduledAt, now)
			params.State = append(params.State, string(rivertype.JobStateAvailable))
			r.logger.InfoContext(ctx, "job", "outcome", "rescued", "kind", j.Kind, "job", j.ID, "attempt", j.Attempt)
		}
		if _, err := r.client.Driver().GetExecutor().JobRescueMany(ctx, &params); err != nil {
			return fmt.Errorf("rescue jobs of the last process: %w", err)
		}
	}
}

// warnings drops River's chatter: a job's outcome is logged by its adapter.
type warnings struct{ slog.Handler }

func (w warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && w.Handler.Enabled(ctx, level)
}

func (w warnings) WithAttrs(attrs []slog.Attr) slog.Handler {
	return warnings{w.Handler.WithAttrs(attrs)}
}

func (w warnings) WithGroup(name string) slog.Handler { return warnings{w.Handler.WithGroup(name)} }

// asSnooze returns the snooze that err asks for.
func asSnooze(err error) (s snoozeError, ok bool) {
	ok = errors.As(err, &s)
	return s, ok
}
