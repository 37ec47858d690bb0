package pixel

// Colour is a change of an image's colours. The zero value changes nothing; a
// value of 0.2 means a factor of 1.2.
type Colour struct {
	Brightness float64 // of all samples
	Contrast   float64 // of the distance to the image's mean luma
	Saturation float64 // of the distance to the pixel's luma
}

// The parts of red, green and blue in luma: ITU-R BT.601.
const lumaRed, lumaGreen, lumaBlue = 0.299, 0.587, 0.114

// apply changes the colours of samples from 0 to 255, one change after the
// other, keeps them within this range, and normalises them.
func (k Colour) apply(t Tensor, n Normal) {
	if k == (Colour{}) {
		for c := range 3 {
			factor, summand := n.line(c)
			plane := t.plane(c)
			for i, v := range plane {
				plane[i] = float32(v*factor) + summand
			}
		}
		return
	}
	// Brightness and contrast are factor*v + summand, and so is what they make
	// of luma, from which saturation takes its distance.
	factor := float32((1 + k.Brightness) * (1 + k.Contrast))
	var summand float32
	if k.Contrast != 0 {
		summand = float32(-k.Contrast * (1 + k.Brightness) * t.luma())
	}
	s := float32(1 + k.Saturation)
	var scale, shift [3]float32
	for c := range 3 {
		scale[c], shift[c] = n.line(c)
	}
	red, green, blue := t.plane(0), t.plane(1), t.plane(2)
	for i := range red {
		r, g, b := red[i], green[i], blue[i]
		y := float32(lumaRed*r) + float32(lumaGreen*g) + float32(lumaBlue*b)
		red[i] = float32(scale[0]*clamp(factor*(y+s*(r-y))+summand)) + shift[0]
		green[i] = float32(scale[1]*clamp(factor*(y+s*(g-y))+summand)) + shift[1]
		blue[i] = float32(scale[2]*clamp(factor*(y+s*(b-y))+summand)) + shift[2]
	}
}

func clamp(v float32) float32 { return min(max(v, 0), 255) }

// luma is the mean luma of samples from 0 to 255.
func (t Tensor) luma() float64 {
	var mean float64
	for c, part := range [3]float64{lumaRed, lumaGreen, lumaBlue} {
		var sum float64
		for _, v := range t.plane(c) {
			sum += float64(v)
		}
		mean += part * sum
	}
	return mean / float64(t.Width*t.Height)
}
