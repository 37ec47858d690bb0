package nn_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"mimeo/internal/nn"
)

// slopes fails unless gradient is the slope of loss at x, by finite differences.
func slopes(t *testing.T, what string, x []float32, gradient []float32, loss func(x []float32) float64) {
	t.Helper()
	const step = 1.0 / 512
	for i, was := range x {
		x[i] = was + step
		up := loss(x)
		x[i] = was - step
		want := (up - loss(x)) / (2 * step)
		x[i] = was
		if math.Abs(float64(gradient[i])-want) > 1e-3*(1+math.Abs(want)) {
			t.Errorf("%s at %v: slope %d is %v, want %v", what, x, i, gradient[i], want)
		}
	}
}

func TestCrossEntropies(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	mixed := func(c int) float64 { return []float64{0.5, 0, 0.25, 0.25}[c] }
	for range 20 {
		x, gradient := make([]float32, 4), make([]float32, 4)
		for i := range x {
			x[i] = float32(3 * random.NormFloat64())
		}
		for name, loss := range map[string]func([]float32, nn.Target, []float32) float64{"softmax": nn.SoftmaxCrossEntropy, "sigmoid": nn.SigmoidCrossEntropy} {
			for _, target := range []nn.Target{mixed, nn.OneHot(2)} {
				loss(x, target, gradient)
				slopes(t, name, x, gradient, func(x []float32) float64 { return loss(x, target, make([]float32, 4)) })
			}
		}
	}
	// A certain answer costs nothing, and a wrong one what the definition says.
	if got := nn.SoftmaxCrossEntropy([]float32{100, 0}, nn.OneHot(0), make([]float32, 2)); got > 1e-9 {
		t.Errorf("a certain answer costs %v", got)
	}
	if got := nn.SoftmaxCrossEntropy([]float32{0, 0}, nn.OneHot(1), make([]float32, 2)); math.Abs(got-math.Ln2) > 1e-9 {
		t.Errorf("an even guess costs %v, want ln 2", got)
	}
	if got := nn.SigmoidCrossEntropy([]float32{-1000, 1000}, nn.OneHot(1), make([]float32, 2)); got != 0 {
		t.Errorf("certain answers cost %v", got)
	}
}

func TestFocal(t *testing.T) {
	for _, target := range []float32{0, 0.3, 0.9, 1} {
		for _, x := range []float32{-8, -2, -0.1, 0.1, 2, 8} {
			values, gradient := []float32{x}, make([]float32, 1)
			got := nn.Focal(values, []float32{target}, 0.5, gradient)
			p := 1 / (1 + math.Exp(-float64(x)))
			want := -0.5 * math.Pow(1-float64(target), 4) * p * p * math.Log(1-p)
			if target == 1 {
				want = -0.5 * (1 - p) * (1 - p) * math.Log(p)
			}
			if math.Abs(got-want) > 1e-9 {
				t.Errorf("target %v at %v: %v, want %v", target, x, got, want)
			}
			slopes(t, "focal", values, gradient, func(x []float32) float64 { return nn.Focal(x, []float32{target}, 0.5, make([]float32, 1)) })
		}
	}
}

func TestGIoU(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		var box, target, gradient, none [4]float64
		for i := range box {
			box[i], target[i] = 0.2+random.Float64(), 0.2+random.Float64()
		}
		loss := nn.GIoU(box, target, &gradient)
		if loss < 0 || loss >= 2 {
			t.Errorf("the loss of %v and %v is %v", box, target, loss)
		}
		for i, was := range box {
			const step = 1e-6
			box[i] = was + step
			up := nn.GIoU(box, target, &none)
			box[i] = was - step
			want := (up - nn.GIoU(box, target, &none)) / (2 * step)
			box[i] = was
			if math.Abs(gradient[i]-want) > 1e-5 {
				t.Errorf("%v to %v: slope %d is %v, want %v", box, target, i, gradient[i], want)
			}
		}
	}
	var gradient [4]float64
	if got := nn.GIoU([4]float64{1, 1, 1, 1}, [4]float64{1, 1, 1, 1}, &gradient); math.Abs(got) > 1e-12 {
		t.Errorf("equal boxes cost %v", got)
	}
	// A box of 2 by 2 in one of 4 by 4: IoU 1/4, and the hull is the union.
	if got := nn.GIoU([4]float64{1, 1, 1, 1}, [4]float64{2, 2, 2, 2}, &gradient); math.Abs(got-0.75) > 1e-12 {
		t.Errorf("a box within another costs %v, want 0.75", got)
	}
}
