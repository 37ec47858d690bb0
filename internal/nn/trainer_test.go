package nn_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"mimeo/internal/nn"
	"mimeo/internal/nn/kernel"
)

var small = nn.Shape{Height: 16, Width: 16, Channels: 3}

// newSmall returns a trainer of a small residual network, and its output.
func newSmall(o nn.TrainOptions) (*nn.Graph, *nn.Trainer, nn.Node) {
	g := nn.NewGraph(small)
	x := g.Conv(g.Input(), nn.Conv{Out: 16, Size: 3, Stride: 2, Norm: true, Act: nn.ReLU})
	x = g.Conv(x, nn.Conv{Out: 16, Size: 3, Norm: true, Act: nn.SiLU, Add: x})
	out := g.Conv(g.Average(x), nn.Conv{Out: benchClasses, Size: 1})
	if o.Optimizer == nil {
		o.Optimizer = nn.AdamW{Decay: 0.01}
	}
	o.Batch, o.Shard = 12, 4
	return g, nn.NewTrainer(g, g.NewWeights(5), o, out), out
}

func steps(t *testing.T, trainer *nn.Trainer, images *noise, n int) (losses []float64) {
	t.Helper()
	for range n {
		loss, err := trainer.Step(0.03, images)
		if err != nil {
			t.Fatal(err)
		}
		losses = append(losses, loss)
	}
	return losses
}

// TestWorkersChangeNothing trains with one worker, two and five.
func TestWorkersChangeNothing(t *testing.T) {
	images := newNoise(12, small)
	var want []byte
	for _, workers := range []int{1, 2, 5} {
		_, trainer, _ := newSmall(nn.TrainOptions{Workers: workers, Average: 0.9, Clip: 1})
		steps(t, trainer, images, 5)
		state := trainer.AppendState(nil)
		if want == nil {
			want = state
		}
		if !slices.Equal(state, want) {
			t.Errorf("%d workers made other weights than one", workers)
		}
	}
}

// TestLearns trains until a network tells noise apart by heart, with both optimisers, and
// compares inference with training: the running statistics are those of the
// only batch there is.
func TestLearns(t *testing.T) {
	images := newNoise(12, small)
	for name, o := range map[string]nn.Optimizer{"SGD": nn.SGD{Momentum: 0.9, Nesterov: true, Decay: 1e-4}, "AdamW": nn.AdamW{Decay: 0.01}} {
		g, trainer, out := newSmall(nn.TrainOptions{Optimizer: o, Average: 0.5})
		losses := steps(t, trainer, images, 120)
		if first, last := losses[0], losses[len(losses)-1]; last > first/10 {
			t.Errorf("%s: the loss fell from %v to %v only", name, first, last)
		}
		m := nn.NewModel(g, trainer.Weights(), nil, out)
		for i := range 12 {
			m.Infer(func(in *nn.Tensor) { _ = images.Fill(i, in, 0) }, func(outputs []*nn.Tensor) {
				logits := outputs[0].At(0, 0, 0)
				if got := slices.Index(logits, slices.Max(logits)); got != i%benchClasses {
					t.Errorf("%s: image %d is %d, want %d: %v", name, i, got, i%benchClasses, logits)
				}
			})
		}
	}
}

// TestState cuts a training in two.
func TestState(t *testing.T) {
	images := newNoise(12, small)
	_, whole, _ := newSmall(nn.TrainOptions{Average: 0.9})
	steps(t, whole, images, 7)
	_, first, _ := newSmall(nn.TrainOptions{Average: 0.9})
	steps(t, first, images, 3)
	state := first.AppendState(nil)
	_, second, _ := newSmall(nn.TrainOptions{Average: 0.9})
	if err := second.SetState(state); err != nil {
		t.Fatal(err)
	}
	if second.Steps() != 3 {
		t.Errorf("%d steps, want 3", second.Steps())
	}
	steps(t, second, images, 4)
	if !slices.Equal(second.AppendState(nil), whole.AppendState(nil)) {
		t.Error("a training that was cut made other weights")
	}
	if err := second.SetState(state[1:]); err == nil {
		t.Error("a state that is too short was taken")
	}
}

// TestStepAllocates nothing after the first.
func TestStepAllocates(t *testing.T) {
	images := newNoise(12, small)
	_, trainer, _ := newSmall(nn.TrainOptions{Average: 0.9, Clip: 1})
	steps(t, trainer, images, 2)
	objective := constant{images}
	if n := testing.AllocsPerRun(5, func() { _, _ = trainer.Step(0.01, objective) }); n > 0 {
		t.Errorf("a step allocates %v times", n)
	}
}

// constant is noise whose losses allocate nothing.
type constant struct{ *noise }

func (c constant) Loss(_ int, outputs, gradients []*nn.Tensor, at int) float64 {
	copy(gradients[0].At(at, 0, 0), outputs[0].At(at, 0, 0))
	return 1
}

// TestMemory compares what is planned with what is made.
func TestMemory(t *testing.T) {
	g, _, _ := newSmall(nn.TrainOptions{})
	o := nn.TrainOptions{Batch: 12, Shard: 4, Workers: 2, Optimizer: nn.AdamW{}, Average: 0.9}
	planned := g.TrainingMemory(o)
	made := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			nn.NewTrainer(g, g.NewWeights(1), o, 2)
		}
	}).AllocedBytesPerOp()
	if float64(made) < 0.9*float64(planned) || float64(made) > 1.6*float64(planned) {
		t.Errorf("%d bytes were planned, %d made", planned, made)
	}
}

type failing struct{ *noise }

var errFill = errors.New("no such image")

func (f failing) Fill(i int, input *nn.Tensor, at int) error {
	if i == 7 {
		return errFill
	}
	return f.noise.Fill(i, input, at)
}

func TestStepFails(t *testing.T) {
	images := newNoise(12, small)
	_, trainer, _ := newSmall(nn.TrainOptions{})
	before := trainer.AppendState(nil)
	if _, err := trainer.Step(0.01, failing{images}); !errors.Is(err, errFill) {
		t.Errorf("got %v, want %v", err, errFill)
	}
	if !slices.Equal(trainer.AppendState(nil), before) {
		t.Error("a step that failed changed the weights")
	}
}

func TestCheck(t *testing.T) {
	g, _, _ := newSmall(nn.TrainOptions{})
	if err := g.Check(g.NewWeights(1)); err != nil {
		t.Errorf("initial weights: %v", err)
	}
	for name, change := range map[string]func(w *nn.Weights){
		"short":             func(w *nn.Weights) { w.Parameters = w.Parameters[1:] },
		"no number":         func(w *nn.Weights) { w.Parameters[3] = float32(math.NaN()) },
		"infinite":          func(w *nn.Weights) { w.Statistics[3] = float32(math.Inf(1)) },
		"negative variance": func(w *nn.Weights) { w.Statistics[16] = -1 },
	} {
		w := g.NewWeights(1)
		change(w)
		if err := g.Check(w); err == nil {
			t.Errorf("%s: weights were taken", name)
		}
	}
}

func TestSchedules(t *testing.T) {
	const all = 100
	for name, factor := range map[string]func(step int) float64{
		"cosine": func(step int) float64 { return nn.Cosine(step, 10, all) }, "one cycle": func(step int) float64 { return nn.OneCycle(step, all) },
	} {
		most, at := 0.0, 0
		for step := range all {
			f := factor(step)
			if f < 0 || f > 1 {
				t.Errorf("%s: %v at step %d", name, f, step)
			}
			if f > most {
				most, at = f, step
			}
		}
		if most < 0.99 || at > 35 || factor(0) > 0.1 || factor(all-1) > 0.01 {
			t.Errorf("%s: from %v to %v at %d, then to %v", name, factor(0), most, at, factor(all-1))
		}
	}
}

// TestKernelsAgree compares the answers of all sets of kernels: those in assembly bit for
// bit, the portable ones within 1e-5.
func TestKernelsAgree(t *testing.T) {
	g, trainer, out := newSmall(nn.TrainOptions{})
	images := newNoise(12, small)
	steps(t, trainer, images, 20)
	var first []float32
	for _, s := range kernel.Sets() {
		m := nn.NewModel(g, trainer.Weights(), s, out)
		var answers []float32
		for i := range 12 {
			m.Infer(func(in *nn.Tensor) { _ = images.Fill(i, in, 0) }, func(outputs []*nn.Tensor) { answers = append(answers, outputs[0].At(0, 0, 0)...) })
		}
		if first == nil {
			first = answers
		}
		for i, v := range answers {
			bound := 1e-5 * (1 + math.Abs(float64(first[i])))
			if s != kernel.Portable {
				bound = 0
			}
			if math.Abs(float64(v-first[i])) > bound {
				t.Errorf("%s: answer %d is %v, want %v", s.Name, i, v, first[i])
			}
		}
	}
}
