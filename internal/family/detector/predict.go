package detector

import (
	"cmp"
	"context"
	"math"
	"slices"

	"mimeo/internal/family"
	"mimeo/internal/nn"
	"mimeo/internal/pixel"
)

const (
	// candidates are the places that are looked at, the most confident ones.
	candidates = 400
	// overlap is above which IoU the less confident of two boxes of one label
	// is dropped: non-maximum suppression.
	overlap = 0.5
	// faint is the confidence below which a place is not looked at.
	faint = 0.005
)

// Predict implements family.Model.
func (m *model) Predict(ctx context.Context, img *pixel.Image) (family.Prediction, error) {
	if err := ctx.Err(); err != nil {
		return family.Prediction{}, err
	}
	d := m.design
	view := pixel.View{Window: pixel.Letterbox(img.Bounds(), d.Width, d.Height)}
	var found []sight
	m.eye.Look(img, view, func(fill func(*nn.Tensor)) {
		m.network.Infer(fill, func(outputs []*nn.Tensor) { found = d.sights(outputs[0], outputs[1], len(m.labels)) })
	})
	return family.Prediction{Objects: objects(suppressed(found), view, img, d)}, nil
}

// A sight is a box in the input that may be an object.
type sight struct {
	label      int
	confidence float64
	place      int // where in the map: what decides between equals
	rect       pixel.Rect
}

// sights are the places that are hotter than those about them, the most
// confident first.
func (d Design) sights(heat, sides *nn.Tensor, labels int) []sight {
	var found []sight
	for row := range heat.Height {
		for column := range heat.Width {
			for label := range labels {
				v := heat.At(0, row, column)[label]
				if p := 1 / (1 + math.Exp(-float64(v))); p >= faint && hottest(heat, row, column, label) {
					found = append(found, sight{label: label, confidence: p, place: row*heat.Width + column})
				}
			}
		}
	}
	slices.SortFunc(found, func(a, b sight) int {
		return cmp.Or(cmp.Compare(b.confidence, a.confidence), cmp.Compare(a.label, b.label), cmp.Compare(a.place, b.place))
	})
	found = found[:min(len(found), candidates)]
	for i := range found {
		row, column := found[i].place/heat.Width, found[i].place%heat.Width
		x, y := d.place(column, row)
		raw := sides.At(0, row, column)
		left, top := d.distance(raw[0]), d.distance(raw[1])
		found[i].rect = pixel.Rect{Left: x - left, Top: y - top, Width: left + d.distance(raw[2]), Height: top + d.distance(raw[3])}
	}
	return found
}

// hottest reports whether none of the eight places about one is hotter.
func hottest(heat *nn.Tensor, row, column, label int) bool {
	v := heat.At(0, row, column)[label]
	for y := max(row-1, 0); y <= min(row+1, heat.Height-1); y++ {
		for x := max(column-1, 0); x <= min(column+1, heat.Width-1); x++ {
			if heat.At(0, y, x)[label] > v {
				return false
			}
		}
	}
	return true
}

// suppressed drops the boxes that a more confident one of their label
// overlaps.
func suppressed(found []sight) []sight {
	var kept []sight
	for _, s := range found {
		if !slices.ContainsFunc(kept, func(k sight) bool { return k.label == s.label && k.rect.IoU(s.rect) > overlap }) {
			kept = append(kept, s)
		}
	}
	return kept
}

// objects maps boxes of the input to the image.
func objects(found []sight, view pixel.View, img *pixel.Image, d Design) []family.Object {
	w, h := img.Size()
	all := []family.Object{}
	for _, s := range found {
		r := view.BoxToImage(s.rect, d.Width, d.Height)
		if r.Intersect(img.Bounds()).Area() == 0 {
			continue // in the margin of the letterbox
		}
		all = append(all, family.Object{
			Box: family.Box{
				Label: s.label, Left: r.Left / float64(w), Top: r.Top / float64(h), Width: r.Width / float64(w), Height: r.Height / float64(h),
			},
			Confidence: s.confidence,
		})
		if len(all) == family.MaxObjects {
			break
		}
	}
	return all
}
