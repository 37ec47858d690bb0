package training_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/bucket"
	"mimeo/internal/customlabels"
	"mimeo/internal/envelope"
	"mimeo/internal/identity"
	"mimeo/internal/objects"
	"mimeo/internal/quota"
	"mimeo/internal/training"
)

// boxed is a line of one bounding box.
func boxed(key, label string) string {
	return `{"source-ref":"s3://images/` + key + `","b":{"image_size":[{"width":64,"height":64,"depth":3}],"annotations":[{"class_id":0,"top":1,"left":1,"width":9,"height":9}]},` +
		`"b-metadata":{"objects":[{"confidence":1}],"class-map":{"0":"` + label + `"},"type":"groundtruth/object-detection","human-annotated":"yes","creation-date":"2026-01-02T03:04:05","job-name":"x"}}`
}

func TestContentProblemsFailTheTraining(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := w.manifest("m", 5, "red", "green")
	blue, grey := w.manifest("n", 5, "blue"), w.manifest("o", 5, "grey")
	var reds, foreign, nowhere []string
	for _, l := range good {
		if strings.Contains(l, `"red"`) {
			reds = append(reds, l)
		}
		foreign = append(foreign, strings.ReplaceAll(l, "s3://images/", "s3://theirs/"))
		nowhere = append(nowhere, strings.ReplaceAll(l, "s3://images/", "s3://nowhere/"))
	}
	_, err := w.buckets.CreateBucket(t.Context(), arn.Caller{Principal: arn.Root("aws", "555555555555"), Region: region}, bucket.NewBucket{Name: "theirs"})
	w.must(err)
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
		"no-json":         {train: []byte("x\ny\n"), test: joined(good), message: "The manifest file extension or contents are invalid."},
		"few-usable":      {train: joined(reds, []string{boxed("m/green-0.png", "green")}), test: joined(good), message: "The manifest file has too few usable labels.", code: "ERROR_MANIFEST_TOO_FEW_USABLE_LABELS"},
		"usable-overlap":  {train: joined(good), test: joined(blue, grey, []string{boxed("m/red-0.png", "red")}), message: "Less than 50% usable label overlap between the training and testing manifest files.", code: "ERROR_INSUFFICIENT_USABLE_LABEL_OVERLAP"},
		"many-refused":    {train: joined(good, []string{"x", "y", "z"}), test: joined(good), message: "The manifest file contains too many invalid rows.", code: "ERROR_TOO_MANY_RECORDS_IN_ERROR"},
		"two-owners":      {train: joined(foreign), test: joined(good), message: "Invalid owner id for images S3 bucket.", code: "ERROR_INVALID_IMAGES_S3_BUCKET_OWNER"},
		"no-bucket":       {train: joined(nowhere), test: joined(good), message: "Failed to copy images from S3 bucket.", code: "ERROR_FAILED_IMAGES_S3_COPY"},
		"logos":           {train: joined(good), test: []byte(boxed("m/red-1.png", "red")), message: "The training manifest file has image-level labels and the testing manifest file has bounding boxes: this server trains and tests a model with labels of one kind.", code: "ERROR_UNSUPPORTED_USE_CASE"},
		"no-overlap":      {train: joined(good), test: joined(blue, grey), message: "Less than 50% label overlap between the training and testing manifest files.", code: "ERROR_INSUFFICIENT_LABEL_OVERLAP"},
		"many-invalid":    {train: joined(good, []string{"x", "y", "z"}), test: joined(good), message: "The manifest file contains too many invalid rows.", code: "ERROR_TOO_MANY_INVALID_ROWS_IN_MANIFEST"},
		"many-unreadable": {train: joined(good, missing(4)), test: joined(good), message: "The manifest file contains too many invalid rows.", code: "ERROR_TOO_MANY_INVALID_ROWS_IN_MANIFEST"},
		"none-readable":   {train: joined(missing(4)), test: joined(good), message: "Failed to copy images from S3 bucket.", code: "ERROR_FAILED_IMAGES_S3_COPY"},
		"two-buckets":     {train: joined(good, []string{line(objects.Ref{Bucket: "results", Key: "x.png"}, "red")}), test: joined(good), message: "The manifest file contains images from multiple S3 buckets.", code: "ERROR_IMAGES_IN_MULTIPLE_S3_BUCKETS"},
		"no-split":        {train: joined(good, blue[:1]), message: "The manifest file contains insufficient labeled images per label to perform auto-split.", code: "ERROR_INSUFFICIENT_IMAGES_PER_LABEL_FOR_AUTOSPLIT"},
		"boxes":           {train: []byte(boxed("m/red-0.png", "red")), test: []byte(boxed("m/red-1.png", "red")), message: "The manifest file has bounding boxes only: this server trains models of image-level labels.", code: "ERROR_UNSUPPORTED_USE_CASE"},
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

// TestManifestsThatCannotBeRead: what is found wrong with the file of a manifest
// when its training begins. It has no result files.
func TestManifestsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := joined(w.manifest("m", 2, "red", "green"))
	const unsupported = "The manifest file extension or contents are invalid."
	for name, c := range map[string]struct {
		key     string
		after   func(objects.Ref) // the request was accepted
		message string
	}{
		"no-extension": {"manifests.d/train", func(objects.Ref) {}, unsupported},
		"gone": {"gone.manifest", func(ref objects.Ref) {
			_, err := w.buckets.DeleteObject(t.Context(), w.root, bucket.DeleteRequest{Bucket: ref.Bucket, Key: ref.Key})
			w.must(err)
		}, unsupported},
		"forbidden": {"forbidden.manifest", func(ref objects.Ref) {
			w.must(w.buckets.PutBucketPolicy(t.Context(), w.root, ref.Bucket, `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::images/forbidden.manifest"}}`))
		}, "The S3 bucket permissions are incorrect."},
	} {
		req := w.external(name, good, good)
		req.Training.Manifests[0] = w.put(c.key, good)
		a, err := w.training.CreateProjectVersion(t.Context(), w.root, req)
		w.must(err)
		c.after(req.Training.Manifests[0])
		w.drain(training.Worker{Service: w.training})
		if v := w.version(a); v.Status != customlabels.TrainingFailed || v.StatusMessage != c.message || len(v.Files) != 0 {
			t.Errorf("%s: %s %q with files %v, want %q", name, v.Status, v.StatusMessage, v.Files, c.message)
		}
	}
}

// TestTooManyRows: of a manifest with too many lines as many are checked as may
// be, and the result files tell of them.
func TestTooManyRows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.setQuota(quota.ImagesPerDataset, 4)
	good := w.manifest("m", 2, "red", "green")
	w.wantEnd(w.external("as-many", joined(good), joined(good)), customlabels.TrainingCompleted, customlabels.ReadyToRun)
	v := w.wantEnd(w.external("one-more", joined(good, w.manifest("n", 1, "red")), joined(good)), customlabels.TrainingFailed, "The manifest file has too many rows.")
	if summary := w.read(v.Files[customlabels.ManifestSummary]); !strings.Contains(summary, `"total_json_lines":4,`) || !strings.Contains(summary, `[{"code":"ERROR_MANIFEST_ROWS_EXCEEDS_MAXIMUM"`) {
		t.Errorf("manifest summary %s", summary)
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
