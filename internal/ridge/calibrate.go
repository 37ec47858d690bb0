package ridge

import "math"

// A Sigmoid turns an output into a probability: 1/(1+exp(-(Slope·f+Offset))).
type Sigmoid struct{ Slope, Offset float64 }

// At returns the probability for an output.
func (s Sigmoid) At(f float64) float64 { return 1 / (1 + math.Exp(-(s.Slope*f + s.Offset))) }

// Slopes are for outputs about ±1. With few examples they stay near the typical
// one: the loss holds a normal prior around it, one typical slope wide. They
// never fall to zero, so that a larger output always means a larger
// probability, even where the outputs of unseen examples taught nothing.
const (
	typical  = 3
	flattest = 0.01
	steepest = 50
)

func prior(slope float64) float64 {
	d := (slope - typical) / typical
	return 0.5 * d * d
}

// FitSigmoid calibrates the outputs of a two-sided decision (Platt 1999 with
// the numerics of Lin, Lin and Weng 2007). Outputs must be of examples that the
// regression had not seen, such as left-out ones. The Slope is positive.
func FitSigmoid(outputs []float64, positive []bool) Sigmoid {
	var yes, no float64
	for _, p := range positive {
		if p {
			yes++
		} else {
			no++
		}
	}
	// Targets are drawn in as if one more example of each side were seen.
	high, low := (yes+1)/(yes+2), 1/(no+2)
	target := func(i int) float64 {
		if positive[i] {
			return high
		}
		return low
	}
	s := Sigmoid{Slope: flattest, Offset: math.Log((yes + 1) / (no + 1))}
	loss := func(s Sigmoid) float64 {
		sum := prior(s.Slope)
		for i, f := range outputs {
			z := s.Slope*f + s.Offset
			sum += softplus(z) - float64(target(i)*z)
		}
		return sum
	}
	now := loss(s)
	for range 100 {
		step := s.newtonStep(outputs, target)
		better := false
		for scale := 1.0; scale > 1e-10; scale /= 2 {
			next := Sigmoid{s.Slope + scale*step.Slope, s.Offset + scale*step.Offset}
			next.Slope = min(max(next.Slope, flattest), steepest)
			if l := loss(next); l < now-1e-12 {
				s, now, better = next, l, true
				break
			}
		}
		if !better {
			break
		}
	}
	return s
}

func (s Sigmoid) newtonStep(outputs []float64, target func(int) float64) Sigmoid {
	var gb, hab, hbb float64
	ga, haa := (s.Slope-typical)/(typical*typical), 1.0/(typical*typical) // the prior's
	for i, f := range outputs {
		p := s.At(f)
		d, w := p-target(i), p*(1-p)
		ga += float64(d * f)
		gb += d
		haa += float64(w * f * f)
		hab += float64(w * f)
		hbb += w
	}
	hbb += 1e-9
	det := haa*hbb - hab*hab
	return Sigmoid{-(hbb*ga - hab*gb) / det, -(haa*gb - hab*ga) / det}
}

// softplus is log(1+exp(z)) without overflow.
func softplus(z float64) float64 { return max(z, 0) + math.Log1p(math.Exp(-math.Abs(z))) }

// A Softmax turns the outputs of exclusive classes into probabilities that sum
// to one: exp(Slope·f) over the sum of these (temperature scaling; Guo, Pleiss,
// Sun and Weinberger 2017).
type Softmax struct{ Slope float64 }

// At returns the probabilities for one example's outputs.
func (s Softmax) At(outputs []float64) []float64 {
	top := math.Inf(-1)
	for _, f := range outputs {
		top = max(top, s.Slope*f)
	}
	out := make([]float64, len(outputs))
	var sum float64
	for i, f := range outputs {
		out[i] = math.Exp(s.Slope*f - top)
		sum += out[i]
	}
	for i := range out {
		out[i] /= sum
	}
	return out
}

// FitSoftmax finds the slope under which the true classes are likeliest, given
// outputs (a row per example) of examples that the regression had not seen. As
// FitSigmoid it draws targets in: as if there were one more example, of every
// class a little.
func FitSoftmax(outputs [][]float64, class []int) Softmax {
	loss := func(logSlope float64) float64 {
		s := Softmax{math.Exp(logSlope)}
		sum := prior(s.Slope)
		for i, row := range outputs {
			p := s.At(row)
			even := 1 / (float64(len(outputs)+1) * float64(len(row)))
			kept := 1 - even*float64(len(row))
			for c, q := range p {
				t := even
				if c == class[i] {
					t += kept
				}
				sum -= float64(t * math.Log(max(q, 1e-300)))
			}
		}
		return sum
	}
	// The loss is convex in the slope, so that it has one valley here too.
	low, high := math.Log(flattest), math.Log(steepest)
	const golden = 0.6180339887498949
	a, b := high-golden*(high-low), low+golden*(high-low)
	la, lb := loss(a), loss(b)
	for range 40 {
		if la <= lb {
			high, b, lb = b, a, la
			a = high - golden*(high-low)
			la = loss(a)
		} else {
			low, a, la = a, b, lb
			b = low + golden*(high-low)
			lb = loss(b)
		}
	}
	return Softmax{math.Exp((low + high) / 2)}
}
