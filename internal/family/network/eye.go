package network

import (
	"sync"

	"mimeo/internal/nn"
	"mimeo/internal/pixel"
)

// Normal is how samples enter a network.
var Normal = pixel.Normal{Mean: [3]float32{0.5, 0.5, 0.5}, Deviation: [3]float32{0.25, 0.25, 0.25}}

// Block adds two convolutions and a shortcut about them (He et al. 2016,
// arXiv:1512.03385). It begins as its shortcut.
func Block(g *nn.Graph, x nn.Node, channels, stride int) nn.Node {
	shortcut := x
	if stride > 1 {
		shortcut = g.Conv(x, nn.Conv{Out: channels, Size: 1, Stride: stride, Norm: true})
	}
	y := g.Conv(x, nn.Conv{Out: channels, Size: 3, Stride: stride, Norm: true, Act: nn.ReLU})
	return g.Conv(y, nn.Conv{Out: channels, Size: 3, Norm: true, Zero: true, Add: shortcut, Act: nn.ReLU})
}

// An Eye draws images for networks that look at one of its size. Its methods may
// be called concurrently.
type Eye struct {
	Width, Height int
	drawings      sync.Pool // of *drawing
}

// drawing is what an image is drawn with.
type drawing struct {
	renderer pixel.Renderer
	tensor   pixel.Tensor
}

// Look draws a view of an image and has ask use what a network's input is to be
// filled with.
func (e *Eye) Look(m *pixel.Image, v pixel.View, ask func(fill func(input *nn.Tensor))) {
	d, ok := e.drawings.Get().(*drawing)
	if !ok {
		d = &drawing{tensor: pixel.NewTensor(e.Width, e.Height)}
	}
	defer e.drawings.Put(d)
	d.renderer.Render(d.tensor, m, v, Normal)
	ask(func(input *nn.Tensor) { input.SetPlanes(0, d.tensor.Data) })
}
