package kernel_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"mimeo/internal/nn/kernel"
)

// each runs a test with every set of kernels that this processor can run, and
// with those in assembly interpreted.
func each(t *testing.T, test func(t *testing.T, s *kernel.Set)) {
	for _, s := range append(kernel.Sets(), interpreted(t, "AVX2"), interpreted(t, "AVX512")) {
		t.Run(s.Name, func(t *testing.T) { test(t, s) })
	}
}

// TestLayout holds the structs to what the assembly reads: fields of 8 bytes
// in this order.
func TestLayout(t *testing.T) {
	for want, typ := range map[string]reflect.Type{
		"A B C Add Bias Rows Terms Tiles Count Low _":               reflect.TypeFor[kernel.Product](),
		"X Y Z U V W Rows Cols XRow XCol YRow YCol ZRow ZCol Low _": reflect.TypeFor[kernel.Plane](),
	} {
		var names []string
		for i := range typ.NumField() {
			names = append(names, typ.Field(i).Name)
			if offset := typ.Field(i).Offset; offset != uintptr(8*i) && typ.Field(i).Name != "_" {
				t.Errorf("%s.%s lies at %d, want %d", typ.Name(), typ.Field(i).Name, offset, 8*i)
			}
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s has the fields %s, want %s", typ.Name(), got, want)
		}
	}
}

func noise(seed uint64, n int) []float32 {
	random := rand.New(rand.NewPCG(seed, 1))
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(random.NormFloat64())
	}
	return values
}

func at(values []float32) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(values)) }

// near fails unless all values agree within 1e-5, relative to those of size one.
func near(t *testing.T, what string, got []float32, want []float64) {
	t.Helper()
	for i, w := range want {
		if math.Abs(float64(got[i])-w) > 1e-5*(1+math.Abs(w)) {
			t.Fatalf("%s: value %d is %v, want %v", what, i, got[i], w)
		}
	}
}

// A matrix is a product of rows × terms with terms × 16, its rows in any
// order, some twice.
type matrix struct {
	a, b, add, bias []float32
	rows, terms     int
	tiles           []kernel.Tile
	offsets         []kernel.Term
}

func newMatrix(rows, terms, width int) matrix {
	m := matrix{a: noise(1, rows*terms*width), b: noise(2, terms*16), add: noise(3, rows*16), bias: noise(4, 16), rows: rows, terms: terms}
	order := rand.New(rand.NewPCG(5, 5)).Perm(rows)
	for ; len(order) > 0; order = order[min(kernel.TileRows, len(order)):] {
		var tile kernel.Tile
		for r := range tile.From {
			row := order[min(r, len(order)-1)]
			tile.From[r], tile.To[r] = int32(4*row*terms*width), int32(4*16*row)
		}
		m.tiles = append(m.tiles, tile)
	}
	for k := range terms {
		m.offsets = append(m.offsets, kernel.Term{A: int32(4 * k * width), B: int32(4 * 16 * k)})
	}
	return m
}

func (m matrix) product(c, add []float32, low float32) *kernel.Product {
	p := &kernel.Product{
		A: at(m.a), B: at(m.b), C: at(c), Bias: at(m.bias), Rows: &m.tiles[0], Terms: &m.offsets[0],
		Tiles: int64(len(m.tiles)), Count: int64(m.terms), Low: low,
	}
	if add != nil {
		p.Add = at(add)
	}
	return p
}

// want computes in float64, by the definition.
func (m matrix) want(depthwise bool, add []float32, low float64) []float64 {
	want := make([]float64, m.rows*16)
	for r := range m.rows {
		for c := range 16 {
			sum := float64(m.bias[c])
			for k := range m.terms {
				a := m.a[min(r*m.terms+k, len(m.a)-1)]
				if depthwise {
					a = m.a[(r*m.terms+k)*16+c]
				}
				sum += float64(a) * float64(m.b[k*16+c])
			}
			if add != nil {
				sum += float64(add[r*16+c])
			}
			want[r*16+c] = max(sum, low)
		}
	}
	return want
}

func TestProduct(t *testing.T) {
	each(t, func(t *testing.T, s *kernel.Set) {
		for _, depthwise := range []bool{false, true} {
			compute, width := s.Product, 1
			if depthwise {
				compute, width = s.Depthwise, 16
			}
			for _, rows := range []int{1, 5, 6, 7, 60} {
				for _, terms := range []int{1, 2, 27, 300} {
					m := newMatrix(rows, terms, width)
					for _, add := range [][]float32{nil, m.add} {
						for _, low := range []float64{math.Inf(-1), 0} {
							c := make([]float32, rows*16)
							compute(m.product(c, add, float32(low)))
							near(t, fmt.Sprintf("%d rows, %d terms, depthwise %t, add %t, low %v", rows, terms, depthwise, add != nil, low), c, m.want(depthwise, add, low))
						}
					}
					c := slices.Clone(m.add)
					compute(m.product(c, c, float32(math.Inf(-1))))
					near(t, fmt.Sprintf("%d rows, %d terms, depthwise %t, onto itself", rows, terms, depthwise), c, m.want(depthwise, m.add, math.Inf(-1)))
				}
			}
		}
	})
}

// The plane of these tests lies in tensors of 32 channels whose rows are
// longer than it.
const planeRows, planeCols, planeChannels, planeRow = 6, 8, 32, 10 * 32

type tensors struct{ x, y, z, u, v, w []float32 }

func newTensors() tensors {
	const size = (planeRows + 2) * planeRow
	return tensors{noise(1, size), noise(2, size), noise(3, size), noise(4, 16), noise(5, 16), noise(6, 16)}
}

func (d tensors) clone() tensors {
	return tensors{slices.Clone(d.x), slices.Clone(d.y), slices.Clone(d.z), slices.Clone(d.u), slices.Clone(d.v), slices.Clone(d.w)}
}

func (d tensors) plane(low float32) *kernel.Plane {
	return &kernel.Plane{
		X: at(d.x), Y: at(d.y), Z: at(d.z), U: at(d.u), V: at(d.v), W: at(d.w), Rows: planeRows, Cols: planeCols,
		XRow: 4 * planeRow, XCol: 4 * planeChannels, YRow: 4 * planeRow, YCol: 4 * planeChannels, ZRow: 4 * planeRow, ZCol: 4 * planeChannels, Low: low,
	}
}

// windows is the plane whose X, and Z, are walked over by windows of two by two pixels.
func (d tensors) windows() *kernel.Plane {
	p := d.plane(0)
	p.Rows, p.Cols = planeRows/2, planeCols/2
	p.XRow, p.XCol, p.ZRow, p.ZCol = 2*p.XRow, 2*p.XCol, 2*p.ZRow, 2*p.ZCol
	return p
}

// same compares what a kernel did to all tensors, also beside the plane, with what the
// definition does.
func same(t *testing.T, s *kernel.Set, run func(s *kernel.Set, d tensors), define func(i, c int, d, was tensors)) {
	t.Helper()
	was := newTensors()
	for i := range was.x {
		was.y[i] = float32(math.Round(float64(was.y[i]))) // some of them at the bound
	}
	got, want := was.clone(), was.clone()
	run(s, got)
	for row := range planeRows {
		for col := range planeCols {
			for c := range 16 {
				define(row*planeRow+col*planeChannels+c, c, want, was)
			}
		}
	}
	for name, pair := range map[string][2][]float32{
		"X": {got.x, want.x}, "Y": {got.y, want.y}, "Z": {got.z, want.z}, "U": {got.u, want.u}, "V": {got.v, want.v}, "W": {got.w, want.w},
	} {
		exact := make([]float64, len(pair[1]))
		for i, v := range pair[1] {
			exact[i] = float64(v)
		}
		near(t, name, pair[0], exact)
	}
}

func TestPlanes(t *testing.T) {
	tests := []struct {
		name   string
		run    func(s *kernel.Set, d tensors)
		define func(i, c int, d, was tensors)
	}{
		{"Moments", func(s *kernel.Set, d tensors) { s.Moments(d.plane(0)) }, func(i, c int, d, _ tensors) {
			d.u[c] += d.x[i]
			d.v[c] += d.x[i] * d.x[i]
		}},
		{"Affine", func(s *kernel.Set, d tensors) { s.Affine(d.plane(-0.5)) }, func(i, c int, d, _ tensors) {
			d.y[i] = max(d.u[c]*d.x[i]+d.v[c], -0.5)
		}},
		{"AffineAdd", func(s *kernel.Set, d tensors) { s.AffineAdd(d.plane(0)) }, func(i, c int, d, _ tensors) {
			d.y[i] = max(d.u[c]*d.x[i]+d.v[c]+d.z[i], 0)
		}},
		{"Backward", func(s *kernel.Set, d tensors) { s.Backward(d.plane(1)) }, func(i, c int, d, _ tensors) {
			if d.y[i] <= 1 {
				d.x[i] = 0
			}
			d.u[c] += d.x[i]
			d.v[c] += d.x[i] * d.z[i]
		}},
		{"Combine", func(s *kernel.Set, d tensors) { s.Combine(d.plane(0)) }, func(i, c int, d, _ tensors) {
			d.y[i] = d.u[c]*d.x[i] + d.v[c]*d.z[i] + d.w[c]
		}},
		{"Accumulate", func(s *kernel.Set, d tensors) { s.Accumulate(d.plane(0)) }, func(i, _ int, d, _ tensors) { d.y[i] += d.x[i] }},
	}
	each(t, func(t *testing.T, s *kernel.Set) {
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) { same(t, s, test.run, test.define) })
		}
	})
}

// corners returns the places of a window's pixels in X, if i is the first
// one's, and the window's place in Y.
func corners(i int) (from [4]int, to int, first bool) {
	row, col, c := i/planeRow, i%planeRow/planeChannels, i%planeChannels
	return [4]int{i, i + planeChannels, i + planeRow, i + planeRow + planeChannels}, row/2*planeRow + col/2*planeChannels + c, row%2 == 0 && col%2 == 0
}

func TestPooling(t *testing.T) {
	coarse := func(x []float32) { // so that values in a window are often the same
		for i := range x {
			x[i] = float32(math.Round(float64(x[i])))
		}
	}
	each(t, func(t *testing.T, s *kernel.Set) {
		t.Run("Pool", func(t *testing.T) {
			same(t, s, func(s *kernel.Set, d tensors) { s.Pool(d.windows()) }, func(i, _ int, d, _ tensors) {
				if w, to, first := corners(i); first {
					d.y[to] = max(d.x[w[0]], d.x[w[1]], d.x[w[2]], d.x[w[3]])
				}
			})
		})
		t.Run("PoolBack", func(t *testing.T) {
			run := func(s *kernel.Set, d tensors) {
				coarse(d.x)
				s.PoolBack(d.windows())
			}
			coarsened := false
			same(t, s, run, func(i, _ int, d, _ tensors) {
				if !coarsened {
					coarse(d.x)
					coarsened = true
				}
				w, to, first := corners(i)
				if !first {
					return
				}
				best := 0
				for k := range w {
					d.z[w[k]] = 0
					if d.x[w[k]] > d.x[w[best]] {
						best = k
					}
				}
				d.z[w[best]] = d.y[to]
			})
		})
	})
}

// TestSameBits compares the sets in assembly with each other, where the
// processor can run more than one.
func TestSameBits(t *testing.T) {
	m, deep := newMatrix(60, 300, 1), newMatrix(60, 300, 16)
	var first [][]float32
	for _, s := range kernel.Sets() {
		if s == kernel.Portable {
			continue
		}
		d, c, e := newTensors(), make([]float32, 60*16), make([]float32, 60*16)
		s.Product(m.product(c, m.add, 0))
		s.Depthwise(deep.product(e, m.add, 0))
		for _, run := range []func(*kernel.Plane){s.Moments, s.Affine, s.AffineAdd, s.Backward, s.Combine, s.Accumulate} {
			run(d.plane(0.25))
		}
		s.Pool(d.windows())
		s.PoolBack(d.windows())
		all := [][]float32{c, e, d.x, d.y, d.z, d.u, d.v, d.w}
		if first == nil {
			first = all
		}
		for i := range all {
			if !slices.Equal(all[i], first[i]) {
				t.Errorf("%s: result %d differs from the fastest kernels'", s.Name, i)
			}
		}
	}
}

// BenchmarkProduct is a 3×3 convolution of 16 by 16 pixels from 64 channels to 16,
// beside the limit: multiplications and additions in registers alone.
func BenchmarkProduct(b *testing.B) {
	const size, deep = 16, 64
	x, weights, c, bias := noise(1, (size+2)*(size+2)*deep), noise(2, 9*deep*16), make([]float32, size*size*16), make([]float32, 16)
	var terms []kernel.Term
	for tap := range 9 {
		for in := range deep {
			terms = append(terms, kernel.Term{A: int32(4 * ((tap/3*(size+2)+tap%3)*deep + in)), B: int32(4 * 16 * len(terms))})
		}
	}
	var tiles []kernel.Tile
	for i := 0; i < size*size; i += kernel.TileRows {
		var tile kernel.Tile
		for r := range tile.From {
			at := min(i+r, size*size-1)
			tile.From[r], tile.To[r] = int32(4*deep*(at/size*(size+2)+at%size)), int32(4*16*at)
		}
		tiles = append(tiles, tile)
	}
	p := &kernel.Product{
		A: at(x), B: at(weights), C: at(c), Bias: at(bias), Rows: &tiles[0], Terms: &terms[0], Tiles: int64(len(tiles)), Count: int64(len(terms)),
	}
	for _, s := range kernel.Sets() {
		b.Run(s.Name, func(b *testing.B) {
			for b.Loop() {
				s.Product(p)
			}
			reached := 2 * 16 * size * size * 9 * deep * float64(b.N) / b.Elapsed().Seconds() / 1e9
			const rounds = 2_000_000
			begin := time.Now()
			s.Peak(rounds)
			limit := 2 * 16 * kernel.TileRows * rounds / time.Since(begin).Seconds() / 1e9
			b.ReportMetric(reached, "GFLOP/s")
			b.ReportMetric(limit, "peak-GFLOP/s")
			b.ReportMetric(100*reached/limit, "%-of-peak")
		})
	}
}
