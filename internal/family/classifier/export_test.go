package classifier

import (
	"bytes"
	"context"

	"mimeo/internal/family"
	"mimeo/internal/ridge"
)

// WithoutNetworks returns a family for which there is never enough data for
// networks.
func WithoutNetworks() *Classifier {
	r := standard
	r.least = maxExamples + 1
	return &Classifier{own: &r}
}

// WithLandmarks is WithoutNetworks with heads that have few landmarks.
func WithLandmarks(n, workers int) *Classifier {
	c := WithoutNetworks()
	c.Workers, c.landmarks = workers, n
	return c
}

// WithSmallNetworks returns a family that trains tiny networks, and uses them,
// whatever there is to learn from.
func WithSmallNetworks(workers int) *Classifier {
	return &Classifier{Workers: workers, own: &recipe{
		architecture: architecture{side: 16, width: 16, stages: 2},
		folds:        2, batch: 16, rate: 1e-3, images: 32, shares: []float64{0.01},
	}}
}

// WithShortNetworks returns a family whose networks see small images, and few.
func WithShortNetworks() *Classifier {
	r := standard
	r.side, r.folds, r.images, r.perExample = 32, 2, 3000, 0
	return &Classifier{own: &r}
}

// Share is the networks' part of a model.
func Share(m family.Model) float64 { return m.(*model).share } //nolint:forcetypeassert // it is this family's

// ShareOf returns the share that outputs for unseen examples give to networks.
func ShareOf(task family.Task, labels [][]int, regression, networks [][]float64) float64 {
	t := truth{labels, len(regression[0]), task == family.MultiLabel}
	return t.share(regression, networks, standard.shares)
}

// Folds returns the fold of each example.
func Folds(req family.TrainRequest, folds int) []int {
	return (&training{TrainRequest: req}).folds(folds)
}

// NetworksAlone are the weights of a model of two labels, "a" and "b", that is
// networks as they begin.
func NetworksAlone(task family.Task) []byte {
	a := architecture{side: 16, width: 16, stages: 2}
	graph, _ := a.graph(2)
	m := &model{
		labels: []string{"a", "b"}, share: 1, committee: newCommittee(a, 2, graph.NewWeights(1), graph.NewWeights(2)),
		calibration: calibration{multi: task == family.MultiLabel, softmax: ridge.Softmax{Slope: 3}, sigmoids: make([]ridge.Sigmoid, 2)},
	}
	var b bytes.Buffer
	if err := m.write(&b); err != nil {
		panic(err) // cannot happen: a buffer
	}
	return b.Bytes()
}

// LeftOutTwice returns the outputs for each example of a regression on all others:
// by folds of one example, and by the formula for left-out ones.
func LeftOutTwice(ctx context.Context, features [][]float32, labels [][]int, names int) (folds, formula [][]float64, err error) {
	f := fitting{truth: truth{labels: labels, names: names}, features: features, workers: 1, turn: family.TrainRequest{}.TakeTurn}
	for i := range features {
		f.fold, f.landmarks = append(f.fold, i), append(f.landmarks, i)
	}
	const penalty = 0.1
	k, err := f.kernels(ctx)
	if err != nil {
		return nil, nil, err
	}
	fit, err := k.solve(f.targets(), penalty)
	if err != nil {
		return nil, nil, err
	}
	folds, err = f.foldsOut(k, f.targets(), penalty)
	return folds, rowsOf(fit.LeftOut), err
}
