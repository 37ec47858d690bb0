package descriptor_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"mimeo/internal/descriptor"
)

// blobs draws n samples from two clouds, the second three times as heavy.
func blobs(n int) *descriptor.Set {
	random := rand.New(rand.NewPCG(5, 5))
	s := &descriptor.Set{Dim: 2}
	for i := range n {
		x, y := random.NormFloat64(), 2*random.NormFloat64()
		if i%4 != 0 {
			x, y = 10+0.5*random.NormFloat64(), -8+random.NormFloat64()
		}
		s.Data = append(s.Data, float32(x), float32(y))
	}
	return s
}

// TestPCA fits points on the axes of an ellipse that is turned by 45°.
func TestPCA(t *testing.T) {
	t.Parallel()
	s := &descriptor.Set{Dim: 2, Data: []float32{5 + 3, 7 + 3, 5 - 3, 7 - 3, 5 + 1, 7 - 1, 5 - 1, 7 + 1}}
	p, err := descriptor.FitPCA(s, 2)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(p.Mean, []float32{5, 7}) {
		t.Errorf("mean %v", p.Mean)
	}
	half := math.Sqrt(0.5)
	for i, want := range []float64{half, half, half, half} {
		if got := math.Abs(float64(p.Basis[i])); math.Abs(got-want) > 1e-6 {
			t.Errorf("basis %v", p.Basis)
		}
	}
	if p.Basis[0]*p.Basis[1] < 0 || p.Basis[2]*p.Basis[3] > 0 {
		t.Errorf("the first component is not the long axis: %v", p.Basis)
	}
	projected := p.Project(s)
	for i, want := range []float64{3 * math.Sqrt2, 0, 3 * math.Sqrt2, 0, 0, math.Sqrt2, 0, math.Sqrt2} {
		if got := math.Abs(float64(projected.Data[i])); math.Abs(got-want) > 1e-5 {
			t.Errorf("projected %v", projected.Data)
		}
	}
	if _, err := descriptor.FitPCA(s, 3); err == nil {
		t.Error("three components of two dimensions")
	}
	if _, err := descriptor.FitPCA(&descriptor.Set{Dim: 2}, 1); err == nil {
		t.Error("components of nothing")
	}
	if got := p.Project(&descriptor.Set{Dim: 2}); got.Len() != 0 {
		t.Errorf("nothing is projected to %v", got)
	}
}

func TestGMMFindsTheClouds(t *testing.T) {
	t.Parallel()
	g, err := descriptor.FitGMM(t.Context(), blobs(8000), 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	light, heavy := 0, 1
	if g.Weight[0] > g.Weight[1] {
		light, heavy = 1, 0
	}
	for _, c := range []struct {
		name      string
		got, want float32
	}{
		{"light weight", g.Weight[light], 0.25}, {"heavy weight", g.Weight[heavy], 0.75},
		{"light x", g.Mean[2*light], 0}, {"light y", g.Mean[2*light+1], 0},
		{"heavy x", g.Mean[2*heavy], 10}, {"heavy y", g.Mean[2*heavy+1], -8},
		{"light x variance", g.Variance[2*light], 1}, {"light y variance", g.Variance[2*light+1], 4},
		{"heavy x variance", g.Variance[2*heavy], 0.25}, {"heavy y variance", g.Variance[2*heavy+1], 1},
	} {
		if math.Abs(float64(c.got-c.want)) > 0.05+0.05*math.Abs(float64(c.want)) {
			t.Errorf("%s is %v, want %v", c.name, c.got, c.want)
		}
	}
}

// TestLikelihoodRises: no round of expectation maximisation makes the samples
// less likely.
func TestLikelihoodRises(t *testing.T) {
	t.Parallel()
	s := blobs(5000)
	g := descriptor.Start(s, 5, 3)
	before := g.LogLikelihood(s)
	first := before
	for round := range 20 {
		g = g.Round(s)
		after := g.LogLikelihood(s)
		if after < before-1e-3 { // float32, a prior on the weights, passed-over posteriors
			t.Errorf("round %d: from %v down to %v", round, before, after)
		}
		before = after
	}
	if before < first+0.5 {
		t.Errorf("twenty rounds lift the likelihood from %v to %v only", first, before)
	}
}

// TestLogLikelihood compares with the density of one Gaussian.
func TestLogLikelihood(t *testing.T) {
	t.Parallel()
	g := &descriptor.GMM{Dim: 1, Weight: []float32{1}, Mean: []float32{2}, Variance: []float32{4}}
	s := &descriptor.Set{Dim: 1, Data: []float32{2, 4}}
	want := -0.5*math.Log(2*math.Pi*4) - 0.25
	if got := g.LogLikelihood(s); math.Abs(got-want) > 1e-6 {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestGMMOfOddSamples(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*descriptor.Set{
		"one sample":       {Dim: 2, Data: []float32{1, 2}},
		"all the same":     {Dim: 2, Data: []float32{1, 2, 1, 2, 1, 2}},
		"fewer than words": {Dim: 1, Data: []float32{1, 2, 3}},
	} {
		g, err := descriptor.FitGMM(t.Context(), s, 4, 1)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		v := descriptor.NewFisher(g).Encode(s)
		for _, x := range v {
			if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
				t.Errorf("%s: the Fisher vector is %v", name, v)
				break
			}
		}
	}
	if _, err := descriptor.FitGMM(t.Context(), &descriptor.Set{Dim: 2}, 4, 1); err == nil {
		t.Error("a mixture of nothing")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := descriptor.FitGMM(ctx, blobs(10), 2, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("after the context's end: got %v", err)
	}
}

// TestFitsAreTheSameOnAllProcessors is not parallel: it sets their number.
func TestFitsAreTheSameOnAllProcessors(t *testing.T) {
	s := blobs(20_000)
	fit := func(processors int) ([]float32, []float32) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
		p, err := descriptor.FitPCA(s, 2)
		if err != nil {
			t.Fatal(err)
		}
		g, err := descriptor.FitGMM(t.Context(), p.Project(s), 8, 1)
		if err != nil {
			t.Fatal(err)
		}
		return append(p.Basis, g.Mean...), descriptor.NewFisher(g).Encode(s)
	}
	fitted, vector := fit(1)
	for _, processors := range []int{2, 7} {
		f, v := fit(processors)
		if !slices.Equal(f, fitted) || !slices.Equal(v, vector) {
			t.Errorf("%d processors give other bits than one", processors)
		}
	}
}

// TestFisher follows the formulas by hand.
func TestFisher(t *testing.T) {
	t.Parallel()
	one := &descriptor.GMM{Dim: 1, Weight: []float32{1}, Mean: []float32{1}, Variance: []float32{4}}
	// Two components so far apart that each owns its side.
	two := &descriptor.GMM{Dim: 1, Weight: []float32{0.25, 0.75}, Mean: []float32{0, 100}, Variance: []float32{1, 1}}
	for _, c := range []struct {
		name string
		g    *descriptor.GMM
		x    []float32
		want []float64 // before square roots and norm: by means, then by deviations
	}{
		// (x-μ)/σ = 2; ((x-μ)²/σ² - 1)/√2
		{"one sample", one, []float32{5}, []float64{2, 3 / math.Sqrt2}},
		{"two samples", one, []float32{5, -1}, []float64{(2 - 1) / 2.0, (3 + 0) / 2.0 / math.Sqrt2}},
		{"below the mean", one, []float32{1 - 6}, []float64{-3, 8 / math.Sqrt2}},
		{"one side", two, []float32{2}, []float64{2 / 0.5, 0, 3 / math.Sqrt(0.5), 0}},
		{"both sides", two, []float32{2, 101}, []float64{2 / 0.5 / 2, 1 / math.Sqrt(0.75) / 2, 3 / math.Sqrt(0.5) / 2, 0}},
		{"nothing", two, nil, []float64{0, 0, 0, 0}},
	} {
		var norm float64
		for i, v := range c.want {
			c.want[i] = math.Copysign(math.Sqrt(math.Abs(v)), v)
			norm += c.want[i] * c.want[i]
		}
		got := descriptor.NewFisher(c.g).Encode(&descriptor.Set{Dim: 1, Data: c.x})
		for i := range c.want {
			want := c.want[i] / max(math.Sqrt(norm), 1e-30)
			if math.Abs(float64(got[i])-want) > 1e-3 {
				t.Errorf("%s: got %v, want %v / %v", c.name, got, c.want, math.Sqrt(norm))
				break
			}
		}
	}
}

func TestWithPlace(t *testing.T) {
	t.Parallel()
	s := &descriptor.Set{Dim: 1, Data: []float32{5, 6}}
	got := descriptor.WithPlace(s, []descriptor.Point{{X: 0.5, Y: -0.25}, {X: 0, Y: 0.5}}, 2)
	if want := []float32{5, 1, -0.5, 6, 0, 1}; got.Dim != 3 || !slices.Equal(got.Data, want) {
		t.Errorf("got %v, want %v", got.Data, want)
	}
}
