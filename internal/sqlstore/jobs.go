package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"mimeo/internal/digest"
	"mimeo/internal/job"
)

// Queue returns the queue of the database's jobs.
func (db *DB) Queue() *job.Queue { return db.queue }

// enqueue inserts a job in the transaction; the commit starts it.
func (t *tx) enqueue(ctx context.Context, spec job.Spec) error {
	_, err := t.insertJob(ctx, spec)
	return err
}

func (t *tx) insertJob(ctx context.Context, spec job.Spec) (int64, error) {
	id, err := t.queue.InsertTx(context.WithoutCancel(ctx), t.Tx, spec)
	if err == nil {
		t.kinds = append(t.kinds, spec.Kind)
	}
	return id, err
}

// current fails with job.ErrSuperseded unless a is the running attempt.
func (t *tx) current(ctx context.Context, a job.Attempt) error {
	return t.queue.Current(context.WithoutCancel(ctx), t.Tx, a)
}

// Jobs keeps the recorded steps of jobs. It implements job.Store.
type Jobs struct{ db *DB }

// Jobs returns the store of what jobs record.
func (db *DB) Jobs() *Jobs { return &Jobs{db} }

// Step returns the recorded result of a step of a job, or nil.
func (s *Jobs) Step(ctx context.Context, id int64, name string) (json.RawMessage, error) {
	var result string
	err := s.db.reader.QueryRowContext(ctx, `SELECT result FROM job_steps WHERE job = $1 AND name = $2`, id, name).Scan(&result)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read step: %w", err)
	}
	return json.RawMessage(result), nil
}

// RecordStep records a result, or fails with job.ErrSuperseded.
func (s *Jobs) RecordStep(ctx context.Context, a job.Attempt, name string, result json.RawMessage) error {
	return s.db.write(ctx, func(t *tx) error {
		if err := t.current(ctx, a); err != nil {
			return err
		}
		_, err := t.ExecContext(ctx, `INSERT INTO job_steps (job, name, result) VALUES ($1, $2, $3)
			ON CONFLICT (job, name) DO UPDATE SET result = excluded.result`, a.Job, name, string(result))
		return err
	})
}

// End runs finish and removes the job's steps, in one transaction.
func (s *Jobs) End(ctx context.Context, a job.Attempt, finish func(context.Context, *sql.Tx) error) error {
	return s.db.write(ctx, func(t *tx) error {
		if err := t.current(ctx, a); err != nil {
			return err
		}
		if _, err := t.ExecContext(ctx, `DELETE FROM job_steps WHERE job = $1`, a.Job); err != nil {
			return err
		}
		return finish(context.WithoutCancel(ctx), t.Tx)
	})
}

// Insert commits a job that belongs to no other data.
func (s *Jobs) Insert(ctx context.Context, spec job.Spec) error {
	return s.db.write(ctx, func(t *tx) error { return t.enqueue(ctx, spec) })
}

// Referenced reports whether a recorded step of an unfinished job names the
// blob d, as a training's does long before the version is published.
func (s *Jobs) Referenced(ctx context.Context, d digest.Digest) (bool, error) {
	var n int
	err := s.db.reader.QueryRowContext(ctx, `SELECT COUNT(*) FROM job_steps WHERE result LIKE $1`, "%"+d.String()+"%").Scan(&n)
	return n > 0, err
}
