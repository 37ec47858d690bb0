package nn

import (
	"unsafe"

	"mimeo/internal/nn/kernel"
)

// simple is a layer without parameters, the same in training and inference.
type simple struct {
	in, node Node
	out      Shape
}

func (l *simple) output() Shape { return l.out }

// one and zero are the factors and summands of kernels that only add.
var (
	one  = [kernel.Channels]float32{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}
	zero [kernel.Channels]float32
)

// eachBlock calls run with every image and every 16 channels of t.
func eachBlock(t *Tensor, run func(image, block int)) {
	for image := range t.images {
		for block := range t.blocks() {
			run(image, block)
		}
	}
}

// maxPool takes the largest of each window of two by two pixels.
type maxPool struct{ simple }

// MaxPool adds a layer that halves height and width, which are even, by taking the largest
// of two by two pixels.
func (g *Graph) MaxPool(x Node) Node {
	in := g.Shape(x)
	l := &maxPool{simple{in: x, out: Shape{in.Height / 2, in.Width / 2, in.Channels}}}
	l.node = g.add(l)
	return l.node
}

func (l *maxPool) plan(int) planned { return l }

func (l *maxPool) infer(ps *pass) { l.forward(ps) }

func (l *maxPool) forward(ps *pass) {
	x, y := ps.values[l.in], ps.values[l.node]
	eachBlock(y, func(image, block int) {
		ps.plane = planeOf(x.grid(image, block, 0, 0, 2), y.grid(image, block, 0, 0, 1), grid{}, y.Shape)
		ps.kernels.Pool(&ps.plane)
	})
}

func (l *maxPool) backward(ps *pass) {
	x, dy := ps.values[l.in], ps.grads[l.node]
	dx, first := ps.gradientOf(l.in)
	if dx == nil {
		return
	}
	into := dx
	if !first {
		into = ps.scratch(dx)
	}
	eachBlock(dy, func(image, block int) {
		ps.plane = planeOf(x.grid(image, block, 0, 0, 2), dy.grid(image, block, 0, 0, 1), into.grid(image, block, 0, 0, 2), dy.Shape)
		ps.kernels.PoolBack(&ps.plane)
	})
	if !first {
		ps.addTo(l.in, into)
	}
}

// upsample doubles height and width, and adds.
type upsample struct {
	simple
	fine Node
}

// UpsampleAdd adds a layer that repeats each pixel of x two by two times and adds
// the map that is twice as high and wide: the way down a feature pyramid (Lin
// et al. 2017, arXiv:1612.03144). Where that one's size is odd, the last row or column is cut.
func (g *Graph) UpsampleAdd(x, fine Node) Node {
	l := &upsample{simple{in: x, out: g.Shape(fine)}, fine}
	l.node = g.add(l)
	return l.node
}

func (l *upsample) plan(int) planned { return l }

func (l *upsample) infer(ps *pass) { l.forward(ps) }

// quarter is the pixels of t that lie at one corner of their windows, and how
// many there are.
func quarter(t *Tensor, image, block, corner int) (grid, Shape) {
	row, column := corner/2, corner%2
	return t.grid(image, block, row, column, 2), Shape{(t.Height - row + 1) / 2, (t.Width - column + 1) / 2, t.Channels}
}

func (l *upsample) forward(ps *pass) {
	x, fine, y := ps.values[l.in], ps.values[l.fine], ps.values[l.node]
	eachBlock(y, func(image, block int) {
		for corner := range 4 {
			to, shape := quarter(y, image, block, corner)
			add, _ := quarter(fine, image, block, corner)
			ps.plane = planeOf(x.grid(image, block, 0, 0, 1), to, add, shape)
			ps.plane.U, ps.plane.V, ps.plane.Low = unsafe.Pointer(&one), unsafe.Pointer(&zero), Linear.low()
			ps.kernels.AffineAdd(&ps.plane)
		}
	})
}

func (l *upsample) backward(ps *pass) {
	dy := ps.grads[l.node]
	ps.addTo(l.fine, dy)
	dx, first := ps.gradientOf(l.in)
	if dx == nil {
		return
	}
	if first {
		clear(dx.data)
	}
	eachBlock(dy, func(image, block int) {
		for corner := range 4 {
			from, shape := quarter(dy, image, block, corner)
			ps.plane = planeOf(from, dx.grid(image, block, 0, 0, 1), grid{}, shape)
			ps.kernels.Accumulate(&ps.plane)
		}
	})
}

// average is the mean over all pixels.
type average struct{ simple }

// Average adds a layer of one pixel: the mean of all (global average pooling,
// Lin et al. 2014, arXiv:1312.4400). A convolution of size one after it is a dense layer.
func (g *Graph) Average(x Node) Node {
	l := &average{simple{in: x, out: Shape{1, 1, g.Shape(x).Channels}}}
	l.node = g.add(l)
	return l.node
}

func (l *average) plan(int) planned { return l }

func (l *average) infer(ps *pass) { l.forward(ps) }

func (l *average) forward(ps *pass) {
	x, y := ps.values[l.in], ps.values[l.node]
	scale := 1 / float32(x.Height*x.Width)
	eachBlock(y, func(image, block int) {
		from := x.grid(image, block, 0, 0, 1)
		ps.u = [kernel.Channels]float32{}
		ps.plane = planeOf(from, grid{}, grid{}, x.Shape)
		ps.plane.U, ps.plane.V = unsafe.Pointer(&ps.u), unsafe.Pointer(&ps.v)
		ps.kernels.Moments(&ps.plane)
		to := y.data[y.offset(image, 1, 1)+block*kernel.Channels:]
		for c, v := range ps.u {
			to[c] = v * scale
		}
	})
}

func (l *average) backward(ps *pass) {
	dy := ps.grads[l.node]
	dx, first := ps.gradientOf(l.in)
	if dx == nil {
		return
	}
	scale := 1 / float32(dx.Height*dx.Width)
	eachBlock(dy, func(image, block int) {
		from := dy.data[dy.offset(image, 1, 1)+block*kernel.Channels:]
		for c := range ps.u {
			ps.u[c] = from[c] * scale
		}
		to := dx.grid(image, block, 0, 0, 1)
		ps.plane = planeOf(grid{at: unsafe.Pointer(&ps.u)}, to, to, dx.Shape)
		ps.plane.U, ps.plane.V, ps.plane.Low = unsafe.Pointer(&one), unsafe.Pointer(&zero), Linear.low()
		if first {
			ps.kernels.Affine(&ps.plane)
		} else {
			ps.kernels.AffineAdd(&ps.plane)
		}
	})
}
