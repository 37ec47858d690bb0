package training

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"mimeo/internal/family"
)

// A Phase is a part of a training, in the order in which they come.
type Phase string

// The phases of a training. One that no attempt has begun has none.
const (
	CheckingImages Phase = "CHECKING_IMAGES"
	Fitting        Phase = "TRAINING"
	Evaluating     Phase = "EVALUATING"
	WritingResults Phase = "WRITING_RESULTS"
)

// A Progress is how far a training has come. It is stored with the training
// when a phase begins, once a second while it is worked on, and when a slice
// ends; it outlives the attempt, the process and the training.
type Progress struct {
	Phase Phase
	// Activity is what is being done in the phase, for people.
	Activity string
	// Done of Total parts of the phase are done.
	Done, Total int
	// Epoch, from 1, of Epochs is the pass over the examples that is being made,
	// and Loss their mean loss in it so far; zero where there are no passes.
	Epoch, Epochs int
	Loss          float64
	// Curve has the loss of each pass, the first ones first.
	Curve []Point
	// Quality is known once the model is evaluated; nil before.
	Quality *Quality
	// Seed decides all that the training draws by chance.
	Seed uint64
	// Worked is how long attempts have worked on the training, all together.
	Worked time.Duration
	// Revision grows with every change. It is never behind the clock, so that
	// it grows also where a process ended whose last changes nobody stored.
	Revision int64
}

// A Point is one pass over the examples.
type Point struct {
	Activity string
	Epoch    int
	Loss     float64
}

func (p Progress) clone() Progress {
	p.Curve = slices.Clone(p.Curve)
	return p
}

// touch notes that p has changed.
func (p *Progress) touch(now time.Time) { p.Revision = max(p.Revision+1, now.UnixMilli()) }

// Touched is p with a greater revision.
func (p Progress) Touched(now time.Time) Progress {
	p.touch(now)
	return p
}

// enter begins a phase, or comes further in it.
func (p *Progress) enter(phase Phase, activity string, done, total int) {
	p.Phase, p.Activity, p.Done, p.Total = phase, activity, done, total
	p.Epoch, p.Epochs, p.Loss = 0, 0, 0
}

// fit notes what a family tells.
func (p *Progress) fit(told family.Progress) {
	p.enter(Fitting, told.Phase, told.Done, told.Total)
	if told.Epoch == 0 {
		return
	}
	p.Epoch, p.Epochs = told.Epoch, told.Epochs
	if math.IsNaN(told.Loss) || math.IsInf(told.Loss, 0) {
		return // no number that JSON has
	}
	p.Loss = told.Loss
	p.plot(Point{told.Phase, told.Epoch, told.Loss})
}

// maxPoints bounds what is stored of a curve.
const maxPoints = 500

// plot adds a point to the curve. A pass that is told again, by an attempt that
// goes on from a checkpoint, takes the place of what came after it.
func (p *Progress) plot(x Point) {
	again := slices.IndexFunc(p.Curve, func(q Point) bool { return q.Activity == x.Activity && q.Epoch >= x.Epoch })
	if again >= 0 {
		p.Curve = p.Curve[:again]
	}
	p.Curve = append(p.Curve, x)
	if len(p.Curve) > maxPoints {
		at := p.densest()
		p.Curve = slices.Delete(p.Curve, at, at+1)
	}
}

// densest returns a point in the middle of the curve whose neighbours are as
// close as any's.
func (p *Progress) densest() int {
	at, least := 1, math.MaxInt
	for i := 1; i+1 < len(p.Curve); i++ {
		before, after := p.Curve[i-1], p.Curve[i+1]
		if gap := after.Epoch - before.Epoch; before.Activity == after.Activity && gap < least {
			at, least = i, gap
		}
	}
	return at
}

// message is the status message of a training that comes so far. left is how
// long its phase will take; zero where nobody can tell.
func (p Progress) message(left time.Duration) string {
	switch p.Phase {
	case CheckingImages:
		return fmt.Sprintf("Checking the images: %s, %d of %d.", p.Activity, p.Done, p.Total)
	case Evaluating:
		return fmt.Sprintf("Evaluating the model: %d of %d test images.", p.Done, p.Total)
	case WritingResults:
		return "Writing the results of the evaluation."
	case Fitting:
	}
	parts := []string{p.Activity}
	if p.Epoch > 0 {
		parts = append(parts, fmt.Sprintf("epoch %d of %d", p.Epoch, p.Epochs), fmt.Sprintf("loss %.4g", p.Loss))
	}
	parts = append(parts, fmt.Sprintf("%d%% done", 100*p.Done/max(1, p.Total)))
	if left > 0 {
		parts = append(parts, about(left))
	}
	return "Training the model: " + strings.Join(parts, ", ") + "."
}

// about says how long something will take, in whole units.
func about(left time.Duration) string {
	switch {
	case left < 90*time.Second:
		return fmt.Sprintf("about %d s left", max(1, int(left.Round(time.Second).Seconds())))
	case left < 90*time.Minute:
		return fmt.Sprintf("about %d min left", int(left.Round(time.Minute).Minutes()))
	default:
		return fmt.Sprintf("about %d h left", int(left.Round(time.Hour).Hours()))
	}
}
