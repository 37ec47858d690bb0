package classifier

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"

	"mimeo/internal/descriptor"
	"mimeo/internal/family"
	"mimeo/internal/family/network"
	"mimeo/internal/pixel"
)

const (
	// sampled is how many descriptors of each channel the vocabulary is fitted
	// to at most, sampledImages from how many images, and sampledEach from one.
	sampled       = 20_000
	sampledImages = 200
	sampledEach   = 400
	// maxExamples bounds the memory of a training: 39 KB an image.
	maxExamples = 20_000
	// maxLandmarks is up to how many examples the head is exact; of more, as
	// many are its landmarks.
	maxLandmarks = 2500
)

// Train implements family.Family: it samples descriptors, fits the vocabulary,
// computes every image's features, fits the head, trains networks where there is
// enough data, and fuses both. What each of these steps has made is its checkpoint.
func (c *Classifier) Train(ctx context.Context, req family.TrainRequest, w io.Writer) error {
	if err := c.validate(req); err != nil {
		return err
	}
	if err := req.PlanMemory(c.memory(req)); err != nil {
		return err
	}
	t, err := newTraining(c, req)
	if err != nil {
		return err
	}
	m, err := t.train(ctx)
	if err := errors.Join(err, t.images.Close()); err != nil {
		return err
	}
	return m.write(w)
}

func (t *training) train(ctx context.Context) (*model, error) {
	v, err := t.vocabulary(ctx)
	if err != nil {
		return nil, err
	}
	r, err := t.regression(ctx, v)
	if err != nil {
		return nil, err
	}
	m := &model{labels: t.Labels, vocabulary: v, head: r.head}
	var heldOut [][]float64
	if t.fold != nil {
		if m.committee, heldOut, err = t.committee(ctx, r.foldOut); err != nil {
			return nil, err
		}
	}
	if m.committee != nil {
		m.share = t.truth().share(r.foldOut, heldOut, t.family.recipe().shares)
	}
	m.calibration = t.truth().calibrate(mixAll(r.leftOut, heldOut, m.share))
	return m.withoutIdle(), nil
}

// regression returns the checkpointed regression, or fits it.
func (t *training) regression(ctx context.Context, v *vocabulary) (*regression, error) {
	fitting := family.Progress{Phase: "fitting the classifier"}
	if r := t.loadRegression(); r != nil {
		t.slice.Skip(len(t.Examples)+1, fitting)
		return r, nil
	}
	features, err := t.features(ctx, v)
	if err != nil {
		return nil, err
	}
	if t.slice.Over() {
		return nil, family.ErrUnfinished
	}
	t.slice.Skip(0, fitting)
	r, err := t.fitting(features).fit(ctx)
	if err != nil {
		return nil, err
	}
	if err := t.saveRegression(r); err != nil {
		return nil, err
	}
	t.slice.Advance(1, fitting)
	return r, nil
}

func (t *training) truth() truth {
	out := truth{names: len(t.Labels), multi: t.Task == family.MultiLabel}
	for _, e := range t.Examples {
		out.labels = append(out.labels, e.Labels)
	}
	return out
}

// fitting prepares the head's.
func (t *training) fitting(features [][]float32) fitting {
	f := fitting{truth: t.truth(), features: features, fold: t.fold, workers: t.family.workers(), turn: t.TakeTurn}
	f.landmarks = rand.New(rand.NewPCG(t.Seed, 0x6c616e64)).Perm(len(features))
	f.landmarks = f.landmarks[:min(len(features), t.family.mostLandmarks())]
	slices.Sort(f.landmarks)
	return f
}

func (c *Classifier) validate(req family.TrainRequest) error {
	if err := req.Validate(); err != nil {
		return fmt.Errorf("train classifier: %w", err)
	}
	if !c.Learns(req.Task) || len(req.Labels) > maxLabels || len(req.Examples) > maxExamples {
		return fmt.Errorf("train classifier: %d labels of at most %d, %d examples of at most %d, task %s",
			len(req.Labels), maxLabels, len(req.Examples), maxExamples, req.Task)
	}
	for _, name := range req.Labels {
		if len(name) > maxLabelLength {
			return fmt.Errorf("train classifier: label %.300q is too long", name)
		}
	}
	return nil
}

// training is one call of Train.
type training struct {
	family.TrainRequest
	family      *Classifier
	fingerprint fingerprint
	fold        []int // of each example, for networks; nil where there is not enough data for them
	images      *network.Images
	slice       *network.Slice
}

func newTraining(c *Classifier, req family.TrainRequest) (t *training, err error) {
	t = &training{TrainRequest: req, family: c, fingerprint: fingerprintOf(req)}
	parts := t.sampledImages() + len(req.Examples) + 2
	side, r := 0, c.recipe()
	if r.enough(len(req.Examples), len(req.Labels)) {
		t.fold = t.folds(r.folds)
		side = r.side * 3 / 2 // crops are enlarged
		parts += r.folds * r.steps(len(req.Examples))
	}
	t.slice = network.NewSlice(req, parts, c.Now)
	t.images, err = network.OpenImages(req, t.fingerprint, side, c.Limits)
	return t, err
}

func (t *training) sampledImages() int { return min(len(t.Examples), sampledImages) }

// vocabulary returns the checkpointed vocabulary or fits it.
func (t *training) vocabulary(ctx context.Context) (*vocabulary, error) {
	fitting := family.Progress{Phase: "fitting the vocabulary"}
	if v := t.loadVocabulary(); v != nil {
		t.slice.Skip(t.sampledImages()+1, fitting)
		return v, nil
	}
	chosen := rand.New(rand.NewPCG(t.Seed, 0x73616d70)).Perm(len(t.Examples))[:t.sampledImages()]
	per := min(sampled/len(chosen), sampledEach)
	rows, err := t.eachImage(ctx, stage{
		log: "samples", what: "sampling images", images: chosen, width: per * sampleWidth(),
		make: func(index int, m *pixel.Image) ([]float32, error) { return sample(m, per, t.Seed, index) },
	})
	if err != nil {
		return nil, err
	}
	if t.slice.Over() {
		return nil, family.ErrUnfinished
	}
	t.slice.Skip(0, fitting)
	samples, at := unpackSamples(rows)
	v, err := fitVocabulary(ctx, samples, at, t.Seed)
	if err != nil {
		return nil, err
	}
	if err := t.saveVocabulary(v); err != nil {
		return nil, err
	}
	t.slice.Advance(1, fitting)
	return v, nil
}

// features returns the features of every example.
func (t *training) features(ctx context.Context, v *vocabulary) ([][]float32, error) {
	if t.slice.Over() {
		return nil, family.ErrUnfinished
	}
	return t.eachImage(ctx, stage{
		log: "features", what: "describing images", images: t.all(), width: featureDim(),
		make: func(_ int, m *pixel.Image) ([]float32, error) { return v.features(m), nil },
	})
}

// all are the numbers of the examples.
func (t *training) all() []int {
	all := make([]int, len(t.Examples))
	for i := range all {
		all[i] = i
	}
	return all
}

// sampleWidth is how many values one sampled place has: every channel's
// descriptor and the coordinates.
func sampleWidth() int {
	sum := 2
	for _, c := range channels {
		sum += c.dim
	}
	return sum
}

// sample draws places in an image, with repetition.
func sample(m *pixel.Image, count int, seed uint64, index int) ([]float32, error) {
	random := rand.New(rand.NewPCG(seed, uint64(index)))
	levels := pyramid(m)
	at := places(levels)
	if len(at) == 0 {
		return nil, errors.New("the image is too narrow to describe")
	}
	var local [len(channels)]*descriptor.Set
	for i, c := range channels {
		local[i] = c.local(levels)
	}
	out := make([]float32, 0, count*sampleWidth())
	for range count {
		i := random.IntN(len(at))
		for _, set := range local {
			out = append(out, set.Row(i)...)
		}
		out = append(out, at[i].X, at[i].Y)
	}
	return out, nil
}

func unpackSamples(rows [][]float32) (samples [len(channels)]*descriptor.Set, at []descriptor.Point) {
	for i, c := range channels {
		samples[i] = &descriptor.Set{Dim: c.dim}
	}
	for _, row := range rows {
		for ; len(row) > 0; row = row[2:] {
			for i, c := range channels {
				samples[i].Data = append(samples[i].Data, row[:c.dim]...)
				row = row[c.dim:]
			}
			at = append(at, descriptor.Point{X: row[0], Y: row[1]})
		}
	}
	return samples, at
}
