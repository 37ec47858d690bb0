package classifier_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"mimeo/internal/family"
	"mimeo/internal/family/classifier"
)

// said are outputs about examples that show one of three labels, or any number of
// them. The larger the noise, the less they know; without scale they know nothing.
func said(labels [][]int, seed uint64, scale, noise float64) [][]float64 {
	random := rand.New(rand.NewPCG(seed, 9))
	out := make([][]float64, len(labels))
	for i, shown := range labels {
		for l := range 3 {
			v := -scale
			if slices.Contains(shown, l) {
				v = scale
			}
			out[i] = append(out[i], v+noise*random.NormFloat64())
		}
	}
	return out
}

func TestShare(t *testing.T) {
	t.Parallel()
	one, some := make([][]int, 150), make([][]int, 150)
	for i := range one {
		one[i] = []int{i % 3}
		for l := range 3 {
			if i>>l&1 == 1 {
				some[i] = append(some[i], l)
			}
		}
	}
	for task, labels := range map[family.Task][][]int{family.SingleLabel: one, family.MultiLabel: some} {
		for name, c := range map[string]struct {
			regression, networks [][]float64
			least, most          float64
		}{
			"networks know nothing":      {said(labels, 1, 1, 1), said(labels, 2, 0, 3), 0, 0},
			"the regression knows least": {said(labels, 1, 0, 1), said(labels, 2, 3, 3), 0.8, 1},
			"both know as much":          {said(labels, 1, 1, 1), said(labels, 2, 3, 3), 0.3, 0.7},
			"both say the same":          {said(labels, 1, 1, 1), said(labels, 1, 1, 1), 0, 0},
		} {
			if got := classifier.ShareOf(task, labels, c.regression, c.networks); got < c.least || got > c.most {
				t.Errorf("%s, %s: the networks' share is %v, want %v to %v", task, name, got, c.least, c.most)
			}
		}
	}
}

// TestFolds: the examples of each set of labels are in all folds alike.
func TestFolds(t *testing.T) {
	t.Parallel()
	req := family.TrainRequest{Seed: 3}
	shown := [][]int{{0}, {1}, nil, {0, 1}, {2}}
	for i := range 90 {
		req.Examples = append(req.Examples, family.Example{Labels: shown[i%len(shown)]})
	}
	count := map[[2]int]int{}
	for i, fold := range classifier.Folds(req, 3) {
		count[[2]int{i % len(shown), fold}]++
	}
	for kind := range shown {
		for fold := range 3 {
			if got := count[[2]int{kind, fold}]; got != 6 {
				t.Errorf("fold %d has %d of the 18 examples with %v, want 6", fold, got, shown[kind])
			}
		}
	}
}

func TestFoldsOfOneAreLeftOut(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(4, 4))
	features, labels := make([][]float32, 12), make([][]int, 12)
	for i := range features {
		labels[i] = []int{i % 3}
		for range 5 {
			features[i] = append(features[i], random.Float32())
		}
	}
	got, want, err := classifier.LeftOutTwice(t.Context(), features, labels, 3)
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		for l := range want[i] {
			if math.Abs(got[i][l]-want[i][l]) > 1e-9 {
				t.Errorf("example %d without its own fold: %v, want %v", i, got[i], want[i])
			}
		}
	}
}
