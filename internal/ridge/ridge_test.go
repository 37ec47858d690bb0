package ridge_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	"mimeo/internal/ridge"
)

// problem draws a kernel matrix of n examples and targets for it.
func problem(n, cols int, seed uint64) (*mat.SymDense, *mat.Dense) {
	random := rand.New(rand.NewPCG(seed, 0))
	x := mat.NewDense(n, 5, nil)
	y := mat.NewDense(n, cols, nil)
	for i := range n {
		for j := range 5 {
			x.Set(i, j, random.NormFloat64())
		}
		for j := range cols {
			y.Set(i, j, random.NormFloat64())
		}
	}
	k := mat.NewSymDense(n, nil)
	k.SymOuterK(1, x)
	return k, y
}

// without returns the kernel and the targets less one example.
func without(k *mat.SymDense, y *mat.Dense, out int) (*mat.SymDense, *mat.Dense, []int) {
	n, cols := y.Dims()
	var keep []int
	for i := range n {
		if i != out {
			keep = append(keep, i)
		}
	}
	rest, targets := mat.NewSymDense(n-1, nil), mat.NewDense(n-1, cols, nil)
	for a, i := range keep {
		targets.SetRow(a, y.RawRowView(i))
		for b, j := range keep {
			rest.SetSym(a, b, k.At(i, j))
		}
	}
	return rest, targets, keep
}

func TestLeftOutIsTheRefit(t *testing.T) {
	t.Parallel()
	const n, cols = 12, 3
	k, y := problem(n, cols, 1)
	for _, lambda := range []float64{0.01, 1, 30} {
		fit, err := ridge.Solve(k, y, lambda)
		if err != nil {
			t.Fatal(err)
		}
		var squares float64
		for out := range n {
			rest, targets, keep := without(k, y, out)
			refit, err := ridge.Solve(rest, targets, lambda)
			if err != nil {
				t.Fatal(err)
			}
			for c := range cols {
				var want float64
				for a, i := range keep {
					want += k.At(out, i) * refit.Dual.At(a, c)
				}
				got := fit.LeftOut.At(out, c)
				if math.Abs(got-want) > 1e-9 {
					t.Errorf("λ %v, example %d: left out %v, refit %v", lambda, out, got, want)
				}
				squares += (got - y.At(out, c)) * (got - y.At(out, c))
			}
		}
		if got, want := fit.SquaredError(y), squares/(n*cols); math.Abs(got-want) > 1e-12 {
			t.Errorf("λ %v: error %v, want %v", lambda, got, want)
		}
	}
}

// TestSolve checks the normal equations.
func TestSolve(t *testing.T) {
	t.Parallel()
	const lambda = 0.5
	k, y := problem(20, 2, 2)
	fit, err := ridge.Solve(k, y, lambda)
	if err != nil {
		t.Fatal(err)
	}
	var sum, shrunk mat.Dense
	sum.Mul(k, fit.Dual)
	shrunk.Scale(lambda, fit.Dual)
	sum.Add(&sum, &shrunk)
	if !mat.EqualApprox(&sum, y, 1e-9) {
		t.Errorf("(K + λI) A differs from Y:\n%v", mat.Formatted(&sum))
	}
}

func TestSolveRefuses(t *testing.T) {
	t.Parallel()
	k, y := problem(4, 1, 3)
	if _, err := ridge.Solve(k, mat.NewDense(3, 1, nil), 1); err == nil {
		t.Error("targets of another size are taken")
	}
	negative := mat.NewSymDense(2, []float64{-5, 0, 0, -5})
	if _, err := ridge.Solve(negative, mat.NewDense(2, 1, nil), 1); err == nil {
		t.Error("a matrix that is no kernel is taken")
	}
	before := mat.NewSymDense(4, nil)
	before.CopySym(k)
	if _, err := ridge.Solve(k, y, 1); err != nil || !mat.Equal(before, k) {
		t.Errorf("the kernel was changed (%v)", err)
	}
}
