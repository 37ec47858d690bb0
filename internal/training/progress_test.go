package training_test

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mimeo/internal/family"
	"mimeo/internal/training"
)

// told is what is known after a family has told of passes, each with the loss
// that it is given.
func told(passes ...family.Progress) (p training.Progress) {
	for _, x := range passes {
		p.Fit(x)
	}
	return p
}

func pass(activity string, epoch int, loss float64) family.Progress {
	return family.Progress{Done: epoch, Total: 10, Phase: activity, Epoch: epoch, Epochs: 9, Loss: loss}
}

func TestACurveHasEachPassOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		told []family.Progress
		want []training.Point
	}{
		"what has no passes": {[]family.Progress{{Done: 1, Total: 2, Phase: "looking"}}, nil},
		"passes":             {[]family.Progress{pass("a", 1, 3), pass("a", 2, 2)}, []training.Point{{"a", 1, 3}, {"a", 2, 2}}},
		"a pass that goes on": {
			[]family.Progress{pass("a", 1, 3), pass("a", 2, 2), pass("a", 2, 1.5)},
			[]training.Point{{"a", 1, 3}, {"a", 2, 1.5}},
		},
		"passes that are made again from a checkpoint": {
			[]family.Progress{pass("a", 1, 3), pass("a", 2, 2), pass("a", 3, 1), pass("a", 2, 2.5)},
			[]training.Point{{"a", 1, 3}, {"a", 2, 2.5}},
		},
		"a second activity": {
			[]family.Progress{pass("a", 1, 3), pass("a", 2, 2), pass("b", 1, 1)},
			[]training.Point{{"a", 1, 3}, {"a", 2, 2}, {"b", 1, 1}},
		},
		"back to the first activity": {
			[]family.Progress{pass("a", 1, 3), pass("a", 2, 2), pass("b", 1, 1), pass("a", 2, 4)},
			[]training.Point{{"a", 1, 3}, {"a", 2, 4}},
		},
		"no number": {[]family.Progress{pass("a", 1, 3), pass("a", 2, math.NaN()), pass("a", 2, math.Inf(1))}, []training.Point{{"a", 1, 3}}},
	} {
		p := told(c.told...)
		if diff := cmp.Diff(c.want, p.Curve); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if _, err := json.Marshal(p); err != nil {
			t.Errorf("%s cannot be stored: %v", name, err)
		}
	}
}

// TestALongCurveIsThinned, keeps its ends and its order, and stays bounded.
func TestALongCurveIsThinned(t *testing.T) {
	t.Parallel()
	var p training.Progress
	for epoch := 1; epoch <= 5000; epoch++ {
		p.Fit(pass("a", epoch, 1))
		if len(p.Curve) > 500 {
			t.Fatalf("after %d passes the curve has %d points", epoch, len(p.Curve))
		}
		if last := p.Curve[len(p.Curve)-1].Epoch; last != epoch {
			t.Fatalf("after %d passes the curve ends with pass %d", epoch, last)
		}
	}
	for i := range p.Curve[1:] {
		if p.Curve[i].Epoch >= p.Curve[i+1].Epoch {
			t.Fatalf("pass %d comes before pass %d", p.Curve[i].Epoch, p.Curve[i+1].Epoch)
		}
	}
	widest := 0
	for i := range p.Curve[1:] {
		widest = max(widest, p.Curve[i+1].Epoch-p.Curve[i].Epoch)
	}
	if len(p.Curve) < 250 || p.Curve[0].Epoch != 1 || widest > 32 {
		t.Errorf("of 5000 passes %d are left, from pass %d on, up to %d apart", len(p.Curve), p.Curve[0].Epoch, widest)
	}
}

func TestAMessageSaysHowLong(t *testing.T) {
	t.Parallel()
	p := told(pass("a", 4, 0.25))
	for left, want := range map[time.Duration]string{
		0:                      "",
		100 * time.Millisecond: ", about 1 s left",
		89 * time.Second:       ", about 89 s left",
		90 * time.Second:       ", about 2 min left",
		20 * time.Minute:       ", about 20 min left",
		100 * time.Minute:      ", about 2 h left",
		30 * time.Hour:         ", about 30 h left",
	} {
		want = "Training the model: a, epoch 4 of 9, loss 0.25, 40% done" + want + "."
		if got := p.Message(left); got != want {
			t.Errorf("%s: %q, want %q", left, got, want)
		}
	}
}
