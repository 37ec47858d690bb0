package classifier_test

import (
	"bytes"
	"context"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"mimeo/internal/family"
	"mimeo/internal/family/classifier"
	"mimeo/internal/pixel"
)

// TestAccuracy holds the family to its figures on real photographs.
func TestAccuracy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, set, train, test string
		task                   family.Task
		want                   float64 // percent right, or macro F1
	}{
		{"digits", "digits10", "train.manifest", "test.manifest", family.SingleLabel, 93},
		{"trash", "trashnet6", "train.manifest", "test.manifest", family.SingleLabel, 60},
		{"fingers", "digits10", "fingers-train.manifest", "fingers-test.manifest", family.MultiLabel, 0.97},
	} {
		t.Run(c.name, func(t *testing.T) {
			examples := read(t, c.set, c.train, nil)
			tests := read(t, c.set, c.test, examples.labels)
			m, _ := train(t, &classifier.Classifier{}, examples, c.task)
			got := score(tests, predictAll(t, m, tests), c.task)
			t.Logf("%s: %.3f", c.name, got)
			if got < c.want {
				t.Errorf("%s reaches %.3f, want at least %.3f", c.name, got, c.want)
			}
		})
	}
}

// TestLandmarks trains with fewer landmarks than examples, as large sets are.
func TestLandmarks(t *testing.T) {
	t.Parallel()
	examples := read(t, "digits10", "train.manifest", nil)
	tests := read(t, "digits10", "test.manifest", examples.labels)
	m, _ := train(t, classifier.WithLandmarks(150, 2), examples, family.SingleLabel)
	few := corpus{examples.labels, examples.examples[:40]}
	_, weights := train(t, classifier.WithLandmarks(15, 1), few, family.SingleLabel)
	if _, again := train(t, classifier.WithLandmarks(15, 3), few, family.SingleLabel); !bytes.Equal(weights, again) {
		t.Error("the number of workers changes the weights")
	}
	if got := score(tests, predictAll(t, m, tests), family.SingleLabel); got < 90 {
		t.Errorf("%v %% right with half of the examples as landmarks", got)
	}
}

func score(c corpus, probabilities [][]float64, task family.Task) float64 {
	if task == family.MultiLabel {
		return macroF1(c, probabilities)
	}
	return accuracy(c, probabilities)
}

// BenchmarkAccuracy prints the figures of docs/benchmarks.md.
func BenchmarkAccuracy(b *testing.B) {
	for _, c := range []struct {
		name, set, train, test string
		task                   family.Task
	}{
		{"digits10", "digits10", "train.manifest", "test.manifest", family.SingleLabel},
		{"trashnet6", "trashnet6", "train.manifest", "test.manifest", family.SingleLabel},
		{"fingers", "digits10", "fingers-train.manifest", "fingers-test.manifest", family.MultiLabel},
	} {
		b.Run(c.name, func(b *testing.B) {
			examples := read(b, c.set, c.train, nil)
			tests := read(b, c.set, c.test, examples.labels)
			for b.Loop() {
				begin, worked := time.Now(), processorTime(b)
				m, weights := train(b, &classifier.Classifier{}, examples, c.task)
				seconds := time.Since(begin).Seconds()
				b.ReportMetric((processorTime(b) - worked).Seconds(), "train-cpu-s")
				got := score(tests, predictAll(b, m, tests), c.task)
				unit := "%right"
				if c.task == family.MultiLabel {
					unit = "macroF1"
				}
				b.ReportMetric(got, unit)
				b.ReportMetric(seconds, "train-s")
				b.ReportMetric(float64(len(examples.examples))/seconds, "images/s")
				b.ReportMetric(float64(len(weights)), "weight-bytes")
			}
		})
	}
}

// processorTime is what this process has used of all processors.
func processorTime(tb testing.TB) time.Duration {
	tb.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkLoad loads a model of ten labels, and reports the memory that one
// takes.
func BenchmarkLoad(b *testing.B) {
	examples := read(b, "digits10", "train.manifest", nil)
	few := corpus{labels: examples.labels, examples: examples.examples[:20]}
	_, weights := train(b, &classifier.Classifier{}, few, family.SingleLabel)
	heap := func() float64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc)
	}
	var models []family.Model
	before := heap()
	for b.Loop() {
		m, err := new(classifier.Classifier).Load(b.Context(), bytes.NewReader(weights))
		if err != nil {
			b.Fatal(err)
		}
		models = append(models, m)
	}
	b.ReportMetric((heap()-before)/float64(len(models)), "model-bytes")
}

// BenchmarkPredict decodes a JPEG and asks a model.
func BenchmarkPredict(b *testing.B) {
	examples := read(b, "digits10", "train.manifest", nil)
	few := corpus{labels: examples.labels, examples: examples.examples[:40]}
	m, _ := train(b, &classifier.Classifier{}, few, family.SingleLabel)
	for _, size := range []struct {
		name string
		w, h int
	}{{"100x100", 100, 100}, {"1280x960", 1280, 960}} {
		file := photograph(b, examples, size.w, size.h)
		b.Run(size.name, func(b *testing.B) {
			for b.Loop() {
				img, err := pixel.Decode(bytes.NewReader(file), pixel.Limits{})
				if err != nil {
					b.Fatal(err)
				}
				if _, err := m.Predict(context.Background(), img); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
