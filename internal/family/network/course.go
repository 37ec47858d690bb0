package network

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"mimeo/internal/family"
	"mimeo/internal/nn"
	"mimeo/internal/pixel"
)

const (
	// attempts is how often a course is begun that diverges; each has a third
	// of the learning rate of the one before.
	attempts = 3
	// checkpointEvery is how much work a killed process may lose.
	checkpointEvery = 3 * time.Second
)

// A Course is what a network is taught: a number of steps, each over the next
// examples of a shuffled pass. What comes out depends on its fields, but on no worker,
// deadline or kill.
type Course struct {
	Graph   *nn.Graph
	Outputs []nn.Node
	Options nn.TrainOptions
	Steps   int
	Rate    func(step int) float64 // the learning rate, from step 0
	Seed    uint64
	Images  *Images
	// Chosen are the examples to learn from, as indices; nil: all.
	Chosen []int
	Lesson Lesson
	// Key names the course: another's checkpoint is thrown away.
	Key [32]byte
	// Phase is what people are told is being done.
	Phase string
	// Scratch is where the checkpoint lies, under File. Empty: there is none.
	Scratch, File string
}

// A Lesson draws examples and knows how well they were answered. Its methods
// are called concurrently, for different places.
type Lesson interface {
	// Draw renders an example as it is seen in this step, and remembers under
	// its place in the batch what Loss needs to know.
	Draw(d *Draft) error
	// Loss is nn.Objective's.
	Loss(place int, outputs, gradients []*nn.Tensor, at int) float64
}

// A Draft is one example of one step that is to be drawn.
type Draft struct {
	Place    int // in the batch
	Example  int
	Key      pixel.Key // of the random changes
	Renderer *pixel.Renderer
	Tensor   pixel.Tensor // to render into, of the size of the input
	course   *Course
}

// Image is the example's.
func (d *Draft) Image() (*pixel.Image, error) { return d.course.Images.Image(d.Example) }

// Partner is another example to mix this one with, drawn by a number from 0
// to 1, and its image.
func (d *Draft) Partner(drawn float64) (example int, m *pixel.Image, err error) {
	n := d.course.examples()
	example = d.course.example(min(int(drawn*float64(n)), n-1))
	m, err = d.course.Images.Image(example)
	return example, m, err
}

// Passes is how often all examples are seen, the last time perhaps in part.
func (c *Course) Passes() int {
	return (c.Steps*c.Options.Batch + c.examples() - 1) / c.examples()
}

func (c *Course) examples() int {
	if c.Chosen != nil {
		return len(c.Chosen)
	}
	return len(c.Images.examples)
}

// Run takes the course, or as much of it as the slice has time for, and then
// returns family.ErrUnfinished.
func (c *Course) Run(ctx context.Context, s *Slice) (*nn.Weights, error) {
	r := &run{Course: c, slice: s, before: s.Done(), saved: s.now()}
	r.resume()
	r.tell(false)
	for r.trainer.Steps() < c.Steps {
		if err := ctx.Err(); err != nil {
			return nil, errors.Join(err, r.save())
		}
		if s.Over() {
			return nil, r.leave()
		}
		if err := r.step(); err != nil {
			return nil, err
		}
	}
	if err := c.Graph.Check(r.trainer.Weights()); err != nil {
		return nil, fmt.Errorf("%w: %w", family.ErrDiverged, err)
	}
	return r.trainer.Weights(), r.save()
}

// run is a course in one slice.
type run struct {
	*Course
	slice   *Slice
	trainer *nn.Trainer
	checkpoint
	before   int // parts of the whole training before this course
	saved    time.Time
	shuffled []int // the order of a pass
	pass     int   // which one
	batch    []int // the examples of a step
	tools    sync.Pool
}

// tools are what one goroutine draws with.
type tools struct {
	renderer pixel.Renderer
	tensor   pixel.Tensor
	draft    Draft
}

// resume begins the course, or goes on from its checkpoint.
func (r *run) resume() {
	r.begin(0)
	if r.Scratch == "" {
		return
	}
	file, err := os.ReadFile(r.path())
	if err != nil {
		return
	}
	c, ok := decodeCheckpoint(file, r.Key)
	if !ok || c.attempt < 0 || c.attempt >= attempts || r.trainer.SetState(c.state) != nil {
		r.begin(0)
		return
	}
	r.checkpoint = c
}

func (r *run) path() string { return filepath.Join(r.Scratch, r.File) }

func (r *run) begin(attempt int) {
	r.checkpoint = checkpoint{attempt: attempt}
	options := r.Options
	options.Turn = r.slice.request.Turn
	r.trainer = nn.NewTrainer(r.Graph, r.Graph.NewWeights(r.Seed), options, r.Outputs...)
}

// step makes one step. One after which the loss is no number begins the course again.
func (r *run) step() error {
	step := r.trainer.Steps()
	if r.passOf(step) != r.passOf(step-1) {
		r.sum, r.counted = 0, 0
	}
	r.choose(step)
	loss, err := r.trainer.Step(r.Rate(step)*math.Pow(1.0/3, float64(r.attempt)), r)
	if err != nil {
		return err
	}
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		if r.attempt+1 == attempts {
			return family.ErrDiverged
		}
		r.begin(r.attempt + 1)
		return r.save()
	}
	r.sum, r.counted = r.sum+loss, r.counted+1
	r.tell(true)
	if r.slice.now().Sub(r.saved) >= checkpointEvery {
		return r.save()
	}
	return nil
}

// passOf is the pass that a step begins in; of the step before the first there is
// none.
func (r *run) passOf(step int) int {
	if step < 0 {
		return -1
	}
	return step * r.Options.Batch / r.examples()
}

func (r *run) tell(worked bool) {
	step := max(r.trainer.Steps()-1, 0)
	p := family.Progress{Phase: r.Phase, Epoch: r.passOf(step) + 1, Epochs: r.Passes()}
	if r.counted > 0 {
		p.Loss = r.sum / float64(r.counted)
	}
	r.slice.Reach(r.before+r.trainer.Steps(), worked, p)
}

// leave ends the slice.
func (r *run) leave() error {
	if err := r.save(); err != nil {
		return err
	}
	return family.ErrUnfinished
}

func (r *run) save() error {
	if r.Scratch == "" {
		return nil
	}
	r.saved = r.slice.now()
	r.state = r.trainer.AppendState(r.state[:0])
	return r.checkpoint.save(r.path(), r.Key)
}

// order returns the examples of a pass as they are seen.
func (r *run) order(pass int) []int {
	if r.shuffled == nil || pass != r.pass {
		r.shuffled, r.pass = rand.New(rand.NewPCG(r.Seed, uint64(pass))).Perm(r.examples()), pass
	}
	return r.shuffled
}

// choose finds the examples of a step.
func (r *run) choose(step int) {
	r.batch = r.batch[:0]
	for place := range r.Options.Batch {
		position := step*r.Options.Batch + place
		r.batch = append(r.batch, r.example(r.order(position / r.examples())[position%r.examples()]))
	}
}

// example is the ith of those that the course has chosen.
func (c *Course) example(i int) int {
	if c.Chosen != nil {
		return c.Chosen[i]
	}
	return i
}

// Fill implements nn.Objective for the step that is being made.
func (r *run) Fill(place int, input *nn.Tensor, at int) error {
	t, ok := r.tools.Get().(*tools)
	if !ok {
		t = &tools{tensor: pixel.NewTensor(input.Width, input.Height)}
	}
	defer r.tools.Put(t)
	t.draft = Draft{
		Place: place, Example: r.batch[place], Key: pixel.Key{Seed: r.Seed, Step: uint64(r.trainer.Steps()), Image: uint64(place)},
		Renderer: &t.renderer, Tensor: t.tensor, course: r.Course,
	}
	err := r.Lesson.Draw(&t.draft)
	if err == nil {
		input.SetPlanes(at, t.tensor.Data)
	}
	return err
}

// Loss implements nn.Objective.
func (r *run) Loss(place int, outputs, gradients []*nn.Tensor, at int) float64 {
	return r.Lesson.Loss(place, outputs, gradients, at)
}
