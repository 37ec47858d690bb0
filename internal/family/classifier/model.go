package classifier

import (
	"context"
	"slices"
	"sync"

	"mimeo/internal/family"
	"mimeo/internal/pixel"
)

// model implements family.Model. It is never changed.
type model struct {
	labels []string
	// vocabulary and head are one part, nil where it has no share.
	vocabulary *vocabulary
	head       *head
	// committee is the other, nil where it has no share.
	committee   *committee
	share       float64 // of the committee, 0 to 1
	calibration calibration
}

func (m *model) Labels() []string { return slices.Clone(m.labels) }

// withoutIdle forgets a part that has no share.
func (m *model) withoutIdle() *model {
	if m.share == 0 {
		m.committee = nil
	}
	if m.share == 1 {
		m.vocabulary, m.head = nil, nil
	}
	return m
}

func (m *model) Predict(ctx context.Context, img *pixel.Image) (family.Prediction, error) {
	if err := ctx.Err(); err != nil {
		return family.Prediction{}, err
	}
	var regression, networks []float64
	var wait sync.WaitGroup
	if m.committee != nil {
		wait.Go(func() { networks = m.committee.outputs(img) })
	}
	if m.head != nil {
		regression = m.head.outputs(m.vocabulary.features(img))
	}
	wait.Wait()
	return family.Prediction{Probabilities: m.calibration.probabilities(mix(regression, networks, m.share))}, nil
}
