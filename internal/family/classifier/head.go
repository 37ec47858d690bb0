package classifier

import (
	"context"
	"fmt"
	"math"
	"sync"

	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/mat"

	"mimeo/internal/ridge"
)

// A head turns features into a probability per label.
type head struct {
	multi   bool
	weights []float32 // featureDim per label
	bias    []float32 // one per label
	// sigmoids calibrate each label of a multi-label model, softmax the labels
	// of a single-label one.
	sigmoids []ridge.Sigmoid
	softmax  ridge.Softmax
}

// penalties are what leave-one-out chooses from. The features have length
// √len(channels).
var penalties = []float64{0.003, 0.01, 0.03, 0.1, 0.3, 1, 3}

// fitHead fits the head to the features, a row per example.
func fitHead(ctx context.Context, features [][]float32, labels [][]int, names int, multi bool, workers int) (*head, error) {
	targets := mat.NewDense(len(features), names, nil)
	for i := range features {
		for l := range names {
			targets.Set(i, l, -1)
		}
		for _, l := range labels[i] {
			targets.Set(i, l, 1)
		}
	}
	kernel := gram(features, workers)
	var best *ridge.Fit
	least := math.Inf(1)
	for _, penalty := range penalties {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		fit, err := ridge.Solve(kernel, targets, penalty)
		if err != nil {
			return nil, fmt.Errorf("fit head: %w", err)
		}
		if e := fit.SquaredError(targets); e < least {
			best, least = fit, e
		}
	}
	if best == nil {
		return nil, fmt.Errorf("fit head: no penalty of %v fits", penalties)
	}
	h := &head{multi: multi}
	h.project(best.Dual, features, names)
	h.calibrate(best.LeftOut, labels, names)
	return h, nil
}

// gram is the matrix of the examples' inner products, plus one for the bias.
// Every entry is a sum of its own, so that workers do not change it.
func gram(features [][]float32, workers int) *mat.SymDense {
	n := len(features)
	out := mat.NewSymDense(n, nil)
	rows := make(chan int)
	var wait sync.WaitGroup
	for range workers {
		wait.Go(func() {
			for i := range rows {
				a := blas32.Vector{N: len(features[i]), Inc: 1, Data: features[i]}
				for j := i; j < n; j++ {
					out.SetSym(i, j, 1+blas32.DDot(a, blas32.Vector{N: a.N, Inc: 1, Data: features[j]}))
				}
			}
		})
	}
	for i := range n {
		rows <- i
	}
	close(rows)
	wait.Wait()
	return out
}

// project turns the dual solution into one weight per feature and label: the
// kernel is linear, so that the examples need not be kept.
func (h *head) project(dual *mat.Dense, features [][]float32, names int) {
	d := len(features[0])
	h.weights, h.bias = make([]float32, names*d), make([]float32, names)
	sum := make([]float64, d)
	for l := range names {
		clear(sum)
		var bias float64
		for i, row := range features {
			a := dual.At(i, l)
			bias += a
			for j, v := range row {
				sum[j] += float64(a * float64(v))
			}
		}
		for j, v := range sum {
			h.weights[l*d+j] = float32(v)
		}
		h.bias[l] = float32(bias)
	}
}

func (h *head) calibrate(leftOut *mat.Dense, labels [][]int, names int) {
	n, _ := leftOut.Dims()
	if !h.multi {
		rows, class := make([][]float64, n), make([]int, n)
		for i := range n {
			rows[i], class[i] = leftOut.RawRowView(i), labels[i][0]
		}
		h.softmax = ridge.FitSoftmax(rows, class)
		return
	}
	h.sigmoids = make([]ridge.Sigmoid, names)
	for l := range names {
		positive := make([]bool, n)
		for i := range n {
			for _, p := range labels[i] {
				positive[i] = positive[i] || p == l
			}
		}
		h.sigmoids[l] = ridge.FitSigmoid(mat.Col(nil, l, leftOut), positive)
	}
}

// probabilities returns one probability per label for an image's features.
func (h *head) probabilities(features []float32) []float64 {
	d := len(features)
	x := blas32.Vector{N: d, Inc: 1, Data: features}
	out := make([]float64, len(h.bias))
	for l := range out {
		out[l] = float64(h.bias[l]) + blas32.DDot(x, blas32.Vector{N: d, Inc: 1, Data: h.weights[l*d : (l+1)*d]})
	}
	if !h.multi {
		return h.softmax.At(out)
	}
	for l, f := range out {
		out[l] = h.sigmoids[l].At(f)
	}
	return out
}
