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

// fitting is what a head is fitted to.
type fitting struct {
	features [][]float32 // a row per example
	labels   [][]int     // of each example
	names    int         // how many labels there are
	multi    bool
	// landmarks are the examples that the kernel is computed with; all of them
	// where there are not too many.
	landmarks []int
	workers   int
	turn      func() (end func()) // of a worker
}

// fitHead chooses the penalty with the least squared error of left-out
// examples and calibrates on their outputs.
func fitHead(ctx context.Context, f fitting) (*head, error) {
	targets := mat.NewDense(len(f.features), f.names, nil)
	for i, present := range f.labels {
		for l := range f.names {
			targets.Set(i, l, -1)
		}
		for _, l := range present {
			targets.Set(i, l, 1)
		}
	}
	solve, err := f.solver(ctx)
	if err != nil {
		return nil, err
	}
	var best *ridge.Fit
	least := math.Inf(1)
	for _, penalty := range penalties {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		fit, err := solve(targets, penalty)
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
	h := &head{multi: f.multi}
	h.project(best.Dual, f.chosen(), f.names)
	h.calibrate(best.LeftOut, f.labels, f.names)
	return h, nil
}

// chosen returns the landmarks' features.
func (f fitting) chosen() [][]float32 {
	out := make([][]float32, len(f.landmarks))
	for i, l := range f.landmarks {
		out[i] = f.features[l]
	}
	return out
}

// solver computes the kernel and returns the regression on it.
func (f fitting) solver(ctx context.Context) (func(*mat.Dense, float64) (*ridge.Fit, error), error) {
	chosen := f.chosen()
	m := len(chosen)
	within := mat.NewSymDense(m, nil)
	err := f.eachRow(ctx, m, func(i int) {
		for j := i; j < m; j++ {
			within.SetSym(i, j, kernel(chosen[i], chosen[j]))
		}
	})
	if err != nil {
		return nil, err
	}
	if m == len(f.features) {
		return func(y *mat.Dense, penalty float64) (*ridge.Fit, error) { return ridge.Solve(within, y, penalty) }, nil
	}
	across := mat.NewDense(len(f.features), m, nil)
	err = f.eachRow(ctx, len(f.features), func(i int) {
		for j, landmark := range chosen {
			across.Set(i, j, kernel(f.features[i], landmark))
		}
	})
	if err != nil {
		return nil, err
	}
	l, err := ridge.NewLandmarks(within, across)
	if err != nil {
		return nil, fmt.Errorf("fit head: %w", err)
	}
	return l.Solve, nil
}

// kernel is the inner product, plus one for the bias. It is a sum of its own,
// so that the number of workers does not change it.
func kernel(a, b []float32) float64 { return 1 + dot(a, b) }

func dot(a, b []float32) float64 {
	return blas32.DDot(blas32.Vector{N: len(a), Inc: 1, Data: a}, blas32.Vector{N: len(b), Inc: 1, Data: b})
}

// eachRow calls do for 0 to n-1 on several workers, until ctx ends.
func (f fitting) eachRow(ctx context.Context, n int, do func(i int)) error {
	rows := make(chan int)
	var wait sync.WaitGroup
	for range f.workers {
		wait.Go(func() {
			for i := range rows {
				end := f.turn()
				do(i)
				end()
			}
		})
	}
	for i := 0; i < n && ctx.Err() == nil; i++ {
		rows <- i
	}
	close(rows)
	wait.Wait()
	return ctx.Err()
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
	out := make([]float64, len(h.bias))
	for l := range out {
		out[l] = float64(h.bias[l]) + dot(features, h.weights[l*d:(l+1)*d])
	}
	if !h.multi {
		return h.softmax.At(out)
	}
	for l, f := range out {
		out[l] = h.sigmoids[l].At(f)
	}
	return out
}
