package nn

import (
	"math"
	"unsafe"

	"mimeo/internal/nn/kernel"
)

const (
	// epsilon keeps a channel that never varies from being divided by zero.
	epsilon = 1e-5
	// momentum is how much of the running statistics a step leaves.
	momentum = 0.9
)

// norm is batch normalisation (Ioffe and Szegedy 2015, arXiv:1502.03167): the
// parameters of one, and where its statistics lie.
type norm struct {
	index       int // among the graph's
	depth       int
	gamma, beta slot
	at          int // of the running statistics
}

func (g *Graph) newNorm(depth int, zero bool) *norm {
	n := &norm{index: len(g.norms), depth: depth, at: g.Statistics()}
	one := slot{constant: 1}
	if zero {
		one.constant = 0
	}
	n.gamma, n.beta = g.slot(depth, one), g.slot(depth, slot{})
	g.norms = append(g.norms, n)
	return n
}

func (n *norm) means(statistics []float32) []float32     { return statistics[n.at:][:n.depth] }
func (n *norm) variances(statistics []float32) []float32 { return statistics[n.at+n.depth:][:n.depth] }

// batchNorm is what a pass keeps of a normalisation for its gradient: what
// the values were multiplied with, and what was added to them.
type batchNorm struct {
	mean, deviation []float64 // of the shard
	scale, shift    []float32
}

func newBatchNorm(depth int) batchNorm {
	return batchNorm{make([]float64, depth), make([]float64, depth), make([]float32, depth), make([]float32, depth)}
}

// forward normalises z into y, adds and activates.
func (n *norm) forward(ps *pass, z, y, add *Tensor, act Activation) {
	b := &ps.norms[n.index]
	count := float64(z.images * z.Height * z.Width)
	gamma, beta := n.gamma.of(ps.weights.Parameters), n.beta.of(ps.weights.Parameters)
	means, variances := n.means(ps.statistics), n.variances(ps.statistics)
	for block := range z.blocks() {
		sum, squares := ps.moments(z, block)
		for i := range sum {
			c := block*kernel.Channels + i
			mean := sum[i] / count
			variance := max(0, squares[i]/count-mean*mean)
			b.mean[c], b.deviation[c] = mean, math.Sqrt(variance+epsilon)
			means[c], variances[c] = float32(mean), float32(variance)
			b.scale[c] = float32(float64(gamma[c]) / b.deviation[c])
			b.shift[c] = float32(float64(beta[c]) - float64(gamma[c])*mean/b.deviation[c])
		}
	}
	ps.affine(z, y, add, b.scale, b.shift, act.low())
	if act == SiLU {
		y.silu()
	}
}

// backward turns dy, the gradient of the layer's output, into that of its sums,
// and adds those of the parameters and of the shortcut.
func (n *norm) backward(ps *pass, l *plannedConv, dy *Tensor) {
	b, y, z := &ps.norms[n.index], ps.values[l.node], ps.inner[l.inner]
	if l.Act == SiLU {
		dy.unsilu(z, ps.values[l.Add], b)
	}
	count := float64(z.images * z.Height * z.Width)
	gamma := n.gamma.of(ps.weights.Parameters)
	dgamma, dbeta := n.gamma.of(ps.gradient), n.beta.of(ps.gradient)
	ps.coefficients.resize(n.depth)
	for block := range dy.blocks() {
		sum, dot := ps.backwardSums(dy, y, z, block, l.Act.low())
		for i := range sum {
			c := block*kernel.Channels + i
			slope := (dot[i] - b.mean[c]*sum[i]) / b.deviation[c]
			dgamma[c] += float32(slope)
			dbeta[c] += float32(sum[i])
			a := float64(gamma[c]) / b.deviation[c]
			d := -a * slope / count / b.deviation[c]
			ps.coefficients.set(c, a, d, -a*sum[i]/count-d*b.mean[c])
		}
	}
	ps.addTo(l.Add, dy)
	ps.combine(dy, z)
}

// coefficients are those of the gradient of a normalised value: of the
// gradient after it, of the value, and a constant; each of all channels.
type coefficients struct{ gradient, value, constant []float32 }

func (k *coefficients) resize(depth int) {
	if cap(k.gradient) < depth {
		k.gradient, k.value, k.constant = make([]float32, depth), make([]float32, depth), make([]float32, depth)
	}
	k.gradient, k.value, k.constant = k.gradient[:depth], k.value[:depth], k.constant[:depth]
}

func (k *coefficients) set(c int, gradient, value, constant float64) {
	k.gradient[c], k.value[c], k.constant[c] = float32(gradient), float32(value), float32(constant)
}

// fold returns what a convolution's output is multiplied with, and what is
// added to it, channel by channel, when the statistics are the running ones.
func (n *norm) fold(w *Weights, c int) (scale, shift float64) {
	scale = float64(n.gamma.of(w.Parameters)[c]) / math.Sqrt(float64(n.variances(w.Statistics)[c])+epsilon)
	return scale, float64(n.beta.of(w.Parameters)[c]) - scale*float64(n.means(w.Statistics)[c])
}

// silu applies SiLU to all pixels. That of zero is zero, so the border stays.
func (t *Tensor) silu() {
	for i, v := range t.data {
		t.data[i] = v * sigmoid(v)
	}
}

// unsilu takes SiLU back from t, the gradient of what follows it. The values
// before it were z, normalised, and add.
func (t *Tensor) unsilu(z, add *Tensor, b *batchNorm) {
	for i, g := range t.data {
		c := i % t.depth
		v := b.scale[c]*z.data[i] + b.shift[c]
		if add != nil {
			v += add.data[i]
		}
		s := sigmoid(v)
		t.data[i] = g * s * (1 + v*(1-s)) // of the border g is zero
	}
}

func sigmoid(v float32) float32 { return float32(1 / (1 + math.Exp(-float64(v)))) }

// moments returns the sums of the values of 16 channels and of their squares.
func (ps *pass) moments(z *Tensor, block int) (sum, squares *[kernel.Channels]float64) {
	return ps.sums(z.images, func(image int) {
		x := z.grid(image, block, 0, 0, 1)
		ps.plane = kernel.Plane{X: x.at, XRow: x.row, XCol: x.col, Rows: int64(z.Height), Cols: int64(z.Width), U: unsafe.Pointer(&ps.u), V: unsafe.Pointer(&ps.v)}
		ps.kernels.Moments(&ps.plane)
	})
}

// backwardSums zeroes the gradient g where y is not above low, and returns the sums
// of what is left and of its products with z.
func (ps *pass) backwardSums(g, y, z *Tensor, block int, low float32) (sum, dot *[kernel.Channels]float64) {
	return ps.sums(g.images, func(image int) {
		ps.plane = planeOf(g.grid(image, block, 0, 0, 1), y.grid(image, block, 0, 0, 1), z.grid(image, block, 0, 0, 1), g.Shape)
		ps.plane.U, ps.plane.V, ps.plane.Low = unsafe.Pointer(&ps.u), unsafe.Pointer(&ps.v), low
		ps.kernels.Backward(&ps.plane)
	})
}

// sums adds up what add leaves in u and v for each image: a float32 sum is of
// one image, that of all is a float64.
func (ps *pass) sums(images int, add func(image int)) (sum, other *[kernel.Channels]float64) {
	ps.sum, ps.other = [kernel.Channels]float64{}, [kernel.Channels]float64{}
	for image := range images {
		ps.u, ps.v = [kernel.Channels]float32{}, [kernel.Channels]float32{}
		add(image)
		for c := range ps.u {
			ps.sum[c] += float64(ps.u[c])
			ps.other[c] += float64(ps.v[c])
		}
	}
	return &ps.sum, &ps.other
}

func planeOf(x, y, z grid, s Shape) kernel.Plane {
	return kernel.Plane{
		X: x.at, XRow: x.row, XCol: x.col, Y: y.at, YRow: y.row, YCol: y.col, Z: z.at, ZRow: z.row, ZCol: z.col,
		Rows: int64(s.Height), Cols: int64(s.Width),
	}
}

// affine sets y to max(low, scale·x + shift + add), where add may be nil.
func (ps *pass) affine(x, y, add *Tensor, scale, shift []float32, low float32) {
	for image := range x.images {
		for block := range x.blocks() {
			at := block * kernel.Channels
			run, z := ps.kernels.Affine, grid{}
			if add != nil {
				run, z = ps.kernels.AffineAdd, add.grid(image, block, 0, 0, 1)
			}
			ps.plane = planeOf(x.grid(image, block, 0, 0, 1), y.grid(image, block, 0, 0, 1), z, x.Shape)
			ps.plane.U, ps.plane.V, ps.plane.Low = unsafe.Pointer(&scale[at]), unsafe.Pointer(&shift[at]), low
			run(&ps.plane)
		}
	}
}

// combine turns g, the gradient after a normalisation, into that of its values z.
func (ps *pass) combine(g, z *Tensor) {
	for image := range g.images {
		for block := range g.blocks() {
			at, k := block*kernel.Channels, &ps.coefficients
			ps.plane = planeOf(g.grid(image, block, 0, 0, 1), g.grid(image, block, 0, 0, 1), z.grid(image, block, 0, 0, 1), g.Shape)
			ps.plane.U, ps.plane.V, ps.plane.W = unsafe.Pointer(&k.gradient[at]), unsafe.Pointer(&k.value[at]), unsafe.Pointer(&k.constant[at])
			ps.kernels.Combine(&ps.plane)
		}
	}
}
