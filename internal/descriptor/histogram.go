package descriptor

import (
	"math"

	"mimeo/internal/pixel"
)

// HOG describes the layout of a whole picture by gradient orientations (Dalal
// and Triggs 2005): the gradient descriptors of a coarse grid of overlapping
// patches, one after the other.
func HOG(m *pixel.RGB, cell int) []float32 {
	return Gradients(m, Grid{Cell: cell, Step: 2 * cell}).Data
}

// HSV counts hue (12 bins), saturation (4) and value (4) together in each of
// the n×n tiles of a picture; a tile's counts are shares and then square roots.
func HSV(m *pixel.RGB, n int) []float32 {
	const hues, saturations, values = 12, 4, 4
	const bins = hues * saturations * values
	return tiled(m, n, bins, func(x, y int) int {
		h, s, v := hsv(m.At(x, y))
		return (min(int(h*hues), hues-1)*saturations+min(int(s*saturations), saturations-1))*values + min(int(v*values), values-1)
	})
}

// hsv returns hue, saturation and value, each 0 to 1.
func hsv(r8, g8, b8 uint8) (h, s, v float32) {
	r, g, b := float32(r8)/255, float32(g8)/255, float32(b8)/255
	v = max(r, g, b)
	spread := v - min(r, g, b)
	if spread == 0 {
		return 0, 0, v
	}
	switch v {
	case r:
		h = (g - b) / spread
	case g:
		h = 2 + (b-r)/spread
	default:
		h = 4 + (r-g)/spread
	}
	if h < 0 {
		h += 6
	}
	return h / 6, spread / v, v
}

// LBP counts local binary patterns (Ojala, Pietikäinen and Mäenpää 2002: eight
// neighbours, uniform patterns) in each of the n×n tiles of a picture; a tile's
// counts are shares and then square roots.
func LBP(m *pixel.RGB, n int) []float32 {
	y := luma(m)
	around := [8][2]int{{-1, -1}, {0, -1}, {1, -1}, {1, 0}, {1, 1}, {0, 1}, {-1, 1}, {-1, 0}}
	table, bins := uniformPatterns()
	return tiled(m, n, bins, func(cx, cy int) int {
		centre := y[cy*m.Width+cx]
		var code uint8
		for i, d := range around {
			x, r := min(max(cx+d[0], 0), m.Width-1), min(max(cy+d[1], 0), m.Height-1)
			if y[r*m.Width+x] >= centre {
				code |= 1 << i
			}
		}
		return table[code]
	})
}

// uniformPatterns numbers the patterns with at most two changes around the
// circle; all others share the last bin.
func uniformPatterns() (table [256]int, bins int) {
	for code := range table {
		turned := uint8(code)<<1 | uint8(code)>>7
		changes := 0
		for d := uint8(code) ^ turned; d != 0; d &= d - 1 {
			changes++
		}
		if changes > 2 {
			table[code] = -1
			continue
		}
		table[code] = bins
		bins++
	}
	for code, bin := range table {
		if bin < 0 {
			table[code] = bins
		}
	}
	return table, bins + 1
}

func tiled(m *pixel.RGB, n, bins int, bin func(x, y int) int) []float32 {
	out := make([]float32, n*n*bins)
	counts := make([]int, n*n)
	for y := range m.Height {
		for x := range m.Width {
			tile := y*n/m.Height*n + x*n/m.Width
			out[tile*bins+bin(x, y)]++
			counts[tile]++
		}
	}
	for i := range out {
		out[i] = float32(math.Sqrt(float64(out[i]) / float64(max(counts[i/bins], 1))))
	}
	return out
}
