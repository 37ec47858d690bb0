package detector

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	"mimeo/internal/family"
	"mimeo/internal/family/network"
	"mimeo/internal/nn"
	"mimeo/internal/pixel"
)

// A Detector is the family. Its zero value is ready for use.
type Detector struct {
	// Workers is how many parts of a batch are worked on at once; zero means
	// one per processor. It changes no result.
	Workers int
	// Limits bound the training images; the zero value means those of Amazon
	// Rekognition Custom Labels.
	Limits pixel.Limits
	// Now is the clock that deadlines are compared with; nil means time.Now.
	Now func() time.Time

	perExample, side int // steps and the input's longer side, instead of what the design says, for tests
}

// Name is "detector".
func (d *Detector) Name() string { return "detector" }

// Learns reports whether t is Boxes.
func (d *Detector) Learns(t family.Task) bool { return t == family.Boxes }

func (d *Detector) workers() int {
	if d.Workers > 0 {
		return d.Workers
	}
	return runtime.GOMAXPROCS(0)
}

// Train implements family.Family: it reads the images into a cache, chooses a
// network for the size of the boxes and trains it.
func (d *Detector) Train(ctx context.Context, req family.TrainRequest, w io.Writer) (err error) {
	if err := d.validate(req); err != nil {
		return fmt.Errorf("train detector: %w", err)
	}
	design := d.plan(req)
	if err := req.PlanMemory(d.memory(req, design)); err != nil {
		return err
	}
	key := fingerprint(req)
	images, err := network.OpenImages(req, key, maxSide, d.Limits)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, images.Close()) }()
	slice := network.NewSlice(req, len(req.Examples)+design.steps, d.Now)
	if err := images.Prepare(ctx, slice, d.workers()); err != nil {
		return err
	}
	if design.Width, design.Height, err = proportions(images, len(req.Examples), design.side); err != nil {
		return err
	}
	weights, err := d.course(req, design, images, key).Run(ctx, slice)
	if err != nil {
		return err
	}
	return (&model{labels: req.Labels, design: design.Design, weights: weights}).write(w)
}

func (d *Detector) plan(req family.TrainRequest) plan {
	p := designFor(req)
	p.steps, p.side = cmp.Or(d.perExample*len(req.Examples), p.steps), cmp.Or(d.side, p.side)
	return p
}

// decoded is what one worker needs to decode and scale an image of the largest
// size.
const decoded = 96 << 20

// memory is how many bytes a training takes at most. How high the input is,
// is not known yet: no more than it is wide.
func (d *Detector) memory(req family.TrainRequest, p plan) int64 {
	p.Width, p.Height = p.side, p.side
	g, _ := p.graph(len(req.Labels))
	return int64(d.workers())*decoded + g.TrainingMemory(d.options())
}

// options are how networks are trained.
func (d *Detector) options() nn.TrainOptions {
	return nn.TrainOptions{
		Batch: batch, Shard: shard, Workers: d.workers(), Optimizer: nn.AdamW{Decay: 0.05}, Clip: 10, Average: 0.99,
	}
}

func (d *Detector) course(req family.TrainRequest, design plan, images *network.Images, key [32]byte) *network.Course {
	g, outputs := design.graph(len(req.Labels))
	return &network.Course{
		Graph: g, Outputs: outputs, Options: d.options(),
		Steps: design.steps, Rate: func(step int) float64 { return peakRate * nn.OneCycle(step, design.steps) },
		Seed: req.Seed, Images: images, Lesson: newLesson(req, design), Key: key, Phase: "training the network",
		Scratch: req.Scratch, File: "network",
	}
}

func (d *Detector) validate(req family.TrainRequest) error {
	if err := req.Validate(); err != nil {
		return err
	}
	if req.Task != family.Boxes {
		return fmt.Errorf("the task %s is not for a detector", req.Task)
	}
	if len(req.Labels) > maxLabels {
		return fmt.Errorf("%d labels, at most %d", len(req.Labels), maxLabels)
	}
	for _, name := range req.Labels {
		if len(name) > maxLabelLength {
			return fmt.Errorf("the label %.300q is too long", name)
		}
	}
	return nil
}

// fingerprint tells trainings apart: checkpoints of another one are thrown
// away.
func fingerprint(req family.TrainRequest) [32]byte {
	boxes := make([][]family.Box, len(req.Examples))
	for i, e := range req.Examples {
		boxes[i] = e.Boxes
	}
	text, err := json.Marshal([]any{formatVersion, req.Labels, req.Seed, boxes})
	if err != nil {
		panic(err) // cannot happen: strings and finite numbers
	}
	return sha256.Sum256(text)
}
