package nn_test

import (
	"math/rand/v2"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"mimeo/internal/nn"
)

// A level is one convolution of 3×3 with its norm and rectifier, and whether
// the largest of two by two pixels follow.
type level struct {
	out  int
	pool bool
}

// benched are the networks that are compared with PyTorch. Testdata has the
// same in Python.
var benched = []struct {
	name   string
	input  nn.Shape
	levels []level
}{
	{"A", nn.Shape{Height: 64, Width: 64, Channels: 3}, []level{{16, true}, {32, true}, {64, true}, {128, true}}},
	{"V", nn.Shape{Height: 64, Width: 64, Channels: 12}, []level{{32, true}, {64, false}, {64, true}, {128, false}, {128, true}, {256, false}, {256, false}}},
}

const benchClasses = 5

// plain returns a network and how many multiplications one image takes.
func plain(input nn.Shape, levels []level) (g *nn.Graph, out nn.Node, products float64) {
	g = nn.NewGraph(input)
	x := g.Input()
	for _, l := range levels {
		before := g.Shape(x)
		x = g.Conv(x, nn.Conv{Out: l.out, Size: 3, Norm: true, Act: nn.ReLU})
		products += float64(9 * before.Height * before.Width * before.Channels * l.out)
		if l.pool {
			x = g.MaxPool(x)
		}
	}
	return g, g.Conv(g.Average(x), nn.Conv{Out: benchClasses, Size: 1}), products
}

// noise is an objective of random images whose class changes one by one.
type noise struct{ planes [][]float32 }

func newNoise(images int, s nn.Shape) *noise {
	n := &noise{}
	random := rand.New(rand.NewPCG(1, 1))
	for range images {
		planes := make([]float32, s.Height*s.Width*s.Channels)
		for i := range planes {
			planes[i] = float32(random.NormFloat64())
		}
		n.planes = append(n.planes, planes)
	}
	return n
}

func (n *noise) Fill(i int, input *nn.Tensor, at int) error {
	input.SetPlanes(at, n.planes[i])
	return nil
}

func (n *noise) Loss(i int, outputs, gradients []*nn.Tensor, at int) float64 {
	return nn.SoftmaxCrossEntropy(outputs[0].At(at, 0, 0), nn.OneHot(i%benchClasses), gradients[0].At(at, 0, 0))
}

const benchBatch = 32

func BenchmarkTrain(b *testing.B) {
	for _, n := range benched {
		b.Run(n.name, func(b *testing.B) {
			g, out, products := plain(n.input, n.levels)
			t := nn.NewTrainer(g, g.NewWeights(1), nn.TrainOptions{Batch: benchBatch, Shard: 8, Optimizer: nn.SGD{Momentum: 0.9}}, out)
			images := newNoise(benchBatch, n.input)
			cpu := processorTime()
			for b.Loop() {
				if _, err := t.Step(0.02, images); err != nil {
					b.Fatal(err)
				}
			}
			report(b, benchBatch, 6*products, processorTime()-cpu)
		})
	}
}

func BenchmarkInfer(b *testing.B) {
	for _, n := range benched {
		b.Run(n.name, func(b *testing.B) {
			g, out, products := plain(n.input, n.levels)
			m := nn.NewModel(g, g.NewWeights(1), nil, out)
			images := newNoise(1, n.input)
			cpu := processorTime()
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					m.Infer(func(in *nn.Tensor) { _ = images.Fill(0, in, 0) }, func([]*nn.Tensor) {})
				}
			})
			report(b, 1, 2*products, processorTime()-cpu)
		})
	}
}

// BenchmarkPyTorch is the same, batch by batch and under the same threads, by PyTorch of
// the Debian package python3-torch, which must be installed. It prints what Python measured.
func BenchmarkPyTorch(b *testing.B) {
	const python = "/usr/bin/python3" // Debian's, not one that comes first on PATH
	if err := exec.CommandContext(b.Context(), python, "-c", "import torch").Run(); err != nil {
		b.Skip("python3-torch is not installed: ", err)
	}
	for b.Loop() {
		out, err := exec.CommandContext(b.Context(), python, "testdata/pytorch.py", strconv.Itoa(runtime.GOMAXPROCS(0))).CombinedOutput()
		if err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		b.Logf("\n%s", out)
	}
}

// report tells how many images were worked on, per second and per second of one processor.
func report(b *testing.B, images int, operations float64, cpu time.Duration) {
	b.Helper()
	total := float64(images) * float64(b.N)
	b.ReportMetric(total/b.Elapsed().Seconds(), "images/s")
	b.ReportMetric(total/cpu.Seconds(), "images/cpu-s")
	b.ReportMetric(total*operations/1e9/cpu.Seconds(), "GFLOP/cpu-s")
}

// processorTime is what this process has used.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
