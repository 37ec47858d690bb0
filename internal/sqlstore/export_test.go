package sqlstore

import (
	"context"
	"errors"

	"mimeo/internal/customlabels"
	"mimeo/internal/job"
)

var errAbandoned = errors.New("abandoned")

// Abandon inserts a job in a transaction that is rolled back.
func (s *Jobs) Abandon(ctx context.Context, spec job.Spec) error {
	err := s.db.write(ctx, func(t *tx) error {
		if err := t.enqueue(ctx, spec); err != nil {
			return err
		}
		return errAbandoned
	})
	if errors.Is(err, errAbandoned) {
		return nil
	}
	return err
}

// InsertVersion inserts a version in its final state.
func (db *DB) InsertVersion(ctx context.Context, v customlabels.ProjectVersion) error {
	return db.write(ctx, func(t *tx) error {
		if err := t.insertVersion(ctx, v, nil); err != nil {
			return err
		}
		return t.finishVersion(ctx, v)
	})
}
