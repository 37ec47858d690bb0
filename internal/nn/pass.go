package nn

import "mimeo/internal/nn/kernel"

// A plan is a graph for a number of images: the tables of its layers.
type plan struct {
	graph  *Graph
	images int
	layers []planned
}

func (g *Graph) plan(images int) *plan {
	p := &plan{graph: g, images: images}
	for _, l := range g.layers {
		p.layers = append(p.layers, l.plan(images))
	}
	return p
}

// trainingPlan is a plan with the tables that gradients need, too.
func (g *Graph) trainingPlan(images int) *plan {
	p := g.plan(images)
	for _, l := range p.layers {
		if c, ok := l.(*plannedConv); ok {
			c.planWeights()
			c.planInput()
		}
	}
	return p
}

// A pass is the memory in which one worker computes one shard at a time.
type pass struct {
	*plan
	kernels *kernel.Set
	values  []*Tensor // by node
	outputs []*Tensor // of those, the ones that are asked for
	folded  *folded   // for inference

	// For training:
	turn        func() (end func())
	weights     *Weights
	transposed  []float32 // the weights of convolutions, for the gradients of their inputs
	grads       []*Tensor // by node; of the input there is none
	given       []bool    // the nodes whose gradient holds something
	outputGrads []*Tensor
	spare       map[Shape]*Tensor
	inner       []*Tensor
	norms       []batchNorm
	gradient    []float32 // of the weights, to add to
	statistics  []float32 // of the shard, to set

	coefficients coefficients
	product      kernel.Product
	plane        kernel.Plane
	u, v         [kernel.Channels]float32
	sum, other   [kernel.Channels]float64
}

// newPass returns the memory to infer with.
func (p *plan) newPass(kernels *kernel.Set) *pass {
	ps := &pass{plan: p, kernels: kernels, values: make([]*Tensor, 2)}
	ps.values[1] = newTensor(p.graph.input, p.images, p.graph.input.Channels)
	for _, l := range p.graph.layers {
		ps.values = append(ps.values, newTensor(l.output(), p.images, padded(l.output().Channels)))
	}
	return ps
}

// newTrainingPass returns the memory to train with.
func (p *plan) newTrainingPass(kernels *kernel.Set) *pass {
	ps := p.newPass(kernels)
	ps.grads, ps.given, ps.spare = make([]*Tensor, 2), make([]bool, len(ps.values)), make(map[Shape]*Tensor)
	for i, l := range p.graph.layers {
		y := ps.values[i+2]
		ps.grads = append(ps.grads, newTensor(y.Shape, p.images, y.depth))
		if c, ok := l.(*conv); ok && c.norm != nil {
			ps.inner = append(ps.inner, newTensor(y.Shape, p.images, y.depth))
		}
	}
	for _, n := range p.graph.norms {
		ps.norms = append(ps.norms, newBatchNorm(n.depth))
	}
	return ps
}

// memory is how many bytes a pass over so many images has, without making one.
func (g *Graph) memory(images int, training bool) int64 {
	in := Tensor{Shape: g.input}
	values := int64(in.area() * in.Channels)
	for _, l := range g.layers {
		t := Tensor{Shape: l.output()}
		size := int64(t.area() * padded(t.Channels))
		values += size
		if training {
			values += size
			if c, ok := l.(*conv); ok && c.norm != nil {
				values += size
			}
		}
	}
	return 4 * values * int64(images)
}

func (ps *pass) forward() {
	for _, l := range ps.layers {
		end := ps.takeTurn()
		l.forward(ps)
		end()
	}
}

func (ps *pass) takeTurn() (end func()) {
	if ps.turn == nil {
		return func() {}
	}
	return ps.turn()
}

func (ps *pass) infer() {
	for _, l := range ps.layers {
		l.infer(ps)
	}
}

// backward computes all gradients from those of the outputs that are given.
func (ps *pass) backward() {
	for i := len(ps.layers) - 1; i >= 0; i-- {
		if ps.given[i+2] {
			end := ps.takeTurn()
			ps.layers[i].backward(ps)
			end()
		}
	}
	clear(ps.given)
}

// gradientOf returns the gradient of a node to write to, and whether nothing
// has been written yet: then it holds what was there before, but zeros in the
// border. The network's input has none.
func (ps *pass) gradientOf(n Node) (dx *Tensor, first bool) {
	dx = ps.grads[n]
	first = !ps.given[n]
	ps.given[n] = true
	return dx, first
}

// addTo adds a gradient to that of a node, unless it is none.
func (ps *pass) addTo(n Node, dy *Tensor) {
	dx, first := ps.gradientOf(n)
	switch {
	case dx == nil:
	case first:
		copy(dx.data, dy.data)
	default:
		eachBlock(dy, func(image, block int) {
			ps.plane = planeOf(dy.grid(image, block, 0, 0, 1), dx.grid(image, block, 0, 0, 1), grid{}, dy.Shape)
			ps.kernels.Accumulate(&ps.plane)
		})
	}
}

// scratch returns a tensor like t, for the moment. Its border is zero.
func (ps *pass) scratch(t *Tensor) *Tensor {
	s, ok := ps.spare[t.Shape]
	if !ok {
		s = newTensor(t.Shape, t.images, t.depth)
		ps.spare[t.Shape] = s
	}
	return s
}
