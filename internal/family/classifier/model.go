package classifier

import (
	"context"
	"slices"

	"mimeo/internal/family"
	"mimeo/internal/pixel"
)

// model implements family.Model. It is never changed.
type model struct {
	labels     []string
	vocabulary *vocabulary
	head       *head
}

func (m *model) Labels() []string { return slices.Clone(m.labels) }

func (m *model) Predict(ctx context.Context, img *pixel.Image) (family.Prediction, error) {
	if err := ctx.Err(); err != nil {
		return family.Prediction{}, err
	}
	return family.Prediction{Probabilities: m.head.probabilities(m.vocabulary.features(img))}, nil
}
