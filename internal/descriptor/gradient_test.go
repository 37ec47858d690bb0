package descriptor_test

import (
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"testing"

	"mimeo/internal/descriptor"
	"mimeo/internal/pixel"
)

// picture draws grey values.
func picture(w, h int, at func(x, y int) uint8) *pixel.RGB {
	m := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.SetGray(x, y, color.Gray{Y: at(x, y)})
		}
	}
	return pixel.FromImage(m).Scale(w, h)
}

func TestBoxSum(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 1))
	for _, c := range []struct{ w, h, size int }{{7, 5, 1}, {7, 5, 2}, {8, 8, 3}, {9, 4, 4}, {3, 2, 6}, {1, 1, 4}, {40, 3, 8}, {5, 40, 8}} {
		const lanes = 3
		v := make([]uint64, c.w*c.h*lanes)
		for i := range v {
			v[i] = random.Uint64N(100)<<32 | random.Uint64N(100)
		}
		got := descriptor.BoxSum(v, c.w, c.h, lanes, c.size)
		for i := range v {
			x, y, lane := i/lanes%c.w, i/lanes/c.w, i%lanes
			var want uint64
			for r := y - c.size/2; r < y-c.size/2+c.size; r++ {
				for q := x - c.size/2; q < x-c.size/2+c.size; q++ {
					if r >= 0 && r < c.h && q >= 0 && q < c.w {
						want += v[(r*c.w+q)*lanes+lane]
					}
				}
			}
			if got[i] != want {
				t.Fatalf("%+v at %d,%d: got %x, want %x", c, x, y, got[i], want)
			}
		}
	}
}

// TestGradients looks at pictures with one slope: all energy lies in its
// orientation, of eight.
func TestGradients(t *testing.T) {
	t.Parallel()
	g := descriptor.Grid{Cell: 4, Step: 8}
	for _, c := range []struct {
		name string
		at   func(x, y int) uint8
		bin  int
	}{
		{"brighter to the right", func(x, _ int) uint8 { return uint8(4 * x) }, 0},
		{"brighter to the lower right", func(x, y int) uint8 { return uint8(3*x + 3*y) }, 1},
		{"brighter downwards", func(_, y int) uint8 { return uint8(4 * y) }, 2},
		{"brighter to the left", func(x, _ int) uint8 { return uint8(250 - 4*x) }, 4},
		{"brighter upwards", func(_, y int) uint8 { return uint8(250 - 4*y) }, 6},
	} {
		s := descriptor.Gradients(g, picture(40, 40, c.at))
		if s.Len() != 16 || s.Dim != descriptor.GradientDim {
			t.Fatalf("%s: %d descriptors of %d", c.name, s.Len(), s.Dim)
		}
		var all, there float64
		for i, v := range s.Row(5) { // in the middle
			all += float64(v) * float64(v)
			if i%8 == c.bin {
				there += float64(v) * float64(v)
			}
		}
		if math.Abs(all-1) > 1e-5 || there < 0.98 {
			t.Errorf("%s: energy %v, of it %v in orientation %d", c.name, all, there, c.bin)
		}
	}
}

func TestFlatPatches(t *testing.T) {
	t.Parallel()
	g := descriptor.Grid{Cell: 4, Step: 4}
	m := picture(32, 32, func(int, int) uint8 { return 77 })
	for _, v := range descriptor.Gradients(g, m).Data {
		if v != 0 {
			t.Fatalf("a flat picture has a gradient of %v", v)
		}
	}
	s := descriptor.Colours(g, m)
	for i, v := range s.Data {
		want := float32(77) / 255
		if i%2 == 1 {
			want = 0 // deviation
		}
		if math.Abs(float64(v-want)) > 1e-6 {
			t.Fatalf("value %d of a flat picture is %v, want %v", i, v, want)
		}
	}
}

// TestColours checks mean and deviation of the cells of a chequered picture.
func TestColours(t *testing.T) {
	t.Parallel()
	m := picture(16, 16, func(x, y int) uint8 { return uint8(100 + 50*((x+y)%2)) })
	s := descriptor.Colours(descriptor.Grid{Cell: 4, Step: 4}, m)
	if s.Len() != 1 || s.Dim != descriptor.ColourDim {
		t.Fatalf("%d descriptors of %d", s.Len(), s.Dim)
	}
	for i, v := range s.Row(0) {
		want := 125.0 / 255
		if i%2 == 1 {
			want = 25.0 / 255
		}
		if math.Abs(float64(v)-want) > 1e-5 {
			t.Errorf("value %d is %v, want %v", i, v, want)
		}
	}
}

func TestGrid(t *testing.T) {
	t.Parallel()
	g := descriptor.Grid{Cell: 4, Step: 4}
	for _, c := range []struct{ w, h, want int }{{16, 16, 1}, {19, 16, 1}, {20, 16, 2}, {15, 100, 0}, {24, 20, 6}} {
		m := picture(c.w, c.h, func(x, y int) uint8 { return uint8(x * y) })
		if got := descriptor.Gradients(g, m).Len(); got != c.want {
			t.Errorf("%d×%d: %d gradient descriptors, want %d", c.w, c.h, got, c.want)
		}
		if got := descriptor.Colours(g, m).Len(); got != c.want {
			t.Errorf("%d×%d: %d colour descriptors, want %d", c.w, c.h, got, c.want)
		}
		if got := len(g.Points(c.w, c.h)); got != c.want {
			t.Errorf("%d×%d: %d points, want %d", c.w, c.h, got, c.want)
		}
	}
	if p := g.Points(16, 32); p[0] != (descriptor.Point{X: 0, Y: -0.25}) || p[4] != (descriptor.Point{X: 0, Y: 0.25}) {
		t.Errorf("points %v", p)
	}
}
