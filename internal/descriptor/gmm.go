package descriptor

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
)

// A GMM is a mixture of Gaussians with diagonal covariance.
type GMM struct {
	Dim      int
	Weight   []float32 // one per component, they sum to one
	Mean     []float32 // Dim per component
	Variance []float32 // Dim per component, positive
}

// K is the number of components.
func (g *GMM) K() int { return len(g.Weight) }

const (
	emRounds     = 10
	kMeansRounds = 4
	// varianceFloor is the smallest variance of a component, as a part of the
	// variance of all samples in that dimension.
	varianceFloor = 0.01
)

// FitGMM fits k components to the samples by expectation maximisation, which
// starts from k-means++. It needs at least one sample.
func FitGMM(ctx context.Context, samples *Set, k int, seed uint64) (*GMM, error) {
	if samples.Len() == 0 || k < 1 {
		return nil, errors.New("fit mixture: no samples")
	}
	floor := floors(samples)
	g := start(samples, k, floor, seed)
	for range kMeansRounds {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		g = g.maximise(g.collect(samples, true), samples.Len(), floor)
	}
	for range emRounds {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		g = g.maximise(g.collect(samples, false), samples.Len(), floor)
	}
	return g, nil
}

// floors returns the least variance of each dimension.
func floors(s *Set) []float64 {
	n := float64(s.Len())
	sum, squares := make([]float64, s.Dim), make([]float64, s.Dim)
	for i := range s.Len() {
		for j, v := range s.Row(i) {
			sum[j] += float64(v)
			squares[j] += float64(v) * float64(v)
		}
	}
	for j := range sum {
		mean := sum[j] / n
		sum[j] = max(varianceFloor*(squares[j]/n-mean*mean), 1e-6)
	}
	return sum
}

// start draws k centres far from each other (k-means++, Arthur and
// Vassilvitskii 2007).
func start(s *Set, k int, floor []float64, seed uint64) *GMM {
	random := rand.New(rand.NewPCG(seed, 0x6d6d))
	n := s.Len()
	g := &GMM{Dim: s.Dim}
	far := make([]float64, n)
	for i := range far {
		far[i] = math.Inf(1)
	}
	next := random.IntN(n)
	for range k {
		centre := s.Row(next)
		g.Mean = append(g.Mean, centre...)
		g.Weight = append(g.Weight, 1/float32(k))
		for _, f := range floor {
			g.Variance = append(g.Variance, float32(f/varianceFloor))
		}
		var total float64
		for i := range n {
			far[i] = min(far[i], distance(s.Row(i), centre))
			total += far[i]
		}
		next = random.IntN(n)
		at := random.Float64() * total
		for i := range n {
			if at -= far[i]; at < 0 {
				next = i
				break
			}
		}
	}
	return g
}

func distance(a, b []float32) float64 {
	var sum float32
	for i, v := range a {
		d := v - b[i]
		sum += float32(d * d)
	}
	return float64(sum)
}

// moments are what the samples sum up to under their components.
type moments struct {
	count        []float64
	sum, squares []float64
	likelihood   float64
}

func newMoments(k, d int) *moments {
	return &moments{count: make([]float64, k), sum: make([]float64, k*d), squares: make([]float64, k*d)}
}

func (m *moments) add(o *moments) {
	for i, v := range o.count {
		m.count[i] += v
	}
	for i, v := range o.sum {
		m.sum[i] += v
	}
	for i, v := range o.squares {
		m.squares[i] += v
	}
	m.likelihood += o.likelihood
}

// collect assigns every sample to its components, or to the likeliest alone.
func (g *GMM) collect(s *Set, hard bool) *moments {
	scorer := newScorer(g)
	parts := overChunks(s.Len(), func(from, to int) *moments {
		part := newMoments(g.K(), g.Dim)
		pool := newPool(g)
		pool.hard = hard
		part.likelihood = pool.add(scorer, s.slice(from, to))
		for i, v := range pool.count {
			part.count[i] = float64(v)
		}
		for i := range pool.sum {
			part.sum[i], part.squares[i] = float64(pool.sum[i]), float64(pool.squares[i])
		}
		return part
	})
	total := newMoments(g.K(), g.Dim)
	for _, part := range parts {
		total.add(part)
	}
	return total
}

// maximise returns the mixture that explains the moments best. A component
// that nearly no sample belongs to stays where it is.
func (g *GMM) maximise(m *moments, n int, floor []float64) *GMM {
	k, d := g.K(), g.Dim
	out := &GMM{Dim: d, Weight: make([]float32, k), Mean: make([]float32, k*d), Variance: make([]float32, k*d)}
	copy(out.Mean, g.Mean)
	copy(out.Variance, g.Variance)
	for c := range k {
		count := m.count[c]
		out.Weight[c] = float32((count + 1) / float64(n+k))
		if count < 2 {
			continue
		}
		for j := range d {
			mean := m.sum[c*d+j] / count
			variance := m.squares[c*d+j]/count - float64(mean*mean)
			out.Mean[c*d+j] = float32(mean)
			out.Variance[c*d+j] = float32(max(variance, floor[j]))
		}
	}
	return out
}

// LogLikelihood is the mean logarithm of the density at the samples.
func (g *GMM) LogLikelihood(s *Set) float64 {
	return g.collect(s, false).likelihood / float64(s.Len())
}

// A scorer gives the logarithm of each component's density, which is linear in
// the values and their squares: one matrix product for many descriptors.
type scorer struct {
	k, d   int
	linear []float32 // 2d rows of k: factors of the values, then of the squares
	offset []float32
}

func newScorer(g *GMM) *scorer {
	k, d := g.K(), g.Dim
	s := &scorer{k: k, d: d, linear: make([]float32, 2*d*k), offset: make([]float32, k)}
	for c := range k {
		offset := math.Log(float64(g.Weight[c])) - 0.5*float64(d)*math.Log(2*math.Pi)
		for j := range d {
			mean, variance := float64(g.Mean[c*d+j]), float64(g.Variance[c*d+j])
			s.linear[j*k+c] = float32(mean / variance)
			s.linear[(d+j)*k+c] = float32(-0.5 / variance)
			offset -= 0.5 * (float64(mean*mean)/variance + math.Log(variance))
		}
		s.offset[c] = float32(offset)
	}
	return s
}

// scores fills out (n rows of k) for n descriptors.
func (s *scorer) scores(x *Set, out []float32) {
	n := x.Len()
	both := make([]float32, n*2*s.d)
	for i := range n {
		row := both[i*2*s.d : (i+1)*2*s.d]
		copy(row, x.Row(i))
		for j, v := range x.Row(i) {
			row[s.d+j] = float32(v * v)
		}
		copy(out[i*s.k:(i+1)*s.k], s.offset)
	}
	blas32.Gemm(blas.NoTrans, blas.NoTrans, 1,
		blas32.General{Rows: n, Cols: 2 * s.d, Stride: 2 * s.d, Data: both},
		blas32.General{Rows: 2 * s.d, Cols: s.k, Stride: s.k, Data: s.linear}, 1,
		blas32.General{Rows: n, Cols: s.k, Stride: s.k, Data: out})
}
