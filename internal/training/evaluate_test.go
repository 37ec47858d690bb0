package training_test

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"mimeo/internal/family"
	"mimeo/internal/training"
)

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9 {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

func TestEvaluateByHand(t *testing.T) {
	t.Parallel()
	// Two labels, five images. Label 0: the images 0, 1 and 2 show it, with
	// confidences 90, 80 and 30; the others have 40 and 10. Every threshold
	// below 30 and above 10 finds 3 of 3 with one false alarm: F1 = 6/7;
	// one between 40 and 80 finds 2 of 3: F1 = 4/5.
	predictions := []training.Prediction{
		training.NewPrediction([]float32{90, 10}, 0),
		training.NewPrediction([]float32{80, 20}, 0),
		training.NewPrediction([]float32{30, 70}, 0),
		training.NewPrediction([]float32{40, 60}, 1),
		training.NewPrediction([]float32{10, 90}, 1),
	}
	e := training.Evaluate(2, family.SingleLabel, predictions)
	if got := []int{e.Labels[0].Label, e.Labels[1].Label}; !slices.Equal(got, []int{0, 1}) {
		t.Errorf("labels in the order %v, want the better F1 first", got)
	}
	first, second := e.Labels[0], e.Labels[1]
	near(t, "precision of 0", first.Precision, 3.0/4)
	near(t, "recall of 0", first.Recall, 1)
	near(t, "F1 of 0", first.F1, 6.0/7)
	near(t, "threshold of 0", first.Threshold, 0.20)
	// Label 1: 90 and 60 are right, 70 between them is wrong.
	near(t, "precision of 1", second.Precision, 2.0/3)
	near(t, "F1 of 1", second.F1, 4.0/5)
	near(t, "threshold of 1", second.Threshold, 0.40)
	near(t, "mean of the F1", e.Aggregate.F1, (6.0/7+4.0/5)/2)
	near(t, "mean of the precision", e.Aggregate.Precision, (3.0/4+2.0/3)/2)
	want := [][]float64{{2.0 / 3, 1.0 / 3}, {0, 1}}
	if diff := cmp.Diff(want, e.Confusion); diff != "" {
		t.Errorf("confusion (-want +got)\n%s", diff)
	}
	if e := training.Evaluate(2, family.MultiLabel, predictions); e.Confusion != nil {
		t.Errorf("a multi-label evaluation has the confusion matrix %v", e.Confusion)
	}
}

// The means of AWS's worked example: its F1 is the mean of the labels' F1, not
// the harmonic mean of the mean precision and recall.
func TestAggregateIsTheMeanOverLabels(t *testing.T) {
	t.Parallel()
	e := training.Evaluate(3, family.MultiLabel, []training.Prediction{
		training.NewPrediction([]float32{90, 90, 1}, 0),
		training.NewPrediction([]float32{80, 80, 1}, 1),
		training.NewPrediction([]float32{1, 70, 1}, 1),
	})
	var f1 float64
	for _, l := range e.Labels {
		if l.Images > 0 {
			f1 += l.F1 / 2
		}
	}
	near(t, "F1", e.Aggregate.F1, f1)
	last := e.Labels[2]
	if last.Label != 2 || last.Images != 0 || last.Threshold != 0.5 || last.F1 != 0 {
		t.Errorf("the label without test images has %+v", last)
	}
}

// TestThresholdsAreTheBest compares every threshold with all others by
// counting, the way that a detection counts.
func TestThresholdsAreTheBest(t *testing.T) {
	t.Parallel()
	confidence := rapid.OneOf(rapid.Float32Range(0, 100), rapid.SampledFrom([]float32{0, 50, math.Nextafter32(50, 100), 100}))
	rapid.Check(t, func(t *rapid.T) {
		var predictions []training.Prediction
		for range rapid.IntRange(1, 12).Draw(t, "images") {
			truth := []int{}
			if rapid.Bool().Draw(t, "shown") {
				truth = []int{0}
			}
			predictions = append(predictions, training.NewPrediction([]float32{confidence.Draw(t, "confidence")}, truth...))
		}
		got := training.Evaluate(1, family.MultiLabel, predictions).Labels[0]
		precision, recall, f1 := byCounting(predictions, got.Threshold)
		if got.Images > 0 && (precision != got.Precision || recall != got.Recall || f1 != got.F1) {
			t.Fatalf("at %v: counted %v, %v, %v; evaluated %+v", got.Threshold, precision, recall, f1, got)
		}
		for threshold := 0.0; threshold <= 1; threshold += 1.0 / 512 {
			if _, _, other := byCounting(predictions, threshold); other > got.F1 {
				t.Fatalf("the threshold %v has the F1 %v, %v has %v", threshold, other, got.Threshold, got.F1)
			}
		}
	})
}

func byCounting(predictions []training.Prediction, threshold float64) (precision, recall, f1 float64) {
	var right, said, is float64
	for _, p := range predictions {
		shown, counted := p.Shows(0), training.Counts(p.Confidence(0), threshold)
		if shown {
			is++
		}
		if counted {
			said++
		}
		if shown && counted {
			right++
		}
	}
	if right == 0 {
		return 0, 0, 0
	}
	precision, recall = right/said, right/is
	return precision, recall, 2 * precision * recall / (precision + recall)
}
