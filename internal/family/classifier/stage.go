package classifier

import (
	"context"
	"fmt"
	"sync"

	"mimeo/internal/family"
	"mimeo/internal/pixel"
)

// A stage computes a row of values for each of some images.
type stage struct {
	log    string // the checkpoint's name
	what   string // for people
	images []int  // indices of examples
	width  int    // values in a row
	make   func(index int, m *pixel.Image) ([]float32, error)
}

// eachImage returns the rows of a stage in the order of its images; those that
// an earlier slice computed come from its log. It ends early with ErrUnfinished
// when the slice is over, and with ctx.
func (t *training) eachImage(ctx context.Context, s stage) ([][]float32, error) {
	log, rows, err := t.openLog(s)
	if err != nil {
		return nil, err
	}
	defer log.close()
	var missing []int
	for i, row := range rows {
		if row == nil {
			missing = append(missing, i)
		}
	}
	t.begin(len(rows)-len(missing), s.what)

	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	positions := make(chan int)
	var wait sync.WaitGroup
	for range t.family.workers() {
		wait.Go(func() {
			for p := range positions {
				if err := t.one(s, log, rows, p); err != nil {
					stop(err)
					return
				}
			}
		})
	}
	unfinished := false
	for _, p := range missing {
		if unfinished = t.over(); unfinished {
			break
		}
		select {
		case positions <- p:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(positions)
	wait.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if unfinished {
		return nil, family.ErrUnfinished
	}
	return rows, nil
}

// one computes the row at position p of a stage and logs it.
func (t *training) one(s stage, log *rowLog, rows [][]float32, p int) error {
	defer t.TakeTurn()()
	index := s.images[p]
	m, err := t.decode(index)
	if err != nil {
		return &family.ExampleError{Index: index, Err: err}
	}
	row, err := s.make(index, m)
	if err != nil {
		return &family.ExampleError{Index: index, Err: err}
	}
	rows[p] = row
	if err := log.append(p, row); err != nil {
		return fmt.Errorf("keep checkpoint: %w", err)
	}
	t.advance(s.what)
	return nil
}

func (t *training) decode(index int) (*pixel.Image, error) {
	r, err := t.Examples[index].Open()
	if err != nil {
		return nil, err
	}
	m, err := pixel.Decode(r, t.family.Limits)
	if closing := r.Close(); err == nil {
		err = closing
	}
	return m, err
}
