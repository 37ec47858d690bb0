package kernel

import (
	"runtime"
	"unsafe"
)

// Portable is the kernels in Go.
var Portable = &Set{
	Name: "portable", Product: product, Depthwise: depthwise, Moments: moments, Affine: affine, AffineAdd: affineAdd,
	Backward: backward, Combine: combine, Accumulate: accumulate, Pool: pool, PoolBack: poolBack, Peak: peak,
}

// channels is the 16 values of a pixel.
type channels = [Channels]float32

func pixel(base unsafe.Pointer, offset int64) *channels { return (*channels)(unsafe.Add(base, offset)) }

func product(p *Product) { tiles(p, 1) }

func depthwise(p *Product) { tiles(p, Channels) }

func sumProduct(sum *channels, a, b unsafe.Pointer, terms []Term) {
	sumHalf((*half)(sum[:8]), a, b, terms)
	sumHalf((*half)(sum[8:]), a, unsafe.Add(b, unsafe.Sizeof(half{})), terms)
}

func sumDepthwise(sum *channels, a, b unsafe.Pointer, terms []Term) {
	for _, t := range terms {
		value, weight := pixel(a, int64(t.A)), pixel(b, int64(t.B))
		for c := range sum {
			sum[c] += value[c] * weight[c]
		}
	}
}

// half is as many sums as stay in the registers of any processor.
type half = [Channels / 2]float32

func sumHalf(sum *half, a, b unsafe.Pointer, terms []Term) {
	s0, s1, s2, s3, s4, s5, s6, s7 := sum[0], sum[1], sum[2], sum[3], sum[4], sum[5], sum[6], sum[7]
	for _, t := range terms {
		v, w := *(*float32)(unsafe.Add(a, t.A)), (*half)(unsafe.Add(b, t.B))
		s0 += v * w[0]
		s1 += v * w[1]
		s2 += v * w[2]
		s3 += v * w[3]
		s4 += v * w[4]
		s5 += v * w[5]
		s6 += v * w[6]
		s7 += v * w[7]
	}
	*sum = half{s0, s1, s2, s3, s4, s5, s6, s7}
}

// tiles sums up every row of p, where A is one value or 16. A tile's rows are stored when all of
// them are summed up: they may be the same one, and Add may be C. (A function
// to add with would let the sums escape.)
func tiles(p *Product, values int) {
	terms := unsafe.Slice(p.Terms, p.Count)
	var sums [TileRows]channels
	for _, tile := range unsafe.Slice(p.Rows, p.Tiles) {
		for r := range sums {
			sums[r] = *(*channels)(p.Bias)
			if a := unsafe.Add(p.A, tile.From[r]); values == 1 {
				sumProduct(&sums[r], a, p.B, terms)
			} else {
				sumDepthwise(&sums[r], a, p.B, terms)
			}
			if p.Add != nil {
				for c, v := range pixel(p.Add, int64(tile.To[r])) {
					sums[r][c] += v
				}
			}
		}
		for r := range sums {
			to := pixel(p.C, int64(tile.To[r]))
			for c, v := range sums[r] {
				to[c] = max(v, p.Low)
			}
		}
	}
}

// eachPixel calls body with every pixel of X, Y and Z; those that p has not
// are nil.
func eachPixel(p *Plane, body func(x, y, z *channels)) {
	for row := range p.Rows {
		for col := range p.Cols {
			var x, y, z *channels
			if p.X != nil {
				x = pixel(p.X, row*p.XRow+col*p.XCol)
			}
			if p.Y != nil {
				y = pixel(p.Y, row*p.YRow+col*p.YCol)
			}
			if p.Z != nil {
				z = pixel(p.Z, row*p.ZRow+col*p.ZCol)
			}
			body(x, y, z)
		}
	}
}

func vector(p unsafe.Pointer) *channels { return (*channels)(p) }

func moments(p *Plane) {
	sum, squares := vector(p.U), vector(p.V)
	eachPixel(p, func(x, _, _ *channels) {
		for c, v := range x {
			sum[c] += v
			squares[c] += v * v
		}
	})
}

func affine(p *Plane) {
	scale, shift := vector(p.U), vector(p.V)
	eachPixel(p, func(x, y, _ *channels) {
		for c, v := range x {
			y[c] = max(scale[c]*v+shift[c], p.Low)
		}
	})
}

func affineAdd(p *Plane) {
	scale, shift := vector(p.U), vector(p.V)
	eachPixel(p, func(x, y, z *channels) {
		for c, v := range x {
			y[c] = max(scale[c]*v+shift[c]+z[c], p.Low)
		}
	})
}

func backward(p *Plane) {
	sum, dot := vector(p.U), vector(p.V)
	eachPixel(p, func(x, y, z *channels) {
		for c := range x {
			if !(y[c] > p.Low) {
				x[c] = 0
			}
			sum[c] += x[c]
			dot[c] += x[c] * z[c]
		}
	})
}

func combine(p *Plane) {
	a, b, w := vector(p.U), vector(p.V), vector(p.W)
	eachPixel(p, func(x, y, z *channels) {
		for c := range x {
			y[c] = a[c]*x[c] + (b[c]*z[c] + w[c])
		}
	})
}

func accumulate(p *Plane) {
	eachPixel(p, func(x, y, _ *channels) {
		for c, v := range x {
			y[c] += v
		}
	})
}

// corners are the pixels of the window at base, whose strides are given from
// window to window.
func corners(base *channels, row, col int64) [4]*channels {
	at := unsafe.Pointer(base)
	return [4]*channels{base, pixel(at, col/2), pixel(at, row/2), pixel(at, row/2+col/2)}
}

func pool(p *Plane) {
	eachPixel(p, func(x, y, _ *channels) {
		w := corners(x, p.XRow, p.XCol)
		for c := range y {
			y[c] = max(w[0][c], w[1][c], w[2][c], w[3][c])
		}
	})
}

func poolBack(p *Plane) {
	eachPixel(p, func(x, y, z *channels) {
		from, into := corners(x, p.XRow, p.XCol), corners(z, p.ZRow, p.ZCol)
		for c := range y {
			most, left := max(from[0][c], from[1][c], from[2][c], from[3][c]), y[c]
			for i := range from {
				into[i][c] = 0
				if from[i][c] == most {
					into[i][c], left = left, 0
				}
			}
		}
	})
}

func peak(rounds int64) {
	sum, factor := half{}, float32(rounds&1)
	terms := make([]Term, 2*TileRows)
	for range rounds {
		sumHalf(&sum, unsafe.Pointer(&factor), unsafe.Pointer(&sum), terms)
	}
	runtime.KeepAlive(sum)
}
