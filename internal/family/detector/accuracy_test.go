package detector_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"mimeo/internal/family"
	"mimeo/internal/family/detector"
	"mimeo/internal/family/familytest"
	"mimeo/internal/pixel"
)

// corpus is a set of images with boxes.
type corpus struct {
	labels   []string
	examples []family.Example
}

// line is a line of a Ground Truth manifest; the attribute's name is bccd's.
type line struct {
	Source string `json:"source-ref"`
	Boxes  struct {
		Size  []struct{ Width, Height float64 } `json:"image_size"`
		Boxes []struct {
			Class                    int `json:"class_id"`
			Left, Top, Width, Height float64
		} `json:"annotations"`
	} `json:"bounding-box"`
	Metadata struct {
		Classes map[string]string `json:"class-map"`
	} `json:"bounding-box-metadata"`
}

func read(tb testing.TB, manifest string, labels []string) corpus {
	tb.Helper()
	dir := familytest.DataDir(tb, "bccd")
	text, err := os.ReadFile(filepath.Join(dir, "bccd", manifest))
	if err != nil {
		tb.Fatal(err)
	}
	c := corpus{labels: slices.Clone(labels)}
	for raw := range bytes.Lines(text) {
		var l line
		if err := json.Unmarshal(raw, &l); err != nil {
			tb.Fatal(err)
		}
		_, path, _ := strings.Cut(l.Source, "/dev/")
		e := family.Example{Open: func() (io.ReadCloser, error) { return os.Open(filepath.Join(dir, path)) }}
		size := l.Boxes.Size[0]
		for _, b := range l.Boxes.Boxes {
			name := l.Metadata.Classes[strings.TrimSpace(jsonInt(b.Class))]
			at := slices.Index(c.labels, name)
			if at < 0 {
				at = len(c.labels)
				c.labels = append(c.labels, name)
			}
			e.Boxes = append(e.Boxes, family.Box{
				Label: at, Left: b.Left / size.Width, Top: b.Top / size.Height, Width: b.Width / size.Width, Height: b.Height / size.Height,
			})
		}
		c.examples = append(c.examples, e)
	}
	return c
}

func jsonInt(v int) string {
	b, _ := json.Marshal(v) // an int cannot fail
	return string(b)
}

// meanAveragePrecision is that of all labels at an IoU of 0.5, with the area
// under the whole curve (Everingham et al. 2010, as PASCAL VOC computes it
// since then).
func meanAveragePrecision(tests corpus, found [][]family.Object) (mean float64, each []float64) {
	for label := range tests.labels {
		ap := averagePrecision(tests, found, label)
		each = append(each, ap)
		mean += ap / float64(len(tests.labels))
	}
	return mean, each
}

func averagePrecision(tests corpus, found [][]family.Object, label int) float64 {
	type answer struct {
		image int
		family.Object
	}
	var answers []answer
	total := 0
	for i, e := range tests.examples {
		for _, b := range e.Boxes {
			if b.Label == label {
				total++
			}
		}
		for _, o := range found[i] {
			if o.Label == label {
				answers = append(answers, answer{i, o})
			}
		}
	}
	slices.SortStableFunc(answers, func(a, b answer) int { return cmp.Compare(b.Confidence, a.Confidence) })
	taken := map[[2]int]bool{}
	var precisions []float64
	var recalls []float64
	right := 0
	for n, a := range answers {
		best, at := 0.5, -1
		for k, b := range tests.examples[a.image].Boxes {
			if iou := a.IoU(b); b.Label == label && iou >= best && !taken[[2]int{a.image, k}] {
				best, at = iou, k
			}
		}
		if at >= 0 {
			taken[[2]int{a.image, at}] = true
			right++
		}
		precisions = append(precisions, float64(right)/float64(n+1))
		recalls = append(recalls, float64(right)/float64(total))
	}
	area, most := 0.0, 0.0
	for i := len(precisions) - 1; i >= 0; i-- {
		most = max(most, precisions[i])
		before := 0.0
		if i > 0 {
			before = recalls[i-1]
		}
		area += most * (recalls[i] - before)
	}
	return area
}

// train trains a detector on a set, and asks it about another.
func train(tb testing.TB, c, tests corpus, seed uint64) [][]family.Object {
	tb.Helper()
	var weights bytes.Buffer
	var d detector.Detector
	var last family.Progress
	defer func() { tb.Logf("trained to a loss of %.3f", last.Loss) }()
	req := family.TrainRequest{
		Progress: func(p family.Progress) { last = p },
		Labels:   c.labels, Task: family.Boxes, Examples: c.examples, Seed: seed, Scratch: tb.TempDir(),
	}
	if err := d.Train(context.Background(), req, &weights); err != nil {
		tb.Fatal(err)
	}
	m, err := d.Load(context.Background(), bytes.NewReader(weights.Bytes()))
	if err != nil {
		tb.Fatal(err)
	}
	var found [][]family.Object
	for _, e := range tests.examples {
		r, err := e.Open()
		if err != nil {
			tb.Fatal(err)
		}
		img, err := pixel.Decode(r, pixel.Limits{})
		if err != nil {
			tb.Fatal(err)
		}
		p, err := m.Predict(context.Background(), img)
		if err != nil {
			tb.Fatal(err)
		}
		found = append(found, p.Objects)
		_ = r.Close()
	}
	return found
}

// BenchmarkAccuracy prints the figures of docs/benchmarks.md: one loop is one
// seed.
func BenchmarkAccuracy(b *testing.B) {
	examples := read(b, "train.manifest", nil)
	tests := read(b, "test.manifest", examples.labels)
	sum, seed := 0.0, uint64(0)
	begin, worked := time.Now(), processorTime(b)
	for b.Loop() {
		seed++
		mean, each := meanAveragePrecision(tests, train(b, examples, tests, seed))
		b.Logf("seed %d: mAP@0.5 %.3f, %v %.3f", seed, mean, examples.labels, each)
		sum += mean
	}
	b.ReportMetric(sum/float64(seed), "mAP@0.5")
	b.ReportMetric(time.Since(begin).Seconds()/float64(seed), "s/seed")
	b.ReportMetric((processorTime(b)-worked).Seconds()/float64(seed), "cpu-s/seed")
}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(unix.TimevalToNsec(usage.Utime) + unix.TimevalToNsec(usage.Stime))
}
