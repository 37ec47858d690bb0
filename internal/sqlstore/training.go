package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

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
func (s *Trainings) InsertTraining(ctx context.Context, v customlabels.NewVersion, datasets []customlabels.Dataset, p training.Progress, spec job.Spec) error {
	return s.db.write(ctx, func(t *tx) error {
		if err := t.insertVersion(ctx, v); err != nil {
			return err
		}
		for _, d := range datasets {
			if err := t.copyLines(ctx, v.ARN, d); err != nil {
				return err
			}
		}
		id, err := t.insertJob(ctx, spec)
		if err != nil {
			return err
		}
		return t.putTraining(ctx, id, v.ARN, p)
	})
}

// putTraining stores how far a training has come. The job of one that an older
// server began is learnt by the way.
func (t *tx) putTraining(ctx context.Context, id int64, v arn.ProjectVersion, p training.Progress) error {
	encoded, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encode the progress of %s: %w", v, err)
	}
	_, err = t.ExecContext(ctx, `INSERT INTO trainings (version, job, progress) VALUES ($1, $2, $3)
		ON CONFLICT (version) DO UPDATE SET job = excluded.job, progress = excluded.progress`, v.String(), id, string(encoded))
	if err != nil {
		return fmt.Errorf("store the progress of %s: %w", v, err)
	}
	return nil
}

// A trainingRow is what is known of a training beside its version: nothing of
// one that an older server began.
type trainingRow struct {
	job       int64
	progress  training.Progress
	cancelled string // by whom; empty: nobody
}

func trainingOf(ctx context.Context, q querier, v arn.ProjectVersion) (r trainingRow, err error) {
	err = q.QueryRowContext(ctx, `SELECT job, progress, cancelled FROM trainings WHERE version = $1`, v.String()).
		Scan(&r.job, jsonColumn{&r.progress}, &r.cancelled)
	if errors.Is(err, sql.ErrNoRows) {
		return trainingRow{}, nil
	}
	return r, err
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

// SaveProgress stores how far a running training has come, and sets its status
// message. It fails with job.ErrSuperseded where the attempt is not the current
// one, and with training.ErrCancelled where the training was cancelled.
func (s *Trainings) SaveProgress(ctx context.Context, a job.Attempt, v arn.ProjectVersion, message string, p training.Progress) error {
	return s.db.write(ctx, func(t *tx) error {
		if err := t.goesOn(ctx, a, v); err != nil {
			return err
		}
		if err := t.putTraining(ctx, a.Job, v, p); err != nil {
			return err
		}
		return t.setStatus(ctx, v, []customlabels.Status{customlabels.TrainingInProgress}, customlabels.TrainingInProgress, message)
	})
}

// goesOn fails with job.ErrSuperseded where the attempt is not the current one,
// and with training.ErrCancelled where the training was cancelled.
func (t *tx) goesOn(ctx context.Context, a job.Attempt, v arn.ProjectVersion) error {
	if err := t.current(ctx, a); err != nil {
		return err
	}
	now, err := trainingOf(ctx, t, v)
	if err == nil && now.cancelled != "" {
		err = training.ErrCancelled
	}
	return err
}

// Progress returns how far a training had come when that was stored last.
func (s *Trainings) Progress(ctx context.Context, v arn.ProjectVersion) (training.Progress, error) {
	r, err := trainingOf(ctx, s.db.reader, v)
	return r.progress, err
}

// CancelledBy returns who has cancelled a training; empty: nobody.
func (s *Trainings) CancelledBy(ctx context.Context, v arn.ProjectVersion) (by string, err error) {
	err = s.db.reader.QueryRowContext(ctx, `SELECT cancelled FROM trainings WHERE version = $1`, v.String()).Scan(&by)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return by, err
}

// CancelTraining notes who has cancelled a training in progress, if nobody had
// before, and lets its job run at once where it waits.
func (s *Trainings) CancelTraining(ctx context.Context, a arn.ProjectVersion, by arn.Principal) error {
	return s.db.write(ctx, func(t *tx) error {
		if _, err := version(ctx, t, a); err != nil {
			return err
		}
		now, err := trainingOf(ctx, t, a)
		if err != nil {
			return err
		}
		states := []customlabels.Status{customlabels.TrainingInProgress}
		if err := t.setStatus(ctx, a, states, customlabels.TrainingInProgress, "The training is being cancelled."); err != nil {
			return err
		}
		if err := t.putTraining(ctx, now.job, a, now.progress.Touched(time.Now())); err != nil {
			return err
		}
		if _, err := t.ExecContext(ctx, `UPDATE trainings SET cancelled = $2 WHERE version = $1 AND cancelled = ''`, a.String(), by.String()); err != nil {
			return err
		}
		if now.job == 0 {
			return nil // an older server began it: its job hears of it at its next attempt
		}
		t.kinds = append(t.kinds, training.Kind)
		return t.queue.HurryTx(context.WithoutCancel(ctx), t.Tx, now.job)
	})
}

// EndTraining stores how the training ended and drops its lines. A training
// that has ended stays as it is; one that was cancelled can only fail.
func (s *Trainings) EndTraining(ctx context.Context, a job.Attempt, v customlabels.ProjectVersion, p training.Progress) error {
	return s.db.write(ctx, func(t *tx) error {
		if waits, err := t.waits(ctx, a, v.ARN, customlabels.TrainingInProgress); err != nil || !waits {
			return err
		}
		if v.Status != customlabels.TrainingFailed {
			if err := t.goesOn(ctx, a, v.ARN); err != nil {
				return err
			}
		}
		if err := t.finishVersion(ctx, v); err != nil {
			return err
		}
		if err := t.putTraining(ctx, a.Job, v.ARN, p); err != nil {
			return err
		}
		if _, err := t.ExecContext(ctx, `DELETE FROM training_lines WHERE version = $1`, v.ARN.String()); err != nil {
			return fmt.Errorf("drop lines of %s: %w", v.ARN, err)
		}
		return nil
	})
}
