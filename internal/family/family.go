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

// A Family trains one kind of model. Its methods may be called concurrently.
type Family interface {
	// Name is the family's name as weights and records carry it, such as
	// "classifier". It never changes.
	Name() string
	// Train fits a model to the examples and writes its weights to w.
	//
	// The weights depend on the labels, the examples in their order, MultiLabel
	// and Seed; not on the number of processors, on how often the training was
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
	// MultiLabel says that an image may show any number of the labels, so that
	// each has a probability of its own. Otherwise an image shows exactly one
	// and the probabilities sum to one.
	MultiLabel bool
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
	// Progress, if set, is told what is being done and how far it is: done of
	// total, which grow with the whole training, and a phrase for people such
	// as "describing images". It is called from one goroutine at a time.
	Progress func(done, total int, what string)
}

// An Example is one labelled training image.
type Example struct {
	// Open opens the file, JPEG or PNG. It may be called more than once and
	// concurrently with other examples'.
	Open func() (io.ReadCloser, error)
	// Labels are indices into TrainRequest.Labels: exactly one, or, if
	// MultiLabel is set, any number and each once.
	Labels []int
}

// A Model is a trained model in memory. Its methods may be called
// concurrently.
type Model interface {
	// Labels are those of the training request, in its order.
	Labels() []string
	// Predict returns a probability, 0 to 1, per label. The same weights and
	// the same image give the same bits on every processor of one architecture,
	// before and after a Load, alone and beside other calls.
	Predict(ctx context.Context, m *pixel.Image) ([]float64, error)
}

// An ExampleError says which example could not be used.
type ExampleError struct {
	Index int // into TrainRequest.Examples
	Err   error
}

func (e *ExampleError) Error() string { return "training image: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *ExampleError) Unwrap() error { return e.Err }
