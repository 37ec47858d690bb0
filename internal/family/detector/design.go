package detector

import (
	"math"
	"slices"

	"mimeo/internal/family"
	"mimeo/internal/family/network"
	"mimeo/internal/nn"
)

const (
	// maxSide is in how many pixels a side images are kept: as many as any
	// network sees, and some for crops.
	maxSide = 640

	batch, shard = 16, 4
	peakRate     = 2e-3

	// smallest is how many pixels the input should show of a small object:
	// four places of a map of stride 4.
	smallest = 16
	// Of the input's longer side.
	minInput, maxInput = 192, 512
	// large is how many pixels such an object has where a map of stride 8 is enough.
	large = 40
	// inputStep is what width and height are a multiple of: the stride of the deepest
	// map.
	inputStep = 16
)

// A Design is what a model's answers depend on beside its weights.
type Design struct {
	Width, Height int // of the input, in pixels
	Stride        int // of the maps that the heads see: 4 or 8
	Channels      int // of the first map; each deeper one has twice as many
}

// A plan is a design and how it is to be trained.
type plan struct {
	Design
	side  int // the longer of width and height
	steps int
}

// designFor chooses the size and the stride of the input by the sizes of the
// boxes, and the number of steps by the number of examples.
func designFor(req family.TrainRequest) plan {
	small := smallObjects(req)
	p := plan{Design: Design{Stride: 4, Channels: 16}, side: rounded(min(max(smallest/small, minInput), maxInput))}
	if small*float64(p.side) >= large {
		p.Stride = 8
	}
	p.steps = steps(len(req.Examples))
	return p
}

// smallObjects is the size that three of four objects of a label have at
// least, in ratios of the image: of the label whose objects are smallest.
func smallObjects(req family.TrainRequest) float64 {
	sizes := make([][]float64, len(req.Labels))
	for _, e := range req.Examples {
		for _, b := range e.Boxes {
			sizes[b.Label] = append(sizes[b.Label], math.Sqrt(b.Width*b.Height))
		}
	}
	small := 1.0
	for _, s := range sizes {
		if len(s) > 0 {
			slices.Sort(s)
			small = min(small, s[len(s)/4])
		}
	}
	return small
}

// steps grow as the root of the number of examples.
func steps(examples int) int {
	const few, forMany = 300, 3000
	return int(min(max(400*math.Sqrt(float64(examples)/160), few), forMany))
}

func rounded(pixels float64) int {
	return max(int(math.Round(pixels/inputStep)), 1) * inputStep
}

// proportions are the width and height of the input: those of the middle one
// of the images, with the given longer side.
func proportions(images *network.Images, count, side int) (width, height int, err error) {
	var ratios []float64
	for i := range count {
		if i >= 1000 {
			break // as good as all
		}
		m, err := images.Image(i)
		if err != nil {
			return 0, 0, err
		}
		w, h := m.Size()
		ratios = append(ratios, float64(w)/float64(h))
	}
	slices.Sort(ratios)
	ratio := min(max(ratios[len(ratios)/2], 0.5), 2)
	if ratio >= 1 {
		return side, rounded(float64(side) / ratio), nil
	}
	return rounded(float64(side) * ratio), side, nil
}

// graph returns the network and its outputs: the heat maps, one a label, and
// the distances to the left, top, right and bottom side.
//
// Its way down is residual (He et al. 2016, arXiv:1512.03385), with maps of strides 4, 8
// and 16; its way up is a feature pyramid (Lin et al. 2017, arXiv:1612.03144).
func (d Design) graph(labels int) (*nn.Graph, []nn.Node) {
	g := nn.NewGraph(nn.Shape{Height: d.Height, Width: d.Width, Channels: 3})
	c := d.Channels
	x := g.Conv(g.Input(), nn.Conv{Out: c, Size: 3, Stride: 2, Norm: true, Act: nn.ReLU})
	fine := network.Block(g, x, 2*c, 2)
	middle := network.Block(g, network.Block(g, fine, 4*c, 2), 4*c, 1)
	coarse := network.Block(g, network.Block(g, middle, 8*c, 2), 8*c, 1)

	width := 4 * c
	x = up(g, coarse, middle, width)
	if d.Stride == 4 {
		width = 2 * c
		x = up(g, x, fine, width)
	}
	heat := g.Conv(x, nn.Conv{Out: width, Size: 3, Norm: true, Act: nn.ReLU})
	sides := g.Conv(x, nn.Conv{Out: width, Size: 3, Norm: true, Act: nn.ReLU})
	return g, []nn.Node{
		g.Conv(heat, nn.Conv{Out: labels, Size: 1, Zero: true, Bias: rare}),
		g.Conv(sides, nn.Conv{Out: 4, Size: 1, Zero: true, Bias: 1}),
	}
}

// rare is the logit of a centre before anything is learnt: nearly all places
// are none.
const rare = -4.6

// up adds a finer map of the way down to a coarser one of the way up.
func up(g *nn.Graph, x, fine nn.Node, width int) nn.Node {
	x = g.Conv(x, nn.Conv{Out: width, Size: 1, Norm: true})
	x = g.UpsampleAdd(x, g.Conv(fine, nn.Conv{Out: width, Size: 1, Norm: true}))
	return g.Conv(x, nn.Conv{Out: width, Size: 3, Norm: true, Act: nn.ReLU})
}
