package training_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mimeo/internal/bucket"
	"mimeo/internal/customlabels"
	"mimeo/internal/family"
	"mimeo/internal/job"
	"mimeo/internal/kms"
	"mimeo/internal/objects"
	"mimeo/internal/training"
	"mimeo/internal/vault"
)

func TestATrainingCompletes(t *testing.T) {
	t.Parallel()
	w := newWorld(t).withData()
	req := w.request("v1")
	req.Tags, req.Description = customlabels.Tags{"stage": "test"}, "the first"
	v := w.train(req)
	if v.Status != customlabels.TrainingCompleted || v.StatusMessage != customlabels.ReadyToRun {
		t.Fatalf("status %s: %s", v.Status, v.StatusMessage)
	}
	if v.F1Score != 1 || v.BillableSeconds < 1 || v.TrainingEndedAt.IsZero() || v.BaseModel != "colours" || v.Description != "the first" {
		t.Errorf("version %+v", v)
	}
	checkFiles(t, w, v)
	checkBundle(t, w, v)
	tags, err := w.db.Tags().Tags(t.Context(), v.ARN)
	if diff := cmp.Diff(req.Tags, tags); diff != "" || err != nil {
		t.Errorf("tags (-want +got)\n%s%v", diff, err)
	}
	left, err := os.ReadDir(w.training.Scratch)
	if len(left) != 0 || err != nil {
		t.Errorf("checkpoints are left: %v, %v", left, err)
	}
}

// checkFiles checks that the six result files are where the version says, and
// say what they should.
func checkFiles(t *testing.T, w *world, v customlabels.ProjectVersion) {
	t.Helper()
	if len(v.Files) != len(customlabels.ResultRoles) {
		t.Errorf("the version has %d files: %v", len(v.Files), v.Files)
	}
	for _, role := range customlabels.ResultRoles {
		want := customlabels.S3Location{Bucket: "results", Key: "out/" + string(role) + "-parts-" + v.ARN.Name + ".json"}
		if v.Files[role] != want {
			t.Errorf("%s is in %v, want %v", role, v.Files[role], want)
		}
	}
	var summary struct {
		Version                     int
		EvaluationDetails           map[string]any
		AggregatedEvaluationResults struct {
			Precision, Recall, F1Score float64
			ConfusionMatrix            []map[string]any
		}
		LabelEvaluationResults []struct {
			Label                 string
			NumberOfTestingImages int
			Metrics               struct{ Threshold, Precision, Recall, F1Score float64 }
		}
	}
	decode(t, w.read(v.Files[customlabels.EvaluationSummary]), &summary)
	if summary.Version != 1 || summary.AggregatedEvaluationResults.F1Score != 1 || len(summary.AggregatedEvaluationResults.ConfusionMatrix) != 9 || len(summary.LabelEvaluationResults) != 3 {
		t.Errorf("evaluation summary %+v", summary)
	}
	if d := summary.EvaluationDetails; d["NumberOfTrainingImages"] != 18.0 || d["NumberOfTestingImages"] != 9.0 || d["ProjectVersionArn"] != v.ARN.String() {
		t.Errorf("evaluation details %v", d)
	}
	for _, l := range summary.LabelEvaluationResults {
		if l.NumberOfTestingImages != 3 || l.Metrics.Threshold <= 0 || l.Metrics.Threshold >= 1 || l.Metrics.F1Score != 1 {
			t.Errorf("label result %+v", l)
		}
	}
	for role, lines := range map[customlabels.Role]int{
		customlabels.TrainingSnapshot: 18, customlabels.TestingSnapshot: 9, customlabels.TrainingValidation: 18, customlabels.TestingValidation: 9,
	} {
		if got := strings.Count(w.read(v.Files[role]), "\n"); got != lines {
			t.Errorf("%s has %d lines, want %d", role, got, lines)
		}
	}
	checkSnapshot(t, w.read(v.Files[customlabels.TestingSnapshot]))
}

// checkSnapshot checks the first line of a testing snapshot, an image of the
// label red: the labels are in the order of their names.
func checkSnapshot(t *testing.T, snapshot string) {
	t.Helper()
	first, _, _ := strings.Cut(snapshot, "\n")
	var got map[string]any
	decode(t, first, &got)
	if got["source-ref"] != "s3://images/test/red-0.png" || got["rekognition-custom-labels-training-0"] != 1.0 {
		t.Errorf("snapshot line %s", first)
	}
	truth, _ := got["rekognition-custom-labels-training-0-metadata"].(map[string]any)
	if truth["class-name"] != "red" || truth["human-annotated"] != "yes" || truth["job-name"] != "rekognition-custom-labels-training-job" {
		t.Errorf("ground truth %v", truth)
	}
	for n, label := range []string{"blue", "green", "red"} {
		said, _ := got[fmt.Sprintf("rekognition-custom-labels-evaluation-%d-metadata", n)].(map[string]any)
		details, _ := said["rekognition-custom-labels-evaluation-details"].(map[string]any)
		is := label == "red"
		if said["class-name"] != label || said["human-annotated"] != "no" || said["type"] != "groundtruth/image-classification" ||
			details["is-true-positive"] != is || details["is-true-negative"] != !is || details["is-present-in-ground-truth"] != is {
			t.Errorf("prediction %d: %v", n, said)
		}
	}
}

func decode(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("decode %.200s: %v", text, err)
	}
}

// checkBundle opens every artifact with the version's own key.
func checkBundle(t *testing.T, w *world, v customlabels.ProjectVersion) map[customlabels.Role]string {
	t.Helper()
	plain := map[customlabels.Role]string{}
	key, err := w.vault.Unlock(t.Context(), v.ARN, v.Bundle)
	w.must(err)
	for _, a := range v.Bundle.Artifacts {
		if a.VerifiedAt.IsZero() {
			t.Errorf("%s was not verified", a.Role)
		}
		r, err := w.vault.Open(t.Context(), key, a)
		w.must(err)
		b, err := io.ReadAll(r)
		w.must(errors.Join(err, r.Close()))
		plain[a.Role] = string(b)
		if a.Role.IsResult() && w.read(v.Files[a.Role]) != string(b) {
			t.Errorf("the file %s differs from its artifact", a.Role)
		}
	}
	if len(plain) != 1+len(customlabels.ResultRoles) {
		t.Errorf("the bundle has %d artifacts", len(plain))
	}
	return plain
}

func TestSlicesGiveTheSameModel(t *testing.T) {
	t.Parallel()
	w := newWorld(t).withData()
	whole := checkBundle(t, w, w.train(w.request("whole")))
	w.training.Slice = time.Nanosecond // every slice makes one step
	sliced := checkBundle(t, w, w.train(w.request("sliced")))
	if whole[customlabels.Weights] != sliced[customlabels.Weights] {
		t.Error("the weights of a training in slices differ")
	}
}

func TestATrainingUnderTheCallersKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t).withData()
	key, err := w.kms.CreateKey(t.Context(), w.root, kms.NewKey{})
	w.must(err)
	req := w.request("v1")
	req.KMSKeyID = key.ARN.ID
	v := w.train(req)
	if v.Status != customlabels.TrainingCompleted || v.KMSKey != key.ARN || v.Bundle.Key != key.ARN || v.Bundle.Grant == "" {
		t.Fatalf("version %+v", v)
	}
	checkBundle(t, w, v)
	jobs, err := w.kms.LiveGrants(t.Context(), vault.JobGrantPrefix)
	if len(jobs) != 0 || err != nil {
		t.Errorf("job grants live on: %v, %v", jobs, err)
	}
	w.must(w.kms.DisableKey(t.Context(), w.root, key.ARN.ID))
	if _, err := w.vault.Unlock(t.Context(), v.ARN, v.Bundle); !errors.Is(err, kms.Disabled) {
		t.Errorf("with the key disabled: %v", err)
	}
	if _, _, err := w.buckets.Get(t.Context(), w.root, ref(v.Files[customlabels.EvaluationSummary])); err == nil {
		t.Error("a result file opens although its key is disabled")
	}
}

func ref(l customlabels.S3Location) objects.Ref { return objects.Ref{Bucket: l.Bucket, Key: l.Key} }

func TestAKeyThatIsDisabledMeanwhileFailsTheTraining(t *testing.T) {
	t.Parallel()
	w := newWorld(t).withData()
	key, err := w.kms.CreateKey(t.Context(), w.root, kms.NewKey{})
	w.must(err)
	req := w.request("v1")
	req.KMSKeyID = key.ARN.ID
	a, err := w.training.CreateProjectVersion(t.Context(), w.root, req)
	w.must(err)
	w.must(w.kms.DisableKey(t.Context(), w.root, key.ARN.ID))
	w.drain(training.Worker{Service: w.training})
	v := w.version(a)
	if v.Status != customlabels.TrainingFailed || !strings.Contains(v.StatusMessage, "disabled") {
		t.Errorf("status %s: %s", v.Status, v.StatusMessage)
	}
	for _, prefix := range []string{vault.JobGrantPrefix, vault.VersionGrantPrefix} {
		if live, err := w.kms.LiveGrants(t.Context(), prefix); len(live) != 0 || err != nil {
			t.Errorf("grants %s live on: %v, %v", prefix, live, err)
		}
	}
}

// external asks for a training on manifests of its own project.
func (w *world) external(name string, train []byte, test []byte) training.Request {
	w.t.Helper()
	req := w.request("v1")
	req.Project = w.newProject(name)
	req.Training = &training.Data{Manifests: []objects.Ref{w.put(name+".train.manifest", train)}}
	req.Testing = &training.TestData{AutoCreate: test == nil}
	if test != nil {
		req.Testing.Manifests = []objects.Ref{w.put(name+".test.manifest", test)}
	}
	return req
}

func joined(lines ...[]string) []byte {
	var all []string
	for _, l := range lines {
		all = append(all, l...)
	}
	return []byte(strings.Join(all, "\n"))
}

func TestASplitHoldsOutAFifth(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.train(w.external("split", joined(w.manifest("m", 10, "red", "green")), nil))
	if v.Status != customlabels.TrainingCompleted {
		t.Fatalf("status %s: %s", v.Status, v.StatusMessage)
	}
	if want := (customlabels.TrainingInput{Training: customlabels.S3Location{Bucket: "images", Key: "split.train.manifest"}, AutoCreate: true}); v.Input != want {
		t.Errorf("the input is %+v, want %+v", v.Input, want)
	}
	for role, lines := range map[customlabels.Role]int{
		customlabels.TrainingSnapshot: 16, customlabels.TestingSnapshot: 4, customlabels.TrainingValidation: 20, customlabels.TestingValidation: 0,
	} {
		if got := strings.Count(w.read(v.Files[role]), "\n"); got != lines {
			t.Errorf("%s has %d lines, want %d", role, got, lines)
		}
	}
}

// bomb is the beginning of a PNG of 50,000 by 50,000 pixels.
const bomb = "\x89PNG\x0d\x0a\x1a\x0a\x00\x00\x00\x0dIHDR\x00\x00\xc3P\x00\x00\xc3P\x08\x00\x00\x00\x00n\xc4b\x16"

func TestUnusableLinesAreToldNotDropped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	lines := w.manifest("m", 15, "red", "green")
	crowd := make([]string, 51)
	for i := range crowd {
		crowd[i] = fmt.Sprint("label ", i)
	}
	lines = append(lines,
		"not JSON",
		line(w.put("broken.png", paint("red", 1)[:200]), "red"),
		line(objects.Ref{Bucket: "images", Key: "missing.png"}, "red"),
		line(w.put("unlabelled.png", paint("red", 2))),
		lines[0],
		line(w.put("empty.png", nil), "red"),
		line(w.put("bomb.png", []byte(bomb)), "red"),
		line(w.put("text.png", []byte("no image")), "red"),
		line(w.put("png.jpg", paint("red", 3)), "red"), // the name says nothing
		line(w.put("all.png", paint("red", 4)), crowd...),
	)
	v := w.train(w.external("odd", joined(lines), joined(w.manifest("t", 3, "red", "green"))))
	if v.Status != customlabels.TrainingCompleted {
		t.Fatalf("status %s: %s", v.Status, v.StatusMessage)
	}
	var summary struct {
		Statistics struct{ Training map[string]any }
	}
	decode(t, w.read(v.Files[customlabels.ManifestSummary]), &summary)
	want := map[string]any{
		"use_case": "IMAGE_LEVEL_LABELS", "total_json_lines": 40.0, "valid_json_lines": 31.0, "invalid_json_lines": 8.0, "ignored_json_lines": 1.0,
		"error_json_line_indices": []any{31.0, 32.0, 33.0, 35.0, 36.0, 37.0, 38.0, 40.0}, "errors": []any{},
	}
	if diff := cmp.Diff(want, summary.Statistics.Training); diff != "" {
		t.Errorf("statistics (-want +got)\n%s", diff)
	}
	validation := strings.Split(w.read(v.Files[customlabels.TrainingValidation]), "\n")
	for number, code := range map[int]string{
		31: `{"errors":[{"code":"ERROR_INVALID_JSON_LINE"`, 32: "ERROR_INVALID_IMAGE", 33: "ERROR_INVALID_IMAGE",
		34: `"warnings":[{"code":"WARNING_UNANNOTATED_RECORD"`, 35: `"errors":[{"code":`,
		36: "ERROR_INVALID_IMAGE", 37: "ERROR_INVALID_IMAGE", 38: "ERROR_INVALID_IMAGE",
		40: "ERROR_MANIFEST_TOO_MANY_LABELS",
	} {
		if !strings.Contains(validation[number-1], code) {
			t.Errorf("line %d of the validation file is %s, want %s in it", number, validation[number-1], code)
		}
	}
	if validation[0] != lines[0] {
		t.Errorf("a good line came back as %s, want %s", validation[0], lines[0])
	}
}

func TestOutputThatCannotBeWrittenFailsTheTraining(t *testing.T) {
	t.Parallel()
	w := newWorld(t).withData()
	a, err := w.training.CreateProjectVersion(t.Context(), w.root, w.request("v1"))
	w.must(err)
	w.must(w.buckets.DeleteBucket(t.Context(), w.root, "results"))
	w.drain(training.Worker{Service: w.training})
	if v := w.version(a); v.Status != customlabels.TrainingFailed || v.StatusMessage != "Unable to write to output S3 bucket." {
		t.Errorf("status %s: %s", v.Status, v.StatusMessage)
	}
}

// The lines are those of the moment of the request.
func TestAChangedDatasetDoesNotChangeARunningTraining(t *testing.T) {
	t.Parallel()
	w := newWorld(t).withData()
	a, err := w.training.CreateProjectVersion(t.Context(), w.root, w.request("v1"))
	w.must(err)
	datasets, err := w.registry.Datasets(t.Context(), w.project)
	w.must(err)
	for _, d := range datasets {
		w.must(w.registry.UpdateDatasetEntries(t.Context(), w.root, d.ARN, joined(w.manifest("more"+string(d.Type), 2, "red"))))
	}
	w.drain(append(w.registry.Workers(), training.Worker{Service: w.training})...)
	v := w.version(a)
	if got := strings.Count(w.read(v.Files[customlabels.TrainingSnapshot]), "\n"); v.Status != customlabels.TrainingCompleted || got != 18 {
		t.Errorf("status %s, %d lines were trained on, want 18", v.Status, got)
	}
}

// replacing replaces an image in the moment in which training begins, when it
// was looked at already.
type replacing struct {
	colours
	replace func()
}

func (f replacing) Train(ctx context.Context, req family.TrainRequest, w io.Writer) error {
	f.replace()
	return f.colours.Train(ctx, req, w)
}

func TestAnImageThatIsReplacedMeanwhileFailsTheTraining(t *testing.T) {
	t.Parallel()
	w := newWorld(t).withData()
	for name, c := range map[string]struct {
		replace func()
		message string
	}{
		"broken": {func() { w.put("train/red-0.png", []byte("no image")) }, "The training failed: an image was replaced while the model was trained."},
		"deleted": {func() {
			_, err := w.buckets.DeleteObject(t.Context(), w.root, bucket.DeleteRequest{Bucket: "images", Key: "test/red-0.png"})
			w.must(err)
		}, "The training failed: The specified key does not exist."},
	} {
		w.training.Families = []family.Family{replacing{replace: c.replace}}
		if v := w.train(w.request(name)); v.Status != customlabels.TrainingFailed || v.StatusMessage != c.message {
			t.Errorf("%s: %s %q, want %q", name, v.Status, v.StatusMessage, c.message)
		}
		w.put("train/red-0.png", paint("red", 1))
	}
}

// The job was cut after its last write, and its version was deleted before it
// ran again.
func TestATrainingThatIsDeletedBeforeItsJobEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key, err := w.kms.CreateKey(t.Context(), w.root, kms.NewKey{})
	w.must(err)
	gone := w.project.Version("gone", "1")
	use, err := w.training.Vault.Prepare(t.Context(), w.root, key.ARN.ID, gone)
	w.must(err)
	w.must(w.db.Jobs().Insert(t.Context(), job.Spec{Kind: training.Kind, Args: training.Args{Version: gone, Caller: w.root, Key: use}}))
	w.drain(training.Worker{Service: w.training})
	for _, prefix := range []string{vault.JobGrantPrefix, vault.VersionGrantPrefix} {
		if live, err := w.kms.LiveGrants(t.Context(), prefix); len(live) != 0 || err != nil {
			t.Errorf("grants %s live on: %v, %v", prefix, live, err)
		}
	}
}
