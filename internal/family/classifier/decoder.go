package classifier

import (
	"encoding/binary"
	"errors"
	"math"
	"unicode/utf8"

	"mimeo/internal/descriptor"
	"mimeo/internal/nn"
	"mimeo/internal/ridge"
)

// A decoder takes values off a buffer; after the first error it gives zeros.
type decoder struct {
	rest []byte
	err  error
}

func (d *decoder) fail(why string) {
	if d.err == nil {
		d.err = errors.New(why)
	}
	d.rest = nil
}

// isDone reports whether everything was taken, without an error.
func (d *decoder) isDone() bool { return d.err == nil && len(d.rest) == 0 }

func (d *decoder) take(n int) []byte {
	if n < 0 || n > len(d.rest) {
		d.fail("they end too early")
		return nil
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) byte() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) count(most int) int {
	b := d.take(4)
	if b == nil {
		return 0
	}
	n := binary.LittleEndian.Uint32(b)
	if int64(n) > int64(most) {
		d.fail("a count is too large")
		return 0
	}
	return int(n)
}

func (d *decoder) labels() []string {
	n := d.count(maxLabels)
	if n == 0 {
		d.fail("no labels")
	}
	labels := make([]string, n)
	for i := range labels {
		name := d.take(d.count(maxLabelLength))
		if !utf8.Valid(name) {
			d.fail("a label is not UTF-8")
		}
		labels[i] = string(name)
	}
	return labels
}

// floats takes n finite values.
func (d *decoder) floats(n int) []float32 {
	b := d.take(4 * n)
	if b == nil {
		return nil
	}
	out := make([]float32, n)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		if v := float64(out[i]); math.IsNaN(v) || math.IsInf(v, 0) {
			d.fail("a value is not a number")
			return nil
		}
	}
	return out
}

func (d *decoder) double() float64 {
	b := d.take(8)
	if b == nil {
		return 0
	}
	v := math.Float64frombits(binary.LittleEndian.Uint64(b))
	if math.IsNaN(v) || math.IsInf(v, 0) {
		d.fail("a value is not a number")
	}
	return v
}

func (d *decoder) vocabulary() *vocabulary {
	var v vocabulary
	for i, c := range channels {
		pca := &descriptor.PCA{In: c.dim, Out: c.components, Mean: d.floats(c.dim), Basis: d.floats(c.dim * c.components)}
		gmm := &descriptor.GMM{Dim: c.wordDim(), Weight: d.floats(gaussians)}
		gmm.Mean, gmm.Variance = d.floats(gaussians*gmm.Dim), d.floats(gaussians*gmm.Dim)
		for _, positive := range [][]float32{gmm.Weight, gmm.Variance} {
			for _, p := range positive {
				if p <= 0 {
					d.fail("a weight or variance is not positive")
				}
			}
		}
		if d.err != nil {
			return nil
		}
		v[i] = newWords(pca, gmm)
	}
	return &v
}

func (d *decoder) head(labels int) *head {
	return &head{bias: d.floats(labels), weights: d.floats(labels * featureDim())}
}

func (d *decoder) rows(n, width int) [][]float64 {
	rows := make([][]float64, n)
	for i := range rows {
		for range width {
			rows[i] = append(rows[i], d.double())
		}
	}
	return rows
}

// share takes a part of the whole.
func (d *decoder) share() float64 {
	s := d.double()
	if s < 0 || s > 1 {
		d.fail("a share is not between 0 and 1")
	}
	return s
}

func (d *decoder) committee(labels int) *committee {
	if d.byte() != direct {
		d.fail("the algorithm of the convolutions is unknown")
	}
	members, stages, width := int(d.byte()), int(d.byte()), int(d.byte())
	a := architecture{side: d.count(mostNetworkSide), width: width, stages: stages}
	if err := a.check(); err != nil {
		d.fail(err.Error())
	}
	if members < 1 || members > maxMembers {
		d.fail("the number of networks is not allowed")
	}
	if d.err != nil {
		return nil
	}
	graph, _ := a.graph(labels)
	weights := make([]*nn.Weights, members)
	for i := range weights {
		weights[i] = &nn.Weights{Parameters: d.floats(graph.Parameters()), Statistics: d.floats(graph.Statistics())}
		if d.err != nil {
			return nil
		}
		if err := graph.Check(weights[i]); err != nil {
			d.fail(err.Error())
			return nil
		}
	}
	return newCommittee(a, labels, weights...)
}

func (d *decoder) calibration(labels int, multi bool) calibration {
	c := calibration{multi: multi}
	if !multi {
		c.softmax.Slope = d.double()
		return c
	}
	c.sigmoids = make([]ridge.Sigmoid, labels)
	for i := range c.sigmoids {
		c.sigmoids[i] = ridge.Sigmoid{Slope: d.double(), Offset: d.double()}
	}
	return c
}
