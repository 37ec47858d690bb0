package nn

import (
	"math"

	"mimeo/internal/nn/kernel"
)

// A maps is feature maps in float64: images × height × width × channels.
type maps struct {
	Shape
	images int
	data   []float64
}

func newMaps(s Shape, images int) *maps {
	return &maps{s, images, make([]float64, images*s.Height*s.Width*s.Channels)}
}

func (m *maps) at(n, y, x, c int) *float64 {
	return &m.data[((n*m.Height+y)*m.Width+x)*m.Channels+c]
}

// value is zero beyond the border.
func (m *maps) value(n, y, x, c int) float64 {
	if y < 0 || x < 0 || y >= m.Height || x >= m.Width {
		return 0
	}
	return *m.at(n, y, x, c)
}

// each calls set with every place and stores what it returns.
func (m *maps) each(set func(n, y, x, c int) float64) *maps {
	for n := range m.images {
		for y := range m.Height {
			for x := range m.Width {
				for c := range m.Channels {
					*m.at(n, y, x, c) = set(n, y, x, c)
				}
			}
		}
	}
	return m
}

// A reference computes a graph by the definitions of its layers, in float64.
type reference struct {
	graph      *Graph
	parameters []float64
	// statistics are those of the batch where nil.
	statistics []float64
	values     []*maps
}

func (r *reference) run(input *maps) []*maps {
	r.values = []*maps{nil, input}
	for _, l := range r.graph.layers {
		y := newMaps(l.output(), input.images)
		r.values = append(r.values, y)
		switch l := l.(type) {
		case *conv:
			r.conv(l, y)
		case *maxPool:
			x := r.values[l.in]
			y.each(func(n, row, col, c int) float64 {
				return max(x.value(n, 2*row, 2*col, c), x.value(n, 2*row, 2*col+1, c), x.value(n, 2*row+1, 2*col, c), x.value(n, 2*row+1, 2*col+1, c))
			})
		case *upsample:
			x, fine := r.values[l.in], r.values[l.fine]
			y.each(func(n, row, col, c int) float64 { return x.value(n, row/2, col/2, c) + fine.value(n, row, col, c) })
		case *average:
			x := r.values[l.in]
			y.each(func(n, _, _, c int) float64 {
				sum := 0.0
				for row := range x.Height {
					for col := range x.Width {
						sum += x.value(n, row, col, c)
					}
				}
				return sum / float64(x.Height*x.Width)
			})
		}
	}
	return r.values
}

// weight is where the weight of a convolution lies for output o and input i at
// a place in its window.
func (l *conv) weight(o, row, column, i int) int {
	term := row*l.Size + column
	if !l.Depthwise {
		term = term*l.deep + i
	}
	return l.kernel.at + (o/kernel.Channels*l.products()+term)*kernel.Channels + o%kernel.Channels
}

func (r *reference) conv(l *conv, y *maps) {
	x, half := r.values[l.input], (l.Size-1)/2
	y.each(func(n, row, col, o int) float64 {
		sum := 0.0
		for ky := range l.Size {
			for kx := range l.Size {
				for i := range x.Channels {
					if !l.Depthwise || i == o {
						sum += r.parameters[l.weight(o, ky, kx, i)] * x.value(n, row*l.Stride+ky-half, col*l.Stride+kx-half, i)
					}
				}
			}
		}
		if l.norm == nil {
			sum += r.parameters[l.bias.at+o]
		}
		return sum
	})
	if l.norm != nil {
		r.norm(l, y)
	}
	y.each(func(n, row, col, c int) float64 {
		v := *y.at(n, row, col, c)
		if l.Add != 0 {
			v += *r.values[l.Add].at(n, row, col, c)
		}
		switch l.Act {
		case ReLU:
			v = max(v, 0)
		case SiLU:
			v /= 1 + math.Exp(-v)
		}
		return v
	})
}

func (r *reference) norm(l *conv, y *maps) {
	count := float64(y.images * y.Height * y.Width)
	for c := range y.Channels {
		var mean, variance float64
		if r.statistics != nil {
			mean, variance = r.statistics[l.norm.at+c], r.statistics[l.norm.at+l.norm.depth+c]
		} else {
			y.channel(c, func(v *float64) { mean += *v / count })
			y.channel(c, func(v *float64) { variance += (*v - mean) * (*v - mean) / count })
		}
		y.channel(c, func(v *float64) {
			*v = r.parameters[l.norm.gamma.at+c]*(*v-mean)/math.Sqrt(variance+epsilon) + r.parameters[l.norm.beta.at+c]
		})
	}
}

func (m *maps) channel(c int, visit func(*float64)) {
	for i := c; i < len(m.data); i += m.Channels {
		visit(&m.data[i])
	}
}
