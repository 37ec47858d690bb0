package apptest

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"

	"mimeo/internal/family"
	"mimeo/internal/pixel"
)

// Ballast is a family whose models have any size and learn nothing but their
// labels: what tests of copies need. A prediction depends on every byte of
// the weights.
type Ballast struct {
	Size int64 // of a model's weights in bytes, not counting the labels
}

const maxBallastHead = 1 << 20

// Name is "ballast".
func (Ballast) Name() string { return "ballast" }

// Learns reports whether t is a task of image-level labels.
func (Ballast) Learns(t family.Task) bool { return t != family.Boxes }

// Train opens every example once and writes weights drawn from the seed.
func (b Ballast) Train(ctx context.Context, req family.TrainRequest, w io.Writer) error {
	for i, example := range req.Examples {
		if err := skim(ctx, example); err != nil {
			return &family.ExampleError{Index: i, Err: err}
		}
		if req.Progress != nil {
			req.Progress(family.Progress{Done: i + 1, Total: len(req.Examples), Phase: "lifting ballast"})
		}
	}
	head, err := json.Marshal(req.Labels)
	if err != nil {
		return fmt.Errorf("encode labels: %w", err)
	}
	if _, err := w.Write(binary.BigEndian.AppendUint32(nil, uint32(len(head)))); err != nil {
		return err
	}
	if _, err := w.Write(head); err != nil {
		return err
	}
	var seed [32]byte
	binary.BigEndian.PutUint64(seed[:], req.Seed)
	_, err = io.CopyN(w, rand.NewChaCha8(seed), b.Size)
	return err
}

func skim(ctx context.Context, example family.Example) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r, err := example.Open()
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, r)
	return errors.Join(err, r.Close())
}

// Load reads all weights and keeps their sum.
func (b Ballast) Load(ctx context.Context, r io.Reader) (family.Model, error) {
	r = bufio.NewReaderSize(r, 1<<20)
	var length [4]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, fmt.Errorf("%w: %w", family.ErrWeights, err)
	}
	n := binary.BigEndian.Uint32(length[:])
	if n > maxBallastHead {
		return nil, fmt.Errorf("%w: labels of %d bytes", family.ErrWeights, n)
	}
	head := make([]byte, n)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, fmt.Errorf("%w: %w", family.ErrWeights, err)
	}
	m := &ballast{}
	if err := json.Unmarshal(head, &m.labels); err != nil || len(m.labels) == 0 {
		return nil, fmt.Errorf("%w: no labels", family.ErrWeights)
	}
	buffer := make([]byte, 1<<16)
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n, err := r.Read(buffer)
		for _, c := range buffer[:n] {
			m.sum = m.sum*31 + uint64(c)
		}
		if errors.Is(err, io.EOF) {
			return m, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

type ballast struct {
	labels []string
	sum    uint64
}

// Labels are those that it was trained with.
func (m *ballast) Labels() []string { return m.labels }

// Predict returns a distribution that weights and image together decide.
func (m *ballast) Predict(_ context.Context, image *pixel.Image) (family.Prediction, error) {
	sum := m.sum
	for _, c := range image.Scale(8, 8).Pix {
		sum = sum*31 + uint64(c)
	}
	random := rand.New(rand.NewPCG(sum, m.sum))
	probabilities, total := make([]float64, len(m.labels)), 0.0
	for i := range probabilities {
		probabilities[i] = random.Float64()
		total += probabilities[i]
	}
	for i := range probabilities {
		probabilities[i] /= total
	}
	return family.Prediction{Probabilities: probabilities}, nil
}
