package nn

import (
	"slices"
	"sync"

	"mimeo/internal/nn/kernel"
)

// folded are weights into which the normalisations have been multiplied
// (Jacob et al. 2018, arXiv:1712.05877, section 3.2).
type folded struct {
	kernels []float32   // as parameters lie
	biases  [][]float32 // by node
}

func (g *Graph) fold(w *Weights) *folded {
	f := &folded{kernels: slices.Clone(w.Parameters), biases: make([][]float32, len(g.layers)+2)}
	for _, l := range g.layers {
		c, ok := l.(*conv)
		if !ok {
			continue
		}
		if c.norm == nil {
			f.biases[c.node] = slices.Clone(c.bias.of(w.Parameters))
			continue
		}
		scale, shift := make([]float64, c.norm.depth), make([]float32, c.norm.depth)
		for i := range scale {
			factor, summand := c.norm.fold(w, i)
			scale[i], shift[i] = factor, float32(summand)
		}
		kernels := c.kernel.of(f.kernels)
		for i, v := range kernels {
			block := i / (c.products() * kernel.Channels)
			kernels[i] = float32(float64(v) * scale[block*kernel.Channels+i%kernel.Channels])
		}
		f.biases[c.node] = shift
	}
	return f
}

// A Model answers for single images. Its methods may be called concurrently.
type Model struct {
	plan    *plan
	folded  *folded
	kernels *kernel.Set
	outputs []Node
	passes  sync.Pool
}

// NewModel returns a model with trained weights, which must fit the graph. It keeps no
// reference to them. Kernels may be nil, for the best ones.
func NewModel(g *Graph, w *Weights, kernels *kernel.Set, outputs ...Node) *Model {
	if kernels == nil {
		kernels = kernel.Best()
	}
	return &Model{plan: g.plan(1), folded: g.fold(w), kernels: kernels, outputs: outputs}
}

// Infer has fill draw the input, and read look at the outputs, which are the
// model's again when it returns.
func (m *Model) Infer(fill func(input *Tensor), read func(outputs []*Tensor)) {
	ps, ok := m.passes.Get().(*pass)
	if !ok {
		ps = m.plan.newPass(m.kernels)
		ps.folded = m.folded
		for _, n := range m.outputs {
			ps.outputs = append(ps.outputs, ps.values[n])
		}
	}
	defer m.passes.Put(ps)
	fill(ps.values[1])
	ps.infer()
	read(ps.outputs)
}

// Memory is how many bytes one call of Infer works in.
func (m *Model) Memory() int64 { return m.plan.graph.memory(1, false) }
