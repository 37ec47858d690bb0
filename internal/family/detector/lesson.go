package detector

import (
	"math"
	"strings"

	"mimeo/internal/family"
	"mimeo/internal/family/network"
	"mimeo/internal/nn"
	"mimeo/internal/pixel"
)

const (
	// visible is the share of an object that a crop must leave for it to be
	// taught.
	visible = 0.35
	// spread is how far from the centre an object is taught, of half its width
	// and height: three standard deviations of its bell (Liu et al. 2020, α).
	spread = 0.54
	// least is the same in places of the map, where an object is small.
	least = 1.6
	// room is how much wider and higher than the image the window is from which crops are taken: objects
	// are seen smaller than they will be, not only larger (Touvron et al. 2019,
	// arXiv:1906.06423).
	room = 1.25
	// sizeWeight is how much the distances count beside the heat.
	sizeWeight = 3
)

// augmenting is how images are changed; mirrored ones are asked for where
// labels allow it.
var augmenting = pixel.Augmenting{
	Crop: 0.4, Stretch: 1.25, Colour: pixel.Colour{Brightness: 0.2, Contrast: 0.2, Saturation: 0.3},
}

// A lesson teaches where the objects of each image are.
type lesson struct {
	examples   []family.Example
	design     Design
	labels     int
	augmenting pixel.Augmenting
	heat, size []float64 // how much an object of each label counts in the heat, and in the distances
	targets    []target
}

// A target is what an image of the batch should be answered with.
type target struct {
	heat    []float32 // labels × places, each 0 to 1
	one     []float32 // the gradient of one label's heat
	logits  []float32
	objects []object
}

// An object is one of a target, in pixels of the input.
type object struct {
	label int
	rect  pixel.Rect
}

func newLesson(req family.TrainRequest, p plan) *lesson {
	l := &lesson{examples: req.Examples, design: p.Design, labels: len(req.Labels), augmenting: augmenting, targets: make([]target, batch)}
	l.augmenting.Mirror = !sided(req.Labels)
	l.heat, l.size = scales(req)
	places := l.places()
	for i := range l.targets {
		l.targets[i] = target{heat: make([]float32, l.labels*places), one: make([]float32, places), logits: make([]float32, places)}
	}
	return l
}

// scales are how much an object of each label counts. In the heat it is one over how many of
// them an image has, and one over all objects, in the middle: a label of which there are
// few does not drown, and one of which there are hardly any does not rule. In the
// distances, which labels share, all labels count the same.
func scales(req family.TrainRequest) (heat, size []float64) {
	counts, all := make([]float64, len(req.Labels)), 0.0
	for _, e := range req.Examples {
		for _, b := range e.Boxes {
			counts[b.Label]++
			all++
		}
	}
	images, labels := float64(len(req.Examples)), float64(len(req.Labels))
	for _, n := range counts {
		equal := 1 / (labels * max(n/images, 1/labels))
		heat = append(heat, math.Sqrt(equal/max(all/images, 1)))
		size = append(size, sizeWeight*equal)
	}
	return heat, size
}

// sided reports whether a label speaks of left or right, which a mirrored image
// would show under the wrong name.
func sided(labels []string) bool {
	for _, name := range labels {
		for _, word := range strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return r < 'a' || r > 'z' }) {
			if word == "left" || word == "right" {
				return true
			}
		}
	}
	return false
}

func (d Design) columns() int { return d.Width / d.Stride }
func (d Design) rows() int    { return d.Height / d.Stride }

func (l *lesson) places() int { return l.design.columns() * l.design.rows() }

// Draw implements network.Lesson.
func (l *lesson) Draw(d *network.Draft) error {
	m, err := d.Image()
	if err != nil {
		return err
	}
	a := l.augmenting.Draw(d.Key)
	w, h := m.Size()
	window := grown(pixel.Letterbox(m.Bounds(), l.design.Width, l.design.Height), room)
	a.Render(d.Renderer, d.Tensor, m, window, network.Normal)
	t := &l.targets[d.Place]
	clear(t.heat)
	t.objects = t.objects[:0]
	for _, b := range l.examples[d.Example].Boxes {
		rect, share := a.Box(pixel.Rect{
			Left: b.Left * float64(w), Top: b.Top * float64(h), Width: b.Width * float64(w), Height: b.Height * float64(h),
		}, window, l.design.Width, l.design.Height)
		if share >= visible && rect.Width >= 1 && rect.Height >= 1 {
			t.objects = append(t.objects, object{b.Label, rect})
			l.mark(t, b.Label, rect)
		}
	}
	return nil
}

// grown is a window that is wider and higher by a factor about its centre.
func grown(r pixel.Rect, factor float64) pixel.Rect {
	w, h := r.Width*factor, r.Height*factor
	return pixel.Rect{Left: r.Left - (w-r.Width)/2, Top: r.Top - (h-r.Height)/2, Width: w, Height: h}
}

// bell calls visit with the places about the centre of a box, and how near
// they are: one at the centre, falling as a normal distribution does.
func (d Design) bell(r pixel.Rect, visit func(column, row int, near float64)) {
	s := float64(d.Stride)
	center := r.Center()
	column, row := min(int(center.X/s), d.columns()-1), min(int(center.Y/s), d.rows()-1)
	wide, high := max(spread*r.Width/2/s, least), max(spread*r.Height/2/s, least)
	for y := max(row-int(high), 0); y <= min(row+int(high), d.rows()-1); y++ {
		for x := max(column-int(wide), 0); x <= min(column+int(wide), d.columns()-1); x++ {
			dx, dy := float64(x-column)/(wide/3), float64(y-row)/(high/3)
			visit(x, y, math.Exp(-(dx*dx+dy*dy)/2))
		}
	}
}

// mark adds an object to the heat of its label.
func (l *lesson) mark(t *target, label int, r pixel.Rect) {
	heat := t.heat[label*l.places():]
	l.design.bell(r, func(column, row int, near float64) {
		at := row*l.design.columns() + column
		heat[at] = max(heat[at], float32(near))
	})
}

// Loss implements network.Lesson.
func (l *lesson) Loss(place int, outputs, gradients []*nn.Tensor, at int) float64 {
	t := &l.targets[place]
	loss := 0.0
	for label := range l.labels {
		l.eachPlace(func(i, row, column int) { t.logits[i] = outputs[0].At(at, row, column)[label] })
		loss += nn.Focal(t.logits, t.heat[label*l.places():][:l.places()], l.heat[label], t.one)
		l.eachPlace(func(i, row, column int) { gradients[0].At(at, row, column)[label] = t.one[i] })
	}
	for _, o := range t.objects {
		loss += l.sides(o, outputs[1], gradients[1], at)
	}
	return loss
}

func (l *lesson) eachPlace(visit func(i, row, column int)) {
	i := 0
	for row := range l.design.rows() {
		for column := range l.design.columns() {
			visit(i, row, column)
			i++
		}
	}
}

// sides is the loss of the distances about one object: that of all places of its bell, each
// by how near it is.
func (l *lesson) sides(o object, output, gradient *nn.Tensor, at int) (loss float64) {
	total := 0.0
	l.design.bell(o.rect, func(_, _ int, near float64) { total += near })
	l.design.bell(o.rect, func(column, row int, near float64) {
		x, y := l.design.place(column, row)
		want := [4]float64{x - o.rect.Left, y - o.rect.Top, o.rect.Right() - x, o.rect.Bottom() - y}
		for i := range want {
			want[i] = max(want[i], 0.01) // a place at the edge of a thin object may lie outside of it
		}
		raw := output.At(at, row, column)
		var said, slope [4]float64
		for i := range said {
			said[i] = l.design.distance(raw[i])
		}
		weight := l.size[o.label] * near / total
		loss += weight * nn.GIoU(said, want, &slope)
		into := gradient.At(at, row, column)
		for i := range slope {
			if raw[i] > -maxExponent && raw[i] < maxExponent {
				into[i] += float32(weight * slope[i] * said[i])
			}
		}
	})
	return loss
}

// place is where a place of the map lies in the input, in pixels.
func (d Design) place(column, row int) (x, y float64) {
	s := float64(d.Stride)
	return (float64(column) + 0.5) * s, (float64(row) + 0.5) * s
}

// maxExponent bounds distances to a hundred strides either way.
const maxExponent = 4.6

// distance is what an output means, in pixels.
func (d Design) distance(raw float32) float64 {
	return float64(d.Stride) * math.Exp(min(max(float64(raw), -maxExponent), maxExponent))
}
