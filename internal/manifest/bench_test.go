package manifest_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/metrics"
	"testing"

	"mimeo/internal/manifest"
)

// A generator is a manifest of so many lines that is never in memory.
type generator struct {
	left int
	line func(key string) string
	rest []byte
}

func (g *generator) Read(p []byte) (int, error) {
	if len(g.rest) == 0 {
		if g.left == 0 {
			return 0, io.EOF
		}
		g.left--
		g.rest = []byte(g.line(fmt.Sprintf("photographs/2026/%06d.jpg", g.left)) + "\n")
	}
	n := copy(p, g.rest)
	g.rest = g.rest[n:]
	return n, nil
}

// BenchmarkValidate reads and checks 250,000 lines, settles the set, and makes
// the validation manifest in a second pass, as a training does.
func BenchmarkValidate(b *testing.B) {
	const lines = 250_000
	classText, boxText := classAt("KEY", "cat"), at("KEY", detection(boxes(box(0, 10, 10, 50, 40), box(1, 100, 100, 9, 9), box(0, 200, 10, 80, 90), box(1, 7, 300, 20, 20)), confidences(4), cats))
	for name, text := range map[string]string{"labels": classText, "boxes": boxText} {
		before, after, _ := bytes.Cut([]byte(text), []byte("KEY"))
		line := func(key string) string { return string(before) + key + string(after) }
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				runtime.GC()
				var peak uint64
				s := manifest.NewSet(standard)
				var some []manifest.Raw
				pass(b, &generator{left: lines, line: line}, &peak, func(raw manifest.Raw) {
					if some = append(some, raw); len(some) == 250 {
						s.Add(some...)
						some = some[:0]
					}
				})
				s.CheckLines()
				s.Settle(s.UseCase())
				if len(s.Samples()) != lines || len(s.Errors()) > 0 {
					b.Fatalf("%d samples, %v", len(s.Samples()), s.Errors())
				}
				first := b.Elapsed()
				pass(b, &generator{left: lines, line: line}, &peak, func(raw manifest.Raw) { _ = s.Show(raw.Number, raw) })
				b.ReportMetric(first.Seconds(), "s/validate")
				b.ReportMetric((b.Elapsed() - first).Seconds(), "s/show")
				b.ReportMetric(float64(peak>>20), "peak-MiB")
			}
		})
	}
}

// pass hands every line on and looks how much memory the process has.
func pass(b *testing.B, r io.Reader, peak *uint64, do func(manifest.Raw)) {
	lines := manifest.NewReader(r, standard)
	for {
		raw, err := lines.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			b.Fatal(err)
		}
		do(raw)
		if raw.Number%1000 == 0 {
			*peak = max(*peak, memory())
		}
	}
}

// memory is what the Go runtime holds, in bytes.
func memory() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64() - s[1].Value.Uint64()
}
