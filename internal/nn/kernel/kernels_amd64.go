//go:build !purego

package kernel

import (
	"slices"

	"golang.org/x/sys/cpu"
)

// Sets returns the kernels that this processor can run, the fastest first.
func Sets() []*Set {
	sets := []*Set{Portable}
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		sets = append(sets, avx2)
	}
	if cpu.X86.HasAVX512F {
		sets = append(sets, avx512)
	}
	slices.Reverse(sets)
	return sets
}

var avx2 = &Set{
	Name: "AVX2", Product: productAVX2, Depthwise: depthwiseAVX2, Moments: momentsAVX2, Affine: affineAVX2, AffineAdd: affineAddAVX2,
	Backward: backwardAVX2, Combine: combineAVX2, Accumulate: accumulateAVX2, Pool: poolAVX2, PoolBack: poolBackAVX2, Peak: peakAVX2,
}

var avx512 = &Set{
	Name: "AVX-512", Product: productAVX512, Depthwise: depthwiseAVX512, Moments: momentsAVX512, Affine: affineAVX512, AffineAdd: affineAddAVX512,
	Backward: backwardAVX512, Combine: combineAVX512, Accumulate: accumulateAVX512, Pool: poolAVX512, PoolBack: poolBackAVX512, Peak: peakAVX512,
}

//go:noescape
func productAVX2(p *Product)

//go:noescape
func depthwiseAVX2(p *Product)

//go:noescape
func momentsAVX2(p *Plane)

//go:noescape
func affineAVX2(p *Plane)

//go:noescape
func affineAddAVX2(p *Plane)

//go:noescape
func backwardAVX2(p *Plane)

//go:noescape
func combineAVX2(p *Plane)

//go:noescape
func accumulateAVX2(p *Plane)

//go:noescape
func poolAVX2(p *Plane)

//go:noescape
func poolBackAVX2(p *Plane)

func peakAVX2(rounds int64)

//go:noescape
func productAVX512(p *Product)

//go:noescape
func depthwiseAVX512(p *Product)

//go:noescape
func momentsAVX512(p *Plane)

//go:noescape
func affineAVX512(p *Plane)

//go:noescape
func affineAddAVX512(p *Plane)

//go:noescape
func backwardAVX512(p *Plane)

//go:noescape
func combineAVX512(p *Plane)

//go:noescape
func accumulateAVX512(p *Plane)

//go:noescape
func poolAVX512(p *Plane)

//go:noescape
func poolBackAVX512(p *Plane)

func peakAVX512(rounds int64)
