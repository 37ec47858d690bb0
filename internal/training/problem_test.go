package training_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"mimeo/internal/customlabels"
	"mimeo/internal/envelope"
	"mimeo/internal/identity"
	"mimeo/internal/objects"
	"mimeo/internal/quota"
	"mimeo/internal/training"
)

// boxed is a line of bounding boxes.
func boxed(key string) string {
	return `{"source-ref":"s3://images/` + key + `","b":{"image_size":[{"width":64,"height":64,"depth":3}],"annotations":[{"class_id":0,"top":1,"left":1,"width":9,"height":9}]},` +
		`"b-metadata":{"objects":[{"confidence":1}],"class-map":{"0":"red"},"type":"groundtruth/object-detection","human-annotated":"yes","creation-date":"2026-01-02T03:04:05","job-name":"x"}}`
}

func TestContentProblemsFailTheTraining(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := w.manifest("m", 5, "red", "green")
	blue, grey := w.manifest("n", 5, "blue"), w.manifest("o", 5, "grey")
	missing := func(n int) (lines []string) {
		for i := range n {
			lines = append(lines, line(objects.Ref{Bucket: "images", Key: fmt.Sprint("none-", i)}, []string{"red", "green"}[i%2]))
		}
		return lines
	}
	for name, c := range map[string]struct {
		train, test []byte // no test: split
		message     string
		code        string // in the manifest summary; empty: a file error, without files
	}{
		"empty":           {train: []byte("\n\n"), message: "The manifest file is empty."},
		"empty-test":      {train: joined(good), test: []byte("\n"), message: "The manifest file is empty."},
		"one-label":       {train: joined(blue), test: joined(blue), message: "The manifest file has too few labels.", code: "ERROR_MANIFEST_TOO_FEW_LABELS"},
		"no-label":        {train: []byte(line(objects.Ref{Bucket: "images", Key: "x"})), test: joined(good), message: "The manifest file has too few labels.", code: "ERROR_MANIFEST_TOO_FEW_LABELS"},
		"no-overlap":      {train: joined(good), test: joined(blue, grey), message: "Less than 50% label overlap between the training and testing manifest files.", code: "ERROR_INSUFFICIENT_LABEL_OVERLAP"},
		"many-invalid":    {train: joined(good, []string{"x", "y", "z"}), test: joined(good), message: "The manifest file contains too many invalid rows.", code: "ERROR_TOO_MANY_INVALID_ROWS_IN_MANIFEST"},
		"many-unreadable": {train: joined(good, missing(4)), test: joined(good), message: "The manifest file contains too many invalid rows.", code: "ERROR_TOO_MANY_INVALID_ROWS_IN_MANIFEST"},
		"none-readable":   {train: joined(missing(4)), test: joined(good), message: "Failed to copy images from S3 bucket.", code: "ERROR_FAILED_IMAGES_S3_COPY"},
		"two-buckets":     {train: joined(good, []string{line(objects.Ref{Bucket: "results", Key: "x.png"}, "red")}), test: joined(good), message: "The manifest file contains images from multiple S3 buckets.", code: "ERROR_IMAGES_IN_MULTIPLE_S3_BUCKETS"},
		"no-split":        {train: joined(good, blue[:1]), message: "The manifest file contains insufficient labeled images per label to perform auto-split.", code: "ERROR_INSUFFICIENT_IMAGES_PER_LABEL_FOR_AUTOSPLIT"},
		"boxes":           {train: []byte(boxed("m/red-0.png")), test: []byte(boxed("m/red-1.png")), message: "The manifest file has bounding boxes only: this server trains models of image-level labels.", code: "ERROR_UNSUPPORTED_USE_CASE"},
	} {
		v := w.train(w.external(name, c.train, c.test))
		if v.Status != customlabels.TrainingFailed || v.StatusMessage != c.message || v.Bundle.VersionKey != nil || v.TrainingEndedAt.IsZero() {
			t.Errorf("%s: %s %q, want %q", name, v.Status, v.StatusMessage, c.message)
		}
		if c.code == "" {
			if len(v.Files) != 0 {
				t.Errorf("%s: files %v", name, v.Files)
			}
			continue
		}
		if len(v.Files) != 3 {
			t.Errorf("%s: files %v, want manifest summary and validation files", name, v.Files)
			continue
		}
		if summary := w.read(v.Files[customlabels.ManifestSummary]); !strings.Contains(summary, `{"code":"`+c.code+`"`) {
			t.Errorf("%s: manifest summary %s, want %s in it", name, summary, c.code)
		}
	}
}

// TestTestImagesPerLabel: of the images that are given to test with, a label
// has as many as its quota allows; a split keeps to it by itself.
func TestTestImagesPerLabel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.setQuota(quota.TestImagesPerLabel, 3)
	train, test := joined(w.manifest("m", 20, "red", "green")), w.manifest("t", 3, "red", "green")
	w.wantEnd(w.external("as-many", train, joined(test)), customlabels.TrainingCompleted, customlabels.ReadyToRun)
	more := joined(test, w.manifest("more", 1, "green"))
	v := w.wantEnd(w.external("one-more", train, more), customlabels.TrainingFailed, "The manifest file has too many rows.")
	if summary := w.read(v.Files[customlabels.ManifestSummary]); !strings.Contains(summary, `{"code":"ERROR_MANIFEST_ROWS_EXCEEDS_MAXIMUM"`) {
		t.Errorf("manifest summary %s", summary)
	}
	v = w.wantEnd(w.external("split", train, nil), customlabels.TrainingCompleted, customlabels.ReadyToRun)
	if got := strings.Count(w.read(v.Files[customlabels.TestingSnapshot]), "\n"); got != 6 {
		t.Errorf("%d images are held out, want 3 of each label", got)
	}
}

func (w *world) wantEnd(req training.Request, status customlabels.Status, message string) customlabels.ProjectVersion {
	w.t.Helper()
	v := w.train(req)
	if v.Status != status || v.StatusMessage != message {
		w.t.Errorf("%s: %s %q, want %s %q", req.Project.Name, v.Status, v.StatusMessage, status, message)
	}
	return v
}

func (w *world) setQuota(name quota.Name, value int) {
	w.t.Helper()
	who, err := identity.New(w.db.Identity(), envelope.NewKey(), time.Now)
	w.must(err)
	_, err = who.CreateAccount(w.t.Context(), account)
	w.must(err)
	w.training.Quotas = quota.New(w.db.Quotas(), time.Now)
	w.must(w.training.Quotas.Set(w.t.Context(), account, quota.Values{name: &value}))
}
