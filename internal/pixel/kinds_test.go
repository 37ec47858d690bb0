package pixel_test

import (
	"bytes"
	"fmt"
	"image/color"
	"testing"

	"mimeo/internal/pixel"
)

// TestDepthsAgree writes one picture of black and white in every kind of PNG:
// all are the same image.
func TestDepthsAgree(t *testing.T) {
	t.Parallel()
	const w, h = 67, 65
	white := func(x, y int) bool { return (x/5+y/7)%2 == 0 }
	want := pixel.FromImage(grey(w, h, func(x, y int) uint8 {
		if white(x, y) {
			return 255
		}
		return 0
	})).Scale(w, h)
	for _, k := range []struct {
		colour   byte
		depths   []byte
		channels int
		alpha    bool
	}{
		{pngGrey, []byte{1, 2, 4, 8, 16}, 1, false},
		{pngTruecolor, []byte{8, 16}, 3, false},
		{pngPalette, []byte{1, 2, 4, 8}, 1, false},
		{pngGreyAlpha, []byte{8, 16}, 2, true},
		{pngRGBA, []byte{8, 16}, 4, true},
	} {
		for _, depth := range k.depths {
			for _, interlaced := range []bool{false, true} {
				full := uint16(1<<depth - 1)
				kind := pngKind{colour: k.colour, depth: depth, interlaced: interlaced}
				if k.colour == pngPalette {
					full, kind.palette = 1, []byte{0, 0, 0, 255, 255, 255}
				}
				file := pngOf(t, kind, w, h, func(x, y int) []uint16 {
					s := make([]uint16, k.channels)
					for i := range s {
						if white(x, y) || k.alpha && i == k.channels-1 {
							s[i] = full
						}
					}
					return s
				})
				m, err := pixel.Decode(bytes.NewReader(file), pixel.Limits{})
				if err != nil {
					t.Fatalf("%+v: %v", kind, err)
				}
				if got := m.Scale(w, h); !bytes.Equal(got.Pix, want.Pix) {
					t.Errorf("%+v: another image", kind)
				}
			}
		}
	}
}

// TestTransparency shows white where a PNG is transparent, in all the ways that
// it can say so.
func TestTransparency(t *testing.T) {
	t.Parallel()
	const w, h = 64, 64
	clear := func(x, _ int) bool { return x < w/2 } // the left half; the right one is dark
	for name, c := range map[string]struct {
		kind  pngKind
		clear []uint16
		dark  []uint16
	}{
		"grey of 1 bit":       {pngKind{colour: pngGrey, depth: 1, tRNS: []byte{0, 1}}, []uint16{1}, []uint16{0}},
		"grey of 4 bits":      {pngKind{colour: pngGrey, depth: 4, tRNS: []byte{0, 7}}, []uint16{7}, []uint16{0}},
		"grey of 8 bits":      {pngKind{colour: pngGrey, depth: 8, tRNS: []byte{0, 9}}, []uint16{9}, []uint16{0}},
		"grey of 16 bits":     {pngKind{colour: pngGrey, depth: 16, tRNS: []byte{1, 9}}, []uint16{0x109}, []uint16{0}},
		"truecolor":           {pngKind{colour: pngTruecolor, depth: 8, tRNS: []byte{0, 1, 0, 2, 0, 3}}, []uint16{1, 2, 3}, []uint16{0, 0, 0}},
		"truecolor, 16 bits":  {pngKind{colour: pngTruecolor, depth: 16, tRNS: []byte{0, 1, 0, 2, 0, 3}}, []uint16{1, 2, 3}, []uint16{0, 0, 0}},
		"palette":             {pngKind{colour: pngPalette, depth: 2, palette: []byte{9, 9, 9, 0, 0, 0}, tRNS: []byte{0}}, []uint16{0}, []uint16{1}},
		"grey and alpha":      {pngKind{colour: pngGreyAlpha, depth: 8}, []uint16{9, 0}, []uint16{0, 255}},
		"grey and alpha, 16":  {pngKind{colour: pngGreyAlpha, depth: 16}, []uint16{9, 0}, []uint16{0, 0xffff}},
		"truecolor and alpha": {pngKind{colour: pngRGBA, depth: 8}, []uint16{9, 9, 9, 0}, []uint16{0, 0, 0, 255}},
		"the same, 16 bits":   {pngKind{colour: pngRGBA, depth: 16}, []uint16{9, 9, 9, 0}, []uint16{0, 0, 0, 0xffff}},
	} {
		file := pngOf(t, c.kind, w, h, func(x, y int) []uint16 {
			if clear(x, y) {
				return c.clear
			}
			return c.dark
		})
		m, err := pixel.Decode(bytes.NewReader(file), pixel.Limits{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, want := m.Scale(2, 1).Pix, []uint8{255, 255, 255, 0, 0, 0}; !bytes.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

// TestInks reads JPEGs of four components: what the same samples mean with
// Adobe's marker and without it, as ink and as luma and chroma.
func TestInks(t *testing.T) {
	t.Parallel()
	file := testdata(t, "cmyk.jpg")
	at := bytes.Index(file, []byte("Adobe"))
	if at < 0 || file[at+11] != 0 {
		t.Fatal("cmyk.jpg has no Adobe segment with transform 0")
	}
	bare := append(bytes.Clone(file[:at-4]), file[at+12:]...)
	ycck := bytes.Clone(file)
	ycck[at+11] = 2
	// The samples are those of plain. Taken as luma and chroma they are those of
	// cyan, magenta and yellow, of which white paper has none.
	var converted [4][3]uint8
	for i, c := range plain {
		cyan, magenta, yellow := color.YCbCrToRGB(c[0], c[1], c[2])
		converted[i] = [3]uint8{255 - cyan, 255 - magenta, 255 - yellow}
	}
	for _, c := range []struct {
		name string
		file []byte
		want [4][3]uint8
	}{
		{"CMYK", file, plain}, {"without a marker", bare, plain}, {"YCCK", ycck, converted},
	} {
		m, err := pixel.Decode(bytes.NewReader(c.file), pixel.Limits{})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := centres(m); !near(got, c.want, 6) {
			t.Errorf("%s: quarters %v, want %v", c.name, got, c.want)
		}
	}
}

// TestEightOrientations stores one picture in all eight ways: the upright images
// are equal, and so are the boxes in them.
func TestEightOrientations(t *testing.T) {
	t.Parallel()
	const w, h = 96, 64 // upright; no block of the JPEG is cut
	picture := func(x, y int) color.RGBA {
		if x >= 16 && x < 40 && y >= 8 && y < 24 { // the box
			return color.RGBA{200, 40, 40, 255}
		}
		return color.RGBA{uint8(60 + x), uint8(80 + y), 120, 255}
	}
	box := pixel.Rect{Left: 16, Top: 8, Width: 24, Height: 16}
	var first *pixel.RGB
	for o := pixel.Upright; o <= pixel.Rotate270; o++ {
		sw, sh := w, h
		if o.Turned() {
			sw, sh = h, w
		}
		stored := quarters(sw, sh)
		for y := range sh {
			for x := range sw {
				p := o.UprightPoint(pixel.Point{X: float64(x) + 0.5, Y: float64(y) + 0.5}, float64(sw), float64(sh))
				stored.SetRGBA(x, y, picture(int(p.X), int(p.Y)))
			}
		}
		m, err := pixel.Decode(bytes.NewReader(withOrientation(asJPEG(t, stored), byteOrder, uint16(o))), pixel.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		got := m.Scale(w, h)
		if first == nil {
			first = got
		}
		if d := furthest(got.Pix, first.Pix); d > 12 {
			t.Errorf("orientation %d: samples differ by %d from the upright file's", o, d)
		}
		asStored := m.Header().Stored(box)
		if back := m.Header().Upright(asStored); back != box {
			t.Errorf("orientation %d: the box %v is %v as stored and %v upright again", o, box, asStored, back)
		}
		centre := asStored.Center()
		if c := stored.RGBAAt(int(centre.X), int(centre.Y)); c.R != 200 {
			t.Errorf("orientation %d: at the stored box %v is %v", o, asStored, c)
		}
	}
}

func furthest(a, b []uint8) int {
	most := 0
	for i := range a {
		most = max(most, int(a[i])-int(b[i]), int(b[i])-int(a[i]))
	}
	return most
}

// TestOrientationOfRatios maps a box by hand.
func TestOrientationOfRatios(t *testing.T) {
	t.Parallel()
	stored := pixel.Rect{Left: 0.125, Top: 0.25, Width: 0.25, Height: 0.5} // upper left, in quarters that floats hold
	for o, want := range map[pixel.Orientation]pixel.Rect{
		pixel.Upright:            stored,
		pixel.MirrorHorizontally: {Left: 0.625, Top: 0.25, Width: 0.25, Height: 0.5},
		pixel.Rotate180:          {Left: 0.625, Top: 0.25, Width: 0.25, Height: 0.5},
		pixel.MirrorVertically:   stored,
		pixel.Transpose:          {Left: 0.25, Top: 0.125, Width: 0.5, Height: 0.25},
		pixel.Rotate90:           {Left: 0.25, Top: 0.125, Width: 0.5, Height: 0.25},
		pixel.Transverse:         {Left: 0.25, Top: 0.625, Width: 0.5, Height: 0.25},
		pixel.Rotate270:          {Left: 0.25, Top: 0.625, Width: 0.5, Height: 0.25},
	} {
		t.Run(fmt.Sprint(o), func(t *testing.T) {
			t.Parallel()
			if got := o.UprightRect(stored, 1, 1); got != want {
				t.Errorf("upright %v, want %v", got, want)
			}
			if got := o.StoredRect(want, 1, 1); got != stored {
				t.Errorf("stored %v, want %v", got, stored)
			}
		})
	}
}
