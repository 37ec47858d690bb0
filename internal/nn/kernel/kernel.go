// Package kernel has the inner loops of a convolutional network: for AVX2 and
// AVX-512 in assembly that gen writes, and in portable Go for every other
// processor and for the build tag purego. The AVX2 and the AVX-512 kernels give
// the same bits; the portable ones do not fuse a multiplication with its
// addition, and agree with them but for rounding.
//
// A kernel works on 16 channels at once. Nothing is checked here: who fills a
// Product or a Plane answers for its pointers, offsets and counts.
package kernel

//go:generate go run ./gen -out kernels_amd64.s

import "unsafe"

// Channels is how many channels a kernel works on at once.
const Channels = 16

// TileRows is how many rows of a Product a kernel works on at once.
const TileRows = 6

// A Product is a matrix product whose operands are found by offsets, which is
// what a convolution is, and its gradients too. For every tile and every row r
// of it, with 16 values in each of C, Add, Bias and B, it sets
//
//	C[to[r]] = max(Low, Add[to[r]] + Bias + Σ A[from[r]+terms[k].A] · B[terms[k].B])
//
// where A is one value, or 16 of them in a depthwise product. The sum is taken in the order of
// the terms, which are at least one. The rows of a tile may be the same one.
// All offsets are in bytes.
type Product struct {
	A, B, C unsafe.Pointer
	Add     unsafe.Pointer // nil: nothing; may be C
	Bias    unsafe.Pointer
	Rows    *Tile
	Terms   *Term
	Tiles   int64 // at least one
	Count   int64 // of terms
	Low     float32
	_       [4]byte
}

// A Tile is the rows of a Product that are worked on at once.
type Tile struct{ From, To [TileRows]int32 }

// A Term is one summand of each row of a Product.
type Term struct{ A, B int32 }

// A Plane is Rows by Cols pixels of up to three tensors, of 16 channels each,
// and up to three vectors of 16 values that all pixels share. Strides are in
// bytes.
type Plane struct {
	X, Y, Z    unsafe.Pointer
	U, V, W    unsafe.Pointer
	Rows, Cols int64 // of the tensor that has fewest; at least one
	XRow, XCol int64
	YRow, YCol int64
	ZRow, ZCol int64
	Low        float32
	_          [4]byte
}

// A Set is the kernels for one kind of processor.
type Set struct {
	Name string
	// Product and Depthwise compute a Product.
	Product, Depthwise func(*Product)
	// Moments adds the values of X to U and their squares to V.
	Moments func(*Plane)
	// Affine sets Y to max(U·X + V, Low), AffineAdd to max(U·X + V + Z, Low).
	Affine, AffineAdd func(*Plane)
	// Backward zeroes X where Y is not above Low, then adds X to U and X·Z to V.
	Backward func(*Plane)
	// Combine sets Y to U·X + V·Z + W.
	Combine func(*Plane)
	// Accumulate adds X to Y.
	Accumulate func(*Plane)
	// Pool sets Y to the largest of each window of two by two pixels of X. The
	// strides of X go from window to window.
	Pool func(*Plane)
	// PoolBack sets the window of Z, whose strides are those of X, to Y at the
	// first of the largest values in the window of X, and to zero elsewhere.
	PoolBack func(*Plane)
	// Peak does nothing but multiply and add in registers, rounds times a
	// tile's 96 sums: what Product could do at most.
	Peak func(rounds int64)
}

// Best returns the fastest kernels that this processor can run.
func Best() *Set { return Sets()[0] }
