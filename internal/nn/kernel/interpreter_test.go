package kernel_test

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"mimeo/internal/nn/kernel"
)

// An interpreter runs the text of an assembled kernel on a machine of its own
// whose memory is ours. So kernels are tested whose instructions the
// processor at hand has not got. It knows what the generator uses, and multiplies and adds
// with two roundings where a processor has one.
type interpreter struct {
	lines  [][]string     // of one kernel: the operation, then its operands
	labels map[string]int // where they stand in lines
}

// interpreted is the set of kernels with a suffix, interpreted.
func interpreted(t *testing.T, suffix string) *kernel.Set {
	t.Helper()
	text, err := os.ReadFile("kernels_amd64.s")
	if err != nil {
		t.Fatal(err)
	}
	plane := func(name string) func(*kernel.Plane) {
		run := assemble(t, string(text), name+suffix)
		return func(p *kernel.Plane) { run.call(unsafe.Pointer(p)) }
	}
	product := func(name string) func(*kernel.Product) {
		run := assemble(t, string(text), name+suffix)
		return func(p *kernel.Product) { run.call(unsafe.Pointer(p)) }
	}
	return &kernel.Set{
		Name: suffix + " interpreted", Product: product("product"), Depthwise: product("depthwise"),
		Moments: plane("moments"), Affine: plane("affine"), AffineAdd: plane("affineAdd"), Backward: plane("backward"),
		Combine: plane("combine"), Accumulate: plane("accumulate"), Pool: plane("pool"), PoolBack: plane("poolBack"),
	}
}

// assemble finds a kernel in the text.
func assemble(t *testing.T, text, name string) *interpreter {
	t.Helper()
	_, body, ok := strings.Cut(text, "TEXT ·"+name+"(SB)")
	if !ok {
		t.Fatalf("there is no kernel %s", name)
	}
	body, _, _ = strings.Cut(body, "\nTEXT")
	in := &interpreter{labels: map[string]int{}}
	for i, line := range strings.Split(body, "\n") {
		line, _, _ = strings.Cut(strings.TrimSpace(line), "//")
		if label, ok := strings.CutSuffix(line, ":"); ok {
			in.labels[label] = len(in.lines)
		} else if operation, operands, _ := strings.Cut(line, " "); i > 0 && operation != "" {
			in.lines = append(in.lines, append([]string{operation}, split(operands)...))
		}
	}
	return in
}

func split(operands string) (all []string) {
	for o := range strings.SplitSeq(operands, ",") {
		if o = strings.TrimSpace(o); o != "" {
			all = append(all, o)
		}
	}
	return all
}

// machine is the state of a run.
type machine struct {
	argument unsafe.Pointer
	general  map[string]uint64
	vectors  map[string]*[16]float32 // by number
	masks    map[string]uint16
	zero     bool // flag of the last result
}

func (in *interpreter) call(argument unsafe.Pointer) {
	m := &machine{argument: argument, general: map[string]uint64{}, vectors: map[string]*[16]float32{}, masks: map[string]uint16{}}
	for at := 0; ; at++ {
		line := in.lines[at]
		switch operation, operands := line[0], line[1:]; operation {
		case "RET":
			return
		case "JNZ", "JZ":
			if m.zero == (operation == "JZ") {
				at = in.labels[operands[0]] - 1
			}
		default:
			m.execute(operation, operands)
		}
	}
}

func (m *machine) execute(operation string, o []string) {
	last := o[max(len(o)-1, 0):]
	switch operation {
	case "VZEROUPPER":
	case "MOVQ":
		m.general[o[1]] = m.value(o[0])
	case "MOVLQSX":
		m.general[o[1]] = uint64(int64(*(*int32)(m.address(o[0]))))
	case "LEAQ":
		m.general[o[1]] = uint64(uintptr(m.address(o[0])))
	case "ADDQ":
		m.set(o[1], m.general[o[1]]+m.value(o[0]))
	case "DECQ":
		m.set(o[0], m.general[o[0]]-1)
	case "SHRQ":
		m.set(o[1], m.general[o[1]]>>m.value(o[0]))
	case "TESTQ":
		m.zero = m.general[o[0]]&m.general[o[1]] == 0
	case "KNOTW":
		m.masks[o[1]] = ^m.masks[o[0]]
	case "VMOVUPS":
		if strings.Contains(o[1], "(") {
			m.store(o[0], o[1])
		} else {
			m.each(last[0], func(i int) float32 { return m.lane(o[0], i) })
		}
	case "VBROADCASTSS":
		v := *(*float32)(m.address(o[0]))
		m.each(last[0], func(int) float32 { return v })
	default:
		m.compute(operation, o, last[0])
	}
}

// compute executes what has a result in each lane. Operands come in Go's
// order, which is Intel's backwards.
func (m *machine) compute(operation string, o []string, to string) {
	switch operation {
	case "VADDPS":
		m.each(to, func(i int) float32 { return m.lane(o[1], i) + m.lane(o[0], i) })
	case "VMAXPS":
		m.each(to, func(i int) float32 { return max(m.lane(o[1], i), m.lane(o[0], i)) })
	case "VFMADD231PS":
		m.each(to, func(i int) float32 { return fused(m.lane(o[1], i), m.lane(o[0], i), m.lane(to, i)) })
	case "VFMADD213PS":
		m.each(to, func(i int) float32 { return fused(m.lane(o[1], i), m.lane(to, i), m.lane(o[0], i)) })
	case "VXORPS":
		m.each(to, func(i int) float32 {
			return bitwise(m.lane(o[1], i), m.lane(o[0], i), func(a, b uint32) uint32 { return a ^ b })
		})
	case "VANDPS":
		m.each(to, func(i int) float32 {
			return bitwise(m.lane(o[1], i), m.lane(o[0], i), func(a, b uint32) uint32 { return a & b })
		})
	case "VANDNPS":
		m.each(to, func(i int) float32 {
			return bitwise(m.lane(o[1], i), m.lane(o[0], i), func(a, b uint32) uint32 { return ^a & b })
		})
	case "VMOVAPS.Z":
		m.each(to, func(i int) float32 {
			if m.masks[o[1]]>>i&1 == 0 {
				return 0
			}
			return m.lane(o[0], i)
		})
	case "VCMPPS":
		m.compare(o, to)
	default:
		panic("the interpreter does not know " + operation)
	}
}

func fused(a, b, c float32) float32 { return float32(math.FMA(float64(a), float64(b), float64(c))) }

func bitwise(a, b float32, combine func(a, b uint32) uint32) float32 {
	return math.Float32frombits(combine(math.Float32bits(a), math.Float32bits(b)))
}

// compare sets a mask, or lanes of ones.
func (m *machine) compare(o []string, to string) {
	holds := func(i int) bool {
		a, b := m.lane(o[2], i), m.lane(o[1], i)
		switch o[0] {
		case "$0x00":
			return a == b
		case "$0x11":
			return a < b
		}
		panic("the interpreter does not know the comparison " + o[0])
	}
	if strings.HasPrefix(to, "K") {
		var mask uint16
		for i := range 16 {
			if holds(i) {
				mask |= 1 << i
			}
		}
		m.masks[to] = mask
		return
	}
	m.each(to, func(i int) float32 {
		if holds(i) {
			return math.Float32frombits(math.MaxUint32)
		}
		return 0
	})
}

func (m *machine) set(register string, v uint64) {
	m.general[register] = v
	m.zero = v == 0
}

// value is that of a register, a number or 8 bytes in memory.
func (m *machine) value(operand string) uint64 {
	if number, ok := strings.CutPrefix(operand, "$"); ok {
		return uint64(parse(number))
	}
	if strings.HasSuffix(operand, "(FP)") {
		return uint64(uintptr(m.argument))
	}
	if strings.Contains(operand, "(") {
		return *(*uint64)(m.address(operand))
	}
	return m.general[operand]
}

func parse(number string) int64 {
	v, err := strconv.ParseInt(number, 0, 64)
	if err != nil {
		panic(fmt.Sprintf("the interpreter does not know the number %s", number))
	}
	return v
}

// address is that of disp(base) or disp(base)(index*1).
func (m *machine) address(operand string) unsafe.Pointer {
	disp, rest, _ := strings.Cut(operand, "(")
	base, index, indexed := strings.Cut(strings.TrimSuffix(rest, ")"), ")(")
	at := m.general[base]
	if indexed {
		at += m.general[strings.TrimSuffix(index, "*1")]
	}
	if disp != "" {
		at += uint64(parse(disp))
	}
	return *(*unsafe.Pointer)(unsafe.Pointer(&at))
}

// width is how many lanes a register has.
func width(register string) int {
	return map[byte]int{'X': 4, 'Y': 8, 'Z': 16}[register[0]]
}

func (m *machine) vector(register string) *[16]float32 {
	number := register[1:]
	if m.vectors[number] == nil {
		m.vectors[number] = new([16]float32)
	}
	return m.vectors[number]
}

// lane is a value of a register or of memory.
func (m *machine) lane(operand string, i int) float32 {
	if strings.Contains(operand, "(") {
		return *(*float32)(unsafe.Add(m.address(operand), 4*i))
	}
	return m.vector(operand)[i]
}

// each sets the lanes of a register, and those beyond it to zero.
func (m *machine) each(register string, value func(i int) float32) {
	var result [16]float32
	for i := range width(register) {
		result[i] = value(i)
	}
	*m.vector(register) = result
}

func (m *machine) store(register, to string) {
	at := m.address(to)
	for i := range width(register) {
		*(*float32)(unsafe.Add(at, 4*i)) = m.vector(register)[i]
	}
}
