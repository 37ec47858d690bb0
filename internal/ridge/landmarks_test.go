package ridge_test

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"mimeo/internal/ridge"
)

// plus adds a diagonal, so that the kernel has full rank.
func plus(k *mat.SymDense, v float64) *mat.SymDense {
	out := mat.NewSymDense(k.SymmetricDim(), nil)
	out.CopySym(k)
	for i := range k.SymmetricDim() {
		out.SetSym(i, i, out.At(i, i)+v)
	}
	return out
}

func TestAllAsLandmarks(t *testing.T) {
	t.Parallel()
	k, y := problem(15, 2, 4)
	k = plus(k, 1)
	l, err := ridge.NewLandmarks(k, mat.DenseCopyOf(k))
	if err != nil {
		t.Fatal(err)
	}
	got, err := l.Solve(y, 0.3)
	if err != nil {
		t.Fatal(err)
	}
	want, err := ridge.Solve(k, y, 0.3)
	if err != nil {
		t.Fatal(err)
	}
	if !mat.EqualApprox(got.Dual, want.Dual, 1e-4) || !mat.EqualApprox(got.LeftOut, want.LeftOut, 1e-4) {
		t.Errorf("got\n%v\nwant\n%v", mat.Formatted(got.Dual), mat.Formatted(want.Dual))
	}
}

// TestFewLandmarks compares left-out predictions with refits.
func TestFewLandmarks(t *testing.T) {
	t.Parallel()
	const n, m, lambda = 14, 4, 0.7
	k, y := problem(n, 2, 5)
	within := mat.NewSymDense(m, nil)
	within.CopySym(k.SliceSym(0, m))
	across := mat.DenseCopyOf(mat.DenseCopyOf(k).Slice(0, n, 0, m))
	l, err := ridge.NewLandmarks(within, across)
	if err != nil {
		t.Fatal(err)
	}
	fit, err := l.Solve(y, lambda)
	if err != nil {
		t.Fatal(err)
	}
	for out := range n {
		rest, targets := mat.NewDense(n-1, m, nil), mat.NewDense(n-1, 2, nil)
		for a, at := 0, 0; a < n; a++ {
			if a != out {
				rest.SetRow(at, across.RawRowView(a))
				targets.SetRow(at, y.RawRowView(a))
				at++
			}
		}
		fewer, err := ridge.NewLandmarks(within, rest)
		if err != nil {
			t.Fatal(err)
		}
		refit, err := fewer.Solve(targets, lambda)
		if err != nil {
			t.Fatal(err)
		}
		for c := range 2 {
			var want float64
			for j := range m {
				want += across.At(out, j) * refit.Dual.At(j, c)
			}
			if got := fit.LeftOut.At(out, c); math.Abs(got-want) > 1e-8 {
				t.Errorf("example %d: left out %v, refit %v", out, got, want)
			}
		}
	}
}

func TestLandmarksRefuse(t *testing.T) {
	t.Parallel()
	k, _ := problem(4, 1, 6)
	if _, err := ridge.NewLandmarks(k, mat.NewDense(9, 3, nil)); err == nil {
		t.Error("columns for other landmarks are taken")
	}
	twins := mat.NewSymDense(2, []float64{1, 1, 1, 1})
	l, err := ridge.NewLandmarks(twins, mat.NewDense(3, 2, []float64{1, 1, 0, 0, 1, 1}))
	if err != nil {
		t.Fatalf("two equal landmarks: %v", err)
	}
	if _, err := l.Solve(mat.NewDense(2, 1, nil), 1); err == nil {
		t.Error("targets of another size are taken")
	}
	if f, err := l.Solve(mat.NewDense(3, 1, []float64{1, -1, 1}), 1); err != nil || math.IsNaN(f.Dual.At(0, 0)) {
		t.Errorf("two equal landmarks: %v, %v", f, err)
	}
}
