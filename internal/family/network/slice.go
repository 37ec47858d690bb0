package network

import (
	"context"
	"sync"
	"time"

	"mimeo/internal/family"
)

// A Slice is one call of Train: how far the whole training is, and when this
// part of it is over. Its methods may be called concurrently.
type Slice struct {
	request family.TrainRequest
	now     func() time.Time
	total   int

	mu     sync.Mutex // guards what follows, and calls of Progress
	done   int
	worked bool // this slice has got further
}

// NewSlice returns the slice of a request whose whole training has total
// parts.
func NewSlice(req family.TrainRequest, total int, now func() time.Time) *Slice {
	if now == nil {
		now = time.Now
	}
	return &Slice{request: req, now: now, total: total}
}

// Over reports whether the slice shall end: its deadline has come, and it has
// got further than the one before.
func (s *Slice) Over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.worked && s.request.Scratch != "" && !s.request.Deadline.IsZero() && !s.now().Before(s.request.Deadline)
}

// Skip counts parts that were done before this slice, and tells what is begun.
func (s *Slice) Skip(parts int, p family.Progress) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tell(parts, p)
}

// Advance counts parts that this slice has done, and tells of them.
func (s *Slice) Advance(parts int, p family.Progress) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.worked = true
	s.tell(parts, p)
}

// Done is how many parts are done.
func (s *Slice) Done() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.done
}

// Reach tells that so many parts are done, or still as many as before where
// some of them had to be done again.
func (s *Slice) Reach(done int, worked bool, p family.Progress) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.worked = s.worked || worked
	s.tell(max(done-s.done, 0), p)
}

func (s *Slice) tell(parts int, p family.Progress) {
	s.done += parts
	p.Done, p.Total = s.done, s.total
	if s.request.Progress != nil {
		s.request.Progress(p)
	}
}

// Each calls do with the numbers, by several workers, until one fails, the
// slice is over, which is family.ErrUnfinished, or ctx ends.
func (s *Slice) Each(ctx context.Context, numbers []int, workers int, do func(i int) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	queue := make(chan int)
	var wait sync.WaitGroup
	for range min(workers, len(numbers)) {
		wait.Go(func() {
			for i := range queue {
				end := s.request.TakeTurn()
				err := do(i)
				end()
				if err != nil {
					stop(err)
					return
				}
			}
		})
	}
	err := s.feed(ctx, queue, numbers)
	close(queue)
	wait.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func (s *Slice) feed(ctx context.Context, queue chan<- int, numbers []int) error {
	for _, i := range numbers {
		if s.Over() {
			return family.ErrUnfinished
		}
		select {
		case queue <- i:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}
