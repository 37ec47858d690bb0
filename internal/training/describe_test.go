package training_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/family"
	"mimeo/internal/job"
	"mimeo/internal/job/jobtest"
	"mimeo/internal/objects"
	"mimeo/internal/training"
)

// passes is a family that works in three passes, and waits in each for a word
// to go on.
type passes struct {
	colours
	next chan struct{}
}

func (p passes) Train(ctx context.Context, req family.TrainRequest, w io.Writer) error {
	tell := req.Progress
	for epoch := 1; epoch <= 3; epoch++ {
		tell(family.Progress{Done: epoch, Total: 4, Phase: "passing", Epoch: epoch, Epochs: 3, Loss: 1 / float64(epoch)})
		select {
		case <-p.next:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	req.Progress = func(family.Progress) {}
	return p.colours.Train(ctx, req, w)
}

// another is a service in another process: it has the database in common.
func (w *world) another() *training.Service {
	return &training.Service{Store: w.training.Store, Registry: w.training.Registry, Now: w.training.Now}
}

func (w *world) describe(s *training.Service, v arn.ProjectVersion) training.Description {
	w.t.Helper()
	d, err := s.DescribeTraining(w.t.Context(), w.root, training.DescribeRequest{Version: v})
	w.must(err)
	return d
}

// TestATrainingTellsHowFarItIs to those who wait, in this process at once, and
// in another one from what is stored; also after its end.
func TestATrainingTellsHowFarItIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := passes{next: make(chan struct{})}
	w.training.Families = []family.Family{p}
	v := w.create(w.small()("v1"))
	before := w.describe(w.training, v)
	if before.Status != customlabels.TrainingInProgress || before.Phase != "" || before.Revision == 0 || before.Seed == 0 {
		t.Errorf("before it begins a training is %+v", before)
	}
	w.engine().Start(t, jobtest.Quick(3), training.Worker{Service: w.training})
	told := before
	for epoch := 1; epoch <= 3; epoch++ {
		for told.Epoch < epoch {
			next, err := w.training.DescribeTraining(t.Context(), w.root, training.DescribeRequest{Version: v, Wait: training.MaxWait, Revision: told.Revision})
			w.must(err)
			if next.Revision <= told.Revision || next.Seed != before.Seed {
				t.Errorf("after %+v comes %+v", told, next)
			}
			told = next
		}
		want := training.Point{Activity: "passing", Epoch: epoch, Loss: 1 / float64(epoch)}
		if told.Phase != training.Fitting || told.Epochs != 3 || len(told.Curve) != epoch || told.Curve[epoch-1] != want || told.Loss != want.Loss {
			t.Errorf("in pass %d it is %+v", epoch, told)
		}
		p.next <- struct{}{}
	}
	w.awaitEnd(v)
	after := w.describe(w.another(), v)
	if diff := cmp.Diff(told.Curve, after.Curve); diff != "" {
		t.Errorf("the curve (-told +after the end):\n%s", diff)
	}
	if after.Status != customlabels.TrainingCompleted || after.Phase != training.WritingResults || after.Revision <= told.Revision || after.Worked <= 0 {
		t.Errorf("after its end the training is %+v", after)
	}
}

// TestTheStatusMessageTellsHowFarATrainingIs, with what can be told.
func TestTheStatusMessageTellsHowFarATrainingIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := passes{next: make(chan struct{}, 3)}
	w.training.Families = []family.Family{p}
	for range 3 {
		p.next <- struct{}{}
	}
	var messages []string
	w.training.Store = listening{w.training.Store, func(message string) { messages = append(messages, message) }}
	clock := newClock(time.Second) // so that each change is stored
	w.training.Now = clock.now
	if v := w.train(w.small()("v1")); v.Status != customlabels.TrainingCompleted {
		t.Fatalf("%s: %s", v.Status, v.StatusMessage)
	}
	for _, want := range []string{
		"Checking the images: those of the TRAIN dataset, 0 of 6.",
		"Checking the images: those of the TEST dataset, 0 of 4.",
		"Training the model: passing, epoch 1 of 3, loss 1, 25% done.",
		"Training the model: passing, epoch 2 of 3, loss 0.5, 50% done, about 2 s left.",
		"Training the model: passing, epoch 3 of 3, loss 0.3333, 75% done, about 1 s left.",
		"Evaluating the model: 0 of 4 test images.",
		"Writing the results of the evaluation.",
	} {
		if !slices.Contains(messages, want) {
			t.Errorf("nobody was told %q, but %q", want, messages)
		}
	}
}

// A clock goes on by a step at every look.
type clock struct {
	at   time.Time
	step time.Duration
}

func newClock(step time.Duration) *clock { return &clock{time.Now(), step} }

func (c *clock) now() time.Time {
	c.at = c.at.Add(c.step)
	return c.at
}

// listening tells the status messages that are stored.
type listening struct {
	training.Store
	heard func(message string)
}

func (l listening) SaveProgress(ctx context.Context, a job.Attempt, v arn.ProjectVersion, message string, p training.Progress) error {
	l.heard(message)
	return l.Store.SaveProgress(ctx, a, v, message, p)
}

func TestWhoIsNotToldOfATraining(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.create(w.small()("v1"))
	stranger := w.root
	stranger.Principal = arn.Root("aws", "555555555555")
	for name, c := range map[string]struct {
		caller arn.Caller
		wait   time.Duration
		want   error
	}{
		"another account": {stranger, 0, customlabels.AccessDenied},
		"too long a wait": {w.root, training.MaxWait + 1, customlabels.InvalidParameter},
		"less than none":  {w.root, -1, customlabels.InvalidParameter},
	} {
		if _, err := w.training.DescribeTraining(t.Context(), c.caller, training.DescribeRequest{Version: v, Wait: c.wait}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, err := w.training.CancelTraining(t.Context(), stranger, v); !errors.Is(err, customlabels.AccessDenied) {
		t.Errorf("another account cancels: %v", err)
	}
}

// TestTheSeedIsTheVersions: two trainings on the same images draw differently,
// and each says what it draws by.
func TestTheSeedIsTheVersions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var seeds []uint64
	s := seeing{seen: &seeds}
	w.training.Families = []family.Family{s}
	req := w.small()
	a, b := w.train(req("v1")).ARN, w.train(req("v2")).ARN
	want := []uint64{w.describe(w.another(), a).Seed, w.describe(w.another(), b).Seed}
	if !slices.Equal(seeds, want) || want[0] == want[1] || max(want[0], want[1]) >= 1<<53 {
		t.Errorf("the trainings drew by %d and say %d", seeds, want)
	}
}

// seeing is a family that remembers seeds.
type seeing struct {
	colours
	seen *[]uint64
}

func (s seeing) Train(ctx context.Context, req family.TrainRequest, w io.Writer) error {
	*s.seen = append(*s.seen, req.Seed)
	return s.colours.Train(ctx, req, w)
}

// TestARefusedTrainingThatIsCancelledLeavesNoFiles, those neither that say what
// is wrong with its manifests.
func TestARefusedTrainingThatIsCancelledLeavesNoFiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	req := w.small()("v1")
	one := w.put("one.manifest", joined(w.manifest("one", 3, "red"))) // label: too few
	req.Training.Manifests = []objects.Ref{one}
	before := w.blobCount()
	v := w.create(req)
	c := &cutter{after: true, other: func() { w.must(w.cancel(v)) }}
	w.training.Objects = cutObjects{w.training.Objects, c}
	c.n = 1 // the files are put
	w.drain(training.Worker{Service: w.training})
	if !c.hit {
		t.Error("no file was put")
	}
	if message := w.version(v).StatusMessage; !strings.Contains(message, "cancelled") {
		t.Errorf("the training says %q", message)
	}
	w.checkCancelled(v, before)
}
