package classifier_test

import (
	"bytes"
	"context"
	"encoding/json"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"mimeo/internal/family"
	"mimeo/internal/family/familytest"
	"mimeo/internal/pixel"
)

// corpus is a labelled set of images.
type corpus struct {
	labels   []string
	examples []family.Example
}

// read reads a Ground Truth manifest, single- or multi-label; the label list of
// an earlier corpus keeps its order.
func read(tb testing.TB, set, manifest string, labels []string) corpus {
	tb.Helper()
	dir := familytest.DataDir(tb, "digits10")
	text, err := os.ReadFile(filepath.Join(dir, set, manifest))
	if err != nil {
		tb.Fatal(err)
	}
	c := corpus{labels: slices.Clone(labels)}
	for line := range bytes.Lines(text) {
		var entry map[string]json.RawMessage
		if err := json.Unmarshal(line, &entry); err != nil {
			tb.Fatal(err)
		}
		var ref string
		if err := json.Unmarshal(entry["source-ref"], &ref); err != nil {
			tb.Fatal(err)
		}
		_, path, _ := strings.Cut(ref, "/dev/")
		e := family.Example{Open: func() (io.ReadCloser, error) { return os.Open(filepath.Join(dir, path)) }}
		for _, key := range slices.Sorted(maps.Keys(entry)) {
			raw := entry[key]
			if !strings.HasSuffix(key, "-metadata") {
				continue
			}
			var meta struct {
				Name string `json:"class-name"`
			}
			if err := json.Unmarshal(raw, &meta); err != nil {
				tb.Fatal(err)
			}
			at := slices.Index(c.labels, meta.Name)
			if at < 0 {
				at = len(c.labels)
				c.labels = append(c.labels, meta.Name)
			}
			e.Labels = append(e.Labels, at)
		}
		slices.Sort(e.Labels)
		c.examples = append(c.examples, e)
	}
	return c
}

// train trains a model as a server does, with a scratch directory, and loads it
// from its weights.
func train(tb testing.TB, f family.Family, c corpus, task family.Task, seed uint64) (family.Model, []byte) {
	tb.Helper()
	var weights bytes.Buffer
	req := family.TrainRequest{Labels: c.labels, Task: task, Examples: c.examples, Seed: seed, Scratch: tb.TempDir()}
	if err := f.Train(context.Background(), req, &weights); err != nil {
		tb.Fatal(err)
	}
	m, err := f.Load(context.Background(), bytes.NewReader(weights.Bytes()))
	if err != nil {
		tb.Fatal(err)
	}
	return m, weights.Bytes()
}

// predictAll returns the model's probabilities for every example.
func predictAll(tb testing.TB, m family.Model, c corpus) [][]float64 {
	tb.Helper()
	out := make([][]float64, len(c.examples))
	for i, e := range c.examples {
		r, err := e.Open()
		if err != nil {
			tb.Fatal(err)
		}
		img, err := pixel.Decode(r, pixel.Limits{})
		if err != nil {
			tb.Fatal(err)
		}
		if err := r.Close(); err != nil {
			tb.Fatal(err)
		}
		p, err := m.Predict(context.Background(), img)
		if err != nil {
			tb.Fatal(err)
		}
		out[i] = p.Probabilities
	}
	return out
}

// accuracy is the share, in percent, of examples whose likeliest label is
// theirs.
func accuracy(c corpus, probabilities [][]float64) float64 {
	right := 0
	for i, p := range probabilities {
		if slices.Index(p, slices.Max(p)) == c.examples[i].Labels[0] {
			right++
		}
	}
	return 100 * float64(right) / float64(len(probabilities))
}

// macroF1 is the mean over labels of the best F1 that any threshold reaches:
// the F1 at the assumed threshold of Rekognition Custom Labels.
func macroF1(c corpus, probabilities [][]float64) float64 {
	var sum float64
	for l := range c.labels {
		var best float64
		for _, threshold := range probabilities {
			var hit, said, present float64
			for i, p := range probabilities {
				is := slices.Contains(c.examples[i].Labels, l)
				says := p[l] >= threshold[l]
				if is {
					present++
				}
				if says {
					said++
				}
				if is && says {
					hit++
				}
			}
			best = max(best, 2*hit/(said+present))
		}
		sum += best
	}
	return sum / float64(len(c.labels))
}

// reliability is the expected calibration error (Guo et al. 2017, equation 3, 15 bins): of
// the likeliest label of each image, or of every label.
func reliability(c corpus, probabilities [][]float64, task family.Task) float64 {
	const bins = 15
	var confidence, right [bins]float64
	answers := 0.0
	for i, p := range probabilities {
		for l, v := range p {
			if task == family.SingleLabel && v < slices.Max(p) {
				continue
			}
			bin := min(int(v*bins), bins-1)
			confidence[bin] += v
			answers++
			if slices.Contains(c.examples[i].Labels, l) {
				right[bin]++
			}
		}
	}
	sum := 0.0
	for bin := range bins {
		sum += math.Abs(confidence[bin] - right[bin])
	}
	return sum / answers
}

// photograph returns the first example as a JPEG of w×h pixels.
func photograph(tb testing.TB, c corpus, w, h int) []byte {
	tb.Helper()
	r, err := c.examples[0].Open()
	if err != nil {
		tb.Fatal(err)
	}
	defer r.Close()
	img, err := pixel.Decode(r, pixel.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	scaled := img.Scale(w, h)
	canvas := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			red, green, blue := scaled.At(x, y)
			canvas.SetRGBA(x, y, color.RGBA{red, green, blue, 255})
		}
	}
	var file bytes.Buffer
	if err := jpeg.Encode(&file, canvas, nil); err != nil {
		tb.Fatal(err)
	}
	return file.Bytes()
}
