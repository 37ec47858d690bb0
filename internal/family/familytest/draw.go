package familytest

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"math/rand/v2"
	"slices"

	"mimeo/internal/family"
	"mimeo/internal/pixel"
)

// Labels are what the drawn pictures show.
var labels = []string{"disc", "frame", "Streifen é"}

// picture draws one of one or more kinds: a disc, a frame, stripes; placed
// and coloured by chance, with noise.
func picture(w, h int, random *rand.Rand, kinds ...int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	ground, ink := random.IntN(80), 150+random.IntN(80)
	radius := min(w, h) / 4
	type shape struct{ kind, x, y int }
	shapes := make([]shape, len(kinds))
	for i, k := range kinds {
		shapes[i] = shape{k, radius + random.IntN(max(w-2*radius, 1)), radius + random.IntN(max(h-2*radius, 1))}
	}
	for y := range h {
		for x := range w {
			v := ground
			for _, s := range shapes {
				if covers(s.kind, x-s.x, y-s.y, radius) {
					v = ink
				}
			}
			v += random.IntN(20)
			m.SetRGBA(x, y, color.RGBA{uint8(v), uint8(v), uint8(v * 9 / 10), 255})
		}
	}
	return m
}

func covers(kind, dx, dy, radius int) bool {
	ax, ay := max(dx, -dx), max(dy, -dy)
	switch kind {
	case 0:
		return dx*dx+dy*dy < radius*radius
	case 1:
		return max(ax, ay) < radius && max(ax, ay) > radius*2/3
	}
	return max(ax, ay) < radius && (dx+dy+4*radius)/max(radius/4, 2)%2 == 0
}

// file encodes a picture, as JPEG or as PNG.
func file(m image.Image, asPNG bool) []byte {
	var b bytes.Buffer
	var err error
	if asPNG {
		err = png.Encode(&b, m)
	} else {
		err = jpeg.Encode(&b, m, &jpeg.Options{Quality: 85})
	}
	if err != nil {
		panic(err) // cannot happen: a buffer, and a picture that can be encoded
	}
	return b.Bytes()
}

// Turned returns a JPEG file with an EXIF orientation.
func Turned(file []byte, o pixel.Orientation) []byte {
	// A segment APP1 with a TIFF directory of one entry, the tag 0x0112.
	exif := "\xff\xe1\x00\x22Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00" + string(rune(o)) + "\x00\x00\x00\x00\x00\x00"
	return slices.Concat(file[:2], []byte(exif), file[2:])
}

func example(data []byte, labels ...int) family.Example {
	return family.Example{
		Open:   func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil },
		Labels: labels,
	}
}

// single draws n examples of each label.
func single(n int, seed uint64) []family.Example {
	random := rand.New(rand.NewPCG(seed, 1))
	var out []family.Example
	for i := range n * len(labels) {
		k := i % len(labels)
		out = append(out, example(file(picture(96, 80, random, k), i%2 == 0), k))
	}
	return out
}

// multi draws n examples of each subset of the labels.
func multi(n int, seed uint64) []family.Example {
	random := rand.New(rand.NewPCG(seed, 2))
	var out []family.Example
	for i := range n << len(labels) {
		kinds := []int{}
		for k := range labels {
			if i>>k&1 == 1 {
				kinds = append(kinds, k)
			}
		}
		out = append(out, example(file(picture(120, 120, random, kinds...), false), kinds...))
	}
	return out
}

// examples draws training images for a task, n of each kind of image.
func examples(task family.Task, n int, seed uint64) []family.Example {
	switch task {
	case family.SingleLabel:
		return single(n, seed)
	case family.MultiLabel:
		return multi(n, seed)
	}
	return scenes(n, seed)
}

func decoded(e family.Example) (*pixel.Image, error) {
	r, err := e.Open()
	if err != nil {
		return nil, err
	}
	return pixel.Decode(r, pixel.Limits{})
}
