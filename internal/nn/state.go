package nn

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// AppendState appends everything that the next step depends on: weights,
// averages, the optimiser's moments, and how many steps were made. The layout is
// little-endian and has no mark of the graph: who keeps it must know that.
func (t *Trainer) AppendState(to []byte) []byte {
	to = binary.LittleEndian.AppendUint64(to, uint64(t.step))
	for _, values := range t.state() {
		to = AppendFloats(to, values)
	}
	return to
}

// SetState goes back to an appended state of the same graph and options.
func (t *Trainer) SetState(from []byte) error {
	size := 8
	for _, values := range t.state() {
		size += 4 * len(values)
	}
	if len(from) != size {
		return fmt.Errorf("a training's state of %d bytes, want %d", len(from), size)
	}
	step := binary.LittleEndian.Uint64(from)
	if step > math.MaxInt32 {
		return errors.New("a training's state has no sensible step")
	}
	t.step, from = int(step), from[8:]
	for _, values := range t.state() {
		from = CutFloats(from, values)
	}
	t.transpose()
	return nil
}

// state is the slices that make a trainer's state, in their order.
func (t *Trainer) state() [][]float32 {
	all := [][]float32{t.weights.Parameters, t.weights.Statistics}
	if t.average != nil {
		all = append(all, t.average.Parameters, t.average.Statistics)
	}
	return append(all, t.moments...)
}

// AppendFloats appends values, little-endian.
func AppendFloats(to []byte, values []float32) []byte {
	for _, v := range values {
		to = binary.LittleEndian.AppendUint32(to, math.Float32bits(v))
	}
	return to
}

// CutFloats fills values from what AppendFloats appended, and returns the rest.
func CutFloats(from []byte, values []float32) []byte {
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(from[4*i:]))
	}
	return from[4*len(values):]
}
