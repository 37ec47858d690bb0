package network_test

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"mimeo/internal/family"
	"mimeo/internal/family/network"
	"mimeo/internal/nn"
	"mimeo/internal/pixel"
)

const side = 16

// shade is the grey of an example's image, 0 to 1.
func shade(i int) float64 { return float64(i) / 10 }

func examples(t *testing.T, n int) []family.Example {
	t.Helper()
	all := make([]family.Example, n)
	for i := range all {
		m := image.NewGray(image.Rect(0, 0, 64, 64))
		for p := range m.Pix {
			m.Pix[p] = color.Gray{Y: uint8(255 * shade(i))}.Y
		}
		var file bytes.Buffer
		if err := png.Encode(&file, m); err != nil {
			t.Fatal(err)
		}
		all[i].Open = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(file.Bytes())), nil }
	}
	return all
}

// shades is a lesson: how bright an image is.
type shades struct {
	drawn  [4]int
	breaks func(example int) bool // the loss is no number
}

func (l *shades) Draw(d *network.Draft) error {
	m, err := d.Image()
	if err != nil {
		return err
	}
	l.drawn[d.Place] = d.Example
	pixel.Augmentation{}.Render(d.Renderer, d.Tensor, m, m.Bounds(), pixel.Normal{})
	return nil
}

func (l *shades) Loss(place int, outputs, gradients []*nn.Tensor, at int) float64 {
	if l.breaks != nil && l.breaks(l.drawn[place]) {
		return math.NaN()
	}
	off := outputs[0].At(at, 0, 0)[0] - float32(shade(l.drawn[place]))
	gradients[0].At(at, 0, 0)[0] = 2 * off
	return float64(off * off)
}

// fixture is what a course needs.
type fixture struct {
	req    family.TrainRequest
	lesson *shades
	key    [32]byte
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	return &fixture{
		req:    family.TrainRequest{Labels: []string{"a"}, Examples: examples(t, 6), Seed: 3, Scratch: t.TempDir()},
		lesson: &shades{}, key: [32]byte{1},
	}
}

const steps = 30

// run takes one slice of the course.
func (f *fixture) run(t *testing.T) (*nn.Weights, error) {
	t.Helper()
	images, err := network.OpenImages(f.req, f.key, side, pixel.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := images.Close(); err != nil {
			t.Error(err)
		}
	}()
	slice := network.NewSlice(f.req, len(f.req.Examples)+steps, nil)
	if err := images.Prepare(t.Context(), slice, 2); err != nil {
		return nil, err
	}
	g := nn.NewGraph(nn.Shape{Height: side, Width: side, Channels: 3})
	x := g.Conv(g.Input(), nn.Conv{Out: 16, Size: 3, Stride: 2, Norm: true, Act: nn.ReLU})
	out := g.Conv(g.Average(x), nn.Conv{Out: 1, Size: 1})
	c := &network.Course{
		Graph: g, Outputs: []nn.Node{out}, Options: nn.TrainOptions{Batch: 4, Shard: 2, Workers: 2, Optimizer: nn.SGD{Momentum: 0.9}},
		Steps: steps, Rate: func(int) float64 { return 0.02 }, Seed: f.req.Seed, Images: images, Lesson: f.lesson,
		Key: f.key, Phase: "testing", Scratch: f.req.Scratch, File: "course",
	}
	return c.Run(t.Context(), slice)
}

func (f *fixture) whole(t *testing.T) *nn.Weights {
	t.Helper()
	w, err := f.run(t)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func same(a, b *nn.Weights) bool {
	return slices.Equal(a.Parameters, b.Parameters) && slices.Equal(a.Statistics, b.Statistics)
}

// TestSlices cuts a course after every image and every step, and throws its
// cache and its checkpoint away in between.
func TestSlices(t *testing.T) {
	t.Parallel()
	want := newFixture(t).whole(t)
	without := newFixture(t)
	without.req.Scratch = ""
	if !same(without.whole(t), want) {
		t.Error("a course without scratch makes other weights")
	}
	f := newFixture(t)
	f.req.Deadline = time.Unix(1, 0)
	var last family.Progress
	f.req.Progress = func(p family.Progress) { last = p }
	for slice := 1; ; slice++ {
		got, err := f.run(t)
		if err == nil {
			if !same(got, want) {
				t.Error("slices make other weights")
			}
			break
		}
		if !errors.Is(err, family.ErrUnfinished) || slice > 200 {
			t.Fatalf("slice %d: %v", slice, err)
		}
		if slice == 10 || slice == 20 {
			damage(t, filepath.Join(f.req.Scratch, "course"), slice)
			damage(t, filepath.Join(f.req.Scratch, "images"), slice)
		}
	}
	if last.Done != last.Total || last.Epoch != 20 || last.Epochs != 20 || last.Loss <= 0 || last.Phase != "testing" {
		t.Errorf("the last progress is %+v", last)
	}
}

// damage changes a byte of a file, whichever it has.
func damage(t *testing.T, path string, at int) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)*at/40] ^= 0x40
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestDivergence lets the loss be no number at first, and always.
func TestDivergence(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var asked atomic.Int64
	f.lesson.breaks = func(int) bool { return asked.Add(1) <= 4 } // the first step
	if first, second := f.whole(t), newFixture(t).whole(t); same(first, second) {
		t.Error("a course that was begun again kept its learning rate")
	}
	f = newFixture(t)
	f.lesson.breaks = func(example int) bool { return example == 5 }
	if _, err := f.run(t); !errors.Is(err, family.ErrDiverged) {
		t.Errorf("got %v, want ErrDiverged", err)
	}
}

// TestBadExample names the image that cannot be read.
func TestBadExample(t *testing.T) {
	t.Parallel()
	for _, scratch := range []bool{true, false} {
		f := newFixture(t)
		if !scratch {
			f.req.Scratch = ""
		}
		f.req.Examples[4].Open = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader([]byte("no image"))), nil }
		_, err := f.run(t)
		var bad *family.ExampleError
		if !errors.As(err, &bad) || bad.Index != 4 || !errors.Is(err, pixel.ErrFormat) {
			t.Errorf("scratch %t: got %v", scratch, err)
		}
	}
}
