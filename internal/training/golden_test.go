package training_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"mimeo/internal/customlabels"
)

// A golden evaluation summary is compared with what the snapshots say.
type golden struct {
	EvaluationDetails struct {
		Labels                                        []string
		NumberOfTrainingImages, NumberOfTestingImages int
	}
	AggregatedEvaluationResults struct {
		Precision, Recall, F1Score      float64
		ConfusionMatrix                 []goldenCell
		AveragePrecision, AverageRecall *float64
	}
	LabelEvaluationResults []struct {
		Label                 string
		NumberOfTestingImages int
		Metrics               struct{ Threshold, Precision, Recall, F1Score float64 }
	}
}

type goldenCell struct {
	GroundTruthLabel, PredictedLabel string
	Value                            float64
}

// A said is one thing that a model said in a snapshot: of a label and an
// image, or of a box.
type said struct {
	confidence float64
	is         bool
	details    goldenDetails
}

type goldenDetails struct {
	TP   bool     `json:"is-true-positive"`
	TN   bool     `json:"is-true-negative"`
	FP   bool     `json:"is-false-positive"`
	FN   bool     `json:"is-false-negative"`
	Is   bool     `json:"is-present-in-ground-truth"`
	Jobs []string `json:"ground-truth-labelling-jobs"`
}

// A goldenLabel is what a snapshot has of one label.
type goldenLabel struct {
	said   []said
	there  int // that could be found
	images int // that show it
}

// at counts at a threshold.
func (l goldenLabel) at(threshold float64) (precision, recall, f1 float64) {
	var tp, fp float64
	for _, s := range l.said {
		switch {
		case s.confidence >= threshold && s.is:
			tp++
		case s.confidence >= threshold:
			fp++
		}
	}
	if tp == 0 {
		return 0, 0, 0
	}
	precision, recall = tp/(tp+fp), tp/float64(l.there)
	return precision, recall, 2 * precision * recall / (precision + recall)
}

// check compares the figures of each label, and their means.
func (g golden) check(t *testing.T, labels map[string]goldenLabel) {
	t.Helper()
	var precision, recall, f1, tested float64
	last := 1.0
	for _, r := range g.LabelEvaluationResults {
		l, m := labels[r.Label], r.Metrics
		p, rec, f := l.at(m.Threshold)
		near(t, "precision of "+r.Label, m.Precision, p)
		near(t, "recall of "+r.Label, m.Recall, rec)
		near(t, "F1 of "+r.Label, m.F1Score, f)
		for _, s := range l.said {
			if _, _, other := l.at(s.confidence); other > f+1e-12 {
				t.Errorf("%s has the threshold %v and the F1 %v; %v has %v", r.Label, m.Threshold, f, s.confidence, other)
			}
			counted := s.confidence >= m.Threshold
			want := goldenDetails{counted && s.is, !counted && !s.is, counted && !s.is, !counted && s.is, s.is, s.details.Jobs}
			if got := s.details; got.TP != want.TP || got.TN != want.TN || got.FP != want.FP || got.FN != want.FN || got.Is != want.Is || len(got.Jobs) != 1 {
				t.Errorf("%s at %v: details %+v, want %+v", r.Label, s.confidence, got, want)
			}
		}
		if m.F1Score > last {
			t.Errorf("%s has a better F1 than the label before it", r.Label)
		}
		last = m.F1Score
		if r.NumberOfTestingImages != l.images {
			t.Errorf("%s has %d test images, want %d", r.Label, r.NumberOfTestingImages, l.images)
		}
		if l.images > 0 {
			precision, recall, f1, tested = precision+p, recall+rec, f1+f, tested+1
		}
	}
	near(t, "mean precision", g.AggregatedEvaluationResults.Precision, precision/tested)
	near(t, "mean recall", g.AggregatedEvaluationResults.Recall, recall/tested)
	near(t, "mean F1", g.AggregatedEvaluationResults.F1Score, f1/tested)
	if f1/tested > 0.98 || f1/tested < 0.3 {
		t.Errorf("the mean F1 is %v: the test images are too easy or too hard to tell right figures from wrong ones", f1/tested)
	}
	if got := len(g.LabelEvaluationResults); got != len(g.EvaluationDetails.Labels) || got != len(labels) {
		t.Errorf("%d results of the labels %q, of %d", got, g.EvaluationDetails.Labels, len(labels))
	}
}

// A goldenImage is a line of a snapshot of image-level labels.
type goldenImage struct {
	truth []string
	said  map[string]said
}

type goldenMetadata struct {
	Confidence float64        `json:"confidence"`
	Class      string         `json:"class-name"`
	Type       string         `json:"type"`
	Details    *goldenDetails `json:"rekognition-custom-labels-evaluation-details"`
}

func goldenImages(t *testing.T, snapshot string) (images []goldenImage) {
	t.Helper()
	for text := range strings.Lines(snapshot) {
		var line map[string]json.RawMessage
		decode(t, text, &line)
		image := goldenImage{said: map[string]said{}}
		for _, key := range slices.Sorted(maps.Keys(line)) {
			var m goldenMetadata
			name, is := strings.CutSuffix(key, "-metadata")
			if !is {
				continue
			}
			decode(t, string(line[key]), &m)
			switch {
			case m.Type != "groundtruth/image-classification":
				t.Errorf("%s has the type %q", key, m.Type)
			case strings.Contains(key, "-training-"):
				image.truth = append(image.truth, m.Class)
			default:
				if wants := map[bool]string{true: "1", false: "0"}[m.Details.TP || m.Details.FP]; string(line[name]) != wants {
					t.Errorf("%s is %s, want %s", name, line[name], wants)
				}
				image.said[m.Class] = said{confidence: m.Confidence, details: *m.Details}
			}
		}
		for label, s := range image.said {
			s.is = slices.Contains(image.truth, label)
			image.said[label] = s
		}
		images = append(images, image)
	}
	return images
}

// checkImages compares a summary with the snapshots, for image-level labels.
func checkImages(t *testing.T, g golden, training, testing string) {
	t.Helper()
	images := goldenImages(t, testing)
	labels := map[string]goldenLabel{}
	for _, image := range images {
		for label, s := range image.said {
			l := labels[label]
			l.said = append(l.said, s)
			if s.is {
				l.there++
				l.images++
			}
			labels[label] = l
		}
	}
	g.check(t, labels)
	if d := g.EvaluationDetails; d.NumberOfTestingImages != len(images) || d.NumberOfTrainingImages != strings.Count(training, "\n") {
		t.Errorf("%+v, with %d test images", d, len(images))
	}
	if a := g.AggregatedEvaluationResults; a.AveragePrecision != nil || a.AverageRecall != nil {
		t.Error("image-level labels have a mean average precision")
	}
}

// checkConfusion compares the confusion matrix with the snapshot.
func checkConfusion(t *testing.T, g golden, testing string) {
	t.Helper()
	counts, of := map[[2]string]float64{}, map[string]float64{}
	for _, image := range goldenImages(t, testing) {
		likeliest := slices.MaxFunc(slices.Sorted(maps.Keys(image.said)), func(a, b string) int {
			return cmp.Compare(image.said[a].confidence, image.said[b].confidence)
		})
		counts[[2]string{image.truth[0], likeliest}]++
		of[image.truth[0]]++
	}
	matrix := g.AggregatedEvaluationResults.ConfusionMatrix
	if n := len(g.EvaluationDetails.Labels); len(matrix) != n*n {
		t.Errorf("the confusion matrix has %d cells of %d labels", len(matrix), n)
	}
	for _, c := range matrix {
		near(t, c.GroundTruthLabel+" taken for "+c.PredictedLabel, c.Value, counts[[2]string{c.GroundTruthLabel, c.PredictedLabel}]/of[c.GroundTruthLabel])
	}
}

// unreliable computes the expected calibration error by its definition: of each
// of 15 bins the distance of mean confidence and share of what is so, weighted
// by how much was said.
func unreliable(all []said) (sum float64) {
	for bin := range 15 {
		var confidence, is, n float64
		for _, s := range all {
			if s.confidence >= float64(bin)/15 && (s.confidence < float64(bin+1)/15 || bin == 14) {
				confidence, n = confidence+s.confidence, n+1
				if s.is {
					is++
				}
			}
		}
		if n > 0 {
			sum += n / float64(len(all)) * math.Abs(confidence/n-is/n)
		}
	}
	return sum
}

// checkReliability compares what is told of the training with the snapshot, of
// which each image has said what pick returns.
func checkReliability(t *testing.T, w *world, v customlabels.ProjectVersion, testing string, pick func(map[string]said) []said) {
	t.Helper()
	var all []said
	for _, image := range goldenImages(t, testing) {
		all = append(all, pick(image.said)...)
	}
	q := w.describe(w.another(), v.ARN).Quality
	near(t, "reliability error", q.ReliabilityError, unreliable(all))
	if q.AveragePrecision != nil || q.ReliabilityError < 0.01 {
		t.Errorf("quality %+v", q)
	}
}

func (w *world) golden(v customlabels.ProjectVersion) (g golden, training, testing string) {
	w.t.Helper()
	if v.Status != customlabels.TrainingCompleted {
		w.t.Fatalf("status %s: %s", v.Status, v.StatusMessage)
	}
	decode(w.t, w.read(v.Files[customlabels.EvaluationSummary]), &g)
	near(w.t, "F1 of the version", float64(v.F1Score), float64(float32(g.AggregatedEvaluationResults.F1Score)))
	return g, w.read(v.Files[customlabels.TrainingSnapshot]), w.read(v.Files[customlabels.TestingSnapshot])
}

// blend returns a PNG of one colour: the mean of what some labels are painted
// in, and of as much of any other.
func blend(random *rand.Rand, labels ...string) []byte {
	var sum [3]float64
	for i, l := range append(slices.Clone(labels), slices.Sorted(maps.Keys(palettes))[random.IntN(3)]) {
		weight := 1 / float64(len(labels))
		if i == len(labels) {
			weight = random.Float64() * 1.6
		}
		for k, v := range []uint8{palettes[l].R, palettes[l].G, palettes[l].B} {
			sum[k] += float64(v) * weight / 2
		}
	}
	m := image.NewRGBA(image.Rect(0, 0, 64, 64))
	c := color.RGBA{uint8(min(sum[0], 255)), uint8(min(sum[1], 255)), uint8(min(sum[2], 255)), 255}
	draw.Draw(m, m.Rect, image.NewUniform(c), image.Point{}, draw.Src)
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		panic(err) // cannot happen: it writes to memory
	}
	return b.Bytes()
}

// blended gives the world's project hard images, of n times each set of labels.
func (w *world) blended(n int, sets ...[]string) {
	for _, kind := range []customlabels.DatasetType{customlabels.Train, customlabels.Test} {
		random := rand.New(rand.NewPCG(7, uint64(len(kind))))
		var lines []string
		for i := range n * len(sets) {
			labels := sets[i%len(sets)]
			lines = append(lines, line(w.put(fmt.Sprintf("%s/%d.png", kind, i), blend(random, labels...)), labels...))
		}
		w.dataset(w.project, kind, lines)
	}
}

func TestEveryMetricFollowsFromTheSnapshots(t *testing.T) {
	t.Parallel()
	t.Run("one label an image", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.blended(9, []string{"red"}, []string{"green"}, []string{"blue"}, []string{"red"})
		v := w.train(w.request("v1"))
		g, training, testing := w.golden(v)
		checkImages(t, g, training, testing)
		checkConfusion(t, g, testing)
		checkReliability(t, w, v, testing, func(m map[string]said) []said {
			return []said{slices.MaxFunc(slices.Collect(maps.Values(m)), func(a, b said) int { return cmp.Compare(a.confidence, b.confidence) })}
		})
	})
	t.Run("many labels an image", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.blended(9, []string{"red"}, []string{"green", "blue"}, []string{"red", "blue"}, []string{"green"})
		v := w.train(w.request("v1"))
		g, training, testing := w.golden(v)
		checkImages(t, g, training, testing)
		checkReliability(t, w, v, testing, func(m map[string]said) []said { return slices.Collect(maps.Values(m)) })
		if g.AggregatedEvaluationResults.ConfusionMatrix != nil {
			t.Error("images of many labels have a confusion matrix")
		}
	})
}
