package training_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"mimeo/internal/customlabels"
	"mimeo/internal/family/familytest"
	"mimeo/internal/objects"
	"mimeo/internal/pixel"
)

// A part is a rectangle in a scene that may be what a label says, or not.
type part struct {
	label string // empty: nobody says that it is there
	at    image.Rectangle
	ink   color.RGBA
}

// scene draws parts of two labels on grey. Some are hard to find: they are
// grey, or nobody has labelled them, or they touch the next one, or their
// colour is off.
func scene(random *rand.Rand) (m *image.RGBA, parts []part) {
	m = image.NewRGBA(image.Rect(0, 0, 192, 160))
	draw.Draw(m, m.Rect, image.NewUniform(color.RGBA{90, 90, 90, 255}), image.Point{}, draw.Src)
	fields := random.Perm(12)
	for _, field := range fields[:1+random.IntN(6)] {
		label := []string{"red", "blue"}[random.IntN(2)]
		at := image.Rect(0, 0, 14+random.IntN(16), 14+random.IntN(16)).Add(image.Pt(field%4*48+2+random.IntN(10), field/4*52+2+random.IntN(10)))
		p := part{label, at, palettes[label]}
		switch random.IntN(10) {
		case 0:
			p.ink = color.RGBA{120, 120, 120, 255}
		case 1:
			p.label = ""
		case 2, 3, 4:
			p.ink = color.RGBA{p.ink.R / 2, 160, p.ink.B / 2, 255}
			if random.IntN(3) > 0 {
				p.label = ""
			}
		case 5:
			beside := part{p.label, at.Add(image.Pt(at.Dx(), 0)).Intersect(m.Rect), p.ink}
			parts = append(parts, beside)
			draw.Draw(m, beside.at, image.NewUniform(beside.ink), image.Point{}, draw.Src)
		}
		draw.Draw(m, p.at, image.NewUniform(p.ink), image.Point{}, draw.Src)
		parts = append(parts, p)
	}
	return m, slices.DeleteFunc(parts, func(p part) bool { return p.label == "" })
}

func asPNG(_ int, m image.Image) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		panic(err) // cannot happen: it writes to memory
	}
	return b.Bytes()
}

// boxLine is a manifest's line of the parts of an image of 192×160 pixels.
func boxLine(ref objects.Ref, parts []part) string {
	classes := []string{"blue", "red", "never found"}
	var annotations, confidences []string
	for _, p := range parts {
		annotations = append(annotations, fmt.Sprintf(`{"class_id":%d,"left":%d,"top":%d,"width":%d,"height":%d}`,
			slices.Index(classes, p.label), p.at.Min.X, p.at.Min.Y, p.at.Dx(), p.at.Dy()))
		confidences = append(confidences, `{"confidence":1}`)
	}
	return fmt.Sprintf(`{"source-ref":"s3://%s/%s","b":{"image_size":[{"width":192,"height":160,"depth":3}],"annotations":[%s]},`+
		`"b-metadata":{"job-name":"x","class-map":{"0":"blue","1":"red","2":"never found"},"human-annotated":"yes","objects":[%s],"creation-date":"2026-01-02T03:04:05","type":"groundtruth/object-detection"}}`,
		ref.Bucket, ref.Key, strings.Join(annotations, ","), strings.Join(confidences, ","))
}

// scenes gives the world's project datasets with boxes, in files as encode makes
// them; the test images have a label that no training image has.
func (w *world) scenes(encode func(i int, m image.Image) []byte) {
	w.t.Helper()
	for _, kind := range []customlabels.DatasetType{customlabels.Train, customlabels.Test} {
		random := rand.New(rand.NewPCG(11, uint64(len(kind))))
		var lines []string
		for i := range 16 {
			m, parts := scene(random)
			if kind == customlabels.Test && i%5 == 0 {
				parts = append(parts, part{label: "never found", at: image.Rect(170, 140, 190, 158)})
			}
			lines = append(lines, boxLine(w.put(fmt.Sprintf("%s/%d", kind, i), encode(i, m)), parts))
		}
		w.dataset(w.project, kind, lines)
	}
	w.training.Families = append(w.training.Families, familytest.Spots{})
}

// goldenObjects are boxes as a snapshot has them.
type goldenObjects struct {
	Annotations []struct {
		Class                    int `json:"class_id"`
		Left, Top, Width, Height float64
	}
	Sizes []struct{ Width, Height, Depth int } `json:"image_size"`
}

type goldenObjectsMetadata struct {
	Confidence float64
	JobName    string            `json:"job-name"`
	ClassMap   map[string]string `json:"class-map"`
	Human      string            `json:"human-annotated"`
	Date       string            `json:"creation-date"`
	Type       string
	Objects    []struct {
		Confidence float64
		Details    *goldenDetails `json:"rekognition-custom-labels-evaluation-details"`
	}
}

// A goldenBox is one box of a snapshot.
type goldenBox struct {
	image                    int
	label                    string
	left, top, right, bottom float64
	confidence               float64
	details                  *goldenDetails
}

func (b goldenBox) overlap(o goldenBox) float64 {
	both := max(0, min(b.right, o.right)-max(b.left, o.left)) * max(0, min(b.bottom, o.bottom)-max(b.top, o.top))
	return both / ((b.right-b.left)*(b.bottom-b.top) + (o.right-o.left)*(o.bottom-o.top) - both)
}

// goldenBoxes reads what lies under a key of the lines of a snapshot.
func goldenBoxes(t *testing.T, snapshot, key string) (all []goldenBox) {
	t.Helper()
	image := 0
	for text := range strings.Lines(snapshot) {
		var line map[string]json.RawMessage
		decode(t, text, &line)
		var boxes goldenObjects
		var m goldenObjectsMetadata
		decode(t, string(line[key]), &boxes)
		decode(t, string(line[key+"-metadata"]), &m)
		if m.Type != "groundtruth/object-detection" || m.Date == "" || len(m.Objects) != len(boxes.Annotations) || len(boxes.Sizes) != 1 || boxes.Sizes[0].Width != 192 || boxes.Sizes[0].Height != 160 || boxes.Sizes[0].Depth != 3 {
			t.Errorf("%s of line %d is %s, %s", key, image, line[key], line[key+"-metadata"])
			continue
		}
		for i, a := range boxes.Annotations {
			label, ok := m.ClassMap[fmt.Sprint(a.Class)]
			if !ok {
				t.Errorf("the class map %v has no %d", m.ClassMap, a.Class)
			}
			all = append(all, goldenBox{image, label, a.Left, a.Top, a.Left + a.Width, a.Top + a.Height, m.Objects[i].Confidence, m.Objects[i].Details})
		}
		image++
	}
	return all
}

// matched says of the found boxes of a label which of them are right, the
// most confident first.
func matched(found, truth []goldenBox) []said {
	slices.SortStableFunc(found, func(a, b goldenBox) int { return cmp.Compare(b.confidence, a.confidence) })
	truth = slices.Clone(truth)
	var all []said
	for _, f := range found {
		best := -1
		for i, o := range truth {
			if o.image == f.image && f.overlap(o) >= 0.5 && (best < 0 || f.overlap(o) > f.overlap(truth[best])) {
				best = i
			}
		}
		if best >= 0 {
			truth = slices.Delete(truth, best, best+1)
		}
		all = append(all, said{f.confidence, best >= 0, *f.details})
	}
	return all
}

// average computes an average precision by its definition: the mean over the
// objects of the best precision at which as many of them are found.
func (l goldenLabel) average() (precision, recall float64) {
	for n := 1; n <= l.there; n++ {
		best := 0.0
		for _, s := range l.said {
			if p, r, _ := l.at(s.confidence); r*float64(l.there) > float64(n)-0.5 {
				best = max(best, p)
				recall = max(recall, r)
			}
		}
		precision += best / float64(l.there)
	}
	return precision, recall
}

func TestEveryMetricOfBoxesFollowsFromTheSnapshots(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.scenes(asPNG)
	v := w.train(w.request("v1"))
	g, training, testing := w.golden(v)
	if v.BaseModel != "spots" {
		t.Errorf("the family is %s", v.BaseModel)
	}
	truth, found := goldenBoxes(t, testing, "rekognition-custom-labels-training-0"), goldenBoxes(t, testing, "rekognition-custom-labels-evaluation")
	labels := map[string]goldenLabel{}
	var precision, recall float64
	for _, name := range []string{"blue", "red"} {
		of := func(boxes []goldenBox) []goldenBox {
			return slices.DeleteFunc(slices.Clone(boxes), func(b goldenBox) bool { return b.label != name })
		}
		l := goldenLabel{said: matched(of(found), of(truth)), there: len(of(truth))}
		images := map[int]bool{}
		for _, b := range of(truth) {
			images[b.image] = true
		}
		l.images = len(images)
		labels[name] = l
		p, r := l.average()
		precision, recall = precision+p/2, recall+r/2
	}
	g.check(t, labels)
	a := g.AggregatedEvaluationResults
	if a.ConfusionMatrix != nil || a.AveragePrecision == nil || a.AverageRecall == nil {
		t.Fatalf("aggregated results %+v", a)
	}
	if *a.AverageRecall < a.Recall+0.01 {
		t.Errorf("the mean recall at the thresholds is %v, of all %v: the scenes do not tell them apart", a.Recall, *a.AverageRecall)
	}
	near(t, "mAP", *a.AveragePrecision, precision)
	near(t, "mAR", *a.AverageRecall, recall)
	if precision > 0.98 || precision < 0.3 || recall > 0.98 {
		t.Errorf("mAP %v and mAR %v: the scenes are too easy or too hard", precision, recall)
	}
	quality := w.describe(w.another(), v.ARN).Quality
	var all []said
	for name, l := range labels {
		p, _ := l.average()
		near(t, "average precision of "+name, quality.AveragePrecision[name], p)
		all = append(all, l.said...)
	}
	if len(quality.AveragePrecision) != len(labels) {
		t.Errorf("average precisions %v", quality.AveragePrecision)
	}
	near(t, "reliability error", quality.ReliabilityError, unreliable(all))
	if d := g.EvaluationDetails; d.NumberOfTestingImages != strings.Count(testing, "\n") || d.NumberOfTrainingImages != strings.Count(training, "\n") {
		t.Errorf("%+v", d)
	}
	for _, b := range append(truth, goldenBoxes(t, training, "rekognition-custom-labels-training-0")...) {
		if b.confidence != 1 || b.details != nil {
			t.Errorf("a box of the truth is %+v", b)
		}
	}
}

// TestBoxesOfTurnedImages: manifests and snapshots refer to images as they are
// stored, which a family sees upright. A box that was not mapped would have
// another colour, and nothing would be found where it is.
func TestBoxesOfTurnedImages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.scenes(func(i int, m image.Image) []byte {
		var b bytes.Buffer
		if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 95}); err != nil {
			panic(err) // cannot happen: it writes to memory
		}
		return familytest.Turned(b.Bytes(), pixel.Orientation(1+i%8))
	})
	v := w.train(w.request("v1"))
	g, _, _ := w.golden(v)
	upright := newWorld(t)
	upright.scenes(asPNG)
	want, _, _ := upright.golden(upright.train(upright.request("v1")))
	if got, want := g.AggregatedEvaluationResults, want.AggregatedEvaluationResults; math.Abs(got.F1Score-want.F1Score) > 0.05 {
		t.Errorf("turned images give %+v, upright ones %+v", got, want)
	}
}
