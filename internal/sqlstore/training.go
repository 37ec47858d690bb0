package sqlstore

import (
	"context"
	"fmt"
	"iter"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/job"
	"mimeo/internal/training"
)

// Trainings is training.Store.
type Trainings struct{ *Versions }

// Trainings returns the store of trainings.
func (db *DB) Trainings() *Trainings { return &Trainings{db.Versions()} }

// InsertTraining inserts the version as TRAINING_IN_PROGRESS with its tags,
// the lines of the datasets and its job: all of them or nothing. Besides the
// refusals of a full or vanished project it fails with LimitExceeded where
// too many trainings run, and with ResourceInUse where a dataset is gone or
// has changed its status since it was read.
func (s *Trainings) InsertTraining(ctx context.Context, v customlabels.NewVersion, datasets []customlabels.Dataset, spec job.Spec) error {
	return s.db.write(ctx, func(t *tx) error {
		if err := t.insertVersion(ctx, v); err != nil {
			return err
		}
		for _, d := range datasets {
			if err := t.copyLines(ctx, v.ARN, d); err != nil {
				return err
			}
		}
		return t.enqueue(ctx, spec)
	})
}

// copyLines gives a training the lines of a dataset as they are now.
func (t *tx) copyLines(ctx context.Context, v arn.ProjectVersion, d customlabels.Dataset) error {
	var n int
	err := t.QueryRowContext(ctx, `SELECT COUNT(*) FROM datasets WHERE arn = $1 AND status = $2`, d.ARN.String(), string(d.Status)).Scan(&n)
	if err != nil {
		return fmt.Errorf("read dataset %s: %w", d.ARN, err)
	}
	if n == 0 {
		return customlabels.ResourceInUse
	}
	_, err = t.ExecContext(ctx, `INSERT INTO training_lines (version, type, position, line, refused)
		SELECT $1, $2, position, line, '' FROM dataset_entries WHERE dataset = $3`, v.String(), string(d.Type), d.ARN.String())
	if err != nil {
		return fmt.Errorf("copy the lines of %s: %w", d.ARN, err)
	}
	return nil
}

// linesPerWrite bounds how long a long manifest keeps other writers waiting.
const linesPerWrite = 1000

// PutLines replaces the lines of one set. Where it fails the set is of no use
// and must be put again.
func (s *Trainings) PutLines(ctx context.Context, a job.Attempt, v arn.ProjectVersion, set customlabels.DatasetType, lines iter.Seq2[training.Line, error]) error {
	var batch []training.Line
	position := 0
	flush := func() error {
		first := position - len(batch) + 1
		err := s.db.write(ctx, func(t *tx) error { return t.putLines(ctx, a, v, set, first, batch) })
		batch = batch[:0]
		return err
	}
	for line, err := range lines {
		if err != nil {
			return err
		}
		batch = append(batch, line)
		if position++; len(batch) < linesPerWrite {
			continue
		}
		if err := flush(); err != nil {
			return err
		}
	}
	return flush()
}

// putLines inserts lines from the position first on; the first ones drop what
// an earlier try left.
func (t *tx) putLines(ctx context.Context, a job.Attempt, v arn.ProjectVersion, set customlabels.DatasetType, first int, lines []training.Line) error {
	if err := t.current(ctx, a); err != nil {
		return err
	}
	_, err := t.ExecContext(ctx, `DELETE FROM training_lines WHERE version = $1 AND type = $2 AND position >= $3`, v.String(), string(set), first)
	if err != nil {
		return fmt.Errorf("drop lines: %w", err)
	}
	for i, line := range lines {
		if _, err := t.ExecContext(ctx, `INSERT INTO training_lines (version, type, position, line, refused) VALUES ($1, $2, $3, $4, $5)`,
			v.String(), string(set), first+i, line.Text, string(line.Refused)); err != nil {
			return fmt.Errorf("insert line %d: %w", first+i, err)
		}
	}
	return nil
}

// Lines yields the lines of one set in their order.
func (s *Trainings) Lines(ctx context.Context, v arn.ProjectVersion, set customlabels.DatasetType) iter.Seq2[training.Line, error] {
	return func(yield func(training.Line, error) bool) {
		rows, err := s.db.reader.QueryContext(ctx, `SELECT line, refused FROM training_lines WHERE version = $1 AND type = $2 ORDER BY position`, v.String(), string(set))
		if err != nil {
			yield(training.Line{}, fmt.Errorf("read lines of %s: %w", v, err))
			return
		}
		defer func() { _ = rows.Close() }() // rows.Err has its error
		for rows.Next() {
			var line training.Line
			if err := rows.Scan(&line.Text, &line.Refused); err != nil {
				yield(training.Line{}, fmt.Errorf("read line of %s: %w", v, err))
				return
			}
			if !yield(line, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(training.Line{}, fmt.Errorf("read lines of %s: %w", v, err))
		}
	}
}

// SetProgress sets the status message of a running training.
func (s *Trainings) SetProgress(ctx context.Context, a job.Attempt, v arn.ProjectVersion, message string) error {
	return s.db.write(ctx, func(t *tx) error {
		if err := t.current(ctx, a); err != nil {
			return err
		}
		return t.setStatus(ctx, v, []customlabels.Status{customlabels.TrainingInProgress}, customlabels.TrainingInProgress, message)
	})
}

// EndTraining stores how the training ended and drops its lines. A training
// that has ended stays as it is.
func (s *Trainings) EndTraining(ctx context.Context, a job.Attempt, v customlabels.ProjectVersion) error {
	return s.db.write(ctx, func(t *tx) error {
		if waits, err := t.waits(ctx, a, v.ARN, customlabels.TrainingInProgress); err != nil || !waits {
			return err
		}
		if err := t.finishVersion(ctx, v); err != nil {
			return err
		}
		if _, err := t.ExecContext(ctx, `DELETE FROM training_lines WHERE version = $1`, v.ARN.String()); err != nil {
			return fmt.Errorf("drop lines of %s: %w", v.ARN, err)
		}
		return nil
	})
}
