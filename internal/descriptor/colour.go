package descriptor

import (
	"math"

	"mimeo/internal/pixel"
)

// ColourDim is the length of a colour descriptor.
const ColourDim = cellsAcross * cellsAcross * 3 * 2

// Colours describes each patch of pictures, one after the other, by mean and
// standard deviation of red, green and blue in its cells, 0 to 1: the local
// colour statistics of Clinchant, Renders and Perronnin (2007).
func Colours(g Grid, pictures ...*pixel.RGB) *Set {
	area := float64(g.Cell * g.Cell)
	return g.describe(ColourDim, pictures, func(d []float32, m *pixel.RGB) {
		b := takeBox(m.Width, m.Height, 3)
		defer b.release()
		for i, v := range m.Pix[:len(b.values)] {
			b.values[i] = uint64(v)<<32 | uint64(v)*uint64(v) // its square lies lower
		}
		b.sum(g.Cell)
		g.each(m, func(patch int, cells *[cellsAcross * cellsAcross]int) {
			row := d[patch*ColourDim:][:0]
			for _, at := range cells {
				for _, v := range b.values[3*at:][:3] {
					mean := float64(v>>32) / area
					variance := float64(uint32(v))/area - float64(mean*mean)
					row = append(row, float32(mean/255), float32(math.Sqrt(max(variance, 0))/255))
				}
			}
		})
	})
}
