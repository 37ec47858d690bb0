// Package familytest is the suite that every model family passes: the sentences
// of the family contract, one by one, on pictures that it draws itself.
package familytest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"

	"mimeo/internal/family"
)

// Run checks a family. New makes one that works on so many images at once.
func Run(t *testing.T, newFamily func(workers int) family.Family) {
	s := suite{newFamily}
	t.Run("learns one label", s.learnsSingle)
	t.Run("learns many labels", s.learnsMulti)
	t.Run("same seed, same weights", s.deterministic)
	t.Run("slices", s.slices)
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
}

func request(examples []family.Example, isMulti bool) family.TrainRequest {
	return family.TrainRequest{Labels: labels, MultiLabel: isMulti, Examples: examples, Seed: 7}
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

func ask(t *testing.T, m family.Model, e family.Example) []float64 {
	t.Helper()
	img, err := decoded(e)
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.Predict(t.Context(), img)
	if err != nil {
		t.Fatalf("predict: %v", err)
	}
	return p
}

func (s suite) learnsSingle(t *testing.T) {
	t.Parallel()
	f := s.newFamily(2)
	m := load(t, f, train(t, f, request(single(12, 1), false)))
	if got := m.Labels(); !slices.Equal(got, labels) {
		t.Errorf("labels %q, want %q", got, labels)
	}
	right := 0
	tests := single(10, 99)
	for _, e := range tests {
		p := ask(t, m, e)
		if !isDistribution(p, len(labels)) {
			t.Errorf("probabilities %v do not sum to one", p)
		}
		if slices.Index(p, slices.Max(p)) == e.Labels[0] {
			right++
		}
	}
	if 10*right < 9*len(tests) {
		t.Errorf("%d of %d pictures are recognised", right, len(tests))
	}
}

func (s suite) learnsMulti(t *testing.T) {
	t.Parallel()
	f := s.newFamily(2)
	m := load(t, f, train(t, f, request(multi(7, 1), true)))
	right, all := 0, 0
	for _, e := range multi(4, 99) {
		for l, p := range ask(t, m, e) {
			if p < 0 || p > 1 {
				t.Errorf("probability %v", p)
			}
			if slices.Contains(e.Labels, l) == (p > 0.5) {
				right++
			}
			all++
		}
	}
	if 100*right < 75*all {
		t.Errorf("%d of %d labels are right", right, all)
	}
}

func isDistribution(p []float64, n int) bool {
	var sum float64
	for _, v := range p {
		if !(v >= 0 && v <= 1) {
			return false
		}
		sum += v
	}
	return len(p) == n && sum > 0.999999 && sum < 1.000001
}

func (s suite) deterministic(t *testing.T) {
	t.Parallel()
	for _, isMulti := range []bool{false, true} {
		req := request(single(3, 1), isMulti)
		want := train(t, s.newFamily(1), req)
		for _, workers := range []int{1, 5} {
			if !bytes.Equal(train(t, s.newFamily(workers), req), want) {
				t.Errorf("%d workers make other weights than one", workers)
			}
		}
		req.Scratch = t.TempDir()
		if !bytes.Equal(train(t, s.newFamily(2), req), want) {
			t.Error("a scratch directory changes the weights")
		}
	}
}

func (s suite) predict(t *testing.T) {
	t.Parallel()
	f := s.newFamily(2)
	weights := train(t, f, request(single(4, 1), false))
	m, again := load(t, f, weights), load(t, s.newFamily(5), weights)
	tests := single(2, 5)
	want := make([][]float64, len(tests))
	for i, e := range tests {
		want[i] = ask(t, m, e)
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
func predictAll(m family.Model, tests []family.Example, want [][]float64) error {
	for i, e := range tests {
		img, err := decoded(e)
		if err != nil {
			return err
		}
		got, err := m.Predict(context.Background(), img)
		if err != nil {
			return err
		}
		if !slices.Equal(got, want[i]) {
			return errors.New("a concurrent prediction differs")
		}
	}
	return nil
}
