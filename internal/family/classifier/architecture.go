package classifier

import (
	"fmt"

	"mimeo/internal/family/network"
	"mimeo/internal/nn"
)

// An architecture is a small residual network (He et al. 2016, arXiv:1512.03385):
// a first convolution, then stages of one block each, every one but the first
// half as high and wide and with twice the channels of the one before, then the
// mean of all pixels.
type architecture struct {
	side   int // pixels; an image is stretched to a square
	width  int // channels of the first stage
	stages int
}

// What weights may say of an architecture.
const (
	leastNetworkSide, mostNetworkSide = 16, 256
	mostWidth, mostStages             = 32, 5
)

func (a architecture) check() error {
	if a.side < leastNetworkSide || a.side > mostNetworkSide || a.width < 1 || a.width > mostWidth || a.stages < 1 || a.stages > mostStages {
		return fmt.Errorf("a network of %d stages from %d channels for %d pixels", a.stages, a.width, a.side)
	}
	return nil
}

// graph returns the network, whose output is one pixel of a logit for each label.
func (a architecture) graph(labels int) (*nn.Graph, nn.Node) {
	g := nn.NewGraph(nn.Shape{Height: a.side, Width: a.side, Channels: 3})
	x := g.Conv(g.Input(), nn.Conv{Out: a.width, Size: 3, Stride: 2, Norm: true, Act: nn.ReLU})
	for stage := range a.stages {
		x = network.Block(g, x, a.width<<stage, min(stage+1, 2))
	}
	return g, g.Conv(g.Average(x), nn.Conv{Out: labels, Size: 1, Zero: true})
}
