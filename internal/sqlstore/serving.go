package sqlstore

import (
	"context"
	"fmt"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/events"
	"mimeo/internal/job"
	"mimeo/internal/serving"
)

// Serving is serving.Store.
type Serving struct{ *Versions }

// Serving returns the store of starts and stops.
func (db *DB) Serving() *Serving { return &Serving{db.Versions()} }

// BeginStart moves a version to STARTING, with its inference units, and
// inserts its job. It fails with the version's own refusal where its state
// does not allow it, and with LimitExceeded where quota versions of the
// namespace are starting, running or stopping.
func (s *Serving) BeginStart(ctx context.Context, a arn.ProjectVersion, units serving.Units, quota int, spec job.Spec) error {
	return s.db.write(ctx, func(t *tx) error {
		v, err := version(ctx, t, a)
		if err != nil {
			return err
		}
		if err := v.CanStart(); err != nil {
			return err
		}
		up := 0
		for _, status := range []customlabels.Status{customlabels.Starting, customlabels.Running, customlabels.Stopping} {
			n, err := countInStatus(ctx, t, a.Namespace, status)
			if err != nil {
				return fmt.Errorf("count %s versions: %w", status, err)
			}
			up += n
		}
		if up >= quota {
			return customlabels.LimitExceeded
		}
		if _, err := t.ExecContext(ctx, `UPDATE versions SET status = $2, status_message = '', min_units = $3, max_units = $4 WHERE arn = $1`,
			a.String(), string(customlabels.Starting), units.Min, units.Max); err != nil {
			return fmt.Errorf("start %s: %w", a, err)
		}
		if err := t.announce(ctx, a, events.TypeOf(customlabels.Starting)); err != nil {
			return err
		}
		return t.enqueue(ctx, spec)
	})
}

// BeginStop moves a version to STOPPING and inserts its job. It fails with
// the version's own refusal where its state does not allow it.
func (s *Serving) BeginStop(ctx context.Context, a arn.ProjectVersion, spec job.Spec) error {
	return s.db.write(ctx, func(t *tx) error {
		v, err := version(ctx, t, a)
		if err != nil {
			return err
		}
		if err := v.CanStop(); err != nil {
			return err
		}
		if err := t.setStatus(ctx, a, []customlabels.Status{customlabels.Running}, customlabels.Stopping, ""); err != nil {
			return err
		}
		return t.enqueue(ctx, spec)
	})
}

// EndChange moves a version on from one state to another. A version in any
// other state stays as it is.
func (s *Serving) EndChange(ctx context.Context, a job.Attempt, v arn.ProjectVersion, from, to customlabels.Status, message string) error {
	return s.db.write(ctx, func(t *tx) error {
		if waits, err := t.waits(ctx, a, v, from); err != nil || !waits {
			return err
		}
		return t.setStatus(ctx, v, []customlabels.Status{from}, to, message)
	})
}
