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
	packed bool // the planes' samples lie side by side, as the first one's begin
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

// FromRGB makes an Image of an upright picture without copying it.
func FromRGB(src *RGB) *Image {
	m := interleaved(src.Pix, 3*src.Width, 3, 1, src.Width, src.Height)
	m.header = Header{Width: src.Width, Height: src.Height, Orientation: Upright}
	return m
}

// stored is the whole image as it is stored, in its pixels.
func (m *Image) stored() Rect {
	return Rect{Width: float64(m.header.Width), Height: float64(m.header.Height)}
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
	case *image.Gray16: // the high bytes
		p := newPlane(s.Pix[s.PixOffset(b.Min.X, b.Min.Y):], s.Stride, w, h)
		p.step = 2
		return &Image{planes: [3]plane{p, p, p}, gray: true}
	}
	if m := opaque(src, w, h); m != nil {
		return m
	}
	return interleaved(toRGB(src), 3*w, 3, 1, w, h)
}

// opaque makes an Image of a picture of red, green, blue and alpha without
// copying it, where nothing of it is transparent; else it returns nil.
func opaque(src image.Image, w, h int) *Image {
	at := src.Bounds().Min
	switch s := src.(type) {
	case *image.RGBA:
		if s.Opaque() {
			return interleaved(s.Pix[s.PixOffset(at.X, at.Y):], s.Stride, 4, 1, w, h)
		}
	case *image.NRGBA:
		if s.Opaque() {
			return interleaved(s.Pix[s.PixOffset(at.X, at.Y):], s.Stride, 4, 1, w, h)
		}
	case *image.RGBA64: // the high bytes
		if s.Opaque() {
			return interleaved(s.Pix[s.PixOffset(at.X, at.Y):], s.Stride, 8, 2, w, h)
		}
	case *image.NRGBA64:
		if s.Opaque() {
			return interleaved(s.Pix[s.PixOffset(at.X, at.Y):], s.Stride, 8, 2, w, h)
		}
	}
	return nil
}

// interleaved makes an Image of red, green and blue samples of so many bytes
// each, of which the first counts; pixels are step bytes apart.
func interleaved(pix []uint8, stride, step, size, w, h int) *Image {
	m := &Image{packed: size == 1}
	for i := range m.planes {
		m.planes[i] = newPlane(pix[min(i*size, len(pix)):], stride, w, h)
		m.planes[i].step = step
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
	case image.RGBA64Image: // all pictures of the standard library, without allocating colours
		for y := b.Min.Y; y < b.Max.Y; y++ {
			for x := b.Min.X; x < b.Max.X; x++ {
				c := onWhite(s.RGBA64At(x, y))
				pix = append(pix, c[:]...)
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

func onWhite(c color.Color) [3]uint8 {
	r, g, b, a := c.RGBA()
	paper := 0xffff - a
	return [3]uint8{uint8((r + paper) >> 8), uint8((g + paper) >> 8), uint8((b + paper) >> 8)}
}
