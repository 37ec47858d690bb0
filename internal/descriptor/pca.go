package descriptor

import (
	"errors"
	"sync"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/mat"
)

// A PCA projects descriptors on their principal components.
type PCA struct {
	In, Out int
	Mean    []float32 // In values
	Basis   []float32 // Out rows of In values, orthonormal, by falling variance
}

// FitPCA finds the first out principal components of the samples; out is at
// most their Dim.
func FitPCA(samples *Set, out int) (*PCA, error) {
	n, d := samples.Len(), samples.Dim
	if n == 0 || out > d {
		return nil, errors.New("fit principal components: too few samples or dimensions")
	}
	mean := make([]float64, d)
	for i := range n {
		for j, v := range samples.Row(i) {
			mean[j] += float64(v)
		}
	}
	for j := range mean {
		mean[j] /= float64(n)
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(covariance(samples, mean), true) {
		return nil, errors.New("fit principal components: eigenvalues do not converge")
	}
	var vectors mat.Dense
	eigen.VectorsTo(&vectors) // columns by rising eigenvalue
	p := &PCA{In: d, Out: out, Mean: make([]float32, d), Basis: make([]float32, out*d)}
	for j, v := range mean {
		p.Mean[j] = float32(v)
	}
	for k := range out {
		for j := range d {
			p.Basis[k*d+j] = float32(vectors.At(j, d-1-k))
		}
	}
	return p, nil
}

// chunk is how many descriptors make one partial sum.
const chunk = 2048

// covariance sums over chunks, each chunk alone, then the chunks in order.
func covariance(samples *Set, mean []float64) *mat.SymDense {
	n, d := samples.Len(), samples.Dim
	parts := overChunks(n, func(from, to int) *mat.SymDense {
		x := mat.NewDense(to-from, d, nil)
		for i := from; i < to; i++ {
			row := x.RawRowView(i - from)
			for j, v := range samples.Row(i) {
				row[j] = float64(v) - mean[j]
			}
		}
		part := mat.NewSymDense(d, nil)
		part.SymOuterK(1/float64(n), x.T())
		return part
	})
	total := mat.NewSymDense(d, nil)
	for _, part := range parts {
		total.AddSym(total, part)
	}
	return total
}

// overChunks runs f on the chunks of 0..n at once and returns the results in
// the order of the chunks.
func overChunks[T any](n int, f func(from, to int) T) []T {
	out := make([]T, (n+chunk-1)/chunk)
	var wait sync.WaitGroup
	for i := range out {
		wait.Go(func() { out[i] = f(i*chunk, min((i+1)*chunk, n)) })
	}
	wait.Wait()
	return out
}

// Project returns the components of each descriptor of s.
func (p *PCA) Project(s *Set) *Set {
	n := s.Len()
	out := &Set{Dim: p.Out, Data: make([]float32, n*p.Out)}
	if n == 0 {
		return out
	}
	basis := blas32.General{Rows: p.Out, Cols: p.In, Stride: p.In, Data: p.Basis}
	// The projected mean is taken off every row.
	shift := make([]float32, p.Out)
	blas32.Gemv(blas.NoTrans, -1, basis, blas32.Vector{N: p.In, Inc: 1, Data: p.Mean}, 0, blas32.Vector{N: p.Out, Inc: 1, Data: shift})
	for i := range n {
		copy(out.Row(i), shift)
	}
	blas32.Gemm(blas.NoTrans, blas.Trans, 1,
		blas32.General{Rows: n, Cols: p.In, Stride: p.In, Data: s.Data}, basis, 1,
		blas32.General{Rows: n, Cols: p.Out, Stride: p.Out, Data: out.Data})
	return out
}
