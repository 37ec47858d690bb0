package registry_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/registry"
)

// boxed is a line of one bounding box, whose class map names more.
func boxed(image, label string, more ...string) string {
	classes := fmt.Sprintf(`"0":%q`, label)
	for i, name := range more {
		classes += fmt.Sprintf(`,"%d":%q`, i+1, name)
	}
	return fmt.Sprintf(`{"source-ref":"s3://images/%s","b":{"image_size":[{"width":640,"height":480,"depth":3}],"annotations":[{"class_id":0,"left":1,"top":1,"width":9,"height":9}]},`+
		`"b-metadata":{"objects":[{"confidence":1}],"class-map":{%s},"type":"groundtruth/object-detection","human-annotated":"yes","creation-date":"2026-01-01T00:00:00"}}`, image, classes)
}

// unusable are images that no model can be trained on.
func unusable() map[string]string {
	return map[string]string{
		"text.jpg":  "This is no image.",
		"gif.jpg":   "GIF89a" + strings.Repeat("\x00", 99),
		"cut.png":   aPNG[:20],
		"small.png": pngOf(63, 64),
		"large.png": pngOf(4097, 64),
		"long.png":  pngOf(1281, 64),
		"heavy.png": aPNG + strings.Repeat("x", 15<<20),
	}
}

// TestImagesOfADataset: what a header tells is looked at, and an image that
// cannot be used is an error of its entry, which stays.
func TestImagesOfADataset(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bucket.images = unusable()
	w.bucket.images["missing.jpg"], w.bucket.images["forbidden.jpg"] = "", "denied"
	w.bucket.images["least.png"], w.bucket.images["most.png"], w.bucket.images["longest.png"] = pngOf(64, 64), pngOf(4096, 205), pngOf(1280, 64)
	text := lines(labeled("missing.jpg", "nut"), labeled("forbidden.jpg", "nut"), labeled("least.png", "nut"), labeled("most.png", "nut"), labeled("longest.png", "nut"), `{"source-ref":"s3://images/small.png?"}`)
	for key := range unusable() {
		text += labeled(key, "nut") + "\n"
	}
	p := w.project("parts")
	d := w.dataset(p, customlabels.Train, text)
	stats := w.check(d, customlabels.DatasetCreateComplete, createdFromManifest)
	if diff := cmp.Diff(customlabels.DatasetStats{TotalEntries: 13, LabeledEntries: 12, TotalLabels: 1, ErrorEntries: 7}, stats); diff != "" {
		t.Errorf("stats (-want +got):\n%s", diff)
	}
	for _, line := range w.entries(d, registry.EntryFilter{HasErrors: true}) {
		if !strings.HasSuffix(line, `,"cl-metadata":{"is_labeled":true},"cl-errors":[{"code":"ERROR_INVALID_IMAGE","message":"The image is invalid. Check S3 path and/or image properties."}]}`) {
			t.Errorf("an image that cannot be used: %s", line)
		}
	}
	// An update looks at its own images only, and at those again.
	delete(w.bucket.images, "text.jpg")
	w.bucket.opened = nil
	w.must(w.UpdateDatasetEntries(t.Context(), w.mine, d, []byte(lines(labeled("text.jpg", "nut"), labeled("cut.png", "bolt"), boxed("small.png", "gear"), boxed("long.png", "gear")))))
	w.work()
	stats = w.check(d, customlabels.DatasetUpdateComplete, "The dataset was successfully updated.")
	if stats.ErrorEntries != 6 || len(w.bucket.opened) != 4 {
		t.Errorf("after the update: %+v, and it opened %v", stats, w.bucket.opened)
	}
	var codes []string
	for _, line := range w.entries(d, registry.EntryFilter{Labels: []string{"gear"}}) {
		_, rest, _ := strings.Cut(line, `"cl-errors":[{"code":"`)
		code, _, _ := strings.Cut(rest, `"`)
		codes = append(codes, code)
	}
	slices.Sort(codes)
	if want := []string{"ERROR_INVALID_IMAGE", "ERROR_INVALID_IMAGE_DIMENSION"}; !slices.Equal(codes, want) {
		t.Errorf("images with boxes, one too long and one too small: %v, want %v", codes, want)
	}
}

// TestImagesAreReadOnce: a job that is cut goes on with the images that it has
// not looked at.
func TestImagesAreReadOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.trouble.plan(5) // one that clears, two of entries, the errors of the first thousand, those of the rest
	d := w.dataset(w.project("parts"), customlabels.Train, images(1010, "nut"))
	w.check(d, customlabels.DatasetCreateComplete, createdFromManifest)
	if n := len(w.bucket.opened); n != 1020 || !w.trouble.struck() {
		t.Errorf("%d images were opened, want 1010, and 10 again", n)
	}
}

// TestDeclaredLabels: a label that only a class map names is one of the
// dataset's, and of no entry.
func TestDeclaredLabels(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.project("parts")
	d := w.dataset(p, customlabels.Train, lines(boxed("a.jpg", "nut", "bolt", "gear"), boxed("b.jpg", "bolt"), labeled("c.jpg", "nut")))
	stats := w.check(d, customlabels.DatasetCreateComplete, createdFromManifest)
	if diff := cmp.Diff(customlabels.DatasetStats{TotalEntries: 3, LabeledEntries: 3, TotalLabels: 3}, stats); diff != "" {
		t.Errorf("stats (-want +got):\n%s", diff)
	}
	copied, err := w.CreateDataset(t.Context(), w.mine, registry.CreateDatasetRequest{Project: p, Type: customlabels.Test, Source: &registry.DatasetSource{Dataset: &d}})
	w.must(err)
	w.work()
	want := []registry.LabelCount{{Name: "bolt", Entries: 1, BoxImages: 1}, {Name: "gear"}, {Name: "nut", Entries: 2, BoxImages: 1}}
	for name, d := range map[string]arn.Dataset{"created": d, "copied": copied} {
		labels, _, err := w.ListDatasetLabels(t.Context(), w.mine, d, 0, "")
		if diff := cmp.Diff(want, labels); diff != "" || err != nil {
			t.Errorf("labels of the %s one (-want +got), %v:\n%s", name, err, diff)
		}
		if got := w.entries(d, registry.EntryFilter{Labels: []string{"gear"}}); len(got) != 0 {
			t.Errorf("entries of the %s one with a label that only a class map names: %v", name, got)
		}
	}
}

// TestDistributeBoxes: boxes and several labels on an image are distributed
// by labels too.
func TestDistributeBoxes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.project("parts")
	var all []string
	for i := range 20 {
		all = append(all, boxed(fmt.Sprint("box", i), []string{"nut", "bolt"}[i%2]), labeled(fmt.Sprint("image", i), "gear", []string{"new", "old"}[i%4/3]))
	}
	train := w.dataset(p, customlabels.Train, lines(all...))
	test, err := w.CreateDataset(t.Context(), w.mine, registry.CreateDatasetRequest{Project: p, Type: customlabels.Test})
	w.must(err)
	w.must(w.DistributeDatasetEntries(t.Context(), w.mine, []arn.Dataset{train, test}))
	w.work()
	labels, _, err := w.ListDatasetLabels(t.Context(), w.mine, test, 0, "")
	want := []registry.LabelCount{{Name: "bolt", Entries: 2, BoxImages: 2}, {Name: "gear", Entries: 4}, {Name: "new", Entries: 3}, {Name: "nut", Entries: 2, BoxImages: 2}, {Name: "old", Entries: 1}}
	if diff := cmp.Diff(want, labels); diff != "" || err != nil {
		t.Errorf("labels of the test dataset (-want +got), %v:\n%s", err, diff)
	}
}
