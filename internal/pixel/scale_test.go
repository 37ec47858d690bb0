package pixel_test

import (
	"bytes"
	"image"
	"image/color"
	"math/rand/v2"
	"testing"

	"mimeo/internal/pixel"
)

func grey(w, h int, at func(x, y int) uint8) *image.Gray {
	m := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.SetGray(x, y, color.Gray{Y: at(x, y)})
		}
	}
	return m
}

func TestScaleIsTheMeanOfTheArea(t *testing.T) {
	t.Parallel()
	m := grey(3, 2, func(x, y int) uint8 { return uint8(10*x + 100*y) })
	for _, c := range []struct {
		w, h int
		want []uint8
	}{
		{3, 2, []uint8{0, 10, 20, 100, 110, 120}},
		{1, 1, []uint8{60}},
		{3, 1, []uint8{50, 60, 70}},
		// a pixel is one and a half of three: (0 + 10/2) / 1.5, (10/2 + 20) / 1.5
		{2, 2, []uint8{3, 17, 103, 117}},
		// twice as many: a quarter from the edges linearly
		{6, 1, []uint8{50, 53, 58, 63, 68, 70}},
	} {
		s := pixel.FromImage(m).Scale(c.w, c.h)
		var got []uint8
		for i := 0; i < len(s.Pix); i += 3 {
			got = append(got, s.Pix[i])
			if s.Pix[i] != s.Pix[i+1] || s.Pix[i] != s.Pix[i+2] {
				t.Errorf("%d×%d: grey becomes %v", c.w, c.h, s.Pix[i:i+3])
			}
		}
		if !bytes.Equal(got, c.want) {
			t.Errorf("%d×%d: got %v, want %v", c.w, c.h, got, c.want)
		}
	}
}

// TestScaleOfPlanes compares the way over luma and chroma planes with the way
// over RGB, for all subsamplings and odd sizes.
func TestScaleOfPlanes(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for ratio := image.YCbCrSubsampleRatio444; ratio <= image.YCbCrSubsampleRatio410; ratio++ {
		for _, size := range [][2]int{{64, 48}, {67, 45}, {5, 3}} {
			m := image.NewYCbCr(image.Rect(0, 0, size[0], size[1]), ratio)
			for _, plane := range [][]uint8{m.Y, m.Cb, m.Cr} {
				for i := range plane {
					plane[i] = uint8(118 + random.IntN(20)) // within the gamut
				}
			}
			rgb := image.NewRGBA(m.Rect)
			for y := range size[1] {
				for x := range size[0] {
					rgb.Set(x, y, m.At(x, y))
				}
			}
			a, b := pixel.FromImage(m).Scale(3, 2), pixel.FromImage(rgb).Scale(3, 2)
			for i := range a.Pix {
				if d := int(a.Pix[i]) - int(b.Pix[i]); d < -3 || d > 3 {
					t.Errorf("%v %v: planes give %v, RGB %v", ratio, size, a.Pix, b.Pix)
					break
				}
			}
		}
	}
}

// TestFromPart takes a part of a larger picture: its corner is the origin.
func TestFromPart(t *testing.T) {
	t.Parallel()
	whole := quarters(20, 20)
	part := whole.SubImage(image.Rect(10, 0, 20, 10)) // the green quarter
	r, g, b := pixel.FromImage(part).Scale(1, 1).At(0, 0)
	if r != 0 || g != 255 || b != 0 {
		t.Errorf("got %d %d %d, want green", r, g, b)
	}
}
