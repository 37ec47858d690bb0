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

// Gradients describes each patch of pictures, one after the other, by
// histograms of gradient orientations in its cells, as SIFT does (Lowe 2004)
// with flat windows (Vedaldi and Fulkerson's VLFeat), made RootSIFT
// (Arandjelović and Zisserman 2012): scaled to sum one, then square roots. A
// patch without gradients is all zeros.
func Gradients(g Grid, pictures ...*pixel.RGB) *Set {
	return g.describe(GradientDim, pictures, func(d []float32, m *pixel.RGB) {
		b := takeBox(m.Width, m.Height, orientations/2)
		defer b.release()
		orientedGradients(b.values, luma(m), m.Width, m.Height)
		// The triangle that interpolates between cells is a box over a box.
		b.sum(g.Cell)
		b.sum(g.Cell)
		g.each(m, func(patch int, cells *[cellsAcross * cellsAcross]int) {
			row := d[patch*GradientDim:][:GradientDim]
			for c, at := range cells {
				cell := row[c*orientations:][:orientations]
				for i, pair := range b.values[at*orientations/2:][:orientations/2] {
					cell[2*i], cell[2*i+1] = float32(int32(pair>>32)), float32(int32(pair))
				}
			}
			rootSIFT(row, float32(noise*g.Cell*g.Cell*g.Cell*g.Cell*cellsAcross*cellsAcross))
		})
	})
}

// describe makes a set of what patches says of each picture.
func (g Grid) describe(dim int, pictures []*pixel.RGB, patches func(d []float32, m *pixel.RGB)) *Set {
	n := 0
	for _, m := range pictures {
		n += g.count(m.Width) * g.count(m.Height)
	}
	out := &Set{Dim: dim, Data: make([]float32, n*dim)}
	rest := out.Data
	for _, m := range pictures {
		if n := g.count(m.Width) * g.count(m.Height); n > 0 {
			patches(rest[:n*dim], m)
			rest = rest[n*dim:]
		}
	}
	return out
}

// each calls do for every patch of a picture, with the indices of the pixels in
// the middle of its cells.
func (g Grid) each(m *pixel.RGB, do func(patch int, cells *[cellsAcross * cellsAcross]int)) {
	cols, rows := g.count(m.Width), g.count(m.Height)
	var cells [cellsAcross * cellsAcross]int
	for y := range rows {
		for x := range cols {
			for c := range cells {
				px := x*g.Step + c%cellsAcross*g.Cell + g.Cell/2
				py := y*g.Step + c/cellsAcross*g.Cell + g.Cell/2
				cells[c] = py*m.Width + px
			}
			do(y*cols+x, &cells)
		}
	}
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

// orientedGradients fills values with the magnitude of the gradient at each
// pixel, shared between the two nearest of eight orientations, in whole numbers
// so that sums over windows are exact. Each value holds two orientations, of
// which the even one lies higher.
func orientedGradients(values []uint64, y []int32, w, h int) {
	const lanes = orientations / 2
	for r := range h {
		up, down := max(r-1, 0)*w, min(r+1, h-1)*w
		for c := range w {
			dx := y[r*w+min(c+1, w-1)] - y[r*w+max(c-1, 0)]
			dy := y[down+c] - y[up+c]
			at := values[(r*w+c)*lanes:][:lanes]
			clear(at)
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
			at[o%orientations/2] += lane(o, int32(magnitude)-part)
			at[(o+1)%orientations/2] += lane(o+1, part)
		}
	}
}

// lane is what adds v to an orientation in its value.
func lane(orientation int, v int32) uint64 {
	if orientation%2 == 0 {
		return uint64(v) << 32
	}
	return uint64(v)
}
