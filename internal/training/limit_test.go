package training_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mimeo/internal/customlabels"
	"mimeo/internal/family"
	"mimeo/internal/job"
	"mimeo/internal/job/jobtest"
	"mimeo/internal/training"
)

// TestATrainingThatTakesTooLongFails: what counts is the work of all slices.
func TestATrainingThatTakesTooLongFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	req, before := w.small(), w.blobCount()
	w.training.Now = newClock(3 * time.Hour).now // a slice is a minute
	v := w.train(req("v1"))
	want := "The training failed: it was not done after 24 hours of work, the quota of this account (HoursPerTraining). Train on fewer images."
	if v.Status != customlabels.TrainingFailed || v.StatusMessage != want {
		t.Errorf("the training is %s: %s", v.Status, v.StatusMessage)
	}
	if worked := w.describe(w.another(), v.ARN).Worked; worked < 24*time.Hour || worked > 60*time.Hour {
		t.Errorf("it failed after %s of work", worked)
	}
	w.checkTidy("too long")
	if n := w.blobCount(); n != before {
		t.Errorf("%d blobs are left, there were %d", n, before)
	}
}

// TestOnlyWorkIsBilled, that of all slices, and no waiting between them.
func TestOnlyWorkIsBilled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	req := w.small()
	clock := newClock(time.Second)
	w.training.Now = clock.now
	v := w.create(req("v1"))
	clock.at = clock.at.Add(100 * time.Hour)
	w.drain(training.Worker{Service: w.training})
	first := w.version(v)
	w.training.Slice = time.Second // many of them
	second := w.train(req("v2"))
	for _, v := range []customlabels.ProjectVersion{first, second} {
		worked := w.describe(w.another(), v.ARN).Worked
		if v.Status != customlabels.TrainingCompleted || v.BillableSeconds < 10 || v.BillableSeconds > 1000 || (worked-time.Duration(v.BillableSeconds)*time.Second).Abs() > 10*time.Second {
			t.Errorf("%s, %s: %d seconds are billed, %s were worked", v.ARN.Name, v.Status, v.BillableSeconds, worked)
		}
	}
}

// planning is a family that needs much memory, and looks how many train at
// once.
type planning struct {
	colours
	bytes         int64
	training, top *atomic.Int64
}

func (p planning) Train(ctx context.Context, req family.TrainRequest, w io.Writer) error {
	if err := req.PlanMemory(p.bytes); err != nil {
		return err
	}
	defer p.training.Add(-1)
	p.top.Store(max(p.top.Load(), p.training.Add(1)))
	return p.colours.Train(ctx, req, w)
}

func TestATrainingThatNeedsMoreMemoryThanThereIsFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.training.Memory = 10 << 20
	w.training.Families = []family.Family{planning{bytes: 10<<20 + 1, training: new(atomic.Int64), top: new(atomic.Int64)}}
	v := w.train(w.small()("v1"))
	want := "The training failed: it needs 11 MiB of memory, and this server has 10 MiB for trainings. Train on fewer images or labels."
	if v.Status != customlabels.TrainingFailed || v.StatusMessage != want {
		t.Errorf("the training is %s: %s", v.Status, v.StatusMessage)
	}
}

// TestTrainingsWaitForMemory that others have, also those that end a slice.
func TestTrainingsWaitForMemory(t *testing.T) {
	t.Parallel()
	for bytes, most := range map[int64]int64{6 << 20: 1, 5 << 20: 2, 10 << 20: 1} {
		t.Run(fmt.Sprint(bytes), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			p := planning{bytes: bytes, training: new(atomic.Int64), top: new(atomic.Int64)}
			w.training.Memory, w.training.Families = 10<<20, []family.Family{p}
			req := w.small()
			a, b := w.create(req("v1")), w.create(req("v2"))
			w.training.Slice = 10 * time.Millisecond
			w.drain(training.Worker{Service: w.training})
			for _, v := range []customlabels.ProjectVersion{w.version(a), w.version(b)} {
				if v.Status != customlabels.TrainingCompleted {
					t.Errorf("%s is %s: %s", v.ARN.Name, v.Status, v.StatusMessage)
				}
			}
			if top := p.top.Load(); top > most {
				t.Errorf("%d trainings had %d bytes each at once", top, bytes)
			}
		})
	}
}

// holding is a family that keeps its memory until it is told to stop.
type holding struct {
	planning
	began chan struct{}
}

func (h holding) Train(ctx context.Context, req family.TrainRequest, _ io.Writer) error {
	h.began <- struct{}{}
	if err := req.PlanMemory(h.bytes); err != nil {
		return err
	}
	<-ctx.Done()
	return ctx.Err()
}

// TestATrainingIsCancelledThatWaitsForMemory: the one that has it too, and the
// room is whole again.
func TestATrainingIsCancelledThatWaitsForMemory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := holding{planning{bytes: 10 << 20, training: new(atomic.Int64), top: new(atomic.Int64)}, make(chan struct{})}
	w.training.Memory, w.training.Families = 10<<20, []family.Family{h}
	req := w.small()
	a := w.create(req("v1"))
	stop := w.engine().Start(t, jobtest.Quick(3), training.Worker{Service: w.training})
	<-h.began
	b := w.create(req("v2"))
	<-h.began
	w.must(w.cancel(b))
	w.awaitStatus(b, customlabels.TrainingFailed)
	w.must(w.cancel(a))
	w.awaitStatus(a, customlabels.TrainingFailed)
	stop()
	w.training.Families = []family.Family{h.planning}
	if v := w.train(req("v3")); v.Status != customlabels.TrainingCompleted {
		t.Errorf("the next training is %s: %s", v.Status, v.StatusMessage)
	}
}

// diverging is a family whose loss is no number.
type diverging struct{ colours }

func (diverging) Train(context.Context, family.TrainRequest, io.Writer) error {
	return fmt.Errorf("after 12 steps: %w", family.ErrDiverged)
}

// TestATrainingThatDivergesFails, and is not tried again.
func TestATrainingThatDivergesFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.training.Families = []family.Family{diverging{}}
	v := w.create(w.small()("v1"))
	w.engine().Drain(t, job.Options{Failures: 8, Backoff: func(int) time.Duration { return time.Hour }}, training.Worker{Service: w.training})
	if v := w.version(v); v.Status != customlabels.TrainingFailed || !strings.Contains(v.StatusMessage, "diverges") {
		t.Errorf("the training is %s: %s", v.Status, v.StatusMessage)
	}
	w.checkTidy("diverging")
}
