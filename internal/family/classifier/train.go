package classifier

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"

	"mimeo/internal/descriptor"
	"mimeo/internal/family"
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
// computes every image's features and fits the head. Samples, vocabulary and
// features are its checkpoints.
func (c *Classifier) Train(ctx context.Context, req family.TrainRequest, w io.Writer) error {
	if err := c.validate(req); err != nil {
		return err
	}
	if err := req.PlanMemory(c.memory(req)); err != nil {
		return err
	}
	t := newTraining(c, req)
	v, err := t.vocabulary(ctx)
	if err != nil {
		return err
	}
	features, err := t.features(ctx, v)
	if err != nil {
		return err
	}
	if t.over() {
		return family.ErrUnfinished
	}
	const fitting = "fitting the classifier"
	t.begin(0, fitting)
	h, err := fitHead(ctx, t.fitting(features))
	if err != nil {
		return err
	}
	t.advance(fitting)
	return (&model{req.Labels, v, h}).write(w)
}

// fitting prepares the head's.
func (t *training) fitting(features [][]float32) fitting {
	f := fitting{features: features, names: len(t.TrainRequest.Labels), multi: t.Task == family.MultiLabel, workers: t.family.workers(), turn: t.TakeTurn}
	for _, e := range t.Examples {
		f.labels = append(f.labels, e.Labels)
	}
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

	total int // parts of the whole training

	mu     sync.Mutex // guards what follows, and calls of Progress
	worked bool       // this slice has got further
	done   int        // of total
}

func newTraining(c *Classifier, req family.TrainRequest) *training {
	t := &training{TrainRequest: req, family: c, fingerprint: fingerprintOf(req)}
	t.total = t.sampledImages() + len(req.Examples) + 2
	return t
}

// over reports whether the slice shall end: its deadline has come, and it has
// got further than the one before.
func (t *training) over() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.worked && t.Scratch != "" && !t.Deadline.IsZero() && !t.family.now().Before(t.Deadline)
}

// begin tells what is begun, of which earlier slices have finished some parts.
func (t *training) begin(finished int, what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count(finished, what)
}

// advance counts a part that this slice has finished, and tells of it.
func (t *training) advance(what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.worked = true
	t.count(1, what)
}

func (t *training) count(finished int, what string) {
	t.done += finished
	if t.Progress != nil {
		t.Progress(family.Progress{Done: t.done, Total: t.total, Phase: what})
	}
}

func (t *training) sampledImages() int { return min(len(t.Examples), sampledImages) }

// vocabulary returns the checkpointed vocabulary or fits it.
func (t *training) vocabulary(ctx context.Context) (*vocabulary, error) {
	const sampling, fitting = "sampling images", "fitting the vocabulary"
	if v := t.loadVocabulary(); v != nil {
		t.begin(t.sampledImages()+1, fitting)
		return v, nil
	}
	chosen := rand.New(rand.NewPCG(t.Seed, 0x73616d70)).Perm(len(t.Examples))[:t.sampledImages()]
	per := min(sampled/len(chosen), sampledEach)
	rows, err := t.eachImage(ctx, stage{
		log: "samples", what: sampling, images: chosen, width: per * sampleWidth(),
		make: func(index int, m *pixel.Image) ([]float32, error) { return sample(m, per, t.Seed, index) },
	})
	if err != nil {
		return nil, err
	}
	if t.over() {
		return nil, family.ErrUnfinished
	}
	t.begin(0, fitting)
	samples, at := unpackSamples(rows)
	v, err := fitVocabulary(ctx, samples, at, t.Seed)
	if err != nil {
		return nil, err
	}
	if err := t.saveVocabulary(v); err != nil {
		return nil, err
	}
	t.advance(fitting)
	return v, nil
}

// features returns the features of every example.
func (t *training) features(ctx context.Context, v *vocabulary) ([][]float32, error) {
	if t.over() {
		return nil, family.ErrUnfinished
	}
	all := make([]int, len(t.Examples))
	for i := range all {
		all[i] = i
	}
	return t.eachImage(ctx, stage{
		log: "features", what: "describing images", images: all, width: featureDim(),
		make: func(_ int, m *pixel.Image) ([]float32, error) { return v.features(m), nil },
	})
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
