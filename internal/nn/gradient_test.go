package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"mimeo/internal/nn/kernel"
)

// networks are graphs that have every layer, with every option, at a place where a
// gradient passes through it to weights before it.
var networks = map[string]func(g *Graph) Node{
	"convolution 3": func(g *Graph) Node {
		return g.Conv(g.Conv(g.Input(), Conv{Out: 16, Size: 3}), Conv{Out: 20, Size: 3})
	},
	"convolution 1, rectified": func(g *Graph) Node {
		return g.Conv(g.Conv(g.Input(), Conv{Out: 32, Size: 1, Act: ReLU}), Conv{Out: 16, Size: 1})
	},
	"stride 2": func(g *Graph) Node {
		return g.Conv(g.Conv(g.Input(), Conv{Out: 16, Size: 3}), Conv{Out: 16, Size: 3, Stride: 2})
	},
	"stride 2, size 1, beside a convolution": func(g *Graph) Node {
		x := g.Conv(g.Input(), Conv{Out: 16, Size: 3})
		return g.Conv(x, Conv{Out: 16, Size: 3, Stride: 2, Add: g.Conv(x, Conv{Out: 16, Size: 1, Stride: 2})})
	},
	"normalised": func(g *Graph) Node {
		return g.Conv(g.Conv(g.Input(), Conv{Out: 16, Size: 3, Norm: true, Act: ReLU}), Conv{Out: 16, Size: 3, Norm: true})
	},
	"SiLU and a shortcut": func(g *Graph) Node {
		x := g.Conv(g.Input(), Conv{Out: 16, Size: 3, Norm: true, Act: SiLU})
		y := g.Conv(x, Conv{Out: 16, Size: 3, Norm: true, Act: SiLU, Add: x})
		return g.Conv(y, Conv{Out: 16, Size: 1})
	},
	"residual": func(g *Graph) Node {
		x := g.Conv(g.Input(), Conv{Out: 16, Size: 3, Norm: true, Act: ReLU})
		y := g.Conv(x, Conv{Out: 16, Size: 3, Norm: true, Act: ReLU})
		return g.Conv(y, Conv{Out: 16, Size: 3, Norm: true, Act: ReLU, Add: x})
	},
	"depthwise": func(g *Graph) Node {
		x := g.Conv(g.Input(), Conv{Out: 32, Size: 3})
		return g.Conv(x, Conv{Size: 3, Depthwise: true, Norm: true, Act: ReLU})
	},
	"depthwise, stride 2, twice": func(g *Graph) Node {
		x := g.Conv(g.Input(), Conv{Out: 16, Size: 3})
		return g.Conv(g.Conv(x, Conv{Size: 3, Stride: 2, Depthwise: true}), Conv{Size: 3, Stride: 2, Depthwise: true})
	},
	"largest": func(g *Graph) Node {
		return g.MaxPool(g.Conv(g.Input(), Conv{Out: 16, Size: 3}))
	},
	"largest and a shortcut": func(g *Graph) Node {
		x := g.Conv(g.Input(), Conv{Out: 16, Size: 3})
		return g.Conv(g.MaxPool(x), Conv{Out: 16, Size: 3, Add: g.Conv(x, Conv{Out: 16, Size: 3, Stride: 2})})
	},
	"pyramid": func(g *Graph) Node {
		x := g.Conv(g.Input(), Conv{Out: 16, Size: 3})
		y := g.Conv(x, Conv{Out: 16, Size: 3, Stride: 2})
		return g.Conv(g.UpsampleAdd(y, x), Conv{Out: 16, Size: 3, Add: g.UpsampleAdd(y, x)})
	},
	"dense": func(g *Graph) Node {
		return g.Conv(g.Average(g.Conv(g.Input(), Conv{Out: 32, Size: 3, Act: ReLU})), Conv{Out: 10, Size: 1})
	},
	"average and a shortcut": func(g *Graph) Node {
		x := g.Conv(g.Input(), Conv{Out: 16, Size: 3})
		a := g.Average(x)
		return g.Conv(a, Conv{Out: 16, Size: 1, Add: g.Average(g.Conv(x, Conv{Out: 16, Size: 3}))})
	},
}

// projection is an objective: the sum of all outputs, each times a number of its own.
type projection struct {
	input   *maps
	factors []float64 // images × height × width × channels
}

func (p *projection) Fill(i int, input *Tensor, at int) error {
	for y := range input.Height {
		for x := range input.Width {
			for c := range input.At(at, y, x) {
				input.At(at, y, x)[c] = float32(p.input.value(i, y, x, c))
			}
		}
	}
	return nil
}

func (p *projection) Loss(i int, outputs, gradients []*Tensor, at int) (loss float64) {
	out, gradient := outputs[0], gradients[0]
	size := out.Height * out.Width * out.Channels
	for y := range out.Height {
		for x := range out.Width {
			for c, v := range out.At(at, y, x) {
				f := p.factors[i*size+(y*out.Width+x)*out.Channels+c]
				loss += f * float64(v)
				gradient.At(at, y, x)[c] = float32(f)
			}
		}
	}
	return loss
}

func (p *projection) of(out *maps) (loss float64) {
	for i, v := range out.data {
		loss += p.factors[i] * v
	}
	return loss
}

// remember is an optimiser that changes nothing.
type remember struct{}

func (remember) moments() int                                              { return 0 }
func (remember) decay() float64                                            { return 0 }
func (remember) update(_, _ []float32, _ [][]float32, _, _ float64, _ int) {}

// TestGradients compares every network's output and gradients with those of
// the reference: the gradients with its finite differences.
func TestGradients(t *testing.T) {
	for name, build := range networks {
		for _, size := range []Shape{{6, 6, 3}, {5, 4, 3}} {
			if size.Height%2 == 1 && (name == "largest" || name == "largest and a shortcut") {
				size.Height++
			}
			t.Run(fmt.Sprint(name, " ", size), func(t *testing.T) { checkGradients(t, size, build) })
		}
	}
}

func checkGradients(t *testing.T, size Shape, build func(*Graph) Node) {
	t.Helper()
	const images = 2
	g := NewGraph(size)
	node := build(g)
	w := g.NewWeights(1)
	random := rand.New(rand.NewPCG(2, 2))
	for i := range w.Parameters {
		if w.Parameters[i] == 0 || w.Parameters[i] == 1 { // so that biases and norms matter too
			w.Parameters[i] += float32(0.3 * random.NormFloat64())
		}
	}
	for _, l := range g.layers {
		if c, ok := l.(*conv); ok {
			c.clearPadding(w.Parameters)
		}
	}
	out := g.Shape(node)
	p := &projection{input: newMaps(size, images), factors: make([]float64, images*out.Height*out.Width*out.Channels)}
	for i := range p.input.data {
		p.input.data[i] = float64(float32(random.NormFloat64()))
	}
	for i := range p.factors {
		p.factors[i] = float64(float32(random.NormFloat64()))
	}
	ref := &reference{graph: g, parameters: make([]float64, len(w.Parameters))}
	for i, v := range w.Parameters {
		ref.parameters[i] = float64(v)
	}
	want := p.of(ref.run(p.input)[node])
	slopes := ref.slopes(p, node, random)
	for _, s := range kernel.Sets() {
		trainer := NewTrainer(g, w, TrainOptions{Batch: images, Shard: images, Optimizer: remember{}, Kernels: s}, node)
		loss, err := trainer.Step(0, p)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(loss*images-want) > 1e-4*(1+math.Abs(want)) {
			t.Errorf("%s: the loss is %v, want %v", s.Name, loss*images, want)
		}
		for _, slot := range g.slots {
			largest := 0.0
			for i := range slot.of(w.Parameters) {
				largest = max(largest, math.Abs(slopes[slot.at+i]))
			}
			for i := range slot.of(w.Parameters) {
				slope, ok := slopes[slot.at+i]
				got := float64(trainer.gradients[0][slot.at+i]) * images
				if ok && math.Abs(got-slope) > 1e-3*(largest+1e-2) {
					t.Errorf("%s: the gradient of parameter %d (of those from %d on) is %v, want %v", s.Name, slot.at+i, slot.at, got, slope)
				}
			}
		}
	}
}

// slopes are the finite differences of some parameters of every slot.
func (r *reference) slopes(p *projection, node Node, random *rand.Rand) map[int]float64 {
	const samples, step = 8, 1e-6
	slopes := make(map[int]float64)
	for _, s := range r.graph.slots {
		for range samples {
			i := s.at + random.IntN(s.size)
			was := r.parameters[i]
			if was == 0 {
				continue // of a channel that is not there
			}
			r.parameters[i] = was + step
			up := p.of(r.run(p.input)[node])
			r.parameters[i] = was - step
			slopes[i] = (up - p.of(r.run(p.input)[node])) / (2 * step)
			r.parameters[i] = was
		}
	}
	return slopes
}

// TestInference compares folded networks with the reference under the same
// running statistics, and all kernels in assembly with each other, bit for bit.
func TestInference(t *testing.T) {
	for name, build := range networks {
		t.Run(name, func(t *testing.T) {
			size := Shape{6, 8, 3}
			g := NewGraph(size)
			node := build(g)
			w := g.NewWeights(3)
			random := rand.New(rand.NewPCG(4, 4))
			ref := &reference{graph: g, parameters: make([]float64, len(w.Parameters)), statistics: make([]float64, len(w.Statistics))}
			for i := range w.Statistics {
				w.Statistics[i] = float32(0.5 + random.Float64())
				ref.statistics[i] = float64(w.Statistics[i])
			}
			for i, v := range w.Parameters {
				ref.parameters[i] = float64(v)
			}
			input := newMaps(size, 1)
			for i := range input.data {
				input.data[i] = float64(float32(random.NormFloat64()))
			}
			want := ref.run(input)[node]
			for _, s := range kernel.Sets() {
				m := NewModel(g, w, s, node)
				m.Infer(func(in *Tensor) { _ = (&projection{input: input}).Fill(0, in, 0) }, func(outputs []*Tensor) {
					want.each(func(n, y, x, c int) float64 {
						v, got := want.value(n, y, x, c), float64(outputs[0].At(0, y, x)[c])
						if math.Abs(got-v) > 1e-4*(1+math.Abs(v)) {
							t.Fatalf("%s: output %d, %d, %d is %v, want %v", s.Name, y, x, c, got, v)
						}
						return v
					})
				})
			}
		})
	}
}
