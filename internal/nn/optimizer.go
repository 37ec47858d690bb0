package nn

import "math"

// An Optimizer changes weights by their gradient. It has no state of its own:
// that lies with the weights.
type Optimizer interface {
	// moments is how many values it keeps for each weight.
	moments() int
	// update changes some weights. Step counts from 1.
	update(w, gradient []float32, moments [][]float32, rate, decay float64, step int)
	// decay is how much of a weight that decays is taken off per step, times
	// the rate.
	decay() float64
}

// SGD is stochastic gradient descent with momentum (Sutskever et al. 2013) and
// weight decay.
type SGD struct {
	Momentum float64
	Nesterov bool
	Decay    float64
}

func (o SGD) moments() int   { return 1 }
func (o SGD) decay() float64 { return o.Decay }

func (o SGD) update(w, gradient []float32, moments [][]float32, rate, decay float64, _ int) {
	velocity := moments[0][:len(w)]
	keep, step, shrink := float32(o.Momentum), float32(rate), float32(decay)
	for i, g := range gradient {
		g += shrink * w[i]
		v := keep*velocity[i] + g
		velocity[i] = v
		if o.Nesterov {
			v = keep*v + g
		}
		w[i] -= step * v
	}
}

// AdamW is Adam with decoupled weight decay (Loshchilov and Hutter 2019,
// arXiv:1711.05101).
type AdamW struct {
	Beta1, Beta2 float64 // zero: 0.9 and 0.999
	Decay        float64
}

func (o AdamW) moments() int   { return 2 }
func (o AdamW) decay() float64 { return o.Decay }

func (o AdamW) update(w, gradient []float32, moments [][]float32, rate, decay float64, step int) {
	const tiny = 1e-8
	b1, b2 := o.Beta1, o.Beta2
	if b1 == 0 {
		b1 = 0.9
	}
	if b2 == 0 {
		b2 = 0.999
	}
	first, second := moments[0][:len(w)], moments[1][:len(w)]
	keep1, keep2 := float32(b1), float32(b2)
	correct := float32(1 / math.Sqrt(1-math.Pow(b2, float64(step))))
	scale := float32(rate / (1 - math.Pow(b1, float64(step))))
	shrink := float32(1 - rate*decay)
	for i, g := range gradient {
		m := keep1*first[i] + (1-keep1)*g
		v := keep2*second[i] + (1-keep2)*g*g
		first[i], second[i] = m, v
		w[i] = shrink*w[i] - scale*m/(float32(math.Sqrt(float64(v)))*correct+tiny)
	}
}

// Cosine is the factor of the learning rate at a step, from 0: it rises linearly for the first
// steps, then falls to zero along a cosine (Loshchilov and Hutter 2017,
// arXiv:1608.03983).
func Cosine(step, warmup, steps int) float64 {
	if step < warmup {
		return float64(step+1) / float64(warmup+1)
	}
	return (1 + math.Cos(math.Pi*float64(step-warmup)/float64(max(steps-warmup, 1)))) / 2
}

// OneCycle is the factor of the learning rate at a step, from 0: it rises from a
// twenty-fifth to one in the first three tenths, then falls to nearly nothing,
// both along a cosine (Smith and Topin 2018, arXiv:1708.07120).
func OneCycle(step, steps int) float64 {
	const begin, end = 1.0 / 25, 1.0 / 25e4
	rise := max(3*steps/10, 1)
	if step < rise {
		return between(begin, 1, float64(step)/float64(rise))
	}
	return between(1, end, float64(step-rise)/float64(max(steps-rise, 1)))
}

// between goes along half a cosine.
func between(from, to, part float64) float64 {
	return to + (from-to)*(1+math.Cos(math.Pi*part))/2
}
