package pixel

import "math"

// A Point is a place in an image, in pixels or in any other unit: x goes to
// the right, y down, and whole numbers lie between pixels.
type Point struct{ X, Y float64 }

// A Rect is a part of an image, in the same coordinates.
type Rect struct{ Left, Top, Width, Height float64 }

// Right is the x coordinate where the rectangle ends.
func (r Rect) Right() float64 { return r.Left + r.Width }

// Bottom is the y coordinate where the rectangle ends.
func (r Rect) Bottom() float64 { return r.Top + r.Height }

// Center is the point in the middle.
func (r Rect) Center() Point { return Point{r.Left + r.Width/2, r.Top + r.Height/2} }

// Area is zero for a rectangle that is empty.
func (r Rect) Area() float64 { return max(r.Width, 0) * max(r.Height, 0) }

// Intersect returns what both have in common; if that is nothing, the zero
// Rect.
func (r Rect) Intersect(s Rect) Rect {
	left, top := max(r.Left, s.Left), max(r.Top, s.Top)
	right, bottom := min(r.Right(), s.Right()), min(r.Bottom(), s.Bottom())
	if left >= right || top >= bottom {
		return Rect{}
	}
	return Rect{left, top, right - left, bottom - top}
}

// IoU is the overlap of two rectangles, 0 to 1: the area of what both have in
// common over that of both together. An empty one overlaps nothing.
func (r Rect) IoU(s Rect) float64 {
	both := r.Intersect(s).Area()
	if !(both > 0) { // also what is no number
		return 0
	}
	return both / (r.Area() + s.Area() - both)
}

// part returns the rectangle that the ratios describe within r.
func (r Rect) part(ratios Rect) Rect {
	return Rect{r.Left + ratios.Left*r.Width, r.Top + ratios.Top*r.Height, ratios.Width * r.Width, ratios.Height * r.Height}
}

// spanned is the rectangle that two opposite corners span.
func spanned(p, q Point) Rect {
	return Rect{min(p.X, q.X), min(p.Y, q.Y), math.Abs(p.X - q.X), math.Abs(p.Y - q.Y)}
}
