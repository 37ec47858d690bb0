package parts

import (
	"image"
	"image/jpeg"
	"io"
	"math"
	"math/rand/v2"
)

// A film holds linear light while a picture is exposed.
type film struct {
	wide, high int
	light      []vec
	met        []int // which body each pixel shows
}

// newFilm returns an unexposed film.
func newFilm(wide, high int) film {
	return film{wide: wide, high: high, light: make([]vec, wide*high), met: make([]int, wide*high)}
}

// anyFilm picks the size of a picture of one part.
func anyFilm(rng *rand.Rand) film {
	sizes := [][2]int{{192, 192}, {208, 160}, {160, 208}, {224, 168}, {176, 176}}
	size := sizes[rng.IntN(len(sizes))]
	return newFilm(size[0], size[1])
}

// photograph takes a picture and writes it as JPEG, with the compression of a
// small camera.
func (f *film) photograph(s *scene, rng *rand.Rand, w io.Writer) error {
	return jpeg.Encode(w, f.take(s, rng), &jpeg.Options{Quality: 55 + rng.IntN(40)})
}

// take exposes a scene: with the blur, the falling-off towards the corners and
// the grain of a small camera.
func (f *film) take(s *scene, rng *rand.Rand) *image.RGBA {
	f.expose(s)
	f.smooth(s)
	f.blur(defocus(rng))
	return f.develop(rng)
}

// box returns the smallest rectangle around the pixels that show a body.
func (f *film) box(body int) image.Rectangle {
	var box image.Rectangle
	for i, met := range f.met {
		if met == body {
			at := image.Pt(i%f.wide, i/f.wide)
			box = box.Union(image.Rectangle{Min: at, Max: at.Add(image.Pt(1, 1))})
		}
	}
	return box
}

// look returns the direction of the ray through a point of the film.
func (f *film) look(s *scene, x, y float64) vec {
	half := float64(min(f.wide, f.high)) / 2
	u := (x - float64(f.wide)/2) / (half * s.zoom)
	v := (float64(f.high)/2 - y) / (half * s.zoom)
	return s.view.out(vec{u, v, 1}).unit()
}

// expose takes one ray for every pixel.
func (f *film) expose(s *scene) {
	for y := range f.high {
		for x := range f.wide {
			i := y*f.wide + x
			f.light[i], f.met[i] = s.trace(s.eye, f.look(s, float64(x)+0.5, float64(y)+0.5))
		}
	}
}

// smooth takes four more rays where neighbours show different bodies or very
// different light.
func (f *film) smooth(s *scene) {
	edges := make([]int, 0, len(f.light)/8)
	for y := range f.high - 1 {
		for x := range f.wide - 1 {
			i := y*f.wide + x
			if f.differ(i, i+1) || f.differ(i, i+f.wide) {
				edges = append(edges, i)
			}
		}
	}
	fresh := make([]vec, len(edges))
	for k, i := range edges {
		x, y := float64(i%f.wide), float64(i/f.wide)
		for _, at := range [4][2]float64{{0.15, 0.4}, {0.6, 0.15}, {0.85, 0.6}, {0.4, 0.85}} {
			c, _ := s.trace(s.eye, f.look(s, x+at[0], y+at[1]))
			fresh[k] = fresh[k].add(c.scale(0.25))
		}
	}
	for k, i := range edges {
		f.light[i] = fresh[k]
	}
}

func (f *film) differ(i, j int) bool {
	if f.met[i] != f.met[j] {
		return true
	}
	d := f.light[i].sub(f.light[j])
	return f.met[i] != nothing && d.dot(d) > 0.02
}

// defocus picks a blur in pixels: mostly slight, sometimes strong.
func defocus(rng *rand.Rand) float64 {
	if rng.IntN(6) == 0 {
		return between(rng, 0.9, 1.5)
	}
	return between(rng, 0.35, 0.9)
}

// blur convolves with a Gaussian, rows first, then columns.
func (f *film) blur(sigma float64) {
	reach := int(math.Ceil(2.5 * sigma))
	kernel := make([]float64, 2*reach+1)
	sum := 0.0
	for i := range kernel {
		d := float64(i-reach) / sigma
		kernel[i] = math.Exp(-d * d / 2)
		sum += kernel[i]
	}
	pass := func(step, count, stride, lines int) {
		line := make([]vec, count)
		for k := range lines {
			for i := range count {
				var c vec
				for j, weight := range kernel {
					at := min(max(i+j-reach, 0), count-1)
					c = c.add(f.light[k*stride+at*step].scale(weight / sum))
				}
				line[i] = c
			}
			for i, c := range line {
				f.light[k*stride+i*step] = c
			}
		}
	}
	pass(1, f.wide, f.wide, f.high)
	pass(f.wide, f.high, 1, f.wide)
}

// develop turns light into bytes.
func (f *film) develop(rng *rand.Rand) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, f.wide, f.high))
	exposure := between(rng, 0.75, 1.25) * f.meter()
	white := tint(rng, 0.08)
	corner := between(rng, 0, 0.45)
	grain := between(rng, 0.003, 0.022)
	for y := range f.high {
		for x := range f.wide {
			u := 2*float64(x)/float64(f.wide) - 1
			v := 2*float64(y)/float64(f.high) - 1
			c := f.light[y*f.wide+x].mul(white).scale(exposure * (1 - corner*(u*u+v*v)/2))
			noise := grain * rng.NormFloat64()
			o := img.PixOffset(x, y)
			img.Pix[o] = tone(c.x, noise+0.5*grain*rng.NormFloat64())
			img.Pix[o+1] = tone(c.y, noise)
			img.Pix[o+2] = tone(c.z, noise+0.5*grain*rng.NormFloat64())
			img.Pix[o+3] = 255
		}
	}
	return img
}

// meter returns the exposure that brings the mean light to a middle grey.
func (f *film) meter() float64 {
	var sum vec
	for _, c := range f.light {
		sum = sum.add(vec{min(c.x, 2), min(c.y, 2), min(c.z, 2)})
	}
	mean := (sum.x + sum.y + sum.z) / float64(3*len(f.light))
	return 0.3 / max(mean, 0.02)
}

// tone maps light to a byte: a shoulder for highlights, then sRGB's gamma,
// then grain.
func tone(light, noise float64) uint8 {
	light = max(light, 0)
	light = light * (1 + light/4) / (1 + light)
	return uint8(clamp(math.Pow(min(light, 1), 1/2.2)+noise, 0, 1)*255 + 0.5)
}
