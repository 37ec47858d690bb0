package training

import (
	"time"

	"mimeo/internal/family"
)

// The pure parts, for their tests.

type (
	Prediction = prediction
	Evaluation = evaluation
	Area       = area
	Found      = found
	Scored     = scored
)

func NewPrediction(confidence []float32, truth ...int) Prediction {
	return prediction{truth: truth, confidence: confidence}
}

var (
	Evaluate         = evaluate
	Counts           = counts
	ReliabilityError = reliabilityError
)

// A Sighting is one test image of a detector.
type Sighting struct {
	Truth []Area
	Found []Found
}

// EvaluateBoxes returns, with the evaluation, which found boxes are right.
func EvaluateBoxes(labels int, images []Sighting) (Evaluation, [][]bool) {
	var sightings []sighting
	for _, s := range images {
		sightings = append(sightings, sighting{truth: s.Truth, found: s.Found})
	}
	e := evaluateBoxes(labels, sightings)
	var right [][]bool
	for _, s := range e.sightings {
		right = append(right, s.right)
	}
	return e, right
}

func NewFound(a Area, confidence float32) Found { return found{a, confidence} }

func NewScored(confidence float32, positive bool) Scored { return scored{confidence, positive} }

func (p prediction) Shows(label int) bool         { return p.shows(label) }
func (p prediction) Confidence(label int) float32 { return p.confidence[label] }

func (p *Progress) Fit(told family.Progress)         { p.fit(told) }
func (p Progress) Message(left time.Duration) string { return p.message(left) }
