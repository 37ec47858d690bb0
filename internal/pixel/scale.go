package pixel

// Scale returns the upright image in w×h pixels, both at least 1. Each pixel
// is the mean of the area that it covers; where the image must grow, pixels
// are interpolated linearly. The result is the same on every machine.
func (m *Image) Scale(w, h int) *RGB {
	out := new(RGB)
	new(Renderer).Scale(out, m, w, h)
	return out
}

// Scale is Image.Scale into dst, whose bytes are used again where they suffice.
func (r *Renderer) Scale(dst *RGB, m *Image, w, h int) {
	dst.Width, dst.Height = w, h
	if cap(dst.Pix) < 3*w*h {
		dst.Pix = make([]uint8, 3*w*h)
	}
	dst.Pix = dst.Pix[:3*w*h]
	sw, sh := m.header.Orientation.turned(w, h)
	scaled := r.scale(m, m.stored(), sw, sh)
	at := 0
	for y := range h {
		i, step := m.header.Orientation.walk(y, sw, sh)
		for range w {
			a, b, c := scaled[0][i], scaled[1][i], scaled[2][i]
			if m.chroma {
				a, b, c = fromYCbCr(a, b, c)
			}
			dst.Pix[at], dst.Pix[at+1], dst.Pix[at+2] = sample(a), sample(b), sample(c)
			at += 3
			i += step
		}
	}
}

// fromYCbCr is the conversion of JFIF 1.02: ITU-R BT.601, full range.
func fromYCbCr(y, cb, cr float32) (r, g, b float32) {
	cb, cr = cb-128, cr-128
	return y + float32(1.402*cr), y - float32(0.344136*cb) - float32(0.714136*cr), y + float32(1.772*cb)
}

func sample(v float32) uint8 { return uint8(min(max(v+0.5, 0), 255)) }
