package training_test

import (
	"fmt"
	"image"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mimeo/internal/customlabels"
	"mimeo/internal/family/familytest"
	"mimeo/internal/manifest"
	"mimeo/internal/objects"
)

// TestAManifestOfBoxesWithErrors: what can be used is trained on, split by
// labels, and the result files say line by line what was wrong with the rest.
func TestAManifestOfBoxesWithErrors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.training.Families = append(w.training.Families, familytest.Spots{})
	random := rand.New(rand.NewPCG(3, 3))
	var lines []string
	for i := range 30 {
		m, parts := scene(random)
		for len(parts) == 0 {
			m, parts = scene(random)
		}
		lines = append(lines, boxLine(w.put(fmt.Sprint("scene", i), asPNG(0, m)), parts))
	}
	one := []part{{label: "red", at: image.Rect(10, 10, 30, 30)}}
	off := []part{{label: "red", at: image.Rect(180, 10, 200, 30)}, one[0]}
	whole, _ := scene(random)
	good := w.put("good", asPNG(0, whole))
	lines = append(lines,
		boxLine(objects.Ref{Bucket: "images", Key: "missing"}, one),
		boxLine(w.put("small", asPNG(0, image.NewGray(image.Rect(0, 0, 63, 64)))), one),
		boxLine(w.put("long", asPNG(0, image.NewGray(image.Rect(0, 0, 64, 1300)))), one),
		boxLine(w.put("empty", asPNG(0, whole)), nil),
		line(w.put("labelled", asPNG(0, whole)), "red"),
		boxLine(good, off),
		boxLine(good, one),
	)
	v := w.wantEnd(w.external("boxes", []byte(strings.Join(lines, "\n")), nil), customlabels.TrainingCompleted, customlabels.ReadyToRun)
	var summary manifest.Summary
	decode(t, w.read(v.Files[customlabels.ManifestSummary]), &summary)
	var want manifest.Summary
	want.Errors = []manifest.ContentError{}
	want.Statistics.Training = manifest.Statistics{UseCase: "OBJECT_LOCALIZATION", TotalJSONLines: 37, ValidJSONLines: 31, InvalidJSONLines: 4, IgnoredJSONLines: 2,
		ErrorJSONLineIndices: []int{31, 32, 33, 36, 37}, Errors: []manifest.ContentError{}}
	want.Statistics.Testing = manifest.Statistics{UseCase: "OBJECT_LOCALIZATION", ErrorJSONLineIndices: []int{}, Errors: []manifest.ContentError{}}
	if diff := cmp.Diff(want, summary); diff != "" {
		t.Errorf("manifest summary (-want +got):\n%s", diff)
	}
	shown := strings.Split(strings.TrimSuffix(w.read(v.Files[customlabels.TrainingValidation]), "\n"), "\n")
	if len(shown) != len(lines) {
		t.Fatalf("the validation manifest has %d lines, want %d", len(shown), len(lines))
	}
	for i, l := range shown[:30] {
		if l != lines[i] {
			t.Errorf("line %d is\n%s\nwant\n%s", i+1, l, lines[i])
		}
	}
	for i, code := range []string{"ERROR_INVALID_IMAGE", "ERROR_INVALID_IMAGE_DIMENSION", "ERROR_INVALID_IMAGE", "WARNING_NO_ANNOTATIONS", "WARNING_NO_ANNOTATIONS", "ERROR_INVALID_BOUNDING_BOX", "ERROR_INVALID_SOURCE_REF_FORMAT"} {
		if got := strings.Count(shown[30+i], `"code":"`+code+`"`); got != 1 {
			t.Errorf("line %d has %s %d times: %s", 31+i, code, got, shown[30+i])
		}
	}
	trained, tested := strings.Count(w.read(v.Files[customlabels.TrainingSnapshot]), "\n"), strings.Count(w.read(v.Files[customlabels.TestingSnapshot]), "\n")
	if trained+tested != 31 || tested < 5 || tested > 8 {
		t.Errorf("%d images are trained on and %d tested", trained, tested)
	}
}

// TestASplitIsTheVersions: which images AutoCreate holds out is decided by the
// ARN of the version, with several labels on an image too.
func TestASplitIsTheVersions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var lines []string
	for i := range 24 {
		labels := [][]string{{"red"}, {"green"}, {"red", "green"}, {"blue", "red"}}[i%4]
		lines = append(lines, line(w.put(fmt.Sprint("m", i), paint(labels[0], i)), labels...))
	}
	held := map[string]bool{}
	for _, name := range []string{"one", "two"} {
		v := w.wantEnd(w.external(name, []byte(strings.Join(lines, "\n")), nil), customlabels.TrainingCompleted, customlabels.ReadyToRun)
		tested := w.read(v.Files[customlabels.TestingSnapshot])
		var refs []string
		for l := range strings.Lines(tested) {
			_, rest, _ := strings.Cut(l, `"source-ref":"`)
			ref, _, _ := strings.Cut(rest, `"`)
			refs = append(refs, ref)
		}
		held[strings.Join(refs, " ")] = true
		for _, label := range []string{"red", "green", "blue"} {
			if !strings.Contains(tested, `"class-name":"`+label+`","human-annotated":"yes"`) {
				t.Errorf("%s: no test image shows %s", name, label)
			}
		}
		if len(refs) < 4 || len(refs) > 7 {
			t.Errorf("%s: %d of 24 images are held out", name, len(refs))
		}
	}
	if len(held) != 2 {
		t.Errorf("two versions hold out %d sets of images, want two", len(held))
	}
}
