package classifier

import (
	"context"
	"fmt"

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
	t.slice.Skip(len(rows)-len(missing), family.Progress{Phase: s.what})
	err = t.slice.Each(ctx, missing, t.family.workers(), func(p int) error { return t.one(s, log, rows, p) })
	return rows, err
}

// one computes the row at position p of a stage and logs it.
func (t *training) one(s stage, log *rowLog, rows [][]float32, p int) error {
	index := s.images[p]
	m, err := t.images.Original(index)
	if err != nil {
		return err
	}
	row, err := s.make(index, m)
	if err != nil {
		return &family.ExampleError{Index: index, Err: err}
	}
	rows[p] = row
	if err := log.append(p, row); err != nil {
		return fmt.Errorf("keep checkpoint: %w", err)
	}
	t.slice.Advance(1, family.Progress{Phase: s.what})
	return nil
}
