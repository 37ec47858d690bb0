package familytest

import (
	"image"
	"image/color"
	"math/rand/v2"
	"slices"

	"mimeo/internal/family"
)

// inks are the colours that objects of a label have in scenes, so that a
// detector needs no shape to know them by.
var inks = [][3]int{{210, 60, 50}, {60, 190, 70}, {70, 90, 220}}

// scene draws objects of some kinds that do not touch, one in each of nine
// fields, on a grey ground with noise.
func scene(w, h int, random *rand.Rand, kinds ...int) (*image.RGBA, []family.Box) {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	ground := random.IntN(120)
	for y := range h {
		for x := range w {
			v := uint8(ground + random.IntN(20))
			m.SetRGBA(x, y, color.RGBA{v, v, v, 255})
		}
	}
	var boxes []family.Box
	fields := random.Perm(9)
	for i, kind := range kinds {
		side := min(w, h) / 3
		radius := side/4 + random.IntN(side/6)
		room := side - 2*radius
		left := fields[i]%3*w/3 + 1 + random.IntN(room-1)
		top := fields[i]/3*h/3 + 1 + random.IntN(room-1)
		object(m, random, kind, left, top, radius)
		width, height := float64(w), float64(h)
		boxes = append(boxes, family.Box{
			Label: kind, Left: float64(left) / width, Top: float64(top) / height,
			Width: float64(2*radius-1) / width, Height: float64(2*radius-1) / height,
		})
	}
	return m, boxes
}

// object draws a disc, a frame or a striped square that fills the square of
// 2*radius-1 pixels at left and top.
func object(m *image.RGBA, random *rand.Rand, kind, left, top, radius int) {
	for dy := 1 - radius; dy < radius; dy++ {
		for dx := 1 - radius; dx < radius; dx++ {
			if kind != 2 && !covers(kind, dx, dy, radius) {
				continue
			}
			light := random.IntN(20)
			if kind == 2 && !covers(kind, dx, dy, radius) {
				light += 30
			}
			ink := inks[kind]
			m.SetRGBA(left+radius-1+dx, top+radius-1+dy,
				color.RGBA{uint8(min(ink[0]+light, 255)), uint8(min(ink[1]+light, 255)), uint8(min(ink[2]+light, 255)), 255})
		}
	}
}

// The size of every Scene, in pixels.
const (
	SceneWidth  = 144
	SceneHeight = 120
)

// Labels are those of the objects in scenes.
func Labels() []string { return slices.Clone(labels) }

// Scene draws up to five objects that a detector can tell apart, and returns a
// PNG and where they are.
func Scene(seed uint64, objects int) (asPNG []byte, boxes []family.Box) {
	random := rand.New(rand.NewPCG(seed, 4))
	var kinds []int
	for range objects {
		kinds = append(kinds, random.IntN(len(labels)))
	}
	m, boxes := scene(SceneWidth, SceneHeight, random, kinds...)
	return file(m, true), boxes
}

// scenes draws n scenes of each number of objects from none to five, whose
// labels take turns.
func scenes(n int, seed uint64) []family.Example {
	random := rand.New(rand.NewPCG(seed, 3))
	var out []family.Example
	next := 0
	for i := range 6 * n {
		var kinds []int
		for range i % 6 {
			kinds = append(kinds, next%len(labels))
			next++
		}
		m, boxes := scene(SceneWidth, SceneHeight, random, kinds...)
		e := example(file(m, i%2 == 0))
		e.Labels, e.Boxes = nil, boxes
		out = append(out, e)
	}
	return out
}
