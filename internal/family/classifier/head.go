package classifier

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"

	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/mat"

	"mimeo/internal/ridge"
)

// A head turns features into one output per label, about ±1.
type head struct {
	weights []float32 // featureDim per label
	bias    []float32 // one per label
}

// penalties are what leave-one-out chooses from. The features have length
// √len(channels).
var penalties = []float64{0.003, 0.01, 0.03, 0.1, 0.3, 1, 3}

// fitting is what a head is fitted to.
type fitting struct {
	truth
	features [][]float32 // a row per example
	// landmarks are the examples that the kernel is computed with; all of them
	// where there are not too many.
	landmarks []int
	fold      []int // of each example; nil where no folds are asked for
	workers   int
	turn      func() (end func()) // of a worker
}

// A regression is a head, and the outputs for examples that it was not fitted to: with one
// example left out at a time, and with a fold.
type regression struct {
	head             *head
	leftOut, foldOut [][]float64
}

// fit chooses the penalty with the least squared error of left-out examples.
func (f fitting) fit(ctx context.Context) (*regression, error) {
	targets := f.targets()
	k, err := f.kernels(ctx)
	if err != nil {
		return nil, err
	}
	var best *ridge.Fit
	var chosen float64
	least := math.Inf(1)
	for _, penalty := range penalties {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		fit, err := k.solve(targets, penalty)
		if err != nil {
			return nil, fmt.Errorf("fit head: %w", err)
		}
		if e := fit.SquaredError(targets); e < least {
			best, least, chosen = fit, e, penalty
		}
	}
	if best == nil {
		return nil, fmt.Errorf("fit head: no penalty of %v fits", penalties)
	}
	r := &regression{head: new(head), leftOut: rowsOf(best.LeftOut)}
	r.head.project(best.Dual, f.chosen(), f.names)
	r.foldOut, err = f.foldsOut(k, targets, chosen)
	if err == nil && r.foldOut == nil {
		r.foldOut = r.leftOut
	}
	return r, err
}

// foldsOut returns the outputs of regressions that each were fitted to all
// examples but a fold. With landmarks there are none: of so many examples a fold more or
// less matters little.
func (f fitting) foldsOut(k kernels, targets *mat.Dense, penalty float64) ([][]float64, error) {
	if f.fold == nil || k.landmarks != nil {
		return nil, nil
	}
	out := make([][]float64, len(f.fold))
	for fold := range slices.Max(f.fold) + 1 {
		held, rest := splitFold(f.fold, fold)
		if len(rest) == 0 {
			return nil, nil
		}
		fit, err := ridge.Solve(among(k.within, rest), rowsAt(targets, rest), penalty)
		if err != nil {
			return nil, fmt.Errorf("fit head: %w", err)
		}
		for _, i := range held {
			similar := mat.NewVecDense(len(rest), nil)
			for a, j := range rest {
				similar.SetVec(a, k.within.At(i, j))
			}
			var outputs mat.VecDense
			outputs.MulVec(fit.Dual.T(), similar)
			out[i] = outputs.RawVector().Data
		}
	}
	return out, nil
}

// splitFold returns the examples of a fold, and all others.
func splitFold(folds []int, fold int) (in, rest []int) {
	for i, f := range folds {
		if f == fold {
			in = append(in, i)
		} else {
			rest = append(rest, i)
		}
	}
	return in, rest
}

// among is the part of a symmetric matrix that is about some examples.
func among(m *mat.SymDense, examples []int) *mat.SymDense {
	out := mat.NewSymDense(len(examples), nil)
	for a, i := range examples {
		for b, j := range examples[:a+1] {
			out.SetSym(a, b, m.At(i, j))
		}
	}
	return out
}

func rowsAt(m *mat.Dense, rows []int) *mat.Dense {
	out := mat.NewDense(len(rows), m.RawMatrix().Cols, nil)
	for a, i := range rows {
		out.SetRow(a, m.RawRowView(i))
	}
	return out
}

func rowsOf(m *mat.Dense) (rows [][]float64) {
	for i := range m.RawMatrix().Rows {
		rows = append(rows, m.RawRowView(i))
	}
	return rows
}

// targets are ±1: a row per example, a column per label.
func (f fitting) targets() *mat.Dense {
	targets := mat.NewDense(len(f.features), f.names, nil)
	for i, present := range f.labels {
		for l := range f.names {
			targets.Set(i, l, -1)
		}
		for _, l := range present {
			targets.Set(i, l, 1)
		}
	}
	return targets
}

// chosen returns the landmarks' features.
func (f fitting) chosen() [][]float32 {
	out := make([][]float32, len(f.landmarks))
	for i, l := range f.landmarks {
		out[i] = f.features[l]
	}
	return out
}

// kernels are the inner products of the examples.
type kernels struct {
	within    *mat.SymDense // among the chosen ones
	landmarks *ridge.Landmarks
}

func (k kernels) solve(targets *mat.Dense, penalty float64) (*ridge.Fit, error) {
	if k.landmarks != nil {
		return k.landmarks.Solve(targets, penalty)
	}
	return ridge.Solve(k.within, targets, penalty)
}

func (f fitting) kernels(ctx context.Context) (k kernels, err error) {
	chosen := f.chosen()
	m := len(chosen)
	k.within = mat.NewSymDense(m, nil)
	err = f.eachRow(ctx, m, func(i int) {
		for j := i; j < m; j++ {
			k.within.SetSym(i, j, kernel(chosen[i], chosen[j]))
		}
	})
	if err != nil || m == len(f.features) {
		return k, err
	}
	across := mat.NewDense(len(f.features), m, nil)
	err = f.eachRow(ctx, len(f.features), func(i int) {
		for j, landmark := range chosen {
			across.Set(i, j, kernel(f.features[i], landmark))
		}
	})
	if err != nil {
		return k, err
	}
	if k.landmarks, err = ridge.NewLandmarks(k.within, across); err != nil {
		return k, fmt.Errorf("fit head: %w", err)
	}
	return k, nil
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

// outputs returns one per label for an image's features.
func (h *head) outputs(features []float32) []float64 {
	d := len(features)
	out := make([]float64, len(h.bias))
	for l := range out {
		out[l] = float64(h.bias[l]) + dot(features, h.weights[l*d:(l+1)*d])
	}
	return out
}
