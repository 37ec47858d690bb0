package job

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"
)

const (
	// failTimeout is the time that one call of Worker.Fail has.
	failTimeout = 2 * time.Minute
	// endTimeout is what the transaction has that ends a job, also when the
	// runner is being stopped: the work is done by then.
	endTimeout = 15 * time.Second
	// failureStep is the step under which the cause of a job's failure is
	// recorded, before Worker.Fail is called for the first time: from then
	// on the job is never worked on again.
	failureStep = "\x00failure"
)

// An adapter is one of our workers as River sees it.
type adapter struct {
	river.WorkerDefaults[payload]
	worker  Worker
	store   Store
	options Options
	logger  *slog.Logger
}

// metadata is what the adapter keeps in River's row.
type metadata struct {
	Failures int `json:"failures"` // in a row
}

// Work makes one attempt at a job and tells River what comes next.
func (a *adapter) Work(ctx context.Context, j *river.Job[payload]) error {
	start := time.Now()
	outcome, err := a.attempt(ctx, j)
	level := slog.LevelInfo
	switch outcome {
	case snoozed:
		level = slog.LevelDebug
	case retrying, failed:
		level = slog.LevelWarn
	}
	attrs := []slog.Attr{
		slog.String("outcome", string(outcome)), slog.String("kind", j.Kind), slog.String("key", j.Args.Key),
		slog.Int64("job", j.ID), slog.Int("attempt", j.Attempt), slog.Duration("duration", time.Since(start)),
	}
	if err != nil && outcome != snoozed {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	a.logger.LogAttrs(ctx, level, "job", attrs...)
	if outcome == failed {
		return nil // Worker.Fail has recorded it: River has nothing left to do
	}
	return err
}

// NextRetry is when a failed attempt is followed by the next.
func (a *adapter) NextRetry(j *river.Job[payload]) time.Time {
	return time.Now().Add(a.options.Backoff(failuresOf(j) + 1))
}

// An outcome is how an attempt ended, as the log says it.
type outcome string

const (
	done        outcome = "done"
	snoozed     outcome = "snoozed"
	retrying    outcome = "retrying"
	failed      outcome = "failed"
	interrupted outcome = "interrupted"
	superseded  outcome = "superseded"
)

func (a *adapter) attempt(ctx context.Context, j *river.Job[payload]) (outcome, error) {
	run := NewRun(Attempt{Job: j.ID, Number: j.Attempt}, j.Args.Args, a.store)
	cause, err := a.recordedCause(ctx, run)
	if err != nil {
		return a.afterError(ctx, err)
	}
	if cause == nil {
		err := a.work(ctx, run)
		if err == nil {
			return a.end(ctx, j, done)
		}
		if s, ok := asSnooze(err); ok {
			return snoozed, s.ask(ctx)
		}
		failures := failuresOf(j) + 1
		if ctx.Err() != nil || errors.Is(err, ErrSuperseded) || !IsPermanent(err) && failures < a.options.Failures {
			return a.afterFailure(ctx, err, failures)
		}
		if cause, err = err, a.recordCause(ctx, run, err); err != nil {
			return a.afterError(ctx, err)
		}
	}
	if err := a.fail(ctx, run, cause); err != nil {
		return a.afterFailure(ctx, fmt.Errorf("record failure %q: %w", cause, err), failuresOf(j)+1)
	}
	if outcome, err := a.end(ctx, j, failed); err != nil {
		return outcome, err
	}
	return failed, cause
}

// ask returns the error in which River reads a snooze.
func (s snoozeError) ask(ctx context.Context) error {
	if s.idle {
		return river.JobSnooze(s.after)
	}
	return errors.Join(river.JobSnooze(s.after), river.MetadataSet(ctx, "failures", 0))
}

// work calls the worker within its time. An error that comes after the time
// is never permanent: it may be the time's.
func (a *adapter) work(ctx context.Context, run *Run) error {
	ctx, cancel := context.WithTimeout(ctx, a.options.Timeout)
	defer cancel()
	err := protect(func() error { return a.worker.Work(ctx, run) })
	if err != nil && ctx.Err() != nil && IsPermanent(err) {
		return fmt.Errorf("%w (%s)", context.Cause(ctx), err.Error())
	}
	return err
}

func (a *adapter) fail(ctx context.Context, run *Run, cause error) error {
	ctx, cancel := context.WithTimeout(ctx, failTimeout)
	defer cancel()
	return protect(func() error { return a.worker.Fail(ctx, run, cause) })
}

// afterFailure counts a failure, unless the attempt ended for another reason.
func (a *adapter) afterFailure(ctx context.Context, err error, failures int) (outcome, error) {
	if ctx.Err() == nil && !errors.Is(err, ErrSuperseded) {
		if setErr := river.MetadataSet(ctx, "failures", failures); setErr != nil {
			err = errors.Join(err, setErr)
		}
	}
	return a.afterError(ctx, err)
}

// afterError returns err in the form in which River puts the job back. The
// context of an attempt ends only when the runner is being stopped.
func (a *adapter) afterError(ctx context.Context, err error) (outcome, error) {
	switch {
	case ctx.Err() != nil:
		return interrupted, fmt.Errorf("%w (%s)", ctx.Err(), err.Error())
	case errors.Is(err, ErrSuperseded):
		return superseded, err
	default:
		return retrying, err
	}
}

// end ends the job and removes its steps, in one transaction.
func (a *adapter) end(ctx context.Context, j *river.Job[payload], with outcome) (outcome, error) {
	endCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	err := a.store.End(endCtx, Attempt{Job: j.ID, Number: j.Attempt}, func(ctx context.Context, tx *sql.Tx) error {
		_, err := river.JobCompleteTx[*riversqlite.Driver](ctx, tx, j)
		return err
	})
	if err != nil {
		return a.afterError(ctx, fmt.Errorf("end job %d: %w", j.ID, err))
	}
	return with, nil
}

func (a *adapter) recordedCause(ctx context.Context, run *Run) (error, error) {
	recorded, err := a.store.Step(ctx, run.Job, failureStep)
	if err != nil || recorded == nil {
		return nil, err
	}
	var text string
	if err := json.Unmarshal(recorded, &text); err != nil {
		return nil, fmt.Errorf("decode failure of job %d: %w", run.Job, err)
	}
	return Permanent(errors.New(text)), nil
}

func (a *adapter) recordCause(ctx context.Context, run *Run, cause error) error {
	text, err := json.Marshal(cause.Error())
	if err != nil {
		return fmt.Errorf("encode failure of job %d: %w", run.Job, err)
	}
	return a.store.RecordStep(ctx, run.Attempt, failureStep, text)
}

func failuresOf(j *river.Job[payload]) int {
	var m metadata
	if err := json.Unmarshal(j.Metadata, &m); err != nil {
		return 0 // River wrote it: cannot happen
	}
	return m.Failures
}

// protect turns a panic into an error.
func protect(fn func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	return fn()
}
