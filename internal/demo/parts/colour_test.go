package parts_test

import (
	"image"
	"image/color"
	"math"
	"testing"

	"mimeo/internal/demo/parts"
)

// TestColourDoesNotTellPartsApart holds the drawings to what makes them a
// task worth training for: a multinomial logistic regression on colour
// histograms, with the best of several regularisations as seen on the test
// images themselves, stays below 60 % (guessing: 20 %).
func TestColourDoesNotTellPartsApart(t *testing.T) {
	t.Parallel()
	const ceiling = 0.60
	trainImages, testImages := draw(t)
	train, test := histograms(t, trainImages), histograms(t, testImages)
	standardise(train, test)
	best := 0.0
	for _, decay := range []float64{1e-4, 1e-3, 1e-2, 1e-1} {
		m := fit(train, len(parts.Kinds()), decay)
		onTrain, onTest := m.accuracy(train), m.accuracy(test)
		t.Logf("decay %g: %.1f %% of the training images, %.1f %% of the test images", decay, 100*onTrain, 100*onTest)
		best = max(best, onTest)
		if decay == 1e-4 && onTrain < 0.9 {
			t.Errorf("the regression fits only %.1f %% of its own training images: it proves nothing", 100*onTrain)
		}
	}
	if best >= ceiling {
		t.Errorf("colour histograms reach %.1f %%, want less than %.0f %%", 100*best, 100*ceiling)
	}
}

// A sample is the features of one image and its class.
type sample struct {
	features []float64
	class    int
}

// histograms counts colours in 8×4×4 cells of hue, saturation and value, as
// roots of shares (Hellinger).
func histograms(t *testing.T, set []parts.Image) []sample {
	t.Helper()
	class := make(map[parts.Kind]int)
	for i, k := range parts.Kinds() {
		class[k] = i
	}
	samples := make([]sample, len(set))
	for i, p := range set {
		samples[i] = sample{features: histogram(decode(t, p)), class: class[p.Kind]}
	}
	return samples
}

func histogram(img image.Image) []float64 {
	h := make([]float64, 8*4*4)
	b := img.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			hue, saturation, value := hsv(img.At(x, y))
			cell := min(int(hue*8), 7)*16 + min(int(saturation*4), 3)*4 + min(int(value*4), 3)
			h[cell] += 1 / float64(b.Dx()*b.Dy())
		}
	}
	for i := range h {
		h[i] = math.Sqrt(h[i])
	}
	return h
}

// hsv returns hue, saturation and value, each from 0 to 1.
func hsv(c color.Color) (hue, saturation, value float64) {
	ri, gi, bi, _ := c.RGBA()
	r, g, b := float64(ri)/65535, float64(gi)/65535, float64(bi)/65535
	value = max(r, g, b)
	span := value - min(r, g, b)
	if span == 0 {
		return 0, 0, value
	}
	switch value {
	case r:
		hue = math.Mod((g-b)/span+6, 6)
	case g:
		hue = (b-r)/span + 2
	default:
		hue = (r-g)/span + 4
	}
	return hue / 6, span / value, value
}

// standardise shifts and scales every feature by its mean and deviation over
// the training samples.
func standardise(train, test []sample) {
	for j := range train[0].features {
		mean, square := 0.0, 0.0
		for _, s := range train {
			mean += s.features[j] / float64(len(train))
			square += s.features[j] * s.features[j] / float64(len(train))
		}
		deviation := math.Sqrt(max(square-mean*mean, 1e-12))
		for _, s := range append(append([]sample(nil), train...), test...) {
			s.features[j] = (s.features[j] - mean) / deviation
		}
	}
}

// A regression is multinomial logistic regression; the last weight of a class
// is its bias.
type regression [][]float64

// fit minimises cross-entropy with weight decay by gradient descent with
// momentum, to convergence for a problem of this size.
func fit(samples []sample, classes int, decay float64) regression {
	width := len(samples[0].features) + 1
	m, speed := make(regression, classes), make(regression, classes)
	for c := range m {
		m[c], speed[c] = make([]float64, width), make([]float64, width)
	}
	for range 1500 {
		slope := make(regression, classes)
		for c := range slope {
			slope[c] = make([]float64, width)
		}
		for _, s := range samples {
			for c, p := range m.probabilities(s.features) {
				if c == s.class {
					p--
				}
				p /= float64(len(samples))
				for j, x := range s.features {
					slope[c][j] += p * x
				}
				slope[c][width-1] += p
			}
		}
		for c := range m {
			for j := range m[c] {
				if j < width-1 {
					slope[c][j] += decay * m[c][j]
				}
				speed[c][j] = 0.9*speed[c][j] - 0.05*slope[c][j]
				m[c][j] += speed[c][j]
			}
		}
	}
	return m
}

func (m regression) probabilities(features []float64) []float64 {
	p := make([]float64, len(m))
	top := math.Inf(-1)
	for c, weights := range m {
		p[c] = weights[len(weights)-1]
		for j, x := range features {
			p[c] += weights[j] * x
		}
		top = max(top, p[c])
	}
	sum := 0.0
	for c := range p {
		p[c] = math.Exp(p[c] - top)
		sum += p[c]
	}
	for c := range p {
		p[c] /= sum
	}
	return p
}

func (m regression) accuracy(samples []sample) float64 {
	right := 0.0
	for _, s := range samples {
		best, at := -1.0, 0
		for c, p := range m.probabilities(s.features) {
			if p > best {
				best, at = p, c
			}
		}
		if at == s.class {
			right++
		}
	}
	return right / float64(len(samples))
}
