package training_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"time"

	"mimeo/internal/family"
	"mimeo/internal/pixel"
)

// colours is a family whose models know a label by its mean colour. It learns
// in a moment; every slice gets at least one image further.
type colours struct{}

type centroids struct {
	Done   int
	Labels []string
	Sum    [][3]float64
	Images []int
}

func (colours) Name() string { return "colours" }

func (colours) Learns(t family.Task) bool { return t != family.Boxes }

func (colours) Train(ctx context.Context, req family.TrainRequest, w io.Writer) error {
	checkpoint := filepath.Join(req.Scratch, "sums")
	c := centroids{Labels: req.Labels, Sum: make([][3]float64, len(req.Labels)), Images: make([]int, len(req.Labels))}
	if b, err := os.ReadFile(checkpoint); err == nil {
		if err := json.Unmarshal(b, &c); err != nil {
			return fmt.Errorf("read checkpoint: %w", err)
		}
	}
	for c.Done < len(req.Examples) {
		if err := ctx.Err(); err != nil {
			return err
		}
		mean, err := meanOf(req.Examples[c.Done].Open)
		if err != nil {
			return &family.ExampleError{Index: c.Done, Err: err}
		}
		for _, l := range req.Examples[c.Done].Labels {
			c.Images[l]++
			for i := range mean {
				c.Sum[l][i] += mean[i]
			}
		}
		c.Done++
		req.Progress(family.Progress{Done: c.Done, Total: len(req.Examples), Phase: "mixing colours"})
		if c.Done < len(req.Examples) && !req.Deadline.IsZero() && !time.Now().Before(req.Deadline) {
			b, err := json.Marshal(c)
			if err != nil {
				return err
			}
			return errors.Join(os.WriteFile(checkpoint, b, 0o600), family.ErrUnfinished)
		}
	}
	return json.NewEncoder(w).Encode(c)
}

func meanOf(open func() (io.ReadCloser, error)) (mean [3]float64, err error) {
	r, err := open()
	if err != nil {
		return mean, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	m, err := pixel.Decode(r, pixel.Limits{})
	if err != nil {
		return mean, err
	}
	return colour(m), nil
}

func colour(m *pixel.Image) [3]float64 {
	one := m.Scale(1, 1)
	r, g, b := one.At(0, 0)
	return [3]float64{float64(r), float64(g), float64(b)}
}

func (colours) Load(_ context.Context, r io.Reader) (family.Model, error) {
	var c centroids
	if err := json.NewDecoder(r).Decode(&c); err != nil {
		return nil, fmt.Errorf("%w: %w", family.ErrWeights, err)
	}
	return palette{c}, nil
}

type palette struct{ centroids }

func (p palette) Labels() []string { return p.centroids.Labels }

// Predict gives each label the share that its nearness has.
func (p palette) Predict(_ context.Context, m *pixel.Image) (family.Prediction, error) {
	return family.Prediction{Probabilities: p.shares(colour(m))}, nil
}

func (c centroids) shares(is [3]float64) []float64 {
	p, total := make([]float64, len(c.Labels)), 0.0
	for l := range c.Labels {
		distance := 0.0
		for i := range is {
			d := is[i] - c.Sum[l][i]/float64(max(1, c.Images[l]))
			distance += d * d
		}
		p[l] = math.Exp(-distance / 2000)
		total += p[l]
	}
	for l := range p {
		p[l] /= total
	}
	return p
}
