package descriptor

import (
	"math"

	"mimeo/internal/pixel"
)

// A Grid says where descriptors are taken in one picture: patches of 4×4 cells
// of Cell×Cell pixels, Step pixels apart, which lie in the picture as a whole.
type Grid struct{ Cell, Step int }

const cellsAcross = 4

func (g Grid) patch() int { return cellsAcross * g.Cell }

// count is the number of patches along a side of n pixels.
func (g Grid) count(n int) int {
	if n < g.patch() {
		return 0
	}
	return (n-g.patch())/g.Step + 1
}

// Points are the centres of all patches in a picture of w×h pixels, in the
// order in which they are described: row by row.
func (g Grid) Points(w, h int) []Point {
	cols, rows := g.count(w), g.count(h)
	out := make([]Point, 0, cols*rows)
	half := float32(g.patch()) / 2
	for y := range rows {
		for x := range cols {
			out = append(out, Point{
				(float32(x*g.Step)+half)/float32(w) - 0.5,
				(float32(y*g.Step)+half)/float32(h) - 0.5,
			})
		}
	}
	return out
}

const orientations = 8

// GradientDim is the length of a gradient descriptor.
const GradientDim = cellsAcross * cellsAcross * orientations

// Gradients describes each patch by histograms of gradient orientations in its
// cells, as SIFT does (Lowe 2004) with flat windows (Vedaldi and Fulkerson's
// VLFeat), made RootSIFT (Arandjelović and Zisserman 2012): scaled to sum one,
// then square roots. A patch without gradients is all zeros.
func Gradients(m *pixel.RGB, g Grid) *Set {
	cols, rows := g.count(m.Width), g.count(m.Height)
	out := &Set{Dim: GradientDim, Data: make([]float32, cols*rows*GradientDim)}
	if cols*rows == 0 {
		return out
	}
	channels := orientedGradients(luma(m), m.Width, m.Height)
	b := newBox(m.Width, m.Height, g.Cell)
	for o := range channels {
		// The triangle that interpolates between cells is a box over a box.
		b.sum(channels[o])
		b.sum(channels[o])
	}
	at := 0
	for y := range rows {
		for x := range cols {
			d := out.Data[at : at+GradientDim]
			at += GradientDim
			i := 0
			for cy := range cellsAcross {
				for cx := range cellsAcross {
					// the middle of the cell
					px := x*g.Step + cx*g.Cell + g.Cell/2
					py := y*g.Step + cy*g.Cell + g.Cell/2
					for o := range channels {
						d[i] = float32(channels[o][py*m.Width+px])
						i++
					}
				}
			}
			rootSIFT(d, float32(noise*g.Cell*g.Cell*g.Cell*g.Cell*cellsAcross*cellsAcross))
		}
	}
	return out
}

// noise is the mean gradient, in units of orientedGradients, below which a
// patch counts as flat: its descriptor fades to zero instead of being blown up.
const noise = 16

func rootSIFT(d []float32, floor float32) {
	var sum float32
	for _, v := range d {
		sum += v
	}
	scale := 1 / max(sum, floor)
	for i, v := range d {
		d[i] = float32(math.Sqrt(float64(v * scale)))
	}
}

// luma is the brightness of each pixel, 0 to 255·16.
func luma(m *pixel.RGB) []int32 {
	out := make([]int32, m.Width*m.Height)
	for i := range out {
		r, g, b := int32(m.Pix[3*i]), int32(m.Pix[3*i+1]), int32(m.Pix[3*i+2])
		out[i] = (1225*r + 2404*g + 467*b) >> 8 // ITU-R BT.601 times 16
	}
	return out
}

// orientedGradients returns the magnitude of the gradient at each pixel, shared
// between the two nearest of eight orientations, in whole numbers so that sums
// over windows are exact.
func orientedGradients(y []int32, w, h int) [orientations][]int32 {
	var out [orientations][]int32
	for o := range out {
		out[o] = make([]int32, w*h)
	}
	for r := range h {
		up, down := max(r-1, 0)*w, min(r+1, h-1)*w
		for c := range w {
			dx := y[r*w+min(c+1, w-1)] - y[r*w+max(c-1, 0)]
			dy := y[down+c] - y[up+c]
			if dx == 0 && dy == 0 {
				continue
			}
			magnitude := math.Sqrt(float64(dx*dx + dy*dy))
			turn := math.Atan2(float64(dy), float64(dx)) * (orientations / (2 * math.Pi))
			if turn < 0 {
				turn += orientations
			}
			o := int(turn)
			part := int32(magnitude * (turn - float64(o)))
			out[o%orientations][r*w+c] = int32(magnitude) - part
			out[(o+1)%orientations][r*w+c] += part
		}
	}
	return out
}

// A box sums windows of size×size over planes of w×h values.
type box struct {
	w, h, before, after int // the window is from -before to after, exclusive
	rows, columns       []int32
}

func newBox(w, h, size int) *box {
	return &box{w: w, h: h, before: size / 2, after: size - size/2, rows: make([]int32, w*h), columns: make([]int32, w)}
}

// sum replaces each value by the sum over the window around it. Beyond the
// edges there is nothing.
func (b *box) sum(v []int32) {
	for y := range b.h {
		b.along(v[y*b.w:(y+1)*b.w], b.rows[y*b.w:(y+1)*b.w])
	}
	// Columns are summed all at once, for the cache's sake.
	clear(b.columns)
	for y := 1 - b.after; y < b.h; y++ {
		if in := y + b.after - 1; in < b.h {
			for x, r := range b.rows[in*b.w : (in+1)*b.w] {
				b.columns[x] += r
			}
		}
		if gone := y - b.before - 1; gone >= 0 {
			for x, r := range b.rows[gone*b.w : (gone+1)*b.w] {
				b.columns[x] -= r
			}
		}
		if y >= 0 {
			copy(v[y*b.w:(y+1)*b.w], b.columns)
		}
	}
}

// along writes the window's sum at each place of a row.
func (b *box) along(src, dst []int32) {
	var sum int32
	for _, v := range src[:min(b.after-1, len(src))] {
		sum += v
	}
	for i := range dst {
		if in := i + b.after - 1; in < len(src) {
			sum += src[in]
		}
		if gone := i - b.before - 1; gone >= 0 {
			sum -= src[gone]
		}
		dst[i] = sum
	}
}
