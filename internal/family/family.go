// Package family is the contract of the model families: the kinds of model
// that mimeo can train, store, load again and ask. Every implementation passes
// familytest.Run.
package family

import (
	"context"
	"errors"
	"io"
	"time"

	"mimeo/internal/pixel"
)

// ErrUnfinished is returned by Train when its deadline has come. Its progress
// lies in the scratch directory: call Train again with the same request.
var ErrUnfinished = errors.New("training is not finished yet")

// ErrWeights is wrapped by every error of Load that the bytes caused: they are
// not weights of this family, or damaged.
var ErrWeights = errors.New("not the weights of a model of this family")

// ErrDiverged is wrapped by the error of a training whose loss is no number any more,
// also after it was begun again with lower learning rates.
var ErrDiverged = errors.New("the training diverges: its loss is not finite, also with lower learning rates")

// A Family trains one kind of model. Its methods may be called concurrently.
type Family interface {
	// Name is the family's name as weights and records carry it, such as
	// "classifier". It never changes.
	Name() string
	// Learns reports whether the family trains models for a task. Train fails
	// for any other.
	Learns(t Task) bool
	// Train fits a model to the examples and writes its weights to w.
	//
	// The weights depend on the labels, the examples in their order, Task and
	// Seed; not on the number of processors, on how often the training was
	// cut into slices, or on time. Images are opened one per worker and no more
	// than a bounded part of them is kept in memory.
	//
	// Nothing is written to w before the training is done. When ctx ends, Train
	// soon returns its error. The error of an example that cannot be opened or
	// decoded is an *ExampleError.
	Train(ctx context.Context, req TrainRequest, w io.Writer) error
	// Load reads the weights of one model, all of r. It reads a bounded amount
	// and fails with ErrWeights on anything that Train did not write.
	Load(ctx context.Context, r io.Reader) (Model, error)
}

// A TrainRequest is what a model shall be made of.
type TrainRequest struct {
	// Labels are the names of what the model shall tell apart, at least one,
	// each once. Probabilities come in this order.
	Labels []string
	// Task is what the model shall tell of an image.
	Task Task
	// Examples are the training images, at least one.
	Examples []Example
	// Seed decides everything that is drawn by chance.
	Seed uint64
	// Scratch is an empty directory that belongs to this training and is kept
	// until it ends; Train keeps its checkpoints there. A checkpoint that is
	// damaged is made anew. Empty: no checkpoints.
	Scratch string
	// Deadline ends a slice: soon after it Train returns ErrUnfinished, its
	// work kept in Scratch. Every slice gets further, however short it is. Zero,
	// or no Scratch: no deadline.
	Deadline time.Time
	// Progress, if set, is told how far the training is: when a phase begins,
	// and whenever a part of it is done. It is called from one goroutine at a
	// time and must return soon.
	Progress func(Progress)
	// Turn, if set, waits until a processor may be used, and returns how to give
	// it back. Every worker calls TakeTurn before each piece of its work, of some
	// tens of milliseconds such as one image, and ends the turn after it, before
	// it waits for other workers. There may be any number of workers.
	Turn func() (end func())
	// Memory, if set, is told how many bytes Train is going to take at most,
	// before it takes them, in each slice. It may wait until they are free. Where
	// it fails, Train returns its error and has done nothing. See PlanMemory.
	Memory func(bytes int64) error
}

// PlanMemory tells how many bytes the training needs, where somebody wants to
// know it.
func (r TrainRequest) PlanMemory(bytes int64) error {
	if r.Memory == nil {
		return nil
	}
	return r.Memory(bytes)
}

// TakeTurn calls Turn where it is set.
func (r TrainRequest) TakeTurn() (end func()) {
	if r.Turn == nil {
		return func() {}
	}
	return r.Turn()
}

// A Progress is how far a training is.
type Progress struct {
	// Done of Total parts of the whole training are done, those of earlier
	// slices included. Within a slice Done never falls; Total never changes; the
	// last call of a training has Done equal to Total.
	Done, Total int
	// Phase is what is being done, a phrase for people such as "describing
	// images".
	Phase string
	// Epoch, from 1, is the pass over the examples that is being made, of
	// Epochs. Both are zero in a phase that does not work in passes.
	Epoch, Epochs int
	// Loss is the mean loss of the training examples in this pass so far. It is
	// finite, and meaningless where Epoch is zero.
	Loss float64
}

// An Example is one labelled training image.
type Example struct {
	// Open opens the file, JPEG or PNG. It may be called more than once and
	// concurrently with other examples'.
	Open func() (io.ReadCloser, error)
	// Labels are indices into TrainRequest.Labels: exactly one for SingleLabel;
	// any number, each once, for MultiLabel; none for Boxes.
	Labels []int
	// Boxes are all objects that the image shows, for Boxes only; there may be
	// none.
	Boxes []Box
}

// A Model is a trained model in memory. Its methods may be called
// concurrently.
type Model interface {
	// Labels are those of the training request, in its order.
	Labels() []string
	// Predict tells what an image shows. The same weights and the same image
	// give the same bits on every processor of one architecture, before and
	// after a Load, alone and beside other calls.
	Predict(ctx context.Context, m *pixel.Image) (Prediction, error)
}

// A Prediction is what a model says of one image. It belongs to the caller.
type Prediction struct {
	// Probabilities has one per label, 0 to 1. Those of a SingleLabel model sum
	// to one. Nil for Boxes.
	Probabilities []float64
	// Objects are those that a Boxes model sees, the most confident first, at
	// most MaxObjects, however unsure the model is of the last of them: who
	// asks applies the threshold.
	Objects []Object
}

// An ExampleError says which example could not be used.
type ExampleError struct {
	Index int // into TrainRequest.Examples
	Err   error
}

func (e *ExampleError) Error() string { return "training image: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *ExampleError) Unwrap() error { return e.Err }
