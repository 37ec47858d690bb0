package training

// The pure parts, for their tests.

type (
	Prediction = prediction
	Evaluation = evaluation
)

func NewPrediction(confidence []float32, truth ...int) Prediction {
	return prediction{truth: truth, confidence: confidence}
}

var (
	Evaluate = evaluate
	Counts   = counts
)

func (p prediction) Shows(label int) bool         { return p.shows(label) }
func (p prediction) Confidence(label int) float32 { return p.confidence[label] }
