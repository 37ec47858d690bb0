package training

import (
	"context"
	"errors"
	"fmt"

	"mimeo/internal/customlabels"
	"mimeo/internal/family"
	"mimeo/internal/job"
	"mimeo/internal/manifest"
	"mimeo/internal/pixel"
	"mimeo/internal/vault"
)

// evaluate asks the model for every test image and computes the figures. The
// weights are read back from the store, sealed and verified as they will be
// when the version is started.
func (t *training) evaluate(ctx context.Context, key vault.VersionKey, weights customlabels.Artifact) (evaluation, error) {
	q := &questions{training: t, fetch: func(ctx context.Context) (family.Model, error) { return t.load(ctx, key, weights) }}
	samples := t.plan.test.Samples()
	if t.plan.task == family.Boxes {
		all, err := ask(ctx, q, "detect", func(p family.Prediction, x manifest.Sample, h pixel.Header) []found {
			return foundIn(p, h.Orientation, int(x.Width), int(x.Height))
		})
		if err != nil {
			return evaluation{}, err
		}
		sightings := make([]sighting, len(samples))
		for i, x := range samples {
			sightings[i] = sighting{truth: t.plan.known(x.Boxes), found: all[i]}
		}
		return evaluateBoxes(len(t.plan.labels), sightings), nil
	}
	all, err := ask(ctx, q, "predict", func(p family.Prediction, _ manifest.Sample, _ pixel.Header) []float32 { return confidences(p) })
	if err != nil {
		return evaluation{}, err
	}
	predictions := make([]prediction, len(samples))
	for i, x := range samples {
		predictions[i] = prediction{truth: t.plan.indices(x.Labels), confidence: all[i]}
	}
	return evaluate(len(t.plan.labels), t.plan.task, predictions), nil
}

func confidences(p family.Prediction) []float32 {
	all := make([]float32, len(p.Probabilities))
	for i, probability := range p.Probabilities {
		all[i] = customlabels.Confidence(probability)
	}
	return all
}

// questions are those about the test images to a model, which is loaded for
// the first of them.
type questions struct {
	*training
	fetch func(context.Context) (family.Model, error)
	model family.Model
}

// ask returns what the model says of every test image, in the form that it is
// recorded in; a recorded step is a batch of images.
func ask[T any](ctx context.Context, q *questions, step string, form func(family.Prediction, manifest.Sample, pixel.Header) []T) ([][]T, error) {
	samples := q.plan.test.Samples()
	var all [][]T
	for from := 0; from < len(samples); from += batch {
		part := samples[from:min(from+batch, len(samples))]
		answers, err := job.Step(ctx, q.run, fmt.Sprintf("%s %d", step, from), func(ctx context.Context) ([][]T, error) {
			if err := q.prepare(ctx, from); err != nil {
				return nil, err
			}
			answers := make([][]T, len(part))
			return answers, q.each(ctx, len(part), func(ctx context.Context, i int) error {
				p, header, err := q.predict(ctx, part[i])
				if err == nil {
					answers[i] = form(p, part[i], header)
				}
				return err
			})
		})
		if err != nil {
			return nil, err
		}
		all = append(all, answers...)
	}
	return all, nil
}

// prepare begins a batch: the model, unless the slice is over.
func (q *questions) prepare(ctx context.Context, from int) (err error) {
	if err := q.pause(ctx); err != nil {
		return err
	}
	total := len(q.plan.test.Samples())
	if err := q.note(ctx, func(p *Progress) { p.enter(Evaluating, "asking the model for the test images", from, total) }); err != nil {
		return err
	}
	if q.model == nil {
		q.model, err = q.fetch(ctx)
	}
	return err
}

func (q *questions) predict(ctx context.Context, x manifest.Sample) (family.Prediction, pixel.Header, error) {
	ref := imageOf(q.plan.test, x)
	image, err := q.decode(ctx, ref)
	if err != nil {
		return family.Prediction{}, pixel.Header{}, fmt.Errorf("read test image %s: %w", url(ref), err)
	}
	p, err := q.model.Predict(ctx, image)
	if err != nil {
		return family.Prediction{}, pixel.Header{}, fmt.Errorf("predict %s: %w", url(ref), err)
	}
	return p, image.Header(), nil
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
