package pixel

import "math"

// A Renderer scales images and keeps its buffers for the next one, so that
// nothing is allocated for an image. The zero value is ready. It must not be
// used by two goroutines at once.
type Renderer struct {
	resampler
	wide Tensor // what a turned window lies in
	kept RGB    // what goes into a cache
}

// Render fills a tensor with a view of an image, normalised. A pixel is the mean
// of the area that it covers; where the view must be enlarged, pixels are
// interpolated linearly. What is beyond the image is zero, the mean. The same
// image and view give the same samples.
func (r *Renderer) Render(dst Tensor, m *Image, v View, n Normal) {
	r.draw(dst, m, v, n)
	Colour{}.apply(dst, n)
}

// draw is Render without normalisation: it leaves samples from 0 to 255.
func (r *Renderer) draw(dst Tensor, m *Image, v View, n Normal) {
	if v.Turn == 0 {
		r.upright(dst, m, v, n)
		return
	}
	var window Rect
	window, r.wide.Width, r.wide.Height = v.wide(dst.Width, dst.Height)
	r.wide.Data = sized(r.wide.Data, 3*r.wide.Width*r.wide.Height)
	r.upright(r.wide, m, View{Window: window}, n)
	turn(dst, r.wide, v)
}

// upright draws a window that is not turned.
func (r *Renderer) upright(dst Tensor, m *Image, v View, n Normal) {
	o := m.header.Orientation
	sw, sh := o.turned(dst.Width, dst.Height)
	scaled := r.scale(m, o.StoredRect(v.Window, float64(m.header.Width), float64(m.header.Height)), sw, sh)
	red, green, blue := dst.plane(0), dst.plane(1), dst.plane(2)
	for y := range dst.Height {
		i, step := o.walk(y, sw, sh)
		if v.Mirror {
			i, step = i+(dst.Width-1)*step, -step
		}
		at := y * dst.Width
		for range dst.Width {
			a, b, c := scaled[0][i], scaled[1][i], scaled[2][i]
			if m.chroma {
				a, b, c = fromYCbCr(a, b, c)
				a, b, c = min(max(a, 0), 255), min(max(b, 0), 255), min(max(c, 0), 255)
			}
			red[at], green[at], blue[at] = a, b, c
			at++
			i += step
		}
	}
	pad(dst, m.Bounds(), v, n)
}

// pad gives the pixels of a window that is not turned, where they are beyond
// the image, the mean colour.
func pad(dst Tensor, image Rect, v View, n Normal) {
	p := v.BoxToTensor(image, dst.Width, dst.Height)
	x0, x1 := inside(p.Left, p.Right(), dst.Width)
	y0, y1 := inside(p.Top, p.Bottom(), dst.Height)
	for c := range 3 {
		colour := 255 * n.Mean[c]
		plane := dst.plane(c)
		for y := range dst.Height {
			row := plane[y*dst.Width : (y+1)*dst.Width]
			if y < y0 || y >= y1 {
				fill(row, colour)
				continue
			}
			fill(row[:x0], colour)
			fill(row[x1:], colour)
		}
	}
}

func fill(row []float32, v float32) {
	for i := range row {
		row[i] = v
	}
}

// wide returns a window that holds the turned one, and a pixel about it, at the
// same scale and not turned; and the size in pixels of the drawing of it. The
// centre of both is the same, and lies in a pixel as that of the tensor does.
func (v View) wide(w, h int) (window Rect, width, height int) {
	sx, sy := v.Window.Width/float64(w), v.Window.Height/float64(h) // image pixels in a tensor's
	sin, cos := math.Sincos(v.Turn)
	sin, cos = math.Abs(sin), math.Abs(cos)
	width = w + 2*int(math.Ceil(((v.Window.Width*cos+v.Window.Height*sin)/sx-float64(w))/2)) + 2
	height = h + 2*int(math.Ceil(((v.Window.Height*cos+v.Window.Width*sin)/sy-float64(h))/2)) + 2
	return about(v.Window.Center(), float64(width)*sx, float64(height)*sy), width, height
}

// turn draws a turned window from the drawing of the wide one about it,
// interpolating linearly.
func turn(dst, wide Tensor, v View) {
	sin, cos := math.Sincos(v.Turn)
	shape := v.Window.Height / v.Window.Width * float64(dst.Width) / float64(dst.Height) // how much higher than wide a pixel is
	left, cx, cy := 1.0, float64(wide.Width)/2-0.5, float64(wide.Height)/2-0.5
	if v.Mirror {
		left = -1
	}
	red, green, blue := wide.plane(0), wide.plane(1), wide.plane(2)
	for y := range dst.Height {
		dy := float64(y) + 0.5 - float64(dst.Height)/2
		for x := range dst.Width {
			dx := left * (float64(x) + 0.5 - float64(dst.Width)/2)
			px := cx + float64(dx*cos) - float64(dy*sin*shape)
			py := cy + float64(dx*sin/shape) + float64(dy*cos)
			ix, iy := int(px), int(py)
			fx, fy := float32(px-float64(ix)), float32(py-float64(iy))
			from, end, to := iy*wide.Width+ix, (iy+1)*wide.Width+ix+2, y*dst.Width+x
			dst.Data[to] = blend(red[from:end], fx, fy)
			dst.Data[to+dst.Width*dst.Height] = blend(green[from:end], fx, fy)
			dst.Data[to+2*dst.Width*dst.Height] = blend(blue[from:end], fx, fy)
		}
	}
}

// blend interpolates between the first two and the last two samples, and then
// between those.
func blend(p []float32, fx, fy float32) float32 {
	n := len(p)
	upper := p[0] + float32(fx*(p[1]-p[0]))
	lower := p[n-2] + float32(fx*(p[n-1]-p[n-2]))
	return upper + float32(fy*(lower-upper))
}
