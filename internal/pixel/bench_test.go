package pixel_test

import (
	"image"
	"image/draw"
	"testing"

	"golang.org/x/sys/unix"

	"mimeo/internal/pixel"
)

// perOp runs a benchmark and reports processor time: other programs may run
// beside it.
func perOp(b *testing.B, f func()) {
	b.Helper()
	f() // buffers are made once
	start := processorTime(b)
	for b.Loop() {
		f()
	}
	b.ReportMetric(float64(processorTime(b)-start)/1e6/float64(b.N), "cpu-ms/op")
}

// processorTime is what the process has used, in nanoseconds.
func processorTime(tb testing.TB) int64 {
	tb.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// photo12 is the size of a photograph of 12 megapixels as a camera stores it.
func photo12() *image.YCbCr {
	m := image.NewYCbCr(image.Rect(0, 0, 4000, 3000), image.YCbCrSubsampleRatio420)
	for i := range m.Y {
		m.Y[i] = uint8(i * 7)
	}
	for i := range m.Cb {
		m.Cb[i], m.Cr[i] = uint8(i*5), uint8(i*3)
	}
	return m
}

// BenchmarkScale makes 224×168 of 12 megapixels: from the planes, and the way
// that needs RGB, which the standard library makes.
func BenchmarkScale(b *testing.B) {
	src := photo12()
	b.Run("planes", func(b *testing.B) {
		m, dst := pixel.FromImage(src), new(pixel.RGB)
		var r pixel.Renderer
		perOp(b, func() { r.Scale(dst, m, 224, 168) })
	})
	b.Run("over image-draw", func(b *testing.B) {
		rgb, dst := image.NewRGBA(src.Rect), new(pixel.RGB)
		var r pixel.Renderer
		perOp(b, func() {
			draw.Draw(rgb, rgb.Rect, src, image.Point{}, draw.Src)
			r.Scale(dst, pixel.FromImage(rgb), 224, 168)
		})
	})
	b.Run("only image-draw", func(b *testing.B) {
		rgb := image.NewRGBA(src.Rect)
		perOp(b, func() { draw.Draw(rgb, rgb.Rect, src, image.Point{}, draw.Src) })
	})
}

// BenchmarkAugment renders 128×128 samples from a cached image of 256×256.
func BenchmarkAugment(b *testing.B) {
	m := pixel.FromRGB(pixel.FromImage(texture(256, 256)).Scale(256, 256))
	crop := pixel.Augmenting{Crop: 0.5, Stretch: 4. / 3, Mirror: true}
	colour, turn := crop, crop
	colour.Colour = pixel.Colour{Brightness: 0.2, Contrast: 0.2, Saturation: 0.2}
	turn.Turn = 10
	all := colour
	all.Turn, all.Erase, all.Mix = 10, 0.5, 0.2
	for _, c := range []struct {
		name string
		pixel.Augmenting
	}{{"crop", crop}, {"crop and colour", colour}, {"crop and turn", turn}, {"all", all}} {
		b.Run(c.name, func(b *testing.B) {
			var r pixel.Renderer
			dst := pixel.NewTensor(128, 128)
			step := uint64(0)
			perOp(b, func() {
				step++
				c.Draw(pixel.Key{Step: step}).Render(&r, dst, m, m.Bounds(), pixel.Normal{})
			})
		})
	}
}
