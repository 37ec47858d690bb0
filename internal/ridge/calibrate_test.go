package ridge_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"mimeo/internal/ridge"
)

func TestSigmoidFindsTheOdds(t *testing.T) {
	t.Parallel()
	want := ridge.Sigmoid{Slope: 4, Offset: -1}
	random := rand.New(rand.NewPCG(1, 1))
	outputs, positive := make([]float64, 20_000), make([]bool, 20_000)
	for i := range outputs {
		outputs[i] = 3*random.Float64() - 1.5
		positive[i] = random.Float64() < want.At(outputs[i])
	}
	got := ridge.FitSigmoid(outputs, positive)
	if math.Abs(got.Slope-want.Slope) > 0.15 || math.Abs(got.Offset-want.Offset) > 0.1 {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestSoftmaxFindsTheSlope(t *testing.T) {
	t.Parallel()
	want := ridge.Softmax{Slope: 5}
	random := rand.New(rand.NewPCG(2, 1))
	outputs, class := make([][]float64, 5000), make([]int, 5000)
	for i := range outputs {
		outputs[i] = []float64{random.Float64(), random.Float64(), random.Float64()}
		at := random.Float64()
		for c, p := range want.At(outputs[i]) {
			if class[i] = c; at < p {
				break
			}
			at -= p
		}
	}
	if got := ridge.FitSoftmax(outputs, class); math.Abs(got.Slope-want.Slope) > 0.3 {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestCalibrationKeepsTheOrder: whatever the examples were like, a larger
// output means a larger probability, and none is certain.
func TestCalibrationKeepsTheOrder(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		outputs  []float64
		positive []bool
	}{
		"apart":     {[]float64{-1, -0.9, 0.9, 1}, []bool{false, false, true, true}},
		"backwards": {[]float64{-1, -0.9, 0.9, 1}, []bool{true, true, false, false}},
		"all yes":   {[]float64{1, 0.9, 1}, []bool{true, true, true}},
		"all no":    {[]float64{-1, -1, -1.1}, []bool{false, false, false}},
		"all same":  {[]float64{0.5, 0.5}, []bool{true, false}},
		"one":       {[]float64{0}, []bool{true}},
		"huge":      {[]float64{-1e6, 1e6}, []bool{true, false}},
	} {
		s := ridge.FitSigmoid(c.outputs, c.positive)
		rows, class := make([][]float64, len(c.outputs)), make([]int, len(c.outputs))
		for i, f := range c.outputs {
			rows[i] = []float64{f, -f}
			if !c.positive[i] {
				class[i] = 1
			}
		}
		m := ridge.FitSoftmax(rows, class)
		for f := -1.0; f < 1; f += 0.25 {
			low, high := s.At(f), s.At(f+0.25)
			if !(low < high && low > 0 && high < 1) {
				t.Errorf("%s: %+v gives %v at %v and %v at %v", name, s, low, f, high, f+0.25)
			}
			p := m.At([]float64{f, 0, -1})
			if q := m.At([]float64{f + 0.25, 0, -1}); !(p[0] < q[0]) || math.Abs(p[0]+p[1]+p[2]-1) > 1e-12 {
				t.Errorf("%s: %+v gives %v and %v", name, m, p, q)
			}
		}
	}
}
