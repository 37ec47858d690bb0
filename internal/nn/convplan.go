package nn

import "mimeo/internal/nn/kernel"

// plannedConv is a convolution with the tables of its three products. The
// weights lie as blocks of 16 output channels × terms × 16.
type plannedConv struct {
	*conv
	images int
	span   int // images that one product works on

	rows  []kernel.Tile // output pixels of a span
	terms []kernel.Term // window and input channels

	// For training:
	weightRows []kernel.Tile // of the gradient of the weights: its rows are terms of the forward product
	pixels     []kernel.Term // and its terms are pixels
	chunk      int           // as many of them at a time

	back []backClass // of the gradient of the input
}

// spanPixels is how many output pixels a product should have at least, so that
// its last tile does not matter.
const spanPixels = 256

func (l *conv) plan(images int) planned {
	p := &plannedConv{conv: l, images: images, span: 1}
	for p.span < images && (images%p.span != 0 || p.span*l.out.Height*l.out.Width < spanPixels) {
		p.span++
	}
	p.planForward()
	return p
}

// geometry are tensors without data, to compute offsets in.
func (l *conv) geometry() (x, y *Tensor) {
	return &Tensor{Shape: l.in, depth: l.deep}, &Tensor{Shape: l.out, depth: padded(l.Out)}
}

// outputPixels are the pixels of a span's output: where the window of each
// begins in the input, and where it lies itself.
func (p *plannedConv) outputPixels() (from, to []int32) {
	x, y := p.geometry()
	border := 1 - (p.Size-1)/2 // of the window's first pixel, where the output's is the first
	for image := range p.span {
		for row := range p.out.Height {
			for column := range p.out.Width {
				from = append(from, x.bytes(image, row*p.Stride+border, column*p.Stride+border))
				to = append(to, y.bytes(image, row+1, column+1))
			}
		}
	}
	return from, to
}

func (p *plannedConv) planForward() {
	p.rows = tiles(p.outputPixels())
	x, _ := p.geometry()
	channels := p.products() / (p.Size * p.Size)
	for row := range p.Size {
		for column := range p.Size {
			for c := range channels {
				p.terms = append(p.terms, kernel.Term{A: x.bytes(0, row, column) + int32(4*c), B: int32(4 * kernel.Channels * len(p.terms))})
			}
		}
	}
}

func (p *plannedConv) planWeights() {
	var from, to []int32
	for _, t := range p.terms {
		from, to = append(from, t.A), append(to, t.B)
	}
	p.weightRows = tiles(from, to)
	from, to = p.outputPixels()
	for i := range from {
		p.pixels = append(p.pixels, kernel.Term{A: from[i], B: to[i]})
	}
	const cached = 4096 // values of the input that stay near the processor
	p.chunk = min(max(cached/p.deep, 32), 512)
}

// tiles groups rows.
func tiles(from, to []int32) []kernel.Tile {
	var grouped []kernel.Tile
	for i := 0; i < len(from); i += kernel.TileRows {
		var t kernel.Tile
		for r := range t.From {
			at := min(i+r, len(from)-1)
			t.From[r], t.To[r] = from[at], to[at]
		}
		grouped = append(grouped, t)
	}
	return grouped
}

// A backClass is the pixels of the input that are alike in which part of the
// window has met them: all, or with a stride of two every fourth.
type backClass struct {
	rows  []kernel.Tile
	terms []kernel.Term
	taps  []int // of the window, in the order of the terms
}

func (p *plannedConv) planInput() {
	half := (p.Size - 1) / 2
	start := 0 // of the class among the transposed weights
	for down := range p.Stride {
		for right := range p.Stride {
			c := backClass{rows: p.inputRows(down, right)}
			if len(c.rows) == 0 {
				continue
			}
			_, y := p.geometry()
			for tap := range p.Size * p.Size {
				row, column := down+half-tap/p.Size, right+half-tap%p.Size
				if row%p.Stride != 0 || column%p.Stride != 0 {
					continue
				}
				c.taps = append(c.taps, tap)
				channels := y.depth
				if p.Depthwise {
					channels = 1
				}
				for o := range channels {
					c.terms = append(c.terms, kernel.Term{
						A: y.bytes(0, row/p.Stride, column/p.Stride) + int32(4*o), B: int32(4 * kernel.Channels * (start + len(c.terms))),
					})
				}
			}
			start += len(c.terms)
			if len(c.terms) > 0 {
				p.back = append(p.back, c)
			}
		}
	}
}

// inputRows are the pixels of the input whose row and column leave the given
// rest, and the output's that lie over them.
func (p *plannedConv) inputRows(down, right int) []kernel.Tile {
	x, y := p.geometry()
	var from, to []int32
	for image := range p.span {
		for row := down; row < p.in.Height; row += p.Stride {
			for column := right; column < p.in.Width; column += p.Stride {
				from = append(from, y.bytes(image, row/p.Stride+1, column/p.Stride+1))
				to = append(to, x.bytes(image, row+1, column+1))
			}
		}
	}
	return tiles(from, to)
}
