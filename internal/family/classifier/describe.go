package classifier

import (
	"math"

	"mimeo/internal/descriptor"
	"mimeo/internal/pixel"
)

// What is described of an image, and how finely.
const (
	area      = 160 * 160 // pixels that an image is scaled to, keeping its aspect
	scales    = 4         // this one and smaller ones
	octave    = math.Sqrt2
	leastSide = 16 // pixels of a scale; a shorter side is stretched
)

var grid = descriptor.Grid{Cell: 8, Step: 5}

// A channel is one kind of local descriptor with its own vocabulary.
type channel struct {
	describe   func(descriptor.Grid, ...*pixel.RGB) *descriptor.Set
	dim        int // of a descriptor
	components int // principal components that are kept
}

// channels are the kinds of descriptor, in the order of their parts of the
// Fisher vector.
var channels = [...]channel{
	{descriptor.Gradients, descriptor.GradientDim, 48},
	{descriptor.Colours, descriptor.ColourDim, 24},
}

const (
	gaussians   = 64 // components of a vocabulary
	placeWeight = 1  // of the two coordinates beside the principal components
)

// wordDim is the length of what the mixture of a channel sees.
func (c channel) wordDim() int { return c.components + 2 }

// fisherDim is the length of a channel's Fisher vector.
func (c channel) fisherDim() int { return 2 * gaussians * c.wordDim() }

// featureDim is the length of an image's features.
func featureDim() int {
	sum := 0
	for _, c := range channels {
		sum += c.fisherDim()
	}
	return sum
}

// pyramid returns the image at every scale.
func pyramid(m *pixel.Image) []*pixel.RGB {
	w, h := m.Size()
	factor := math.Sqrt(area / (float64(w) * float64(h)))
	out := make([]*pixel.RGB, scales)
	for i := range out {
		out[i] = m.Scale(scaledSide(w, factor), scaledSide(h, factor))
		factor /= octave
	}
	return out
}

func scaledSide(n int, factor float64) int {
	return max(leastSide, int(math.Round(float64(n)*factor)))
}

// local returns a channel's descriptors at all scales.
func (c channel) local(levels []*pixel.RGB) *descriptor.Set { return c.describe(grid, levels...) }

// places returns where the descriptors of any channel lie.
func places(levels []*pixel.RGB) []descriptor.Point {
	var all []descriptor.Point
	for _, m := range levels {
		all = append(all, grid.Points(m.Width, m.Height)...)
	}
	return all
}
