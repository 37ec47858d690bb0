package pixel

import (
	"image"
	"image/color"
)

// An Image is a decoded image. It is not changed after it was made and may be
// read concurrently.
type Image struct {
	header Header
	planes [3]plane // luma and chroma where chroma is set, else red, green, blue
	chroma bool
	gray   bool // all planes are the first one
}

// plane is one channel, at its own resolution: its pixels lie step bytes
// apart, its lines stride. w and h are how much of it the image covers, in
// samples of the plane, and may end within a sample.
type plane struct {
	pix          []uint8
	step, stride int
	cols, rows   int
	w, h         float64
}

// RGB is an upright image of interleaved 8-bit sRGB samples.
type RGB struct {
	Width, Height int
	Pix           []uint8 // 3 bytes a pixel, rows without padding
}

// At returns the red, green and blue sample of a pixel.
func (m *RGB) At(x, y int) (r, g, b uint8) {
	i := 3 * (y*m.Width + x)
	return m.Pix[i], m.Pix[i+1], m.Pix[i+2]
}

// FromImage makes an Image of a picture that is in memory already, such as one
// that was drawn. It stands upright and no limits are applied.
func FromImage(src image.Image) *Image {
	m := newImage(src)
	m.header = Header{Width: src.Bounds().Dx(), Height: src.Bounds().Dy(), Orientation: Upright}
	return m
}

// Header tells the format, the size as stored and the orientation.
func (m *Image) Header() Header { return m.header }

// Size returns width and height in pixels of the upright image.
func (m *Image) Size() (width, height int) {
	if m.header.Orientation.Turned() {
		return m.header.Height, m.header.Width
	}
	return m.header.Width, m.header.Height
}

func newImage(src image.Image) *Image {
	b := src.Bounds()
	w, h := b.Dx(), b.Dy()
	switch s := src.(type) {
	case *image.YCbCr:
		m := &Image{chroma: true}
		m.planes[0] = newPlane(s.Y[s.YOffset(b.Min.X, b.Min.Y):], s.YStride, w, h)
		dx, dy := subsampling(s.SubsampleRatio)
		at := s.COffset(b.Min.X, b.Min.Y)
		for i, pix := range [][]uint8{s.Cb, s.Cr} {
			p := newPlane(pix[at:], s.CStride, (w+dx-1)/dx, (h+dy-1)/dy)
			p.w, p.h = float64(w)/float64(dx), float64(h)/float64(dy)
			m.planes[i+1] = p
		}
		return m
	case *image.Gray:
		p := newPlane(s.Pix[s.PixOffset(b.Min.X, b.Min.Y):], s.Stride, w, h)
		return &Image{planes: [3]plane{p, p, p}, gray: true}
	}
	return interleaved(toRGB(src), w, h)
}

func interleaved(pix []uint8, w, h int) *Image {
	m := &Image{}
	for i := range m.planes {
		m.planes[i] = newPlane(pix[min(i, len(pix)):], 3*w, w, h)
		m.planes[i].step = 3
	}
	return m
}

func newPlane(pix []uint8, stride, cols, rows int) plane {
	return plane{pix: pix, step: 1, stride: stride, cols: cols, rows: rows, w: float64(cols), h: float64(rows)}
}

func subsampling(r image.YCbCrSubsampleRatio) (dx, dy int) {
	switch r {
	case image.YCbCrSubsampleRatio422:
		return 2, 1
	case image.YCbCrSubsampleRatio420:
		return 2, 2
	case image.YCbCrSubsampleRatio440:
		return 1, 2
	case image.YCbCrSubsampleRatio411:
		return 4, 1
	case image.YCbCrSubsampleRatio410:
		return 4, 2
	}
	return 1, 1
}

// toRGB converts any other picture (palette, alpha, 16-bit, CMYK). What is
// transparent shows white paper.
func toRGB(src image.Image) []uint8 {
	b := src.Bounds()
	pix := make([]uint8, 0, 3*b.Dx()*b.Dy())
	switch s := src.(type) {
	case *image.Paletted:
		table := make([][3]uint8, 256) // an index beyond the palette is black
		for i, c := range s.Palette {
			table[i&255] = onWhite(c)
		}
		for y := b.Min.Y; y < b.Max.Y; y++ {
			at := s.PixOffset(b.Min.X, y)
			for _, i := range s.Pix[at : at+b.Dx()] {
				pix = append(pix, table[i][:]...)
			}
		}
		return pix
	case *image.RGBA:
		for y := b.Min.Y; y < b.Max.Y; y++ {
			row := s.Pix[s.PixOffset(b.Min.X, y):][:4*b.Dx()]
			for ; len(row) > 0; row = row[4:] {
				paper := 255 - row[3] // samples are multiplied by alpha already
				pix = append(pix, add(row[0], paper), add(row[1], paper), add(row[2], paper))
			}
		}
		return pix
	}
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c := onWhite(src.At(x, y))
			pix = append(pix, c[:]...)
		}
	}
	return pix
}

func add(a, b uint8) uint8 { return uint8(min(int(a)+int(b), 255)) }

func onWhite(c color.Color) [3]uint8 {
	r, g, b, a := c.RGBA()
	paper := 0xffff - a
	return [3]uint8{uint8((r + paper) >> 8), uint8((g + paper) >> 8), uint8((b + paper) >> 8)}
}
