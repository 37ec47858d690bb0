package classifier_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"math"
	"math/rand/v2"
	"testing"

	"golang.org/x/sys/unix"

	"mimeo/internal/family"
	"mimeo/internal/family/classifier"
)

// BenchmarkGrowth prints what a training costs by how many images it has. The memory
// is the most that the process has ever had: run one size at a time, or small ones
// first, as here.
func BenchmarkGrowth(b *testing.B) {
	for _, images := range []int{200, 500, 1000, 2000, 4000, 10_000} {
		b.Run(fmt.Sprint(images), func(b *testing.B) {
			c := corpus{labels: []string{"a", "b", "c", "d", "e"}}
			for i := range images {
				file := waves(b, i%len(c.labels), uint64(i))
				c.examples = append(c.examples, family.Example{
					Open:   func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(file)), nil },
					Labels: []int{i % len(c.labels)},
				})
			}
			for b.Loop() {
				worked := processorTime(b)
				train(b, &classifier.Classifier{}, c, family.SingleLabel, 1)
				cpu := (processorTime(b) - worked).Seconds()
				b.ReportMetric(cpu, "train-cpu-s")
				b.ReportMetric(1000*cpu/float64(images), "cpu-ms/image")
				b.ReportMetric(peakMemory(b)/(1<<20), "peak-MiB")
			}
		})
	}
}

// peakMemory is the most that the process had in memory, in bytes.
func peakMemory(tb testing.TB) float64 {
	tb.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return float64(u.Maxrss) * 1024
}

// waves draws a JPEG of 200×150 pixels with waves in a direction that tells the
// label, of random length and colours, under noise.
func waves(tb testing.TB, label int, n uint64) []byte {
	tb.Helper()
	random := rand.New(rand.NewPCG(n, uint64(label)))
	sin, cos := math.Sincos(math.Pi/5*float64(label) + 0.15*random.NormFloat64())
	length, phase := 3+9*random.Float64(), 2*math.Pi*random.Float64()
	red, green, blue := 60*random.Float64(), 60*random.Float64(), 60*random.Float64()
	m := image.NewRGBA(image.Rect(0, 0, 200, 150))
	for y := range m.Rect.Dy() {
		for x := range m.Rect.Dx() {
			v := math.Sin((float64(x)*cos+float64(y)*sin)/length + phase)
			shade := func(strength float64) uint8 { return uint8(128 + v*strength + 60*random.Float64() - 30) }
			m.SetRGBA(x, y, color.RGBA{shade(red), shade(green), shade(blue), 255})
		}
	}
	var file bytes.Buffer
	if err := jpeg.Encode(&file, m, nil); err != nil {
		tb.Fatal(err)
	}
	return file.Bytes()
}
