package pixel

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
)

// Augmenting says how images may be changed while a model is trained. The zero
// value changes nothing.
type Augmenting struct {
	Crop    float64 // the least part of the area that a random crop keeps, 0 to 1; 0: no crops
	Stretch float64 // a crop's proportions change by this factor at most; 0: not at all
	Mirror  bool    // left and right may change places: not where labels tell them apart
	Turn    float64 // degrees that an image is turned at most, either way
	Colour  Colour  // each change is between minus and plus this
	Erase   float64 // the probability that a part is erased (random erasing, Zhong et al. 2020)
	Mix     float64 // the parameter of mixup's beta distribution, to 1; 0: no mixup
}

// A Key names a place in the stream of random changes: the same key has the
// same changes in every run, so that one that was interrupted goes on as if it
// had not been.
type Key struct {
	Seed  uint64 // the training's
	Step  uint64 // or epoch
	Image uint64
}

// An Augmentation is what is done to one image in one step. The zero value
// does nothing.
type Augmentation struct {
	Crop    Rect // ratios of the window; if zero, all of it
	Mirror  bool
	Turn    float64 // radians, clockwise
	Colour  Colour
	Erase   Rect    // ratios of the tensor
	Mix     float64 // the weight of the partner, 0 to 1/2
	Partner float64 // 0 to 1: which of the other images
}

// Draw takes the changes of one image in one step from the stream. What one
// field of o allows changes nothing of what others draw.
func (o Augmenting) Draw(k Key) Augmentation {
	var s stream
	s.begin(k)
	var a Augmentation
	a.Crop = o.crop(&s)
	a.Mirror = s.uniform() < 0.5 && o.Mirror
	a.Turn = s.between(-1, 1) * o.Turn * math.Pi / 180
	a.Colour.Brightness = s.between(-1, 1) * o.Colour.Brightness
	a.Colour.Contrast = s.between(-1, 1) * o.Colour.Contrast
	a.Colour.Saturation = s.between(-1, 1) * o.Colour.Saturation
	a.Erase = o.erase(&s)
	a.Partner = s.uniform()
	a.Mix = o.mix(&s) // last: it draws as often as it must
	return a
}

func (o Augmenting) crop(s *stream) Rect {
	area, shape, left, top := s.uniform(), s.between(-1, 1), s.uniform(), s.uniform()
	if o.Crop <= 0 {
		return Rect{}
	}
	area = o.Crop + area*(1-o.Crop)
	shape = math.Exp(shape * math.Log(max(o.Stretch, 1)))
	w, h := min(math.Sqrt(area*shape), 1), min(math.Sqrt(area/shape), 1)
	return Rect{left * (1 - w), top * (1 - h), w, h}
}

// What random erasing takes: parts of the area, and proportions.
const leastErased, mostErased, erasedStretch = 0.02, 0.25, 3.3

func (o Augmenting) erase(s *stream) Rect {
	chance, area, shape, left, top := s.uniform(), s.between(leastErased, mostErased), s.between(-1, 1), s.uniform(), s.uniform()
	if chance >= o.Erase {
		return Rect{}
	}
	shape = math.Exp(shape * math.Log(erasedStretch))
	w, h := math.Sqrt(area*shape), math.Sqrt(area/shape)
	return Rect{left * (1 - w), top * (1 - h), w, h}
}

// mix draws the lesser of the two weights from a beta distribution with both
// parameters o.Mix, by the method of Jöhnk (1964).
func (o Augmenting) mix(s *stream) float64 {
	if o.Mix <= 0 {
		return 0
	}
	for {
		x, y := math.Pow(s.uniform(), 1/o.Mix), math.Pow(s.uniform(), 1/o.Mix)
		if sum := x + y; sum > 0 && sum <= 1 {
			return min(x, y) / sum
		}
	}
}

// View is how an augmented image lies in a tensor; window is what a model would
// see of it at inference: the whole image, or a letterbox about it.
func (a Augmentation) View(window Rect) View {
	if a.Crop != (Rect{}) {
		window = window.part(a.Crop)
	}
	return View{Window: window, Turn: a.Turn, Mirror: a.Mirror}
}

// Render is Renderer.Render of the augmented image. Mixing is the caller's
// ([Tensor.Mix]), who knows the other image.
func (a Augmentation) Render(r *Renderer, dst Tensor, m *Image, window Rect, n Normal) {
	r.draw(dst, m, a.View(window), n)
	a.Colour.apply(dst, n)
	dst.erase(Rect{Width: float64(dst.Width), Height: float64(dst.Height)}.part(a.Erase))
}

// Box returns where a box of the upright image, in its pixels, lies in a tensor
// of w×h that was rendered from the window: the part of it within the tensor,
// and how much of the box that is, from 0 to 1.
func (a Augmentation) Box(box, window Rect, w, h int) (visible Rect, share float64) {
	whole := a.View(window).BoxToTensor(box, w, h)
	visible = whole.Intersect(Rect{Width: float64(w), Height: float64(h)})
	if visible == (Rect{}) {
		return Rect{}, 0
	}
	return visible, visible.Area() / whole.Area()
}

// stream is a source of random numbers that a key begins.
type stream struct{ source rand.ChaCha8 }

func (s *stream) begin(k Key) {
	var seed [32]byte
	copy(seed[:], "pixel")
	binary.LittleEndian.PutUint64(seed[8:], k.Seed)
	binary.LittleEndian.PutUint64(seed[16:], k.Step)
	binary.LittleEndian.PutUint64(seed[24:], k.Image)
	s.source.Seed(seed)
}

// uniform is in [0, 1).
func (s *stream) uniform() float64 { return float64(s.source.Uint64()>>11) / (1 << 53) }

func (s *stream) between(from, to float64) float64 { return from + float64(s.uniform()*(to-from)) }
