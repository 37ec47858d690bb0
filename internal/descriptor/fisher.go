package descriptor

import "math"

// A Fisher encodes sets of descriptors as improved Fisher vectors (Perronnin,
// Sánchez and Mensink 2010): how the mixture would have to change to fit them
// better, with signed square roots, scaled to length one.
type Fisher struct {
	mixture *GMM
	scorer  *scorer
}

// NewFisher prepares the encoding by a mixture.
func NewFisher(g *GMM) *Fisher { return &Fisher{g, newScorer(g)} }

// Dim is the length of a Fisher vector.
func (f *Fisher) Dim() int { return 2 * f.mixture.K() * f.mixture.Dim }

// Encode pools the descriptors. A set without any gives zeros.
func (f *Fisher) Encode(s *Set) []float32 {
	p := newPool(f.mixture)
	for from := 0; from < s.Len(); from += chunk {
		p.add(f.scorer, s.slice(from, min(from+chunk, s.Len())))
	}
	out := f.gradient(p, s.Len())
	for i, v := range out {
		out[i] = float32(math.Copysign(math.Sqrt(math.Abs(float64(v))), float64(v)))
	}
	normalise(out)
	return out
}

// gradient is the derivative of the log-likelihood by means, then by standard
// deviations, in units of the Fisher information.
func (f *Fisher) gradient(p *pool, n int) []float32 {
	g := f.mixture
	k, d := g.K(), g.Dim
	out := make([]float32, 2*k*d)
	if n == 0 {
		return out
	}
	for c := range k {
		weight := float64(g.Weight[c])
		byMean := 1 / (float64(n) * math.Sqrt(weight))
		byDeviation := 1 / (float64(n) * math.Sqrt(2*weight))
		count := float64(p.count[c])
		for j := range d {
			i := c*d + j
			mean, variance := float64(g.Mean[i]), float64(g.Variance[i])
			sum, squares := float64(p.sum[i]), float64(p.squares[i])
			out[i] = float32(byMean * (sum - float64(count*mean)) / math.Sqrt(variance))
			spread := squares - float64(2*mean*sum) + float64(count*mean*mean)
			out[k*d+i] = float32(byDeviation * (spread/variance - count))
		}
	}
	return out
}

// normalise scales v to length one; zeros stay.
func normalise(v []float32) {
	var sum float64
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	if sum == 0 {
		return
	}
	scale := float32(1 / math.Sqrt(sum))
	for i := range v {
		v[i] *= scale
	}
}

// A pool sums descriptors, weighted by how likely each component made them.
type pool struct {
	k, d         int
	hard         bool // the likeliest component takes all
	count        []float32
	sum, squares []float32
	scores       []float32
}

func newPool(g *GMM) *pool {
	k, d := g.K(), g.Dim
	return &pool{k: k, d: d, count: make([]float32, k), sum: make([]float32, k*d), squares: make([]float32, k*d)}
}

// negligible is the posterior below which a component is passed over.
const negligible = 1e-3

// add pools the descriptors and returns the sum of their log-likelihoods.
func (p *pool) add(s *scorer, x *Set) float64 {
	n := x.Len()
	if cap(p.scores) < n*p.k {
		p.scores = make([]float32, n*p.k)
	}
	scores := p.scores[:n*p.k]
	s.scores(x, scores)
	var likelihood float64
	for i := range n {
		posterior := scores[i*p.k : (i+1)*p.k]
		likelihood += softmax(posterior, p.hard)
		row := x.Row(i)
		for c, q := range posterior {
			if q < negligible {
				continue
			}
			p.count[c] += q
			sum, squares := p.sum[c*p.d:(c+1)*p.d], p.squares[c*p.d:(c+1)*p.d]
			for j, v := range row {
				weighted := float32(q * v)
				sum[j] += weighted
				squares[j] += float32(weighted * v)
			}
		}
	}
	return likelihood
}

// softmax turns log-densities into posteriors and returns the logarithm of the
// mixture's density.
func softmax(v []float32, hard bool) float64 {
	top := 0
	for i, x := range v {
		if x > v[top] {
			top = i
		}
	}
	highest := v[top]
	var sum float64
	for i, x := range v {
		if x -= highest; x < -12 {
			v[i] = 0
			continue
		}
		e := math.Exp(float64(x))
		sum += e
		v[i] = float32(e)
	}
	scale := float32(1 / sum)
	for i := range v {
		v[i] *= scale
	}
	if hard {
		clear(v)
		v[top] = 1
	}
	return float64(highest) + math.Log(sum)
}
