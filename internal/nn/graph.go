package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// A Node is a feature map in a graph. The zero Node is none.
type Node int

// A Graph is a network: layers in the order in which they are computed. It
// has no weights.
type Graph struct {
	input  Shape
	layers []layer // the output of layers[i] is Node i+2; Node 1 is the input
	inner  int     // feature maps that layers keep for their own gradient
	slots  []slot
	norms  []*norm
	size   int // of all weights
}

// A layer computes one feature map from others.
type layer interface {
	output() Shape
	// plan returns what depends on the number of images.
	plan(images int) planned
}

// planned is a layer for a number of images.
type planned interface {
	// forward computes the output, and what backward needs.
	forward(p *pass)
	// backward adds to the gradients of the inputs and of the weights, given
	// that of the output.
	backward(p *pass)
	// infer computes the output from folded weights.
	infer(p *pass)
}

// A slot is the place of a parameter among the weights.
type slot struct {
	at, size int
	decay    bool // weight decay applies
	scale    float64
	constant float32 // of the initial values, where scale is zero
}

func (s slot) of(values []float32) []float32 { return values[s.at:][:s.size:s.size] }

// NewGraph returns a graph with an input of the given shape.
func NewGraph(input Shape) *Graph { return &Graph{input: input} }

// Input is the node of the input.
func (g *Graph) Input() Node { return 1 }

// Shape returns the shape of a node.
func (g *Graph) Shape(n Node) Shape {
	if n == g.Input() {
		return g.input
	}
	return g.layers[n-2].output()
}

// depth is how many channels of a node are stored.
func (g *Graph) depth(n Node) int {
	if n == g.Input() {
		return g.input.Channels
	}
	return padded(g.Shape(n).Channels)
}

func (g *Graph) add(l layer) Node {
	g.layers = append(g.layers, l)
	return Node(len(g.layers) + 1)
}

func (g *Graph) slot(size int, s slot) slot {
	s.at, s.size = g.size, size
	g.slots = append(g.slots, s)
	g.size += size
	return s
}

// Parameters is how many weights the network has.
func (g *Graph) Parameters() int { return g.size }

// Statistics is how many running statistics the network has.
func (g *Graph) Statistics() int {
	n := 0
	for _, norm := range g.norms {
		n += 2 * norm.depth
	}
	return n
}

// Weights are the parameters of a network and the running statistics of its
// normalisations, in the order of the graph.
type Weights struct {
	Parameters []float32
	Statistics []float32 // means, then variances, of one normalisation after the other
}

// NewWeights returns initial weights: He et al. 2015 (arXiv:1502.01852), for
// layers before a rectifier.
func (g *Graph) NewWeights(seed uint64) *Weights {
	w := &Weights{Parameters: make([]float32, g.size), Statistics: make([]float32, g.Statistics())}
	random := rand.New(rand.NewPCG(seed, 0x6e6e))
	for _, s := range g.slots {
		for i := range s.of(w.Parameters) {
			w.Parameters[s.at+i] = s.constant + float32(s.scale*random.NormFloat64())
		}
	}
	for _, l := range g.layers {
		if c, ok := l.(*conv); ok {
			c.clearPadding(w.Parameters)
		}
	}
	for _, n := range g.norms {
		for i := range n.variances(w.Statistics) {
			n.variances(w.Statistics)[i] = 1
		}
	}
	return w
}

// Check returns an error unless the weights fit the graph and are numbers.
func (g *Graph) Check(w *Weights) error {
	if len(w.Parameters) != g.size || len(w.Statistics) != g.Statistics() {
		return fmt.Errorf("%d parameters and %d statistics for a network of %d and %d", len(w.Parameters), len(w.Statistics), g.size, g.Statistics())
	}
	for _, values := range [][]float32{w.Parameters, w.Statistics} {
		for _, v := range values {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				return fmt.Errorf("a weight is %v", v)
			}
		}
	}
	for _, n := range g.norms {
		for _, v := range n.variances(w.Statistics) {
			if v < 0 {
				return fmt.Errorf("a variance is %v", v)
			}
		}
	}
	return nil
}
