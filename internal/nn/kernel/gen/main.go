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
