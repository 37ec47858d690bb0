package ridge

import (
	"errors"
	"fmt"

	"gonum.org/v1/gonum/mat"
)

// Landmarks is a kernel ridge regression for more examples than a square
// kernel matrix has room for: the solution is a sum over some chosen examples,
// the landmarks, and is fitted to all (the Nyström method; Williams and Seeger
// 2001). With every example a landmark it is that of Solve.
type Landmarks struct {
	root     mat.TriDense // L of LLᵀ = the kernel among landmarks
	features mat.Dense    // a column per example, whose inner products are the approximated kernel
	gram     *mat.SymDense
}

// jitter is added to the kernel among landmarks, in parts of its mean
// diagonal, so that two equal landmarks do no harm.
const jitter = 1e-7

// NewLandmarks prepares the regression. Within is the kernel among the
// landmarks; across has a row per example and a column per landmark.
func NewLandmarks(within *mat.SymDense, across *mat.Dense) (*Landmarks, error) {
	m := within.SymmetricDim()
	if _, cols := across.Dims(); cols != m {
		return nil, fmt.Errorf("ridge: %d columns for %d landmarks", cols, m)
	}
	k := mat.NewSymDense(m, nil)
	k.CopySym(within)
	more := jitter * mat.Trace(k) / float64(m)
	for i := range m {
		k.SetSym(i, i, k.At(i, i)+more)
	}
	var chol mat.Cholesky
	if !chol.Factorize(k) {
		return nil, errors.New("ridge: the kernel matrix is not positive")
	}
	l := &Landmarks{gram: mat.NewSymDense(m, nil)}
	chol.LTo(&l.root)
	if err := l.root.SolveTo(&l.features, false, across.T()); err != nil {
		return nil, fmt.Errorf("ridge: %w", err)
	}
	l.gram.SymOuterK(1, &l.features)
	return l, nil
}

// Solve fits targets (a row per example) with the penalty lambda > 0. The Dual
// of the result has a row per landmark. The left-out predictions are exact for
// the landmarks as they are: yᵢ - (yᵢ - fᵢ)/(1 - hᵢ) with the leverage hᵢ.
func (l *Landmarks) Solve(targets *mat.Dense, lambda float64) (*Fit, error) {
	m := l.gram.SymmetricDim()
	_, n := l.features.Dims()
	rows, cols := targets.Dims()
	if n != rows {
		return nil, fmt.Errorf("ridge: %d targets for %d examples", rows, n)
	}
	a := mat.NewSymDense(m, nil)
	a.CopySym(l.gram)
	for i := range m {
		a.SetSym(i, i, a.At(i, i)+lambda)
	}
	var chol mat.Cholesky
	if !chol.Factorize(a) {
		return nil, errors.New("ridge: the features are not finite")
	}
	if err := chol.InverseTo(a); err != nil {
		return nil, fmt.Errorf("ridge: %w", err)
	}
	var moment, weights, fitted mat.Dense
	moment.Mul(&l.features, targets)
	weights.Mul(a, &moment)
	fitted.Mul(l.features.T(), &weights)
	f := &Fit{Dual: &mat.Dense{}, LeftOut: mat.NewDense(n, cols, nil)}
	for i, h := range l.leverages(a) {
		for j := range cols {
			y := targets.At(i, j)
			f.LeftOut.Set(i, j, y-(y-fitted.At(i, j))/max(1-h, 1e-12))
		}
	}
	if err := l.root.SolveTo(f.Dual, true, &weights); err != nil {
		return nil, fmt.Errorf("ridge: %w", err)
	}
	return f, nil
}

// leverages are φᵢᵀA⁻¹φᵢ, some examples at a time.
func (l *Landmarks) leverages(inverse *mat.SymDense) []float64 {
	const atOnce = 1024
	m, n := l.features.Dims()
	out := make([]float64, n)
	for from := 0; from < n; from += atOnce {
		part := l.features.Slice(0, m, from, min(from+atOnce, n))
		var product mat.Dense
		product.Mul(inverse, part)
		product.MulElem(&product, part)
		for r := range m {
			for i, v := range product.RawRowView(r) {
				out[from+i] += v
			}
		}
	}
	return out
}
