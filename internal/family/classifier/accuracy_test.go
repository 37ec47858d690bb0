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

// TestAccuracy holds the family, with networks that are trained too shortly,
// to figures on real photographs; BenchmarkAccuracy is about what users get.
func TestAccuracy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, train, test string
		task              family.Task
		family            *classifier.Classifier
		want              float64 // percent right, or macro F1
	}{
		{"digits", "train.manifest", "test.manifest", family.SingleLabel, classifier.WithShortNetworks(), 94},
		{"fingers", "fingers-train.manifest", "fingers-test.manifest", family.MultiLabel, classifier.WithoutNetworks(), 0.97},
	} {
		t.Run(c.name, func(t *testing.T) {
			examples := read(t, "digits10", c.train, nil)
			tests := read(t, "digits10", c.test, examples.labels)
			m, _ := train(t, c.family, examples, c.task, 1)
			got := score(tests, predictAll(t, m, tests), c.task)
			t.Logf("%s: %.3f, the networks' share is %.1f", c.name, got, classifier.Share(m))
			if got < c.want {
				t.Errorf("%s reaches %.3f, want at least %.3f", c.name, got, c.want)
			}
			if networks := c.name == "digits"; networks != (classifier.Share(m) > 0) {
				t.Errorf("%s: the networks' share is %.1f", c.name, classifier.Share(m))
			}
		})
	}
}

// TestLandmarks trains with fewer landmarks than examples, as large sets are.
func TestLandmarks(t *testing.T) {
	t.Parallel()
	examples := read(t, "digits10", "train.manifest", nil)
	tests := read(t, "digits10", "test.manifest", examples.labels)
	m, _ := train(t, classifier.WithLandmarks(150, 2), examples, family.SingleLabel, 1)
	few := corpus{examples.labels, examples.examples[:40]}
	_, weights := train(t, classifier.WithLandmarks(15, 1), few, family.SingleLabel, 1)
	if _, again := train(t, classifier.WithLandmarks(15, 3), few, family.SingleLabel, 1); !bytes.Equal(weights, again) {
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

// seeds are how many trainings BenchmarkAccuracy takes the mean of.
const seeds = 3

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
			unit := "%right"
			if c.task == family.MultiLabel {
				unit = "macroF1"
			}
			for b.Loop() {
				means := map[string]float64{}
				for seed := range uint64(seeds) {
					begin, worked := time.Now(), processorTime(b)
					m, weights := train(b, &classifier.Classifier{}, examples, c.task, seed+1)
					seconds, cpu := time.Since(begin).Seconds(), (processorTime(b) - worked).Seconds()
					answers := predictAll(b, m, tests)
					of := map[string]float64{
						unit: score(tests, answers, c.task), "reliability-error": reliability(tests, answers, c.task), "networks-share": classifier.Share(m),
						"train-s": seconds, "train-cpu-s": cpu, "weight-bytes": float64(len(weights)),
					}
					b.Logf("seed %d: %v", seed+1, of)
					for name, v := range of {
						means[name] += v / seeds
					}
				}
				for name, v := range means {
					b.ReportMetric(v, name)
				}
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
	_, weights := train(b, &classifier.Classifier{}, few, family.SingleLabel, 1)
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
	m, _ := train(b, &classifier.Classifier{}, few, family.SingleLabel, 1)
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
