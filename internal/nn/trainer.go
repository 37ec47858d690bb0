package nn

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"

	"mimeo/internal/nn/kernel"
)

// TrainOptions are how a network is trained.
type TrainOptions struct {
	Batch int // images of one step, a multiple of Shard
	// Shard is how many images are worked on, and normalised, together. It
	// decides what comes out; Workers does not.
	Shard     int
	Workers   int // 0: one per processor
	Optimizer Optimizer
	// Clip bounds the norm of the gradient; 0: it does not (Pascanu et al.
	// 2013, arXiv:1211.5063).
	Clip float64
	// Average is how much of the average of all weights so far a step leaves;
	// 0: there is no average (Polyak averaging).
	Average float64
	Kernels *kernel.Set // nil: the best
	// Turn, if set, waits until a processor may be used, and returns how to
	// give it back. Every layer of every shard takes one.
	Turn func() (end func())
}

// workers is how many work at once: no more than there are shards.
func (o TrainOptions) workers() int {
	return min(cmp.Or(o.Workers, runtime.GOMAXPROCS(0)), o.Batch/o.Shard)
}

// An Objective is what a network is trained to. Its methods are called
// concurrently, for different images.
type Objective interface {
	// Fill draws image i of the batch into place at of the input.
	Fill(i int, input *Tensor, at int) error
	// Loss returns the loss of image i, and sets its gradients, which are
	// zero before. The outputs have it at place at.
	Loss(i int, outputs, gradients []*Tensor, at int) float64
}

// A Trainer trains one network. It is used by one goroutine.
type Trainer struct {
	graph   *Graph
	options TrainOptions
	plan    *plan
	outputs []Node

	weights    *Weights
	average    *Weights // nil without
	moments    [][]float32
	some       [][]float32 // those of one parameter
	step       int
	transposed []float32

	passes     []*pass     // by worker
	gradients  [][]float32 // by shard
	statistics [][]float32 // by shard
	losses     []float64   // by shard
	errs       []error     // by shard

	objective Objective
	next      atomic.Int64
	wait      sync.WaitGroup
	tasks     []func() // by worker
}

// NewTrainer returns a trainer that begins with the weights, and changes them.
func NewTrainer(g *Graph, w *Weights, o TrainOptions, outputs ...Node) *Trainer {
	if o.Kernels == nil {
		o.Kernels = kernel.Best()
	}
	shards := o.Batch / o.Shard
	t := &Trainer{
		graph: g, options: o, plan: g.trainingPlan(o.Shard), outputs: outputs, weights: w, transposed: make([]float32, g.size),
		losses: make([]float64, shards), errs: make([]error, shards),
	}
	for range o.Optimizer.moments() {
		t.moments = append(t.moments, make([]float32, g.size))
	}
	t.some = make([][]float32, len(t.moments))
	if o.Average > 0 {
		t.average = &Weights{make([]float32, len(w.Parameters)), make([]float32, len(w.Statistics))}
	}
	for range shards {
		t.gradients = append(t.gradients, make([]float32, g.size))
		t.statistics = append(t.statistics, make([]float32, g.Statistics()))
	}
	for range o.workers() {
		ps := t.newPass()
		t.passes = append(t.passes, ps)
		t.tasks = append(t.tasks, func() { t.work(ps) })
	}
	t.transpose()
	return t
}

func (t *Trainer) newPass() *pass {
	ps := t.plan.newTrainingPass(t.options.Kernels)
	ps.weights, ps.transposed, ps.turn = t.weights, t.transposed, t.options.Turn
	for _, n := range t.outputs {
		ps.outputs, ps.outputGrads = append(ps.outputs, ps.values[n]), append(ps.outputGrads, ps.grads[n])
	}
	return ps
}

// TrainingMemory is how many bytes training a graph takes.
func (g *Graph) TrainingMemory(o TrainOptions) int64 {
	copies := 2 + o.Optimizer.moments() + o.Batch/o.Shard // weights, transposed ones, gradients
	if o.Average > 0 {
		copies++
	}
	return int64(o.workers())*g.memory(o.Shard, true) + 4*int64(copies)*int64(g.size)
}

// Step trains on one batch, with the learning rate, and returns the mean loss. A loss
// that is no number, or infinite, has changed the weights to nothing useful.
func (t *Trainer) Step(rate float64, objective Objective) (loss float64, err error) {
	t.objective = objective
	t.next.Store(0)
	t.wait.Add(len(t.tasks))
	for _, task := range t.tasks {
		go task()
	}
	t.wait.Wait()
	if err := errors.Join(t.errs...); err != nil {
		return 0, err
	}
	for _, l := range t.losses {
		loss += l
	}
	t.update(rate)
	return loss / float64(t.options.Batch), nil
}

// work computes shards until there are none left.
func (t *Trainer) work(ps *pass) {
	defer t.wait.Done()
	for {
		shard := int(t.next.Add(1)) - 1
		if shard >= len(t.losses) {
			return
		}
		t.losses[shard], t.errs[shard] = t.shard(ps, shard)
	}
}

// shard computes the loss and the gradient of one shard.
func (t *Trainer) shard(ps *pass, shard int) (loss float64, err error) {
	ps.gradient, ps.statistics = t.gradients[shard], t.statistics[shard]
	clear(ps.gradient)
	first := shard * t.options.Shard
	for at := range t.options.Shard {
		end := ps.takeTurn()
		err := t.objective.Fill(first+at, ps.values[1], at)
		end()
		if err != nil {
			return 0, fmt.Errorf("image %d of the batch: %w", first+at, err)
		}
	}
	ps.forward()
	for i, n := range t.outputs {
		clear(ps.outputGrads[i].data)
		ps.given[n] = true
	}
	for at := range t.options.Shard {
		loss += t.objective.Loss(first+at, ps.outputs, ps.outputGrads, at)
	}
	ps.backward()
	return loss, nil
}

// update changes the weights by the sum of the shards' gradients.
func (t *Trainer) update(rate float64) {
	t.step++
	sum := t.gradients[0]
	addAll(sum, t.gradients[1:], 1/float32(t.options.Batch))
	t.clip(sum)
	for _, s := range t.graph.slots {
		decay := 0.0
		if s.decay {
			decay = t.options.Optimizer.decay()
		}
		for i, m := range t.moments {
			t.some[i] = s.of(m)
		}
		t.options.Optimizer.update(s.of(t.weights.Parameters), s.of(sum), t.some, rate, decay, t.step)
	}
	addAll(t.statistics[0], t.statistics[1:], 1/float32(len(t.statistics)))
	blend(t.weights.Statistics, t.statistics[0], t.keep(momentum))
	if t.average != nil {
		keep := t.keep(t.options.Average)
		blend(t.average.Parameters, t.weights.Parameters, keep)
		blend(t.average.Statistics, t.statistics[0], keep)
	}
	t.transpose()
}

// keep is how much of an average a step leaves: less at the beginning, so that
// it does not remember where it began.
func (t *Trainer) keep(most float64) float32 {
	return float32(min(most, float64(t.step-1)/float64(t.step+8)))
}

// addAll adds values to sum, in their order, and scales it.
func addAll(sum []float32, values [][]float32, scale float32) {
	for _, v := range values {
		for i, x := range v {
			sum[i] += x
		}
	}
	for i := range sum {
		sum[i] *= scale
	}
}

func blend(average, values []float32, keep float32) {
	for i, v := range values {
		average[i] = keep*average[i] + (1-keep)*v
	}
}

func (t *Trainer) clip(gradient []float32) {
	if t.options.Clip == 0 {
		return
	}
	square := 0.0
	for _, g := range gradient {
		square += float64(g) * float64(g)
	}
	if norm := math.Sqrt(square); norm > t.options.Clip {
		scale := float32(t.options.Clip / norm)
		for i := range gradient {
			gradient[i] *= scale
		}
	}
}

// transpose prepares the weights for the gradients of inputs.
func (t *Trainer) transpose() {
	for _, l := range t.plan.layers {
		if c, ok := l.(*plannedConv); ok && c.input != t.graph.Input() {
			c.transpose(t.weights.Parameters, t.transposed)
		}
	}
}

// Weights are the trained ones: the average, where there is one, once a step was made.
func (t *Trainer) Weights() *Weights {
	if t.average != nil && t.step > 0 {
		return t.average
	}
	return t.weights
}

// Steps is how many steps were made.
func (t *Trainer) Steps() int { return t.step }
