package familytest

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"math/rand/v2"
	"slices"
	"testing"

	"mimeo/internal/family"
	"mimeo/internal/pixel"
)

func newRandom() *rand.Rand { return rand.New(rand.NewPCG(3, 4)) }

func (s suite) loadRefuses(t *testing.T) {
	t.Parallel()
	f := s.newFamily(1)
	weights := train(t, f, s.request(1))
	refused := func(name string, data []byte) {
		t.Helper()
		if _, err := f.Load(t.Context(), bytes.NewReader(data)); !errors.Is(err, family.ErrWeights) {
			t.Errorf("%s: got %v, want ErrWeights", name, err)
		}
	}
	refused("nothing", nil)
	refused("text", []byte("hello"))
	refused("a byte more", append(bytes.Clone(weights), 0))
	for i := range 200 {
		at := i * (len(weights) - 1) / 199
		refused("cut", weights[:at])
		changed := bytes.Clone(weights)
		changed[at] ^= 1 << (i % 8)
		refused("changed", changed)
	}
	broken := errors.New("the disk is gone")
	if _, err := f.Load(t.Context(), brokenReader{broken}); !errors.Is(err, broken) || errors.Is(err, family.ErrWeights) {
		t.Errorf("got %v, want the reader's error", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Load(ctx, bytes.NewReader(weights)); !errors.Is(err, context.Canceled) {
		t.Errorf("after the context's end: got %v", err)
	}
}

func plain(w, h int, c color.Color) []byte {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(m, m.Rect, image.NewUniform(c), image.Point{}, draw.Src)
	return file(m, true)
}

// An oddSet is at the edge of what is allowed.
type oddSet struct {
	name     string
	examples []family.Example
	knows    bool // the model must know its own examples
}

func oddSets(task family.Task) []oddSet {
	one, two := file(picture(96, 96, newRandom(), 0), false), file(picture(96, 96, newRandom(), 1), false)
	red, blue := plain(64, 64, color.RGBA{255, 0, 0, 255}), plain(64, 64, color.RGBA{0, 0, 255, 255})
	boxed := func(data []byte, boxes ...family.Box) family.Example {
		return family.Example{Open: example(data).Open, Boxes: boxes}
	}
	whole := family.Box{Width: 1, Height: 1}
	other := whole
	other.Label = 1
	switch task {
	case family.SingleLabel:
		return []oddSet{
			{"an image a label", []family.Example{example(one, 0), example(two, 1)}, true},
			{"one image", []family.Example{example(one, 0)}, true},
			{"one colour each", []family.Example{example(red, 0), example(red, 0), example(blue, 1), example(blue, 1)}, true},
			{"the same image twice, as different", []family.Example{example(one, 0), example(one, 1)}, false},
		}
	case family.MultiLabel:
		return []oddSet{
			{"images without labels", []family.Example{example(one), example(two)}, false},
			{"images with all labels", []family.Example{example(one, 0, 1, 2), example(two, 0, 1, 2)}, false},
			{"few labels far apart", []family.Example{example(one, 2), example(two), example(one, 2), example(two)}, false},
		}
	}
	return []oddSet{
		{"one image", []family.Example{boxed(one, family.Box{Left: 0.3, Top: 0.2, Width: 0.4, Height: 0.5})}, false},
		{"no boxes", []family.Example{boxed(one), boxed(two)}, false},
		{"whole images", []family.Example{boxed(red, whole), boxed(blue, other)}, false},
		{"the same box twice", []family.Example{boxed(red, whole, whole), boxed(one, whole, other)}, false},
		{"less than a pixel", []family.Example{boxed(two, family.Box{Label: 2, Left: 0.999, Width: 0.001, Height: 0.0001})}, false},
		{"a line", []family.Example{boxed(two, family.Box{Label: 2, Top: 0.5, Width: 1, Height: 0.01})}, false},
	}
}

// oddSets trains on odd sets. The model must work and keep to the contract;
// where the set says so it must know its own examples.
func (s suite) oddSets(t *testing.T) {
	t.Parallel()
	for _, task := range s.tasks {
		for _, c := range oddSets(task) {
			f := s.newFamily(2)
			m := load(t, f, train(t, f, request(task, c.examples)))
			for _, e := range c.examples {
				p := ask(t, m, task, e)
				if c.knows && slices.Index(p.Probabilities, slices.Max(p.Probabilities)) != e.Labels[0] {
					t.Errorf("%s: %v for a training image of label %d", c.name, p.Probabilities, e.Labels[0])
				}
			}
		}
	}
}

// oddImages asks a model about images of every size and kind.
func (s suite) oddImages(t *testing.T) {
	t.Parallel()
	f := s.newFamily(2)
	task := s.tasks[0]
	m := load(t, f, train(t, f, s.request(4)))
	random := newRandom()
	grey := image.NewGray(image.Rect(0, 0, 90, 90))
	draw.Draw(grey, grey.Rect, picture(90, 90, random, 1), image.Point{}, draw.Src)
	deep := image.NewNRGBA64(image.Rect(0, 0, 90, 90))
	draw.Draw(deep, deep.Rect, picture(90, 90, random, 2), image.Point{}, draw.Src)
	for name, data := range map[string][]byte{
		"64 pixels":    file(picture(64, 64, random, 0), false),
		"large":        file(picture(2500, 2000, random, 0), false),
		"wide":         file(picture(1280, 64, random, 0), true),
		"tall":         file(picture(64, 1280, random, 0), true),
		"grey png":     file(grey, true),
		"grey jpeg":    file(grey, false),
		"16-bit png":   file(deep, true),
		"all black":    plain(64, 64, color.Black),
		"all white":    plain(500, 300, color.White),
		"all through":  plain(64, 64, color.Transparent),
		"one red huge": plain(4096, 4096, color.RGBA{255, 0, 0, 255}),
	} {
		t.Log(name)
		ask(t, m, task, example(data))
	}
	for _, size := range []image.Point{{1, 1}, {3, 500}, {8, 8}} { // smaller than a file may be
		p, err := m.Predict(t.Context(), pixel.FromImage(picture(size.X, size.Y, random, 0)))
		if err != nil || !isValid(p, task) {
			t.Errorf("%v: %+v, %v", size, p, err)
		}
	}
}
