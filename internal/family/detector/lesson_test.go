package detector

import (
	"math"
	"testing"

	"mimeo/internal/family"
	"mimeo/internal/nn"
	"mimeo/internal/pixel"
)

var tiny = Design{Width: 64, Height: 48, Stride: 4, Channels: 16}

// TestPerfectAnswers reads boxes back from outputs that say exactly what a
// lesson wants to hear.
func TestPerfectAnswers(t *testing.T) {
	t.Parallel()
	boxes := []object{
		{0, pixel.Rect{Left: 4, Top: 6, Width: 20, Height: 12}},
		{1, pixel.Rect{Left: 40, Top: 10, Width: 6, Height: 30}},
		{1, pixel.Rect{Left: 0, Top: 40, Width: 7, Height: 8}},
	}
	req := family.TrainRequest{Labels: []string{"a", "b"}, Examples: make([]family.Example, 1)}
	l := newLesson(req, plan{Design: tiny})
	g := nn.NewGraph(nn.Shape{Height: tiny.rows(), Width: tiny.columns(), Channels: 16})
	a, b := g.Conv(g.Input(), nn.Conv{Out: 2, Size: 1}), g.Conv(g.Input(), nn.Conv{Out: 4, Size: 1})
	nn.NewModel(g, g.NewWeights(1), nil, a, b).Infer(func(*nn.Tensor) {}, func(outputs []*nn.Tensor) {
		said := &l.targets[0]
		said.objects = boxes
		for _, o := range boxes {
			l.mark(said, o.label, o.rect)
		}
		perfect(l, said, outputs)
		found := suppressed(tiny.sights(outputs[0], outputs[1], 2))
		if len(found) != len(boxes) {
			t.Fatalf("%d boxes are found, want %d: %+v", len(found), len(boxes), found)
		}
		for _, o := range boxes {
			best := 0.0
			for _, s := range found {
				if s.label == o.label {
					best = max(best, s.rect.IoU(o.rect))
				}
			}
			if best < 0.99 {
				t.Errorf("%+v is found with an IoU of %v", o, best)
			}
		}
	})
}

// perfect sets outputs to a target.
func perfect(l *lesson, said *target, outputs []*nn.Tensor) {
	l.eachPlace(func(i, row, column int) {
		for label := range l.labels {
			p := min(max(float64(said.heat[label*l.places()+i]), 0.001), 0.999)
			outputs[0].At(0, row, column)[label] = float32(math.Log(p / (1 - p)))
		}
	})
	for _, o := range said.objects {
		l.design.bell(o.rect, func(column, row int, near float64) {
			if near < 1 {
				return
			}
			x, y := l.design.place(column, row)
			for i, d := range [4]float64{x - o.rect.Left, y - o.rect.Top, o.rect.Right() - x, o.rect.Bottom() - y} {
				outputs[1].At(0, row, column)[i] = float32(math.Log(d / float64(l.design.Stride)))
			}
		})
	}
}

func TestSided(t *testing.T) {
	t.Parallel()
	for label, want := range map[string]bool{"Left_shoe": true, "turn right": true, "cleft": false, "bright": false, "shoe": false} {
		if got := sided([]string{"shoe", label}); got != want {
			t.Errorf("%q: %t, want %t", label, got, want)
		}
	}
}

func TestDesign(t *testing.T) {
	t.Parallel()
	box := func(label int, side float64) family.Box { return family.Box{Label: label, Width: side, Height: side} }
	for name, c := range map[string]struct {
		boxes        []family.Box
		side, stride int
	}{
		"none":                   {nil, 192, 8},
		"large":                  {[]family.Box{box(0, 0.5)}, 192, 8},
		"small":                  {[]family.Box{box(0, 0.05)}, 320, 4},
		"tiny":                   {[]family.Box{box(0, 0.001)}, 512, 4},
		"one label is small":     {[]family.Box{box(0, 0.5), box(0, 0.4), box(1, 0.0625)}, 256, 4},
		"some of them are small": {[]family.Box{box(0, 0.01), box(0, 0.5), box(0, 0.5), box(0, 0.5), box(0, 0.5)}, 192, 8},
	} {
		p := designFor(family.TrainRequest{Labels: []string{"a", "b"}, Examples: []family.Example{{Boxes: c.boxes}}})
		if p.side != c.side || p.Stride != c.stride {
			t.Errorf("%s: %d pixels and a stride of %d, want %d and %d", name, p.side, p.Stride, c.side, c.stride)
		}
	}
	for examples, want := range map[int]int{1: 300, 160: 400, 640: 800, 100_000: 3000} {
		if got := steps(examples); got != want {
			t.Errorf("%d examples: %d steps, want %d", examples, got, want)
		}
	}
}
