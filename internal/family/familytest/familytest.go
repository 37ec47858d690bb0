// Package familytest is the suite that every model family passes: the sentences
// of the family contract, one by one, on pictures that it draws itself.
package familytest

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"

	"mimeo/internal/family"
)

// Run checks a family. New makes one that works on so many images at once.
func Run(t *testing.T, newFamily func(workers int) family.Family) {
	s := suite{newFamily: newFamily}
	for _, task := range []family.Task{family.SingleLabel, family.MultiLabel, family.Boxes} {
		if newFamily(1).Learns(task) {
			s.tasks = append(s.tasks, task)
		}
	}
	if len(s.tasks) == 0 {
		t.Fatal("the family learns no task")
	}
	for _, task := range s.tasks {
		t.Run("learns "+task.String(), func(t *testing.T) { s.learns(t, task) })
	}
	t.Run("same seed, same weights", s.deterministic)
	t.Run("slices", s.slices)
	t.Run("turns", s.turns)
	t.Run("memory", s.memory)
	t.Run("damaged scratch", s.damagedScratch)
	t.Run("another training's scratch", s.foreignScratch)
	t.Run("cancelled", s.cancelled)
	t.Run("bad examples", s.badExamples)
	t.Run("bad requests", s.badRequests)
	t.Run("predict", s.predict)
	t.Run("load refuses", s.loadRefuses)
	t.Run("odd sets", s.oddSets)
	t.Run("odd images", s.oddImages)
}

type suite struct {
	newFamily func(workers int) family.Family
	tasks     []family.Task // that it learns; sentences about all are checked with the first
}

// request is one for n images of each kind.
func (s suite) request(n int) family.TrainRequest {
	return request(s.tasks[0], examples(s.tasks[0], n, 1))
}

func request(task family.Task, examples []family.Example) family.TrainRequest {
	return family.TrainRequest{Labels: labels, Task: task, Examples: examples, Seed: 7}
}

func train(t *testing.T, f family.Family, req family.TrainRequest) []byte {
	t.Helper()
	var w bytes.Buffer
	if err := f.Train(t.Context(), req, &w); err != nil {
		t.Fatalf("train: %v", err)
	}
	return w.Bytes()
}

func load(t *testing.T, f family.Family, weights []byte) family.Model {
	t.Helper()
	m, err := f.Load(t.Context(), bytes.NewReader(weights))
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	return m
}

// ask returns what a model tells of an image, and checks its form.
func ask(t *testing.T, m family.Model, task family.Task, e family.Example) family.Prediction {
	t.Helper()
	img, err := decoded(e)
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.Predict(t.Context(), img)
	if err != nil {
		t.Fatalf("predict: %v", err)
	}
	if !isValid(p, task) {
		t.Errorf("no prediction of the task %s: %+v", task, p)
	}
	return p
}

// learns trains a model and asks it about images that it has not seen.
func (s suite) learns(t *testing.T, task family.Task) {
	t.Parallel()
	f := s.newFamily(2)
	m := load(t, f, train(t, f, request(task, examples(task, 7, 1))))
	if got := m.Labels(); !slices.Equal(got, labels) {
		t.Errorf("labels %q, want %q", got, labels)
	}
	least := map[family.Task]float64{family.SingleLabel: 0.9, family.MultiLabel: 0.75, family.Boxes: 0.75}[task]
	right, all := 0, 0
	for _, e := range examples(task, 4, 99) {
		r, n := score(ask(t, m, task, e), task, e)
		right, all = right+r, all+n
	}
	if float64(right) < least*float64(all) {
		t.Errorf("%d of %d are right, want %v of them", right, all, least)
	}
}

// score counts what is right of a prediction: the likeliest label, or whether
// each label is likely, or the objects that are where they should be, among as
// many as there are.
func score(p family.Prediction, task family.Task, e family.Example) (right, of int) {
	switch task {
	case family.SingleLabel:
		if slices.Index(p.Probabilities, slices.Max(p.Probabilities)) == e.Labels[0] {
			right++
		}
		return right, 1
	case family.MultiLabel:
		for l, probability := range p.Probabilities {
			if slices.Contains(e.Labels, l) == (probability > 0.5) {
				right++
			}
		}
		return right, len(p.Probabilities)
	}
	best := p.Objects[:min(len(p.Objects), len(e.Boxes))]
	for _, b := range e.Boxes {
		if slices.ContainsFunc(best, func(o family.Object) bool { return o.Label == b.Label && o.IoU(b) >= 0.5 }) {
			right++
		}
	}
	return right, len(e.Boxes)
}

// isValid reports whether a prediction has the form that its task demands.
func isValid(p family.Prediction, task family.Task) bool {
	if task != family.Boxes {
		return p.Objects == nil && len(p.Probabilities) == len(labels) && areProbabilities(p.Probabilities) &&
			(task != family.SingleLabel || isOne(p.Probabilities))
	}
	var confidences []float64
	for _, o := range p.Objects {
		confidences = append(confidences, o.Confidence)
		if o.Label < 0 || o.Label >= len(labels) || !(o.Width > 0 && o.Height > 0) || o.IoU(family.Box{Width: 1, Height: 1}) == 0 {
			return false // no label, or no place in the image
		}
	}
	slices.Reverse(confidences)
	return p.Probabilities == nil && len(p.Objects) <= family.MaxObjects && areProbabilities(confidences) && slices.IsSorted(confidences)
}

func areProbabilities(p []float64) bool {
	return !slices.ContainsFunc(p, func(v float64) bool { return !(v >= 0 && v <= 1) })
}

// isOne reports whether probabilities sum to one.
func isOne(p []float64) bool {
	var sum float64
	for _, v := range p {
		sum += v
	}
	return sum > 0.999999 && sum < 1.000001
}

func (s suite) deterministic(t *testing.T) {
	t.Parallel()
	for _, task := range s.tasks {
		req := request(task, examples(task, 2, 1)[:6])
		want := train(t, s.newFamily(1), req)
		for _, workers := range []int{1, 5} {
			if !bytes.Equal(train(t, s.newFamily(workers), req), want) {
				t.Errorf("%s: %d workers make other weights than one", task, workers)
			}
		}
		req.Scratch = t.TempDir()
		if !bytes.Equal(train(t, s.newFamily(2), req), want) {
			t.Errorf("%s: a scratch directory changes the weights", task)
		}
	}
}

func (s suite) predict(t *testing.T) {
	t.Parallel()
	f := s.newFamily(2)
	weights := train(t, f, s.request(4))
	m, again := load(t, f, weights), load(t, s.newFamily(5), weights)
	tests := examples(s.tasks[0], 2, 5)
	want := make([]family.Prediction, len(tests))
	for i, e := range tests {
		want[i] = ask(t, m, s.tasks[0], e)
	}
	done := make(chan error)
	for range 8 {
		go func() { done <- predictAll(again, tests, want) }()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	m.Labels()[0] = "changed"
	if got := m.Labels(); !slices.Equal(got, labels) {
		t.Errorf("the labels can be changed from outside: %q", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	img, err := decoded(tests[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Predict(ctx, img); !errors.Is(err, context.Canceled) {
		t.Errorf("after the context's end: got %v", err)
	}
}

// predictAll asks the model and compares every bit.
func predictAll(m family.Model, tests []family.Example, want []family.Prediction) error {
	for i, e := range tests {
		img, err := decoded(e)
		if err != nil {
			return err
		}
		got, err := m.Predict(context.Background(), img)
		if err != nil {
			return err
		}
		if !reflect.DeepEqual(got, want[i]) {
			return errors.New("a concurrent prediction differs")
		}
	}
	return nil
}
