package pixel_test

import (
	"bytes"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"testing"

	"mimeo/internal/pixel"
)

// raw leaves samples from 0 to 255.
var raw = pixel.Normal{Deviation: [3]float32{1. / 255, 1. / 255, 1. / 255}}

// texture is a picture without symmetry.
func texture(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.SetRGBA(x, y, color.RGBA{uint8(20 + 200*x/w), uint8(230 - 180*y/h), uint8(40 + 160*x*y/(w*h)), 255})
		}
	}
	return m
}

func render(m *pixel.Image, v pixel.View, w, h int, n pixel.Normal) pixel.Tensor {
	t := pixel.NewTensor(w, h)
	new(pixel.Renderer).Render(t, m, v, n)
	return t
}

// furthestSample compares a tensor with a picture of bytes.
func furthestSample(t pixel.Tensor, want *pixel.RGB) float64 {
	most := 0.0
	n := t.Width * t.Height
	for i := range n {
		for c := range 3 {
			most = max(most, math.Abs(float64(t.Data[c*n+i])-float64(want.Pix[3*i+c])))
		}
	}
	return most
}

// TestRenderIsScale compares Render of the whole image with Scale, and Render
// of a part with Scale of that part, through every orientation.
func TestRenderIsScale(t *testing.T) {
	t.Parallel()
	file := asJPEG(t, texture(96, 64))
	for o := pixel.Upright; o <= pixel.Rotate270; o++ {
		m := decode(t, withOrientation(file, byteOrder, uint16(o)))
		w, h := m.Size()
		upright := m.Scale(w, h)
		for _, size := range []image.Point{{24, 24}, {37, 19}, {w, h}, {150, 120}} {
			whole := render(m, pixel.View{Window: m.Bounds()}, size.X, size.Y, raw)
			if d := furthestSample(whole, m.Scale(size.X, size.Y)); d > 0.51 {
				t.Errorf("orientation %d to %v: the whole differs by %v", o, size, d)
			}
			part := image.Rect(8, 16, w-8, h-20)
			window := pixel.Rect{Left: 8, Top: 16, Width: float64(part.Dx()), Height: float64(part.Dy())}
			if size.X > part.Dx() {
				continue // a part that is enlarged sees beyond its edges
			}
			got := render(m, pixel.View{Window: window}, size.X, size.Y, raw)
			if d := furthestSample(got, pixel.FromImage(sub(upright, part)).Scale(size.X, size.Y)); d > 3 { // chroma is coarser
				t.Errorf("orientation %d to %v: a part differs by %v", o, size, d)
			}
		}
	}
}

// sub cuts a part from a picture.
func sub(m *pixel.RGB, part image.Rectangle) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, part.Dx(), part.Dy()))
	for y := range part.Dy() {
		for x := range part.Dx() {
			r, g, b := m.At(part.Min.X+x, part.Min.Y+y)
			out.SetRGBA(x, y, color.RGBA{r, g, b, 255})
		}
	}
	return out
}

// TestRenderParts is the arithmetic by hand: a crop between pixels, and one
// that is enlarged.
func TestRenderParts(t *testing.T) {
	t.Parallel()
	m := pixel.FromImage(grey(4, 2, func(x, y int) uint8 { return uint8(10*x + 100*y) }))
	for _, c := range []struct {
		window pixel.Rect
		w, h   int
		want   []float32
	}{
		{pixel.Rect{Left: 1, Top: 0, Width: 2, Height: 1}, 2, 1, []float32{10, 20}},
		{pixel.Rect{Left: 0.5, Top: 0, Width: 2, Height: 2}, 1, 1, []float32{60}},     // (0/2 + 10 + 20/2) / 2 + 50
		{pixel.Rect{Left: 0.25, Top: 1, Width: 1, Height: 1}, 1, 1, []float32{102.5}}, // three quarters of 100, one of 110
		{pixel.Rect{Left: 1, Top: 0, Width: 1, Height: 1}, 2, 1, []float32{7.5, 12.5}},
		{pixel.Rect{Left: -2, Top: 0, Width: 4, Height: 1}, 4, 1, []float32{51, 51, 0, 10}},
		{pixel.Rect{Left: 2, Top: -1, Width: 4, Height: 2}, 2, 1, []float32{25, 51}},
		{pixel.Rect{Left: 40, Top: 40, Width: 4, Height: 2}, 1, 1, []float32{51}},
	} {
		n := pixel.Normal{Mean: [3]float32{0.2, 0.2, 0.2}, Deviation: raw.Deviation}
		got := render(m, pixel.View{Window: c.window}, c.w, c.h, n)
		for i, v := range got.Data {
			if want := c.want[i%len(c.want)] - 51; math.Abs(float64(v-want)) > 1e-4 {
				t.Errorf("%v: got %v, want %v and -51", c.window, got.Data, c.want)
				break
			}
		}
	}
}

func TestNormal(t *testing.T) {
	t.Parallel()
	m := pixel.FromImage(quarters(2, 2)) // red, green / blue, white
	got := render(m, pixel.View{Window: m.Bounds()}, 2, 2, pixel.Normal{Mean: [3]float32{0.5, 0.25, 0}, Deviation: [3]float32{0.5, 0, 2}})
	want := []float32{1, -1, -1, 1, -0.25, 0.75, -0.25, 0.75, 0, 0, 0.5, 0.5}
	for i, v := range got.Data {
		if math.Abs(float64(v-want[i])) > 1e-6 {
			t.Fatalf("got %v, want %v", got.Data, want)
		}
	}
}

// TestLetterbox shows a wide and a high image undistorted, with margins.
func TestLetterbox(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ part, want pixel.Rect }{
		{pixel.Rect{Width: 80, Height: 40}, pixel.Rect{Top: -20, Width: 80, Height: 80}},
		{pixel.Rect{Left: 5, Top: 5, Width: 10, Height: 40}, pixel.Rect{Left: -10, Top: 5, Width: 40, Height: 40}},
	} {
		if got := pixel.Letterbox(c.part, 64, 64); got != c.want {
			t.Errorf("%v: got %v, want %v", c.part, got, c.want)
		}
	}
	m := pixel.FromImage(quarters(80, 40))
	window := pixel.Letterbox(m.Bounds(), 64, 64)
	got := render(m, pixel.View{Window: window}, 64, 64, pixel.Normal{Mean: [3]float32{0.5, 0.5, 0.5}})
	for y := range 64 {
		red, margin := got.Data[y*64], y < 16 || y >= 48
		if want := map[bool]float32{true: 0, false: 0.5}[margin]; margin && red != want || !margin && y < 32 && red != want {
			t.Errorf("row %d: %v", y, red)
		}
	}
}

// TestMirrorAndTurn compares views with pictures that are turned pixel by pixel.
func TestMirrorAndTurn(t *testing.T) {
	t.Parallel()
	src := texture(48, 48)
	m := pixel.FromImage(src)
	for _, c := range []struct {
		name  string
		view  pixel.View
		at    func(x, y int) (int, int) // where the pixel comes from
		slack float64
	}{
		{"mirrored", pixel.View{Mirror: true}, func(x, y int) (int, int) { return 47 - x, y }, 0},
		{"a quarter turn", pixel.View{Turn: math.Pi / 2}, func(x, y int) (int, int) { return 47 - y, x }, 0.01},
		{"half a turn", pixel.View{Turn: math.Pi}, func(x, y int) (int, int) { return 47 - x, 47 - y }, 0.01},
		{"a quarter turn, mirrored", pixel.View{Turn: math.Pi / 2, Mirror: true}, func(x, y int) (int, int) { return 47 - y, 47 - x }, 0.01},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.view.Window = m.Bounds()
			want := &pixel.RGB{Width: 48, Height: 48}
			for y := range 48 {
				for x := range 48 {
					p := src.RGBAAt(c.at(x, y))
					want.Pix = append(want.Pix, p.R, p.G, p.B)
				}
			}
			if d := furthestSample(render(m, c.view, 48, 48, raw), want); d > c.slack {
				t.Errorf("differs by %v", d)
			}
		})
	}
}

// TestViewMapsPoints maps points there and back, and finds a spot of the image
// in the tensor where the view says it is.
func TestViewMapsPoints(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	for i := range 50 {
		v := pixel.View{
			Window: pixel.Rect{Left: 10 * random.Float64(), Top: 10 * random.Float64(), Width: 60 + 30*random.Float64(), Height: 50 + 30*random.Float64()},
			Turn:   0.6 * (random.Float64() - 0.5), Mirror: i%2 == 0,
		}
		spot := pixel.Point{X: 35 + 25*random.Float64(), Y: 28 + 15*random.Float64()}
		p := v.ToTensor(spot, 64, 48)
		if back := v.ToImage(p, 64, 48); math.Hypot(back.X-spot.X, back.Y-spot.Y) > 1e-9 {
			t.Fatalf("%+v: %v becomes %v and %v again", v, spot, p, back)
		}
		m := pixel.FromImage(disc(100, 90, pixel.Rect{Left: spot.X - 4, Top: spot.Y - 4, Width: 8, Height: 8}))
		got := bright(render(m, v, 64, 48, raw))
		if c := got.Center(); math.Hypot(c.X-p.X, c.Y-p.Y) > 1 {
			t.Errorf("%+v: the spot is at %v, not at %v", v, c, p)
		}
	}
}

// disc is a white ellipse on black, in a rectangle.
func disc(w, h int, r pixel.Rect) *image.Gray {
	c := r.Center()
	return grey(w, h, func(x, y int) uint8 {
		if math.Hypot((float64(x)+0.5-c.X)/r.Width, (float64(y)+0.5-c.Y)/r.Height) <= 0.5 {
			return 255
		}
		return 0
	})
}

// bright is the smallest rectangle that holds all bright pixels.
func bright(t pixel.Tensor) pixel.Rect {
	x0, y0, x1, y1 := t.Width, t.Height, 0, 0
	for y := range t.Height {
		for x := range t.Width {
			if t.Data[y*t.Width+x] > 100 {
				x0, y0, x1, y1 = min(x0, x), min(y0, y), max(x1, x+1), max(y1, y+1)
			}
		}
	}
	return pixel.Rect{Left: float64(x0), Top: float64(y0), Width: float64(x1 - x0), Height: float64(y1 - y0)}
}

// TestNothingIsAllocated renders with buffers that are there.
func TestNothingIsAllocated(t *testing.T) {
	m := pixel.FromImage(texture(96, 64))
	a := pixel.Augmenting{Crop: 0.5, Stretch: 1.3, Mirror: true, Turn: 10, Colour: pixel.Colour{Brightness: 0.2, Contrast: 0.2, Saturation: 0.2}, Erase: 0.5, Mix: 0.5}
	var r pixel.Renderer
	dst, scaled := pixel.NewTensor(32, 32), new(pixel.RGB)
	var drawn []pixel.Augmentation
	for step := range uint64(8) {
		drawn = append(drawn, a.Draw(pixel.Key{Step: step}))
	}
	all := func() {
		for _, d := range drawn {
			d.Render(&r, dst, m, m.Bounds(), pixel.Normal{})
			r.Scale(scaled, m, 20, 20)
		}
	}
	all()
	if n := testing.AllocsPerRun(16, all); n != 0 {
		t.Errorf("%v allocations of eight images", n)
	}
}

func decode(tb testing.TB, file []byte) *pixel.Image {
	tb.Helper()
	m, err := pixel.Decode(bytes.NewReader(file), pixel.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	return m
}
