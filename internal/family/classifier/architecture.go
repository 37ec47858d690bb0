package classifier

import (
	"fmt"

	"mimeo/internal/nn"
	"mimeo/internal/pixel"
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

// normal is what networks see of samples.
var normal = pixel.Normal{Mean: [3]float32{0.5, 0.5, 0.5}, Deviation: [3]float32{0.25, 0.25, 0.25}}

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
		x = block(g, x, a.width<<stage, min(stage+1, 2))
	}
	return g, g.Conv(g.Average(x), nn.Conv{Out: labels, Size: 1, Zero: true})
}

// block adds two convolutions and a shortcut about them.
func block(g *nn.Graph, x nn.Node, channels, stride int) nn.Node {
	shortcut := x
	if stride > 1 {
		shortcut = g.Conv(x, nn.Conv{Out: channels, Size: 1, Stride: stride, Norm: true})
	}
	y := g.Conv(x, nn.Conv{Out: channels, Size: 3, Stride: stride, Norm: true, Act: nn.ReLU})
	return g.Conv(y, nn.Conv{Out: channels, Size: 3, Norm: true, Zero: true, Add: shortcut, Act: nn.ReLU})
}
