package nn

import (
	"math"
	"unsafe"

	"mimeo/internal/nn/kernel"
)

// An Activation is what becomes of the sums of a layer.
type Activation int

// The activations. SiLU is x·sigmoid(x) (Elfwing et al. 2018, arXiv:1702.03118).
const (
	Linear Activation = iota
	ReLU
	SiLU
)

// low is the bound from below that the kernels apply.
func (a Activation) low() float32 {
	if a == ReLU {
		return 0
	}
	return float32(math.Inf(-1))
}

// A Conv describes a convolution. What lies beyond the border is zero; the
// output is as high and wide as the input, divided by the stride and rounded
// up.
type Conv struct {
	Out       int  // channels; of a depthwise convolution those of the input
	Size      int  // of the window: 1 or 3
	Stride    int  // 1 or 2; 0 means 1
	Depthwise bool // each channel by itself; the input is not the network's
	// Norm follows the convolution by batch normalisation (Ioffe and Szegedy
	// 2015, arXiv:1502.03167); without it the convolution has a bias.
	Norm bool
	// Zero lets the normalisation, or the weights, begin at zero, so that a residual
	// block begins as its shortcut.
	Zero bool
	Bias float32 // that the layer begins with, where there is no norm
	// Add is added before the activation, unless it is none: a shortcut (He et
	// al. 2016, arXiv:1512.03385). It has the shape of the output.
	Add Node
	Act Activation // SiLU after a norm only
}

// conv is a convolution with what follows it.
type conv struct {
	Conv
	input   Node
	node    Node // of the output
	in, out Shape
	deep    int // channels of the input that are stored
	kernel  slot
	bias    slot  // where there is no norm
	norm    *norm // or nil
	inner   int   // among the pass's inner feature maps: the sums before the norm
}

// Conv adds a convolution of x.
func (g *Graph) Conv(x Node, c Conv) Node {
	c.Stride = max(c.Stride, 1)
	in := g.Shape(x)
	if c.Depthwise {
		c.Out = in.Channels
	}
	l := &conv{Conv: c, input: x, in: in, deep: g.depth(x)}
	l.out = Shape{(in.Height + c.Stride - 1) / c.Stride, (in.Width + c.Stride - 1) / c.Stride, c.Out}
	depth := padded(c.Out)
	fan := float64(c.Size * c.Size * in.Channels)
	if c.Depthwise {
		fan = float64(c.Size * c.Size)
	}
	initial := slot{decay: true, scale: math.Sqrt(2 / fan)}
	if c.Zero && !c.Norm {
		initial.scale = 0
	}
	l.kernel = g.slot(l.products()*depth, initial)
	if c.Norm {
		l.norm = g.newNorm(depth, c.Zero)
		l.inner = g.inner
		g.inner++
	} else {
		l.bias = g.slot(depth, slot{constant: c.Bias})
	}
	l.node = g.add(l)
	return l.node
}

func (l *conv) output() Shape { return l.out }

// products is how many each sum has.
func (l *conv) products() int {
	if l.Depthwise {
		return l.Size * l.Size
	}
	return l.Size * l.Size * l.deep
}

// clearPadding zeroes the weights of channels that the output has not. They
// stay zero: their gradient is.
func (l *conv) clearPadding(parameters []float32) {
	w := l.kernel.of(parameters)
	for i := range w {
		block, channel := i/(l.products()*kernel.Channels), i%kernel.Channels
		if block*kernel.Channels+channel >= l.Out {
			w[i] = 0
		}
	}
}

// multiply is the kernel of the layer.
func (l *conv) multiply(s *kernel.Set) func(*kernel.Product) {
	if l.Depthwise {
		return s.Depthwise
	}
	return s.Product
}

// transpose lays the weights out for the gradient of the input: blocks of 16
// input channels × the terms of all classes × 16.
func (p *plannedConv) transpose(parameters, transposed []float32) {
	w, to := p.kernel.of(parameters), p.kernel.of(transposed)
	const n = kernel.Channels
	depth, terms := padded(p.Out), p.products()
	for block := range p.deep / n {
		for _, c := range p.back {
			for _, tap := range c.taps {
				if p.Depthwise {
					to = to[copy(to, w[(block*terms+tap)*n:][:n]):]
					continue
				}
				for o := range depth {
					from := w[(o/n*terms+tap*p.deep+block*n)*n+o%n:]
					for i := range n {
						to[i] = from[i*n]
					}
					to = to[n:]
				}
			}
		}
	}
}

// noBias is the bias of layers that have none.
var noBias [kernel.Channels]float32

// run computes the sums of x into y: with the weights w, a bias or nil, and
// add, which may be nil.
func (p *plannedConv) run(ps *pass, x, y, add *Tensor, w, bias []float32, low float32) {
	compute := p.multiply(ps.kernels)
	each := func(image, block int) {
		a := &ps.product
		*a = kernel.Product{
			A: x.pointer(image * x.area() * x.depth), B: unsafe.Pointer(&w[block*len(p.terms)*kernel.Channels]),
			C: y.pointer(image*y.area()*y.depth + block*kernel.Channels), Bias: unsafe.Pointer(&noBias), Rows: &p.rows[0], Terms: &p.terms[0],
			Tiles: int64(len(p.rows)), Count: int64(len(p.terms)), Low: low,
		}
		if p.Depthwise {
			a.A = x.pointer(image*x.area()*x.depth + block*kernel.Channels)
		}
		if bias != nil {
			a.Bias = unsafe.Pointer(&bias[block*kernel.Channels])
		}
		if add != nil {
			a.Add = add.pointer(image*add.area()*add.depth + block*kernel.Channels)
		}
		compute(a)
	}
	if len(p.terms)*y.depth > p.span*x.area()*x.depth { // the weights are larger: let the images go by
		for block := range y.blocks() {
			for image := 0; image < p.images; image += p.span {
				each(image, block)
			}
		}
		return
	}
	for image := 0; image < p.images; image += p.span {
		for block := range y.blocks() {
			each(image, block)
		}
	}
}

// addWeights adds the gradient of the weights to that of the shard.
func (p *plannedConv) addWeights(ps *pass, x, dy *Tensor) {
	compute, gradient := p.multiply(ps.kernels), p.kernel.of(ps.gradient)
	for image := 0; image < p.images; image += p.span {
		for block := range dy.blocks() {
			into := unsafe.Pointer(&gradient[block*len(p.terms)*kernel.Channels])
			for pixels := p.pixels; len(pixels) > 0; pixels = pixels[min(p.chunk, len(pixels)):] {
				a := &ps.product
				*a = kernel.Product{
					A: x.pointer(image * x.area() * x.depth), B: dy.pointer(image*dy.area()*dy.depth + block*kernel.Channels),
					C: into, Add: into, Bias: unsafe.Pointer(&noBias), Rows: &p.weightRows[0], Terms: &pixels[0],
					Tiles: int64(len(p.weightRows)), Count: int64(min(p.chunk, len(pixels))), Low: Linear.low(),
				}
				if p.Depthwise {
					a.A = x.pointer(image*x.area()*x.depth + block*kernel.Channels)
				}
				compute(a)
			}
		}
	}
}

// addInput computes the gradient of the input, or adds to what is there.
func (p *plannedConv) addInput(ps *pass, dy *Tensor) {
	dx, first := ps.gradientOf(p.input)
	if dx == nil {
		return // of the network's input nobody wants it
	}
	if first && len(p.back) < p.Stride*p.Stride {
		clear(dx.data) // some pixels are in no window
	}
	compute, w, size := p.multiply(ps.kernels), p.kernel.of(ps.transposed), p.transposedTerms()*kernel.Channels
	for image := 0; image < p.images; image += p.span {
		for block := range dx.blocks() {
			for i := range p.back {
				c, a := &p.back[i], &ps.product
				*a = kernel.Product{
					A: dy.pointer(image * dy.area() * dy.depth), B: unsafe.Pointer(&w[block*size]),
					C: dx.pointer(image*dx.area()*dx.depth + block*kernel.Channels), Bias: unsafe.Pointer(&noBias), Rows: &c.rows[0], Terms: &c.terms[0],
					Tiles: int64(len(c.rows)), Count: int64(len(c.terms)), Low: Linear.low(),
				}
				if p.Depthwise {
					a.A = dy.pointer(image*dy.area()*dy.depth + block*kernel.Channels)
				}
				if !first {
					a.Add = a.C
				}
				compute(a)
			}
		}
	}
}

// transposedTerms is how many terms all classes have together.
func (p *plannedConv) transposedTerms() int {
	n := 0
	for i := range p.back {
		n += len(p.back[i].terms)
	}
	return n
}

func (p *plannedConv) forward(ps *pass) {
	x, y, w := ps.values[p.input], ps.values[p.node], p.kernel.of(ps.weights.Parameters)
	add := ps.values[p.Add]
	if p.norm == nil {
		p.run(ps, x, y, add, w, p.bias.of(ps.weights.Parameters), p.Act.low())
		return
	}
	z := ps.inner[p.inner]
	p.run(ps, x, z, nil, w, nil, Linear.low())
	p.norm.forward(ps, z, y, add, p.Act)
}

func (p *plannedConv) infer(ps *pass) {
	y := ps.values[p.node]
	p.run(ps, ps.values[p.input], y, ps.values[p.Add], p.kernel.of(ps.folded.kernels), ps.folded.biases[p.node], p.Act.low())
	if p.Act == SiLU {
		y.silu()
	}
}

func (p *plannedConv) backward(ps *pass) {
	dy := ps.grads[p.node]
	if p.norm != nil {
		p.norm.backward(ps, p, dy)
	} else {
		p.backwardBias(ps, dy)
	}
	p.addWeights(ps, ps.values[p.input], dy)
	p.addInput(ps, dy)
}

// backwardBias takes the activation back from the gradient and adds that of the
// bias and of the shortcut.
func (p *plannedConv) backwardBias(ps *pass, dy *Tensor) {
	y := ps.values[p.node]
	gradient := p.bias.of(ps.gradient)
	for block := range dy.blocks() {
		sum, _ := ps.backwardSums(dy, y, y, block, p.Act.low())
		for c, v := range sum {
			gradient[block*kernel.Channels+c] += float32(v)
		}
	}
	ps.addTo(p.Add, dy)
}
