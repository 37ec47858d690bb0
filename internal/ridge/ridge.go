// Package ridge has closed-form heads: kernel ridge regression, its exact
// leave-one-out predictions, and the calibration of its outputs to
// probabilities.
package ridge

import (
	"errors"
	"fmt"

	"gonum.org/v1/gonum/mat"
)

// A Fit is a kernel ridge regression of several targets.
type Fit struct {
	// Dual has a row per example and a column per target: the prediction for x
	// is the sum over examples of k(x, example) times its row.
	Dual *mat.Dense
	// LeftOut is, for each example, the prediction of the regression that is
	// fitted to all other examples.
	LeftOut *mat.Dense
}

// Solve fits targets (a row per example) to a kernel matrix with the penalty
// lambda > 0. The left-out predictions are exact and cost one inverse: with
// C = K + λI and A = C⁻¹Y they are yᵢ - aᵢ/(C⁻¹)ᵢᵢ (Allen's PRESS; Rifkin and
// Lippert, "Notes on regularized least squares", 2007).
func Solve(kernel *mat.SymDense, targets *mat.Dense, lambda float64) (*Fit, error) {
	n := kernel.SymmetricDim()
	rows, cols := targets.Dims()
	if n != rows {
		return nil, fmt.Errorf("ridge: %d targets for %d examples", rows, n)
	}
	c := mat.NewSymDense(n, nil)
	c.CopySym(kernel)
	for i := range n {
		c.SetSym(i, i, c.At(i, i)+lambda)
	}
	var chol mat.Cholesky
	if !chol.Factorize(c) {
		return nil, errors.New("ridge: the kernel matrix is not positive")
	}
	if err := chol.InverseTo(c); err != nil {
		return nil, fmt.Errorf("ridge: %w", err)
	}
	f := &Fit{Dual: mat.NewDense(n, cols, nil), LeftOut: mat.NewDense(n, cols, nil)}
	f.Dual.Mul(c, targets)
	for i := range n {
		for j := range cols {
			f.LeftOut.Set(i, j, targets.At(i, j)-f.Dual.At(i, j)/c.At(i, i))
		}
	}
	return f, nil
}

// SquaredError is the mean squared error of the left-out predictions.
func (f *Fit) SquaredError(targets *mat.Dense) float64 {
	n, cols := targets.Dims()
	var sum float64
	for i := range n {
		for j := range cols {
			e := targets.At(i, j) - f.LeftOut.At(i, j)
			sum += float64(e * e)
		}
	}
	return sum / float64(n*cols)
}
