package pixel

import "math"

// A View says what of an upright image fills a tensor, and how it lies there.
// A window that reaches beyond the image is padded.
type View struct {
	Window Rect    // in pixels of the upright image
	Turn   float64 // radians, clockwise: how far the window is turned about its centre
	Mirror bool    // left and right change places
}

// Bounds is the whole upright image, in its pixels.
func (m *Image) Bounds() Rect {
	w, h := m.Size()
	return Rect{Width: float64(w), Height: float64(h)}
}

// Letterbox returns the smallest window about a part of an image that has the
// proportions of a tensor of w×h: what it shows is not distorted. (A window
// that is the part itself is stretched.)
func Letterbox(part Rect, w, h int) Rect {
	width := max(part.Width, part.Height*float64(w)/float64(h))
	height := max(part.Height, part.Width*float64(h)/float64(w))
	return Rect{part.Left + (part.Width-width)/2, part.Top + (part.Height-height)/2, width, height}
}

// ToTensor returns where a point of the upright image lies in a tensor of w×h.
func (v View) ToTensor(p Point, w, h int) Point {
	sin, cos := math.Sincos(v.Turn)
	c := v.Window.Center()
	dx, dy := p.X-c.X, p.Y-c.Y
	x := (float64(dx*cos)+float64(dy*sin))/v.Window.Width + 0.5
	y := (float64(dy*cos)-float64(dx*sin))/v.Window.Height + 0.5
	if v.Mirror {
		x = 1 - x
	}
	return Point{x * float64(w), y * float64(h)}
}

// ToImage is the inverse of ToTensor.
func (v View) ToImage(p Point, w, h int) Point {
	x, y := p.X/float64(w), p.Y/float64(h)
	if v.Mirror {
		x = 1 - x
	}
	sin, cos := math.Sincos(v.Turn)
	dx, dy := (x-0.5)*v.Window.Width, (y-0.5)*v.Window.Height
	c := v.Window.Center()
	return Point{c.X + float64(dx*cos) - float64(dy*sin), c.Y + float64(dx*sin) + float64(dy*cos)}
}

// BoxToTensor returns the box in a tensor of w×h about what a box of the upright
// image encloses. It may reach beyond the tensor. If the window is turned, what
// the box encloses is taken to be an ellipse: the box about turned corners would
// be too large for nearly all things (Kalra et al. 2021, "Towards Rotation
// Invariance in Object Detection").
func (v View) BoxToTensor(r Rect, w, h int) Rect {
	sin, cos := math.Sincos(v.Turn)
	width, height := math.Hypot(r.Width*cos, r.Height*sin), math.Hypot(r.Height*cos, r.Width*sin)
	return about(v.ToTensor(r.Center(), w, h), width/v.Window.Width*float64(w), height/v.Window.Height*float64(h))
}

// BoxToImage returns the box of the upright image about what a box in a tensor
// of w×h encloses, in a view that is not turned, as the one is in which a model
// looks at an image.
func (v View) BoxToImage(r Rect, w, h int) Rect {
	return spanned(v.ToImage(Point{r.Left, r.Top}, w, h), v.ToImage(Point{r.Right(), r.Bottom()}, w, h))
}

// about is the rectangle of a size about a centre.
func about(c Point, width, height float64) Rect {
	return Rect{c.X - width/2, c.Y - height/2, width, height}
}
