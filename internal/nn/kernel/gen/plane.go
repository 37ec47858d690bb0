package main

import (
	. "github.com/mmcloughlin/avo/build"   //nolint:revive // a program of avo reads as assembly does
	. "github.com/mmcloughlin/avo/operand" //nolint:revive // the same
	"github.com/mmcloughlin/avo/reg"
)

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
