package descriptor

import (
	"math"

	"mimeo/internal/pixel"
)

// ColourDim is the length of a colour descriptor.
const ColourDim = cellsAcross * cellsAcross * 3 * 2

// Colours describes each patch by mean and standard deviation of red, green and
// blue in its cells, 0 to 1: the local colour statistics of Clinchant,
// Renders and Perronnin (2007).
func Colours(m *pixel.RGB, g Grid) *Set {
	cols, rows := g.count(m.Width), g.count(m.Height)
	out := &Set{Dim: ColourDim, Data: make([]float32, cols*rows*ColourDim)}
	if cols*rows == 0 {
		return out
	}
	var means, deviations [3][]float32
	for c := range 3 {
		means[c], deviations[c] = cellStatistics(m, c, g.Cell)
	}
	at := 0
	for y := range rows {
		for x := range cols {
			for cy := range cellsAcross {
				for cx := range cellsAcross {
					i := (y*g.Step+cy*g.Cell+g.Cell/2)*m.Width + x*g.Step + cx*g.Cell + g.Cell/2
					for c := range 3 {
						out.Data[at], out.Data[at+1] = means[c][i], deviations[c][i]
						at += 2
					}
				}
			}
		}
	}
	return out
}

// cellStatistics returns mean and standard deviation of one channel in the
// cell around each pixel; near the edges the cell is taken as zero-filled,
// where no patch looks.
func cellStatistics(m *pixel.RGB, channel, cell int) (mean, deviation []float32) {
	n := m.Width * m.Height
	sum, squares := make([]int32, n), make([]int32, n)
	for i := range n {
		v := int32(m.Pix[3*i+channel])
		sum[i], squares[i] = v, v*v
	}
	b := newBox(m.Width, m.Height, cell)
	b.sum(sum)
	b.sum(squares)
	mean, deviation = make([]float32, n), make([]float32, n)
	area := float64(cell * cell)
	for i := range n {
		mu := float64(sum[i]) / area
		variance := float64(squares[i])/area - float64(mu*mu)
		mean[i] = float32(mu / 255)
		deviation[i] = float32(math.Sqrt(max(variance, 0)) / 255)
	}
	return mean, deviation
}
