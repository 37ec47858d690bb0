package training_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"mimeo/internal/training"
)

func square(label, left, top int) training.Area {
	return training.Area{Label: label, Left: left, Top: top, Width: 10, Height: 10}
}

func TestEvaluateBoxesByHand(t *testing.T) {
	t.Parallel()
	// One label, three objects in two images. By confidence: 90 right, 80 wrong
	// (the object has been found), 70 right, 60 wrong, 20 right. At 90 precision
	// and recall are 1 and 1/3, at 70 they are 2/3 and 2/3, at 20 3/5 and 1: the
	// last has the best F1, 3/4. The average precision is
	// 1/3 * 1 + 1/3 * 2/3 + 1/3 * 3/5.
	e, right := training.EvaluateBoxes(2, []training.Sighting{
		{
			Truth: []training.Area{square(0, 0, 0), square(0, 100, 0)},
			Found: []training.Found{
				training.NewFound(square(0, 1, 0), 90),
				training.NewFound(square(0, 0, 0), 80),
				training.NewFound(square(0, 102, 1), 70),
				training.NewFound(square(0, 50, 50), 60),
			},
		},
		{
			Truth: []training.Area{square(0, 7, 7)},
			Found: []training.Found{training.NewFound(square(0, 7, 8), 20), training.NewFound(square(1, 7, 8), 10)},
		},
		{},
	})
	if diff := cmp.Diff([][]bool{{true, false, true, false}, {true, false}, {}}, right); diff != "" {
		t.Errorf("what is right (-want +got)\n%s", diff)
	}
	r := e.Labels[0]
	near(t, "precision", r.Precision, 3.0/5)
	near(t, "recall", r.Recall, 1)
	near(t, "F1", r.F1, 3.0/4)
	near(t, "threshold", r.Threshold, 0.1)
	near(t, "average precision", r.AveragePrecision, (1+2.0/3+3.0/5)/3)
	near(t, "mAP", e.AveragePrecision, r.AveragePrecision) // no image shows the other label
	near(t, "mAR", e.AverageRecall, 1)
	if r.Images != 2 || e.Labels[1].Images != 0 || e.Labels[1].Threshold != 0.5 || e.Confusion != nil {
		t.Errorf("the evaluation is %+v", e)
	}
}

func TestMatching(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		truth []training.Area
		found []training.Found
		want  []bool
	}{
		"an IoU of a half is enough": {
			[]training.Area{{Width: 10, Height: 10}}, []training.Found{training.NewFound(training.Area{Width: 10, Height: 5}, 50)}, []bool{true},
		},
		"less is not": {
			[]training.Area{{Width: 100, Height: 10}}, []training.Found{training.NewFound(training.Area{Width: 49, Height: 10}, 50)}, []bool{false},
		},
		"another label": {
			[]training.Area{square(0, 0, 0)}, []training.Found{training.NewFound(square(1, 0, 0), 50)}, []bool{false},
		},
		"the more confident comes first": {
			[]training.Area{square(0, 0, 0)},
			[]training.Found{training.NewFound(square(0, 0, 0), 50), training.NewFound(square(0, 1, 0), 60)}, []bool{false, true},
		},
		"of equals the first": {
			[]training.Area{square(0, 0, 0)},
			[]training.Found{training.NewFound(square(0, 1, 0), 50), training.NewFound(square(0, 0, 0), 50)}, []bool{true, false},
		},
		"the best of two objects": {
			[]training.Area{square(0, 0, 0), square(0, 2, 0)},
			[]training.Found{training.NewFound(square(0, 2, 0), 60), training.NewFound(square(0, 1, 0), 50)}, []bool{true, true},
		},
		"the second best where the best is taken": {
			[]training.Area{square(0, 0, 0), square(0, 3, 0)},
			[]training.Found{training.NewFound(square(0, 0, 0), 60), training.NewFound(square(0, 1, 0), 50)}, []bool{true, true},
		},
		"two objects in one place": {
			[]training.Area{square(0, 0, 0), square(0, 0, 0)},
			[]training.Found{training.NewFound(square(0, 0, 0), 60), training.NewFound(square(0, 0, 0), 60), training.NewFound(square(0, 0, 0), 60)},
			[]bool{true, true, false},
		},
		"nothing there": {nil, []training.Found{training.NewFound(square(0, 0, 0), 99)}, []bool{false}},
	} {
		_, right := training.EvaluateBoxes(2, []training.Sighting{{Truth: c.truth, Found: c.found}})
		if diff := cmp.Diff(c.want, right[0]); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

// TestBoxThresholdsAreTheBest counts what is found at every threshold, as the
// evaluation of images is compared.
func TestBoxThresholdsAreTheBest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var images []training.Sighting
		boxes := 0
		for i := range rapid.IntRange(1, 4).Draw(t, "images") {
			var s training.Sighting
			for k := range rapid.IntRange(0, 4).Draw(t, fmt.Sprintf("objects %d", i)) {
				s.Truth = append(s.Truth, square(0, 8*k, 0))
				boxes++
			}
			for range rapid.IntRange(0, 6).Draw(t, fmt.Sprintf("found %d", i)) {
				s.Found = append(s.Found, training.NewFound(square(0, rapid.IntRange(0, 40).Draw(t, "left"), 0), rapid.Float32Range(0, 100).Draw(t, "confidence")))
			}
			images = append(images, s)
		}
		e, right := training.EvaluateBoxes(1, images)
		got := e.Labels[0]
		at := func(threshold float64) (precision, recall, f1 float64) {
			var hits, said float64
			for i, s := range images {
				for k, f := range s.Found {
					if training.Counts(f.Confidence, threshold) {
						said++
						if right[i][k] {
							hits++
						}
					}
				}
			}
			if hits == 0 {
				return 0, 0, 0
			}
			precision, recall = hits/said, hits/float64(boxes)
			return precision, recall, 2 * precision * recall / (precision + recall)
		}
		if boxes == 0 {
			return
		}
		if p, r, f1 := at(got.Threshold); p != got.Precision || r != got.Recall || f1 != got.F1 {
			t.Fatalf("at %v: counted %v, %v, %v; evaluated %+v", got.Threshold, p, r, f1, got)
		}
		for threshold := 0.0; threshold <= 1; threshold += 1.0 / 512 {
			if _, _, other := at(threshold); other > got.F1 {
				t.Fatalf("the threshold %v has the F1 %v, %v has %v", threshold, other, got.Threshold, got.F1)
			}
		}
		if got.AveragePrecision > got.MaxRecall+1e-12 || got.MaxRecall < got.Recall {
			t.Fatalf("the average precision is %v, the recall %v of at most %v", got.AveragePrecision, got.Recall, got.MaxRecall)
		}
	})
}

func TestReliabilityError(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		said []training.Scored
		want float64
	}{
		"nothing": {nil, 0},
		"certain and right": {
			[]training.Scored{training.NewScored(100, true), training.NewScored(0, false)}, 0,
		},
		"certain and wrong": {
			[]training.Scored{training.NewScored(100, false), training.NewScored(0, true)}, 1,
		},
		"half of what is half as likely": { // one bin
			[]training.Scored{training.NewScored(50, true), training.NewScored(50, false)}, 0,
		},
		"too sure": {
			[]training.Scored{training.NewScored(75, true), training.NewScored(75, false), training.NewScored(25, false), training.NewScored(25, false)}, 0.25,
		},
	} {
		near(t, name, training.ReliabilityError(c.said), c.want)
	}
}
