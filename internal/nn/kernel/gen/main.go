// Gen writes kernels_amd64.s, the kernels of package kernel for AVX2 and for
// AVX-512. Both compute the same bits: every sum is taken in the same order.
package main

import (
	. "github.com/mmcloughlin/avo/build"   //nolint:revive // a program of avo reads as assembly does
	. "github.com/mmcloughlin/avo/operand" //nolint:revive // the same
	"github.com/mmcloughlin/avo/reg"
)

// The only argument of a kernel is a pointer to a struct of 8-byte fields.
// These are the fields of Product and Plane in their order; a test compares.
const (
	productA = 8 * iota
	productB
	productC
	productAdd
	productBias
	productRows
	productTerms
	productTiles
	productCount
	productLow
)

const (
	planeX = 8 * iota
	planeY
	planeZ
	planeU
	planeV
	planeW
	planeRows
	planeCols
	planeXRow
	planeXCol
	planeYRow
	planeYCol
	planeZRow
	planeZCol
	planeLow
)

const (
	channels = 16 // that a kernel works on at once
	rows     = 6  // of a tile: as many as AVX2 has registers for
)

func main() {
	ConstraintExpr("!purego")
	for _, s := range []isa{avx2, avx512} {
		s.product()
		s.depthwise()
		s.moments()
		s.affine()
		s.affineAdd()
		s.backward()
		s.combine()
		s.accumulate()
		s.pool()
		s.poolBack()
		s.peak()
	}
	Generate()
}

// An isa is a set of instructions: how its kernels are named, and in how many
// vectors it holds the 16 channels.
type isa struct {
	name     string
	parts    int
	register func() reg.VecVirtual
}

var (
	avx2   = isa{"AVX2", 2, YMM}
	avx512 = isa{"AVX512", 1, ZMM}
)

// A vector is 16 float32 in the registers of an isa.
type vector []reg.VecVirtual

func (s isa) vector() vector {
	v := make(vector, s.parts)
	for i := range v {
		v[i] = s.register()
	}
	return v
}

// part is where the ith part of a vector lies in memory.
func (s isa) part(m Mem, i int) Mem {
	m.Disp += i * 4 * channels / s.parts
	return m
}

func (s isa) load(from Mem) vector {
	v := s.vector()
	for i := range v {
		VMOVUPS(s.part(from, i), v[i])
	}
	return v
}

func (s isa) store(v vector, to Mem) {
	for i := range v {
		VMOVUPS(v[i], s.part(to, i))
	}
}

func (s isa) broadcast(from Mem) reg.VecVirtual {
	r := s.register()
	VBROADCASTSS(from, r)
	return r
}

// begin begins a kernel and returns the register of its argument.
func (s isa) begin(name, doc string) reg.Register {
	TEXT(name+s.name, NOSPLIT, "func(p uintptr)")
	Doc(name + s.name + " " + doc)
	return Load(Param("p"), GP64())
}

func end() {
	VZEROUPPER()
	RET()
}

func to(base reg.Register) Mem { return Mem{Base: base} }

func indexed(base, index reg.Register) Mem { return Mem{Base: base, Index: index, Scale: 1} }

func field(base reg.Register, at int) reg.GPVirtual {
	r := GP64()
	MOVQ(Mem{Base: base, Disp: at}, r)
	return r
}

// product multiplies one value with 16.
func (s isa) product() {
	s.tiles("product", func(sums []vector, a []reg.GPVirtual, offset reg.Register, weights vector) {
		for r, sum := range sums {
			value := s.broadcast(indexed(a[r], offset))
			for i := range sum {
				VFMADD231PS(value, weights[i], sum[i])
			}
		}
	})
}

// depthwise multiplies 16 values with 16.
func (s isa) depthwise() {
	s.tiles("depthwise", func(sums []vector, a []reg.GPVirtual, offset reg.Register, weights vector) {
		for r, sum := range sums {
			for i := range sum {
				VFMADD231PS(s.part(indexed(a[r], offset), i), weights[i], sum[i])
			}
		}
	})
}

// tiles emits the kernel of a Product: the sums of a tile stay in registers
// while its terms go by.
func (s isa) tiles(name string, multiply func(sums []vector, a []reg.GPVirtual, offset reg.Register, weights vector)) {
	arg := s.begin(name, "computes a Product.")
	tile, tiles := field(arg, productRows), field(arg, productTiles)
	Label("tiles")
	a := rowsOf(tile, 0)
	base := field(arg, productA)
	for r := range a {
		ADDQ(base, a[r])
	}
	bias := field(arg, productBias)
	sums := make([]vector, rows)
	for r := range sums {
		sums[r] = s.load(to(bias))
	}
	b, term, count := field(arg, productB), field(arg, productTerms), field(arg, productCount)
	Label("terms")
	offset, from := GP64(), GP64()
	MOVLQSX(Mem{Base: term}, offset)
	MOVLQSX(Mem{Base: term, Disp: 4}, from)
	multiply(sums, a, offset, s.load(indexed(b, from)))
	ADDQ(Imm(8), term)
	DECQ(count)
	JNZ(LabelRef("terms"))
	s.finish(arg, tile, sums)
	ADDQ(Imm(8*rows), tile)
	DECQ(tiles)
	JNZ(LabelRef("tiles"))
	end()
}

// rowsOf loads the offsets of a tile's rows.
func rowsOf(tile reg.Register, disp int) []reg.GPVirtual {
	offsets := make([]reg.GPVirtual, rows)
	for r := range offsets {
		offsets[r] = GP64()
		MOVLQSX(Mem{Base: tile, Disp: disp + 4*r}, offsets[r])
	}
	return offsets
}

// finish adds to the sums, bounds them from below and stores them.
func (s isa) finish(arg, tile reg.Register, sums []vector) {
	low := s.broadcast(Mem{Base: arg, Disp: productLow})
	c, add := field(arg, productC), field(arg, productAdd)
	offsets := rowsOf(tile, 4*rows)
	TESTQ(add, add)
	JZ(LabelRef("store"))
	for r, sum := range sums {
		for i := range sum {
			VADDPS(s.part(indexed(add, offsets[r]), i), sum[i], sum[i])
		}
	}
	Label("store")
	for r, sum := range sums {
		for i := range sum {
			VMAXPS(low, sum[i], sum[i])
		}
		s.store(sum, indexed(c, offsets[r]))
	}
}

// A walker is a tensor that a kernel walks over: the fields of its pointer and
// of its strides.
type walker struct{ at, row, col int }

var (
	walkX = walker{planeX, planeXRow, planeXCol}
	walkY = walker{planeY, planeYRow, planeYCol}
	walkZ = walker{planeZ, planeZRow, planeZCol}
)

// walk emits body for every pixel of a Plane.
func walk(arg reg.Register, walkers []walker, body func(at []reg.Register)) {
	var row []reg.GPVirtual
	for _, w := range walkers {
		row = append(row, field(arg, w.at))
	}
	rowsLeft := field(arg, planeRows)
	Label("rows")
	var pixel []reg.Register
	for i := range walkers {
		p := GP64()
		MOVQ(row[i], p)
		pixel = append(pixel, p)
	}
	colsLeft := field(arg, planeCols)
	Label("cols")
	body(pixel)
	for i, w := range walkers {
		ADDQ(Mem{Base: arg, Disp: w.col}, pixel[i])
	}
	DECQ(colsLeft)
	JNZ(LabelRef("cols"))
	for i, w := range walkers {
		ADDQ(Mem{Base: arg, Disp: w.row}, row[i])
	}
	DECQ(rowsLeft)
	JNZ(LabelRef("rows"))
}

func (s isa) moments() {
	arg := s.begin("moments", "adds the values of X to U and their squares to V.")
	u, v := field(arg, planeU), field(arg, planeV)
	sum, squares := s.load(to(u)), s.load(to(v))
	walk(arg, []walker{walkX}, func(at []reg.Register) {
		for i, x := range s.load(to(at[0])) {
			VADDPS(x, sum[i], sum[i])
			VFMADD231PS(x, x, squares[i])
		}
	})
	s.store(sum, to(u))
	s.store(squares, to(v))
	end()
}

func (s isa) affine() {
	arg := s.begin("affine", "sets Y to max(U·X + V, Low).")
	s.scale(arg, []walker{walkX, walkY})
}

func (s isa) affineAdd() {
	arg := s.begin("affineAdd", "sets Y to max(U·X + V + Z, Low).")
	s.scale(arg, []walker{walkX, walkY, walkZ})
}

func (s isa) scale(arg reg.Register, walkers []walker) {
	scale, shift := s.load(to(field(arg, planeU))), s.load(to(field(arg, planeV)))
	low := s.broadcast(Mem{Base: arg, Disp: planeLow})
	walk(arg, walkers, func(at []reg.Register) {
		x := s.load(to(at[0]))
		for i := range x {
			VFMADD213PS(shift[i], scale[i], x[i])
			if len(at) > 2 {
				VADDPS(s.part(to(at[2]), i), x[i], x[i])
			}
			VMAXPS(low, x[i], x[i])
		}
		s.store(x, to(at[1]))
	})
	end()
}

func (s isa) backward() {
	arg := s.begin("backward", "zeroes X where Y is not above Low, adds X to U and X·Z to V.")
	u, v := field(arg, planeU), field(arg, planeV)
	sum, dot := s.load(to(u)), s.load(to(v))
	low := s.broadcast(Mem{Base: arg, Disp: planeLow})
	walk(arg, []walker{walkX, walkY, walkZ}, func(at []reg.Register) {
		g := s.load(to(at[0]))
		for i := range g {
			s.keepAbove(g[i], s.part(to(at[1]), i), low)
			VADDPS(g[i], sum[i], sum[i])
			VFMADD231PS(s.part(to(at[2]), i), g[i], dot[i])
		}
		s.store(g, to(at[0]))
	})
	s.store(sum, to(u))
	s.store(dot, to(v))
	end()
}

const (
	lessThan = 0x11 // LT_OQ of VCMPPS
	equal    = 0x00 // EQ_OQ
)

// keepAbove zeroes the elements of g where those of y are not above low.
func (s isa) keepAbove(g reg.VecVirtual, y Op, low reg.VecVirtual) {
	if s.parts == 1 {
		keep := K()
		VCMPPS(Imm(lessThan), y, low, keep)
		VMOVAPS_Z(g, keep, g)
		return
	}
	keep := s.register()
	VCMPPS(Imm(lessThan), y, low, keep)
	VANDPS(keep, g, g)
}

func (s isa) combine() {
	arg := s.begin("combine", "sets Y to U·X + V·Z + W.")
	a, b, c := s.load(to(field(arg, planeU))), s.load(to(field(arg, planeV))), s.load(to(field(arg, planeW)))
	walk(arg, []walker{walkX, walkY, walkZ}, func(at []reg.Register) {
		x, z := s.load(to(at[0])), s.load(to(at[2]))
		for i := range x {
			VFMADD213PS(c[i], b[i], z[i])
			VFMADD213PS(z[i], a[i], x[i])
		}
		s.store(x, to(at[1]))
	})
	end()
}

func (s isa) accumulate() {
	arg := s.begin("accumulate", "adds X to Y.")
	walk(arg, []walker{walkX, walkY}, func(at []reg.Register) {
		x := s.load(to(at[0]))
		for i := range x {
			VADDPS(s.part(to(at[1]), i), x[i], x[i])
		}
		s.store(x, to(at[1]))
	})
	end()
}

// window returns the strides inside a window of two by two pixels, of which X
// walks over the first.
func window(arg reg.Register) (down, right reg.GPVirtual) {
	down, right = field(arg, planeXRow), field(arg, planeXCol)
	SHRQ(Imm(1), down)
	SHRQ(Imm(1), right)
	return down, right
}

// corners are the four pixels of the window at base.
func corners(base, down, right reg.Register) [4]Mem {
	below := GP64()
	LEAQ(indexed(base, down), below)
	return [4]Mem{to(base), indexed(base, right), to(below), indexed(below, right)}
}

func (s isa) pool() {
	arg := s.begin("pool", "sets Y to the largest of each window of X.")
	down, right := window(arg)
	walk(arg, []walker{walkX, walkY}, func(at []reg.Register) {
		from := corners(at[0], down, right)
		most := s.load(from[0])
		for _, m := range from[1:] {
			for i := range most {
				VMAXPS(s.part(m, i), most[i], most[i])
			}
		}
		s.store(most, to(at[1]))
	})
	end()
}

func (s isa) poolBack() {
	arg := s.begin("poolBack", "sets the window of Z to Y at the first of the largest of X, else to zero.")
	down, right := window(arg)
	walk(arg, []walker{walkX, walkY, walkZ}, func(at []reg.Register) {
		from, into := corners(at[0], down, right), corners(at[2], down, right)
		for i := range s.parts {
			most, left := s.register(), s.register()
			VMOVUPS(s.part(from[0], i), most)
			for _, m := range from[1:] {
				VMAXPS(s.part(m, i), most, most)
			}
			VMOVUPS(s.part(to(at[1]), i), left)
			for c := range from {
				s.takeWhereEqual(s.part(from[c], i), most, left, s.part(into[c], i))
			}
		}
	})
	end()
}

// takeWhereEqual stores left where x equals most, zero elsewhere, and removes
// from left what it stored.
func (s isa) takeWhereEqual(x Mem, most, left reg.VecVirtual, into Mem) {
	taken := s.register()
	if s.parts == 1 {
		is, isNot := K(), K()
		VCMPPS(Imm(equal), x, most, is)
		VMOVAPS_Z(left, is, taken)
		KNOTW(is, isNot)
		VMOVAPS_Z(left, isNot, left)
	} else {
		is := s.register()
		VCMPPS(Imm(equal), x, most, is)
		VANDPS(left, is, taken)
		VANDNPS(left, is, left)
	}
	VMOVUPS(taken, into)
}

// peak emits a loop of nothing but multiplications that are added to sums in
// registers, as many as a tile has.
func (s isa) peak() {
	TEXT("peak"+s.name, NOSPLIT, "func(rounds int64)")
	Doc("peak" + s.name + " adds to " + "the sums of one tile, rounds times.")
	count := Load(Param("rounds"), GP64())
	factor := s.register()
	VXORPS(factor.AsX(), factor.AsX(), factor.AsX())
	sums := make([]vector, rows)
	for r := range sums {
		sums[r] = s.vector()
		for i := range sums[r] {
			VXORPS(sums[r][i].AsX(), sums[r][i].AsX(), sums[r][i].AsX())
		}
	}
	Label("rounds")
	for _, sum := range sums {
		for i := range sum {
			VFMADD231PS(factor, factor, sum[i])
		}
	}
	DECQ(count)
	JNZ(LabelRef("rounds"))
	end()
}
