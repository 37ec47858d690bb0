package sqlstore

import (
	"context"
	"errors"

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
