package classifier

import (
	"math"
	"slices"

	"mimeo/internal/ridge"
)

// networkScale makes logits about as large as the outputs of the regression, whose
// typical slope is three.
const networkScale = 1.0 / 3

// A calibration turns outputs into probabilities.
type calibration struct {
	multi bool
	// sigmoids calibrate each label of a multi-label model, softmax the labels
	// of a single-label one.
	sigmoids []ridge.Sigmoid
	softmax  ridge.Softmax
}

// truth is what examples show.
type truth struct {
	labels [][]int // of each example
	names  int     // how many labels there are
	multi  bool
}

// share returns one of the shares, the networks' of the outputs, by the outputs
// for examples that neither part had seen; both parts have been fitted to the
// same ones. It is rather zero than another where the networks do not make the
// truth likelier than chance would.
//
// Averaged logits are a logarithmic opinion pool (Genest and Zidek 1986); to
// choose the weights by left-out outputs is stacking (Wolpert 1992).
func (t truth) share(regression, networks [][]float64, shares []float64) (share float64) {
	lowest := math.Inf(1)
	for _, s := range shares {
		mixed := mixAll(regression, networks, s)
		loss := t.loss(t.calibrate(mixed), mixed)
		if s > 0 {
			loss += math.Log(float64(len(mixed))) / 2 // what a parameter costs (Schwarz 1978)
		}
		if loss < lowest {
			share, lowest = s, loss
		}
	}
	return share
}

// mixAll mixes the outputs for all examples. Without networks their share is zero.
func mixAll(regression, networks [][]float64, share float64) [][]float64 {
	if share == 0 {
		return regression
	}
	mixed := make([][]float64, len(regression))
	for i := range mixed {
		mixed[i] = mix(regression[i], networks[i], share)
	}
	return mixed
}

// mix is the weighted mean of both parts' outputs. A part without weight is not
// looked at.
func mix(regression, networks []float64, share float64) []float64 {
	switch share {
	case 0:
		return regression
	case 1:
		regression = make([]float64, len(networks))
	}
	out := make([]float64, len(regression))
	for l, v := range regression {
		out[l] = float64((1-share)*v) + float64(share*networkScale*networks[l])
	}
	return out
}

// calibrate fits a calibration to outputs of examples that were not seen.
func (t truth) calibrate(outputs [][]float64) calibration {
	c := calibration{multi: t.multi}
	if !t.multi {
		class := make([]int, len(outputs))
		for i, shown := range t.labels {
			class[i] = shown[0]
		}
		c.softmax = ridge.FitSoftmax(outputs, class)
		return c
	}
	column, positive := make([]float64, len(outputs)), make([]bool, len(outputs))
	for l := range t.names {
		for i, row := range outputs {
			column[i], positive[i] = row[l], t.shows(i, l)
		}
		c.sigmoids = append(c.sigmoids, ridge.FitSigmoid(column, positive))
	}
	return c
}

func (t truth) shows(example, label int) bool { return slices.Contains(t.labels[example], label) }

// loss is the negative logarithm of how likely the truth is.
func (t truth) loss(c calibration, outputs [][]float64) float64 {
	sum := 0.0
	for i, row := range outputs {
		for l, p := range c.probabilities(row) {
			switch {
			case t.shows(i, l):
				sum -= math.Log(max(p, leastLikely))
			case t.multi:
				sum -= math.Log(max(1-p, leastLikely))
			}
		}
	}
	return sum
}

const leastLikely = 1e-12

// probabilities returns one per label.
func (c calibration) probabilities(outputs []float64) []float64 {
	if !c.multi {
		return c.softmax.At(outputs)
	}
	out := make([]float64, len(outputs))
	for l, f := range outputs {
		out[l] = c.sigmoids[l].At(f)
	}
	return out
}
