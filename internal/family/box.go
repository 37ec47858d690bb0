package family

import "mimeo/internal/pixel"

// MaxObjects is how many objects a Prediction has at most: the detections per
// image that COCO's evaluation counts.
//
// https://cocodataset.org/#detection-eval
const MaxObjects = 100

// A Box is where an object is, in ratios of the width and height of the
// upright image, which is what a family sees. Manifests and answers refer to
// the image as its file stores it: Stored and Upright map between the two.
type Box struct {
	Label                    int // index into the labels
	Left, Top, Width, Height float64
}

// Stored maps a box of an upright image to the image as it is stored, which o
// turns upright.
func (b Box) Stored(o pixel.Orientation) Box { return b.at(o.StoredRect(b.rect(), 1, 1)) }

// Upright is the inverse of Stored.
func (b Box) Upright(o pixel.Orientation) Box { return b.at(o.UprightRect(b.rect(), 1, 1)) }

func (b Box) rect() pixel.Rect {
	return pixel.Rect{Left: b.Left, Top: b.Top, Width: b.Width, Height: b.Height}
}

func (b Box) at(r pixel.Rect) Box { return Box{b.Label, r.Left, r.Top, r.Width, r.Height} }

// An Object is a box that a model has found. It may reach beyond the image's
// edges.
type Object struct {
	Box
	Confidence float64 // the probability, 0 to 1, that it is right
}

// slack is what ratios of whole pixels may lose when they are added.
const slack = 1e-9

// IsInside reports whether a box covers a part of the image and nothing else.
func (b Box) IsInside() bool {
	return b.Left >= 0 && b.Top >= 0 && b.Width > 0 && b.Height > 0 &&
		b.Left+b.Width <= 1+slack && b.Top+b.Height <= 1+slack
}

// IoU is the overlap of two boxes of one image, whatever their labels: the area
// of their intersection over that of their union, 0 to 1. An empty box
// overlaps nothing.
func (b Box) IoU(o Box) float64 { return b.rect().IoU(o.rect()) }
