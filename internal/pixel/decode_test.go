package pixel_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/color/palette"
	"image/draw"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"

	"mimeo/internal/pixel"
)

// centres returns the colours of the four quarters of an image.
func centres(m *pixel.Image) [4][3]uint8 {
	const side = 8
	s := m.Scale(side, side)
	var out [4][3]uint8
	for i, p := range [4][2]int{{1, 1}, {6, 1}, {1, 6}, {6, 6}} {
		r, g, b := s.At(p[0], p[1])
		out[i] = [3]uint8{r, g, b}
	}
	return out
}

func near(a, b [4][3]uint8, slack int) bool {
	for i := range a {
		for c := range a[i] {
			if d := int(a[i][c]) - int(b[i][c]); d < -slack || d > slack {
				return false
			}
		}
	}
	return true
}

var plain = [4][3]uint8{{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {255, 255, 255}}

func redrawn(dst draw.Image, src image.Image) draw.Image {
	draw.Draw(dst, dst.Bounds(), src, image.Point{}, draw.Src)
	return dst
}

func TestDecodeKinds(t *testing.T) {
	t.Parallel()
	src := quarters(80, 64)
	r := src.Bounds()
	grey := [4][3]uint8{{76, 76, 76}, {150, 150, 150}, {29, 29, 29}, {255, 255, 255}}
	clear := image.NewNRGBA(r) // transparent everywhere
	half := redrawn(image.NewNRGBA(r), src).(*image.NRGBA)
	for i := 3; i < len(half.Pix); i += 4 {
		half.Pix[i] = 128
	}
	white := [3]uint8{255, 255, 255}
	for _, c := range []struct {
		name   string
		file   []byte
		format pixel.Format
		want   [4][3]uint8
	}{
		{"jpeg", asJPEG(t, src), pixel.JPEG, plain},
		{"grey jpeg", asJPEG(t, redrawn(image.NewGray(r), src)), pixel.JPEG, grey},
		{"cmyk jpeg", testdata(t, "cmyk.jpg"), pixel.JPEG, plain},
		{"progressive jpeg", testdata(t, "progressive.jpg"), pixel.JPEG, plain},
		{"png", asPNG(t, src), pixel.PNG, plain},
		{"png with alpha", asPNG(t, redrawn(image.NewNRGBA(r), src)), pixel.PNG, plain},
		{"png of 16 bits", asPNG(t, redrawn(image.NewRGBA64(r), src)), pixel.PNG, plain},
		{"grey png", asPNG(t, redrawn(image.NewGray(r), src)), pixel.PNG, grey},
		{"grey png of 16 bits", asPNG(t, redrawn(image.NewGray16(r), src)), pixel.PNG, grey},
		{"palette png", asPNG(t, redrawn(image.NewPaletted(r, palette.WebSafe), src)), pixel.PNG, plain},
		{"palette png with holes", asPNG(t, redrawn(image.NewPaletted(r, color.Palette{
			color.NRGBA{0, 0, 0, 0}, color.NRGBA{255, 0, 0, 255}, color.NRGBA{0, 255, 0, 255}, color.NRGBA{0, 0, 255, 255}, color.NRGBA{255, 255, 255, 255},
		}), src)), pixel.PNG, plain},
		{"transparent png shows white", asPNG(t, clear), pixel.PNG, [4][3]uint8{white, white, white, white}},
		{"half transparent png", asPNG(t, half), pixel.PNG, [4][3]uint8{{255, 127, 127}, {127, 255, 127}, {127, 127, 255}, white}},
		{"animated png: the first frame", testdata(t, "animated.png"), pixel.PNG, plain},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m, err := pixel.Decode(bytes.NewReader(c.file), pixel.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if m.Header().Format != c.format {
				t.Errorf("format %s, want %s", m.Header().Format, c.format)
			}
			if w, h := m.Size(); w != 80 || h != 64 {
				t.Errorf("size %d×%d, want 80×64", w, h)
			}
			if got := centres(m); !near(got, c.want, 4) {
				t.Errorf("quarters %v, want %v", got, c.want)
			}
		})
	}
}

// testdata reads a file that no encoder of the standard library can make.
func testdata(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func TestOrientation(t *testing.T) {
	t.Parallel()
	file := asJPEG(t, quarters(96, 64))
	// The quarters' numbers as they appear upright.
	for o, want := range map[uint16][4]int{
		1: {0, 1, 2, 3}, 2: {1, 0, 3, 2}, 3: {3, 2, 1, 0}, 4: {2, 3, 0, 1},
		5: {0, 2, 1, 3}, 6: {2, 0, 3, 1}, 7: {3, 1, 2, 0}, 8: {1, 3, 0, 2},
		0: {0, 1, 2, 3}, 9: {0, 1, 2, 3}, // not in the standard: upright
	} {
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			m, err := pixel.Decode(bytes.NewReader(withOrientation(file, order, o)), pixel.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			var colours [4][3]uint8
			for i, q := range want {
				colours[i] = plain[q]
			}
			if got := centres(m); !near(got, colours, 6) {
				t.Errorf("orientation %d, %v: quarters %v, want %v", o, order, got, colours)
			}
			w, h := m.Size()
			if turned := o >= 5 && o <= 8; turned != (w == 64 && h == 96) {
				t.Errorf("orientation %d: upright size %d×%d", o, w, h)
			}
			if m.Header().Width != 96 || m.Header().Height != 64 {
				t.Errorf("orientation %d: the stored size is %+v", o, m.Header())
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	small, long := asPNG(t, quarters(63, 64)), asPNG(t, quarters(64*20+1, 64))
	good := asJPEG(t, quarters(64, 64))
	scans := bytes.Repeat([]byte{0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0}, 100)
	for _, c := range []struct {
		name string
		file []byte
		want error
	}{
		{"nothing", nil, pixel.ErrFormat},
		{"text", []byte("hello"), pixel.ErrFormat},
		{"gif", []byte("GIF89a\x40\x00\x40\x00"), pixel.ErrFormat},
		{"jpeg magic only", []byte("\xff\xd8\xff"), pixel.ErrTruncated},
		{"png magic only", []byte("\x89PNG\r\n\x1a\n"), pixel.ErrTruncated},
		{"too small", small, pixel.ErrTooSmall},
		{"too long", long, pixel.ErrTooLong},
		{"png bomb", pngHeader(50_000, 50_000), pixel.ErrTooLarge},
		{"png of no pixels", pngHeader(0, 100), pixel.ErrCorrupt},
		{"png whose pixels are missing", pngHeader(100, 100), pixel.ErrTruncated},
		{"jpeg bomb", jpegOfSize(good, 65_500, 65_500), pixel.ErrTooLarge},
		{"jpeg of no height", jpegOfSize(good, 64, 0), pixel.ErrCorrupt},
		{"jpeg of too many scans", append(bytes.Clone(good[:len(good)-2]), scans...), pixel.ErrCorrupt},
		{"damaged jpeg", bytes.Replace(good, []byte{0xff, 0xc4}, []byte{0xff, 0xfe}, -1), pixel.ErrCorrupt},
		{"too many bytes", append(bytes.Clone(good), make([]byte, 15<<20)...), pixel.ErrTooManyBytes},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if _, err := pixel.Decode(bytes.NewReader(c.file), pixel.Limits{}); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	broken := errors.New("the disk is gone")
	if _, err := pixel.Decode(iotest.ErrReader(broken), pixel.Limits{}); !errors.Is(err, broken) {
		t.Errorf("got %v, want the reader's error", err)
	}
}

// TestTruncated cuts files everywhere: each cut is refused as damage.
func TestTruncated(t *testing.T) {
	t.Parallel()
	for name, file := range map[string][]byte{
		"jpeg": asJPEG(t, quarters(64, 64)), "png": asPNG(t, quarters(64, 64)), "progressive": testdata(t, "progressive.jpg"),
	} {
		for n := 8; n < len(file)-12; n++ { // the last PNG chunk and the JPEG's end hold no pixels
			if _, err := pixel.Decode(bytes.NewReader(file[:n]), pixel.Limits{}); !errors.Is(err, pixel.ErrCorrupt) {
				t.Errorf("%s cut at %d of %d: got %v", name, n, len(file), err)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(asJPEG(f, quarters(16, 16)))
	f.Add(asPNG(f, quarters(16, 16)))
	f.Add(withOrientation(asJPEG(f, quarters(8, 8)), binary.LittleEndian, 6))
	f.Add(pngHeader(50_000, 50_000))
	for _, name := range []string{"cmyk.jpg", "progressive.jpg", "animated.png"} {
		f.Add(testdata(f, name))
	}
	limits := pixel.Limits{Bytes: 1 << 16, MinSide: 1, MaxSide: 256, Aspect: 256}
	f.Fuzz(func(t *testing.T, file []byte) {
		m, err := pixel.Decode(bytes.NewReader(file), limits)
		if err != nil {
			return
		}
		w, height := m.Size()
		if got := m.Scale(7, 5); len(got.Pix) != 7*5*3 {
			t.Errorf("%d bytes of %d×%d", len(got.Pix), w, height)
		}
	})
}
