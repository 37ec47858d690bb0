package pixel

import "math"

// Scale returns the upright image in w×h pixels, both at least 1. Each pixel
// is the mean of the area that it covers; where the image must grow, pixels
// are interpolated linearly. The result is the same on every machine.
func (m *Image) Scale(w, h int) *RGB {
	sw, sh := w, h
	if m.header.Orientation.Turned() {
		sw, sh = h, w
	}
	var scaled [3][]float32
	for i, p := range m.planes {
		if i > 0 && m.gray {
			scaled[i] = scaled[0]
			continue
		}
		scaled[i] = p.scale(sw, sh)
	}
	out := &RGB{Width: w, Height: h, Pix: make([]uint8, 3*w*h)}
	at := 0
	for y := range h {
		for x := range w {
			sx, sy := m.header.Orientation.stored(x, y, sw, sh)
			i := sy*sw + sx
			a, b, c := scaled[0][i], scaled[1][i], scaled[2][i]
			if m.chroma { // JFIF 1.02: ITU-R BT.601, full range
				b, c = b-128, c-128
				a, b, c = a+1.402*c, a-0.344136*b-0.714136*c, a+1.772*b
			}
			out.Pix[at], out.Pix[at+1], out.Pix[at+2] = sample(a), sample(b), sample(c)
			at += 3
		}
	}
	return out
}

func sample(v float32) uint8 { return uint8(min(max(v+0.5, 0), 255)) }

// scale resamples a plane: rows are narrowed first and then summed, so that
// the source is read once and in order.
func (p plane) scale(w, h int) []float32 {
	across, down := newTaps(p.w, p.cols, w), newTaps(p.h, p.rows, h)
	out := make([]float32, w*h)
	row := make([]float32, w)
	ready := -1 // the source row that row holds
	for y := range h {
		dst := out[y*w : (y+1)*w]
		for i, weight := range down[y].weights {
			if sy := down[y].first + i; sy != ready {
				p.narrow(sy, across, row)
				ready = sy
			}
			for x, v := range row {
				dst[x] += float32(weight * v)
			}
		}
	}
	return out
}

func (p plane) narrow(y int, across []taps, row []float32) {
	line := p.pix[y*p.stride:]
	for x, t := range across {
		var sum float32
		at := t.first * p.step
		for _, weight := range t.weights {
			sum += float32(weight * float32(line[at]))
			at += p.step
		}
		row[x] = sum
	}
}

// taps are the source samples that make one output sample, and their weights,
// which sum to one.
type taps struct {
	first   int
	weights []float32
}

// newTaps plans n output samples of a line that covers extent of count source
// samples.
func newTaps(extent float64, count, n int) []taps {
	all := make([]taps, n)
	ratio := extent / float64(n)
	for i := range all {
		if ratio >= 1 {
			all[i] = mean(float64(i)*ratio, float64(i+1)*ratio, count)
			continue
		}
		all[i] = between((float64(i)+0.5)*ratio-0.5, count)
	}
	return all
}

// mean weighs the samples by how much of them lies in [from, to).
func mean(from, to float64, count int) taps {
	first := min(int(from), count-1)
	last := min(max(int(math.Ceil(to)), first+1), count)
	t := taps{first: first, weights: make([]float32, last-first)}
	var sum float64
	for i := range t.weights {
		sum += cover(first+i, from, to)
	}
	for i := range t.weights {
		if sum == 0 { // the whole window lies beyond the last sample
			t.weights[i] = 1 / float32(len(t.weights))
			continue
		}
		t.weights[i] = float32(cover(first+i, from, to) / sum)
	}
	return t
}

func cover(i int, from, to float64) float64 {
	return max(0, min(float64(i+1), to)-max(float64(i), from))
}

// between interpolates linearly at a position; beyond the ends the last sample
// goes on.
func between(at float64, count int) taps {
	at = min(max(at, 0), float64(count-1))
	first := min(int(at), max(count-2, 0))
	f := float32(at - float64(first))
	if count == 1 {
		return taps{weights: []float32{1}}
	}
	return taps{first: first, weights: []float32{1 - f, f}}
}
