package family

import "fmt"

// A Task is what a model tells of an image.
type Task int

// The tasks.
const (
	// SingleLabel: an image shows exactly one of the labels.
	SingleLabel Task = iota
	// MultiLabel: an image shows any number of the labels, so that each has a
	// probability of its own.
	MultiLabel
	// Boxes: an image shows any number of objects, each with a label and a
	// bounding box.
	Boxes
)

// tasks are their names.
var tasks = [...]string{SingleLabel: "single-label", MultiLabel: "multi-label", Boxes: "boxes"}

func (t Task) String() string {
	if t < 0 || int(t) >= len(tasks) {
		return fmt.Sprintf("task %d", int(t))
	}
	return tasks[t]
}

// Validate fails where a request breaks the sentences of the contract that can
// be checked without opening an image.
func (r TrainRequest) Validate() error {
	if len(r.Labels) == 0 || len(r.Examples) == 0 {
		return fmt.Errorf("%d labels and %d examples", len(r.Labels), len(r.Examples))
	}
	seen := map[string]bool{}
	for _, name := range r.Labels {
		if seen[name] {
			return fmt.Errorf("the label %.300q is repeated", name)
		}
		seen[name] = true
	}
	for i, e := range r.Examples {
		if err := r.validate(e); err != nil {
			return fmt.Errorf("example %d: %w", i, err)
		}
	}
	return nil
}

func (r TrainRequest) validate(e Example) error {
	switch {
	case r.Task == SingleLabel && len(e.Labels) != 1, r.Task == Boxes && len(e.Labels) != 0:
		return fmt.Errorf("%d labels for the task %s", len(e.Labels), r.Task)
	case r.Task != Boxes && len(e.Boxes) != 0:
		return fmt.Errorf("%d boxes for the task %s", len(e.Boxes), r.Task)
	}
	shown := map[int]bool{}
	for _, l := range e.Labels {
		if l < 0 || l >= len(r.Labels) || shown[l] {
			return fmt.Errorf("it has label %d of %d, or has it twice", l, len(r.Labels))
		}
		shown[l] = true
	}
	for _, b := range e.Boxes {
		if b.Label < 0 || b.Label >= len(r.Labels) || !b.IsInside() {
			return fmt.Errorf("it has the box %+v of %d labels", b, len(r.Labels))
		}
	}
	return nil
}
