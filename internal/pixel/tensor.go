package pixel

import "math"

// A Tensor is an image as a network sees it: a plane of red samples, one of
// green and one of blue, each row by row.
type Tensor struct {
	Width, Height int
	Data          []float32 // 3×Height×Width
}

// NewTensor makes a tensor of zeros.
func NewTensor(w, h int) Tensor { return Tensor{w, h, make([]float32, 3*w*h)} }

// plane returns the samples of a channel.
func (t Tensor) plane(c int) []float32 {
	n := t.Width * t.Height
	return t.Data[c*n : (c+1)*n : (c+1)*n]
}

// Mix makes each sample the mean of itself and that of another tensor of the
// same size, which has the weight share: mixup (Zhang et al. 2018). The labels
// are to be mixed in the same way.
func (t Tensor) Mix(other Tensor, share float32) {
	for i, v := range other.Data[:len(t.Data)] {
		t.Data[i] += float32(share * (v - t.Data[i]))
	}
}

// erase fills a part of the tensor, in its pixels, with zeros.
func (t Tensor) erase(r Rect) {
	x0, x1 := inside(r.Left, r.Right(), t.Width)
	y0, y1 := inside(r.Top, r.Bottom(), t.Height)
	for c := range 3 {
		plane := t.plane(c)
		for y := y0; y < y1; y++ {
			clear(plane[y*t.Width+x0 : y*t.Width+x1])
		}
	}
}

// inside returns the range of the n pixels of a line whose centres lie in
// [from, to).
func inside(from, to float64, n int) (first, end int) {
	first = min(max(int(math.Ceil(from-0.5)), 0), n)
	return first, max(min(max(int(math.Ceil(to-0.5)), 0), n), first)
}

// Normal says which values a network sees: (sample/255 − Mean) / Deviation for
// each of red, green and blue. A deviation of zero stands for one, so that
// the zero value means samples from 0 to 1.
type Normal struct {
	Mean, Deviation [3]float32
}

// line returns the factor and the summand that normalise a sample of a channel.
func (n Normal) line(c int) (factor, summand float32) {
	d := n.Deviation[c]
	if d == 0 {
		d = 1
	}
	return 1 / (255 * d), -n.Mean[c] / d
}
