package training

import (
	"io"

	"github.com/go-json-experiment/json"

	"mimeo/internal/family"
)

// timestamp is how the result files write times, in UTC.
const timestamp = "2006-01-02T15:04:05.000000"

func writeJSON(w io.Writer, v any) error { return json.MarshalWrite(w, v) }

// An evaluationSummary is EvaluationResultSummary, as
// https://docs.aws.amazon.com/rekognition/latest/customlabels-dg/im-summary-file-api.html
// shows it.
type evaluationSummary struct {
	Version                     int
	EvaluationDetails           evaluationDetails
	AggregatedEvaluationResults aggregatedResults
	LabelEvaluationResults      []labelEvaluation
}

type evaluationDetails struct {
	ProjectVersionArn      string
	EvaluationEndTimestamp string
	Labels                 []string
	NumberOfTrainingImages int
	NumberOfTestingImages  int
}

type aggregatedResults struct {
	Precision       float64
	Recall          float64
	F1Score         float64
	ConfusionMatrix []confusionCell `json:",omitzero"`
	// Of a detector only.
	AveragePrecision *float64 `json:",omitzero"`
	AverageRecall    *float64 `json:",omitzero"`
}

type confusionCell struct {
	GroundTruthLabel string
	PredictedLabel   string
	Value            float64
}

type labelEvaluation struct {
	Label                 string
	NumberOfTestingImages int
	Metrics               labelMetrics
}

type labelMetrics struct {
	Threshold float64
	Precision float64
	Recall    float64
	F1Score   float64
}

func (t *training) evaluationSummary(e evaluation) evaluationSummary {
	s := evaluationSummary{
		Version: 1,
		EvaluationDetails: evaluationDetails{
			ProjectVersionArn:      t.v.ARN.String(),
			EvaluationEndTimestamp: t.Now().UTC().Format(timestamp),
			Labels:                 t.plan.labels,
			NumberOfTrainingImages: len(t.plan.train.Samples()),
			NumberOfTestingImages:  len(t.plan.test.Samples()),
		},
		AggregatedEvaluationResults: aggregatedResults{
			Precision: e.Aggregate.Precision, Recall: e.Aggregate.Recall, F1Score: e.Aggregate.F1,
		},
	}
	if t.plan.task == family.Boxes {
		s.AggregatedEvaluationResults.AveragePrecision, s.AggregatedEvaluationResults.AverageRecall = &e.AveragePrecision, &e.AverageRecall
	}
	for truth, row := range e.Confusion {
		for predicted, value := range row {
			s.AggregatedEvaluationResults.ConfusionMatrix = append(s.AggregatedEvaluationResults.ConfusionMatrix,
				confusionCell{t.plan.labels[truth], t.plan.labels[predicted], value})
		}
	}
	for _, r := range e.Labels {
		s.LabelEvaluationResults = append(s.LabelEvaluationResults, labelEvaluation{
			Label: t.plan.labels[r.Label], NumberOfTestingImages: r.Images,
			Metrics: labelMetrics{Threshold: r.Threshold, Precision: r.Precision, Recall: r.Recall, F1Score: r.F1},
		})
	}
	return s
}

// thresholds returns the assumed threshold of each label.
func (e evaluation) thresholds(labels int) []float64 {
	all := make([]float64, labels)
	for _, r := range e.Labels {
		all[r.Label] = r.Threshold
	}
	return all
}

// percentOf is a confidence as the result files have it, 0 to 1.
func percentOf(c float32) float64 { return float64(c) / 100 }
