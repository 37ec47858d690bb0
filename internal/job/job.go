// Package job is our view of durable work. It runs on River; nothing else
// imports River. A job is inserted in the transaction of the data it belongs
// to, may be cut at any instruction, and is run again until it succeeds or
// fails for good.
package job

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// A Kind names a kind of work, such as "copy".
type Kind string

// A Spec is a job to insert. Args is marshalled as JSON. Key makes the job
// unique among unfinished jobs of its kind: one per version, said by its key.
type Spec struct {
	Kind Kind
	Key  string
	Args any
}

// A Worker does one kind of work. Both methods may be cut anywhere and are
// then called again, so what they do must be safe to repeat.
type Worker interface {
	Kind() Kind
	// Work does the job. Nil: done. [Permanent]: done for good, without
	// success. [Snooze], [Wait]: call again later, this was no failure. Any other
	// error is retried with back-off, a bounded number of times.
	Work(ctx context.Context, run *Run) error
	// Fail records that the job ended without success: after a permanent
	// error, or after too many failures in a row. It is called until it
	// returns nil, and Work is not called again. After a restart only the
	// text of cause is left: a message is made from cause.Error().
	Fail(ctx context.Context, run *Run, cause error) error
}

// An Attempt is one try at a job. A store that finishes a job's work checks
// in its transaction that the attempt is still the current one, so that a
// worker which was given up for dead cannot write.
type Attempt struct {
	Job    int64
	Number int
}

// A Run is one attempt at a job, as its worker sees it.
type Run struct {
	Attempt
	args  json.RawMessage
	steps Steps
}

// NewRun is called by runners and by tests of workers.
func NewRun(a Attempt, args json.RawMessage, steps Steps) *Run {
	return &Run{Attempt: a, args: args, steps: steps}
}

// Decode reads the job's arguments into v.
func (r *Run) Decode(v any) error {
	if err := json.Unmarshal(r.args, v); err != nil {
		return Permanent(fmt.Errorf("decode arguments of job %d: %w", r.Job, err))
	}
	return nil
}

// ErrSuperseded is returned to a worker whose attempt is no longer the
// current one: another worker has taken the job over.
var ErrSuperseded = errors.New("the job was taken over by a later attempt")

// Steps records the results of steps beside the data, in the same database.
type Steps interface {
	// Step returns the recorded result of a step of a job, or nil.
	Step(ctx context.Context, job int64, name string) (json.RawMessage, error)
	// RecordStep records a result, or fails with ErrSuperseded.
	RecordStep(ctx context.Context, a Attempt, name string, result json.RawMessage) error
}

// Step runs do once per job: a step that has finished returns its recorded
// result, so a restarted run resumes where the last one stopped. The result
// is recorded as JSON and must hold no secret.
func Step[T any](ctx context.Context, run *Run, name string, do func(context.Context) (T, error)) (T, error) {
	result, ok, err := Recorded[T](ctx, run, name)
	if err != nil || ok {
		return result, err
	}
	if result, err = do(ctx); err != nil {
		return result, err
	}
	return result, Record(ctx, run, name, result)
}

// Record records how far a step has come, or its result, in the place of what
// was recorded before.
func Record[T any](ctx context.Context, run *Run, name string, result T) error {
	encoded, err := json.Marshal(result)
	if err != nil {
		return fmt.Errorf("encode step %q of job %d: %w", name, run.Job, err)
	}
	if err := run.steps.RecordStep(ctx, run.Attempt, name, encoded); err != nil {
		return fmt.Errorf("record step %q of job %d: %w", name, run.Job, err)
	}
	return nil
}

// Recorded returns the result of a step that has finished, and whether it
// has.
func Recorded[T any](ctx context.Context, run *Run, name string) (result T, ok bool, err error) {
	recorded, err := run.steps.Step(ctx, run.Job, name)
	if err != nil {
		return result, false, fmt.Errorf("read step %q of job %d: %w", name, run.Job, err)
	}
	if recorded == nil {
		return result, false, nil
	}
	if err := json.Unmarshal(recorded, &result); err != nil {
		return result, false, fmt.Errorf("decode step %q of job %d: %w", name, run.Job, err)
	}
	return result, true, nil
}

// A permanentError ends a job without success.
type permanentError struct{ err error }

// Permanent marks err as one that no retry can mend.
func Permanent(err error) error { return permanentError{err} }

// IsPermanent reports whether err, or one that it wraps, is permanent.
func IsPermanent(err error) bool {
	var p permanentError
	return errors.As(err, &p)
}

func (e permanentError) Error() string { return e.err.Error() }
func (e permanentError) Unwrap() error { return e.err }

// explanationStep is the name of the step that Explain records.
const explanationStep = "message"

// Explain marks cause as permanent, and records the message that tells the
// owner of the job's data of it. Fail may run in another process, which knows
// of a cause nothing but its text: it must go by [Explanation].
func Explain(ctx context.Context, run *Run, cause error, message string) error {
	if err := Record(ctx, run, explanationStep, message); err != nil {
		return errors.Join(err, cause)
	}
	return Permanent(cause)
}

// ExplainRetry records the message that Explain would for a cause that another
// attempt may not meet, in case that it was the last, and returns the cause.
func ExplainRetry(ctx context.Context, run *Run, cause error, message string) error {
	if ctx.Err() != nil {
		return cause // the attempt was cut, it did not fail
	}
	return errors.Join(cause, Record(ctx, run, explanationStep, message))
}

// Explanation returns the message that was recorded last, or the fallback
// where the job fails for a reason that nobody explained.
func Explanation(ctx context.Context, run *Run, fallback string) (string, error) {
	message, ok, err := Recorded[string](ctx, run, explanationStep)
	if err == nil && !ok {
		message = fallback
	}
	return message, err
}

// A snoozeError asks for another run that counts as no failure.
type snoozeError struct {
	after time.Duration
	idle  bool // nothing was done: failures in a row stay counted
}

// Snooze returns the error with which a worker ends a slice of long work.
func Snooze(after time.Duration) error { return snoozeError{after: after} }

// Wait returns the error of a worker that could not begin: it is called again
// later, and what failed before still counts.
func Wait(after time.Duration) error { return snoozeError{after: after, idle: true} }

func (e snoozeError) Error() string { return "snooze for " + e.after.String() }
