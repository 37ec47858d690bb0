package training_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mimeo/internal/customlabels"
)

// TestResultFilesHaveTheDocumentedFields pins every field of the result files
// and its type: a reader of AWS's files finds what it looks for, and nothing
// else.
func TestResultFilesHaveTheDocumentedFields(t *testing.T) {
	t.Parallel()
	w := newWorld(t).withData()
	v := w.train(w.request("v1"))
	const (
		truth = `rekognition-custom-labels-training-0 number
rekognition-custom-labels-training-0-metadata.class-name string
rekognition-custom-labels-training-0-metadata.confidence number
rekognition-custom-labels-training-0-metadata.creation-date string
rekognition-custom-labels-training-0-metadata.human-annotated string
rekognition-custom-labels-training-0-metadata.job-name string
rekognition-custom-labels-training-0-metadata.type string
source-ref string`
		statistics = `.error_json_line_indices[]
.errors[]
.ignored_json_lines number
.invalid_json_lines number
.total_json_lines number
.use_case string
.valid_json_lines number`
		predicted = ` number
-metadata.class-name string
-metadata.confidence number
-metadata.creation-date string
-metadata.human-annotated string
-metadata.job-name string
-metadata.rekognition-custom-labels-evaluation-details.ground-truth-labelling-jobs[] string
-metadata.rekognition-custom-labels-evaluation-details.is-false-negative bool
-metadata.rekognition-custom-labels-evaluation-details.is-false-positive bool
-metadata.rekognition-custom-labels-evaluation-details.is-present-in-ground-truth bool
-metadata.rekognition-custom-labels-evaluation-details.is-true-negative bool
-metadata.rekognition-custom-labels-evaluation-details.is-true-positive bool
-metadata.rekognition-custom-labels-evaluation-details.version number
-metadata.type string`
	)
	tested := truth
	for _, n := range []string{"0", "1", "2"} { // of the three labels
		tested += "\n" + under("rekognition-custom-labels-evaluation-"+n, predicted)
	}
	checkFields(t, w, v, map[customlabels.Role]string{
		customlabels.EvaluationSummary: `AggregatedEvaluationResults.ConfusionMatrix[].GroundTruthLabel string
AggregatedEvaluationResults.ConfusionMatrix[].PredictedLabel string
AggregatedEvaluationResults.ConfusionMatrix[].Value number
AggregatedEvaluationResults.F1Score number
AggregatedEvaluationResults.Precision number
AggregatedEvaluationResults.Recall number
EvaluationDetails.EvaluationEndTimestamp string
EvaluationDetails.Labels[] string
EvaluationDetails.NumberOfTestingImages number
EvaluationDetails.NumberOfTrainingImages number
EvaluationDetails.ProjectVersionArn string
LabelEvaluationResults[].Label string
LabelEvaluationResults[].Metrics.F1Score number
LabelEvaluationResults[].Metrics.Precision number
LabelEvaluationResults[].Metrics.Recall number
LabelEvaluationResults[].Metrics.Threshold number
LabelEvaluationResults[].NumberOfTestingImages number
Version number`,
		customlabels.ManifestSummary:  "errors[]\n" + under("statistics.testing", statistics) + "\n" + under("statistics.training", statistics),
		customlabels.TrainingSnapshot: truth,
		customlabels.TestingSnapshot:  tested,
	})
}

// TestResultFilesOfADetectorHaveTheDocumentedFields: boxes and what is said of
// each, and means of the labels in place of a confusion matrix.
func TestResultFilesOfADetectorHaveTheDocumentedFields(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.scenes(asPNG)
	v := w.train(w.request("v1"))
	const (
		boxes = `.annotations[].class_id number
.annotations[].height number
.annotations[].left number
.annotations[].top number
.annotations[].width number
.image_size[].depth number
.image_size[].height number
.image_size[].width number
-metadata.class-map.0 string
-metadata.creation-date string
-metadata.human-annotated string
-metadata.job-name string
-metadata.objects[].confidence number
-metadata.type string`
		details = `-metadata.confidence number
-metadata.objects[].rekognition-custom-labels-evaluation-details.ground-truth-labelling-jobs[] string
-metadata.objects[].rekognition-custom-labels-evaluation-details.is-false-negative bool
-metadata.objects[].rekognition-custom-labels-evaluation-details.is-false-positive bool
-metadata.objects[].rekognition-custom-labels-evaluation-details.is-present-in-ground-truth bool
-metadata.objects[].rekognition-custom-labels-evaluation-details.is-true-negative bool
-metadata.objects[].rekognition-custom-labels-evaluation-details.is-true-positive bool
-metadata.objects[].rekognition-custom-labels-evaluation-details.version number`
	)
	truth := "source-ref string\n" + under("rekognition-custom-labels-training-0", boxes)
	checkFields(t, w, v, map[customlabels.Role]string{
		customlabels.EvaluationSummary: `AggregatedEvaluationResults.AveragePrecision number
AggregatedEvaluationResults.AverageRecall number
AggregatedEvaluationResults.F1Score number
AggregatedEvaluationResults.Precision number
AggregatedEvaluationResults.Recall number
EvaluationDetails.EvaluationEndTimestamp string
EvaluationDetails.Labels[] string
EvaluationDetails.NumberOfTestingImages number
EvaluationDetails.NumberOfTrainingImages number
EvaluationDetails.ProjectVersionArn string
LabelEvaluationResults[].Label string
LabelEvaluationResults[].Metrics.F1Score number
LabelEvaluationResults[].Metrics.Precision number
LabelEvaluationResults[].Metrics.Recall number
LabelEvaluationResults[].Metrics.Threshold number
LabelEvaluationResults[].NumberOfTestingImages number
Version number`,
		customlabels.TrainingSnapshot: truth,
		customlabels.TestingSnapshot:  truth + "\n" + under("rekognition-custom-labels-evaluation", boxes+"\n"+details),
	})
}

// checkFields compares the first lines of result files, in whose class maps
// every label is taken for the first.
func checkFields(t *testing.T, w *world, v customlabels.ProjectVersion, files map[customlabels.Role]string) {
	t.Helper()
	for role, want := range files {
		first, _, _ := strings.Cut(w.read(v.Files[role]), "\n")
		var document any
		decode(t, first, &document)
		found := map[string]bool{}
		fields("", document, found)
		classes := strings.NewReplacer("class-map.1 ", "class-map.0 ", "class-map.2 ", "class-map.0 ")
		wanted, got := slices.Sorted(strings.SplitSeq(want, "\n")), map[string]bool{}
		for field := range found {
			got[classes.Replace(field)] = true
		}
		if diff := cmp.Diff(wanted, slices.Sorted(maps.Keys(got))); diff != "" {
			t.Errorf("the fields of %s (-want +got):\n%s", role, diff)
		}
	}
}

// under puts a prefix before every line.
func under(prefix, lines string) string {
	return prefix + strings.ReplaceAll(lines, "\n", "\n"+prefix)
}

// fields collects the paths of a JSON document, each with its type.
func fields(path string, v any, found map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			fields(strings.TrimPrefix(path+"."+name, "."), member, found)
		}
	case []any:
		for _, item := range v {
			fields(path+"[]", item, found)
		}
		if len(v) == 0 {
			found[path+"[]"] = true
		}
	case string:
		found[path+" string"] = true
	case float64:
		found[path+" number"] = true
	case bool:
		found[path+" bool"] = true
	default:
		found[path+" null"] = true
	}
}
