package training

import (
	"context"
	"errors"
	"fmt"

	"mimeo/internal/customlabels"
	"mimeo/internal/family"
	"mimeo/internal/job"
	"mimeo/internal/manifest"
	"mimeo/internal/vault"
)

// evaluate asks the model for every test image and computes the figures. The
// weights are read back from the store, sealed and verified as they will be
// when the version is started.
func (t *training) evaluate(ctx context.Context, key vault.VersionKey, weights customlabels.Artifact) (evaluation, error) {
	var model family.Model
	samples := t.plan.test.Samples()
	predictions := make([]prediction, 0, len(samples))
	for from := 0; from < len(samples); from += batch {
		part := samples[from:min(from+batch, len(samples))]
		confidences, err := job.Step(ctx, t.run, fmt.Sprintf("predict %d", from), func(ctx context.Context) (_ [][]float32, err error) {
			if err := t.pause(ctx); err != nil {
				return nil, err
			}
			if err := t.progress(ctx, "Evaluating the model: %d of %d test images.", from, len(samples)); err != nil {
				return nil, err
			}
			if model == nil {
				if model, err = t.load(ctx, key, weights); err != nil {
					return nil, err
				}
			}
			return t.predict(ctx, model, part)
		})
		if err != nil {
			return evaluation{}, err
		}
		for i, c := range confidences {
			predictions = append(predictions, prediction{truth: t.plan.indices(part[i].Labels), confidence: c})
		}
	}
	return evaluate(len(t.plan.labels), t.plan.task, predictions), nil
}

func (t *training) load(ctx context.Context, key vault.VersionKey, weights customlabels.Artifact) (_ family.Model, err error) {
	f, err := t.family(t.plan.task)
	if err != nil {
		return nil, err
	}
	r, err := t.Vault.Open(ctx, key, weights)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	model, err := f.Load(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("load the weights of %s: %w", t.v.ARN, err)
	}
	return model, nil
}

func (t *training) predict(ctx context.Context, model family.Model, part []manifest.Sample) ([][]float32, error) {
	confidences := make([][]float32, len(part))
	err := each(ctx, len(part), func(ctx context.Context, i int) error {
		ref := imageOf(t.plan.test, part[i])
		image, err := t.decode(ctx, ref)
		if err != nil {
			return fmt.Errorf("read test image %s: %w", url(ref), err)
		}
		said, err := model.Predict(ctx, image)
		if err != nil {
			return fmt.Errorf("predict %s: %w", url(ref), err)
		}
		for _, p := range said.Probabilities {
			confidences[i] = append(confidences[i], customlabels.Confidence(p))
		}
		return nil
	})
	return confidences, err
}
