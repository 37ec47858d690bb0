package jobtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"mimeo/internal/job"
)

func runsOnce(t *testing.T, e Engine) {
	type args struct{ Name string }
	var got args
	var id int64
	w := &worker{work: func(ctx context.Context, run *job.Run, _ int) error {
		id = run.Job
		if _, err := job.Step(ctx, run, "only", func(context.Context) (int, error) { return 7, nil }); err != nil {
			return err
		}
		return run.Decode(&got)
	}}
	insert(t, e, "k", args{"x"})
	e.Drain(t, Quick(1), w)
	w.check(t, 1)
	if got != (args{"x"}) {
		t.Errorf("arguments: got %v", got)
	}
	if step, err := e.Store.Step(t.Context(), id, "only"); step != nil || err != nil {
		t.Errorf("after the job ended its step is %s (%v), want none", step, err)
	}
}

// woken inserts job after job into a runner that has nothing else to do: one
// that only looked for them once a second would need twice the time.
func woken(t *testing.T, e Engine) {
	const jobs = 20
	started := make(chan struct{}, 1)
	e.Start(t, Quick(1), &worker{work: func(context.Context, *job.Run, int) error {
		started <- struct{}{}
		return nil
	}})
	begin := time.Now()
	for range jobs {
		insert(t, e, "", nil)
		select {
		case <-started:
		case <-time.After(patience):
			t.Fatalf("a job did not start within %s", patience)
		}
	}
	if took := time.Since(begin); took > jobs/2*time.Second {
		t.Errorf("%d jobs, one after the other, took %s to start", jobs, took)
	}
}

func abandoned(t *testing.T, e Engine) {
	w := &worker{work: func(context.Context, *job.Run, int) error { return nil }}
	if err := e.Abandon(t.Context(), job.Spec{Kind: "suite", Key: "gone"}); err != nil {
		t.Fatalf("Abandon: %v", err)
	}
	insert(t, e, "other", nil)
	e.Drain(t, Quick(1), w)
	w.check(t, 1)
}

func keyTaken(t *testing.T, e Engine) {
	w := &worker{work: func(context.Context, *job.Run, int) error { return nil }}
	insert(t, e, "k", 1)
	insert(t, e, "k", 2) // other arguments, same key
	e.Drain(t, Quick(1), w)
	w.check(t, 1)
	insert(t, e, "k", 3)
	e.Drain(t, Quick(1), w)
	w.check(t, 2)
}

func stepsKept(t *testing.T, e Engine) {
	first := 0
	w := &worker{work: func(ctx context.Context, run *job.Run, call int) error {
		value, err := job.Step(ctx, run, "first", func(context.Context) (string, error) { first++; return "value", nil })
		if err != nil {
			return err
		}
		if value != "value" {
			return job.Permanent(fmt.Errorf("step returned %q", value))
		}
		_, err = job.Step(ctx, run, "second", func(context.Context) (int, error) {
			if call < 3 {
				return 0, errFlaky
			}
			return call, nil
		})
		return err
	}}
	insert(t, e, "k", nil)
	e.Drain(t, Quick(5), w)
	w.check(t, 3)
	if first != 1 {
		t.Errorf("the finished step ran %d times, want once", first)
	}
}

func permanent(t *testing.T, e Engine) {
	w := &worker{work: func(context.Context, *job.Run, int) error {
		return fmt.Errorf("move: %w", job.Permanent(errors.New("key is gone")))
	}}
	insert(t, e, "k", nil)
	e.Drain(t, Quick(5), w)
	w.check(t, 1, "move: key is gone")
}

func usedUp(t *testing.T, e Engine) {
	w := &worker{work: func(context.Context, *job.Run, int) error { return errFlaky }}
	insert(t, e, "k", nil)
	e.Drain(t, Quick(4), w)
	w.check(t, 4, "flaky")
}

func failAgain(t *testing.T, e Engine) {
	w := &worker{
		work: func(context.Context, *job.Run, int) error { return job.Permanent(errors.New("broken")) },
		fail: func(call int) error {
			switch call {
			case 1:
				return errFlaky
			case 2:
				panic("worse")
			}
			return nil
		},
	}
	insert(t, e, "k", nil)
	e.Drain(t, Quick(2), w)
	w.check(t, 1, "broken", "broken", "broken")
}

func panics(t *testing.T, e Engine) {
	w := &worker{work: func(context.Context, *job.Run, int) error { panic("boom") }}
	insert(t, e, "k", nil)
	e.Drain(t, Quick(2), w)
	if w.works != 2 || len(w.causes) != 1 || !strings.HasPrefix(w.causes[0], "panic: boom") {
		t.Errorf("got %d attempts, failures %q; want 2 and one that starts with the panic", w.works, w.causes)
	}
}

func snoozes(t *testing.T, e Engine) {
	w := &worker{work: func(_ context.Context, _ *job.Run, call int) error {
		switch {
		case call == 9:
			return nil
		case call%2 == 0:
			return errFlaky // never two in a row
		}
		return fmt.Errorf("slice: %w", job.Snooze(0))
	}}
	insert(t, e, "k", nil)
	e.Drain(t, Quick(2), w)
	w.check(t, 9)
}

func waits(t *testing.T, e Engine) {
	w := &worker{work: func(_ context.Context, _ *job.Run, call int) error {
		if call%2 == 0 {
			return errFlaky
		}
		return fmt.Errorf("no place: %w", job.Wait(0))
	}}
	insert(t, e, "k", nil)
	e.Drain(t, Quick(2), w)
	w.check(t, 4, errFlaky.Error())
}

func stopped(t *testing.T, e Engine) {
	for range 3 {
		started := make(chan struct{})
		w := &worker{work: func(ctx context.Context, _ *job.Run, _ int) error {
			close(started)
			<-ctx.Done()
			return job.Permanent(ctx.Err())
		}}
		stop := e.Start(t, Quick(1), w)
		insert(t, e, "k", nil)
		<-started
		stop()
		w.check(t, 1)
	}
	w := &worker{work: func(context.Context, *job.Run, int) error { return nil }}
	e.Drain(t, Quick(1), w)
	w.check(t, 1)
}

func fenced(t *testing.T, e Engine) {
	w := &worker{work: func(ctx context.Context, run *job.Run, call int) error {
		if call == 1 {
			return errFlaky
		}
		for _, number := range []int{run.Number - 1, run.Number + 1} {
			late := job.Attempt{Job: run.Job, Number: number}
			if err := e.Store.RecordStep(ctx, late, "late", json.RawMessage("1")); !errors.Is(err, job.ErrSuperseded) {
				return job.Permanent(fmt.Errorf("attempt %d recorded a step beside attempt %d: %w", number, run.Number, err))
			}
		}
		return e.Store.RecordStep(ctx, run.Attempt, "in time", json.RawMessage("1"))
	}}
	insert(t, e, "k", nil)
	e.Drain(t, Quick(3), w)
	w.check(t, 2)
	gone := job.Attempt{Job: 1 << 40, Number: 1}
	if err := e.Store.RecordStep(t.Context(), gone, "x", json.RawMessage("1")); !errors.Is(err, job.ErrSuperseded) {
		t.Errorf("RecordStep of a job that is not there: %v, want ErrSuperseded", err)
	}
}

func timeout(t *testing.T, e Engine) {
	w := &worker{work: func(ctx context.Context, _ *job.Run, _ int) error {
		<-ctx.Done()
		return ctx.Err()
	}}
	options := Quick(2)
	options.Timeout = 10 * time.Millisecond
	insert(t, e, "k", nil)
	e.Drain(t, options, w)
	w.check(t, 2, context.DeadlineExceeded.Error())
}

func latePermanent(t *testing.T, e Engine) {
	w := &worker{work: func(ctx context.Context, _ *job.Run, call int) error {
		if call == 2 {
			return nil
		}
		<-ctx.Done()
		return job.Permanent(ctx.Err())
	}}
	options := Quick(3)
	options.Timeout = 50 * time.Millisecond
	insert(t, e, "k", nil)
	e.Drain(t, options, w)
	w.check(t, 2)
}

func noWorker(t *testing.T, e Engine) {
	w := &worker{work: func(context.Context, *job.Run, int) error { return nil }}
	if err := e.Insert(t.Context(), job.Spec{Kind: "foreign", Key: "k"}); err != nil {
		t.Fatalf("Insert: %v", err)
	}
	stop := e.Start(t, Quick(1), w)
	ran := make(chan struct{})
	w.work = func(context.Context, *job.Run, int) error { close(ran); return nil }
	insert(t, e, "k", nil)
	<-ran
	stop()
	if left, err := e.Queue.Unfinished(t.Context()); left != 1 || err != nil {
		t.Errorf("%d jobs are unfinished (%v), want the one without a worker", left, err)
	}
}

func twoWorkers(t *testing.T, e Engine) {
	w := &worker{}
	if _, err := job.NewRunner(e.Queue, e.Store, []job.Worker{w, w}, slog.New(slog.DiscardHandler), job.Options{}); err == nil {
		t.Error("NewRunner took two workers of one kind")
	}
}

func failedKeyFree(t *testing.T, e Engine) {
	w := &worker{work: func(_ context.Context, _ *job.Run, call int) error {
		if call == 1 {
			return job.Permanent(errFlaky)
		}
		return nil
	}}
	insert(t, e, "k", nil)
	e.Drain(t, Quick(1), w)
	insert(t, e, "k", nil)
	e.Drain(t, Quick(1), w)
	w.check(t, 2, "flaky")
}

func endsWhileStopping(t *testing.T, e Engine) {
	started := make(chan struct{})
	w := &worker{work: func(ctx context.Context, _ *job.Run, _ int) error {
		close(started)
		<-ctx.Done()
		return nil // it had finished: it must not be asked to do so again
	}}
	stop := e.Start(t, Quick(1), w)
	insert(t, e, "k", nil)
	<-started
	stop()
	if left, err := e.Queue.Unfinished(t.Context()); left != 0 || err != nil {
		t.Errorf("%d jobs are unfinished (%v), want none", left, err)
	}
}
