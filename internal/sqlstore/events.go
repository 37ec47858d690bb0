package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/events"
	"mimeo/internal/job"
)

// Events is events.Targets and events.Deliveries.
type Events struct{ db *DB }

// Events returns the store of event targets and deliveries.
func (db *DB) Events() *Events { return &Events{db} }

// The most events of a target that wait, and that are remembered as given up.
const (
	maxWaiting = 10_000
	maxDead    = 1000
)

const targetColumns = `t.id, t.partition, t.region, t.account, t.name, t.url, t.sealed, t.types, t.created`

func targetFields(t *events.Target, created *int64) []any {
	return []any{&t.ID, &t.Namespace.Partition, &t.Namespace.Region, &t.Namespace.Account, &t.Name, &t.URL, &t.Sealed, jsonColumn{&t.Types}, created}
}

func scanTarget(row scanner) (t events.Target, err error) {
	var created int64
	err = row.Scan(append(targetFields(&t, &created), &t.Waiting, &t.Dead)...)
	t.Created = instant(created)
	return t, err
}

// targets returns the targets of a namespace.
func targets(ctx context.Context, q querier, in arn.Namespace) ([]events.Target, error) {
	rows, err := q.QueryContext(ctx, `SELECT `+targetColumns+`,
			(SELECT COUNT(*) FROM event_deliveries d WHERE d.target = t.id AND d.died = 0),
			(SELECT COUNT(*) FROM event_deliveries d WHERE d.target = t.id AND d.died <> 0)
		FROM event_targets t WHERE partition = $1 AND region = $2 AND account = $3 ORDER BY name`, in.Partition, in.Region, in.Account)
	if err != nil {
		return nil, err
	}
	return collect(rows, scanTarget)
}

// Targets implements events.Targets.
func (s *Events) Targets(ctx context.Context, in arn.Namespace) ([]events.Target, error) {
	return targets(ctx, s.db.reader, in)
}

// Target implements events.Targets.
func (s *Events) Target(ctx context.Context, in arn.Namespace, name string) (events.Target, error) {
	return targetNamed(ctx, s.db.reader, in, name)
}

func targetNamed(ctx context.Context, q querier, in arn.Namespace, name string) (events.Target, error) {
	all, err := targets(ctx, q, in) // they are few
	for _, t := range all {
		if t.Name == name {
			return t, err
		}
	}
	if err != nil {
		return events.Target{}, err
	}
	return events.Target{}, customlabels.ResourceNotFound
}

// PutTarget implements events.Targets.
func (s *Events) PutTarget(ctx context.Context, put events.Target, most int) error {
	types, err := json.Marshal(put.Types)
	if err != nil {
		return err
	}
	return s.db.write(ctx, func(t *tx) error {
		all, err := targets(ctx, t, put.Namespace)
		if err != nil {
			return err
		}
		for _, other := range all {
			if other.ID == put.ID {
				_, err := t.ExecContext(ctx, `UPDATE event_targets SET url = $2, sealed = $3, types = $4 WHERE id = $1`, put.ID, put.URL, put.Sealed, string(types))
				return err
			}
			if other.Name == put.Name {
				return customlabels.ResourceInUse
			}
		}
		if len(all) >= most {
			return customlabels.LimitExceeded
		}
		_, err = t.ExecContext(ctx, `INSERT INTO event_targets (id, partition, region, account, name, url, sealed, types, created, last)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0)`, put.ID, put.Namespace.Partition, put.Namespace.Region, put.Namespace.Account,
			put.Name, put.URL, put.Sealed, string(types), millis(put.Created))
		return err
	})
}

// DeleteTarget implements events.Targets.
func (s *Events) DeleteTarget(ctx context.Context, in arn.Namespace, name string) error {
	return s.db.write(ctx, func(t *tx) error {
		found, err := targetNamed(ctx, t, in, name)
		if err != nil {
			return err
		}
		return t.each(ctx, found.ID, `DELETE FROM event_deliveries WHERE target = $1`, `DELETE FROM event_targets WHERE id = $1`)
	})
}

// announce writes, for the targets of a version's namespace, the event that
// its status is now as it is stored; or, before it is dropped, that it is
// gone. Whatever changes a status calls it in the same transaction.
func (t *tx) announce(ctx context.Context, a arn.ProjectVersion, kind events.Type) error {
	all, err := targets(ctx, t, a.Namespace)
	if err != nil {
		return fmt.Errorf("look for event targets: %w", err)
	}
	for _, target := range all {
		if !target.Wants(kind) {
			continue
		}
		v, err := version(ctx, t, a)
		if errors.Is(err, customlabels.ResourceNotFound) {
			return nil // it was dropped before
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", a, err)
		}
		if err := t.tell(ctx, target, v, kind); err != nil {
			return fmt.Errorf("write the event of %s: %w", a, err)
		}
	}
	return nil
}

func (t *tx) tell(ctx context.Context, target events.Target, v customlabels.ProjectVersion, kind events.Type) error {
	position, err := t.nextPosition(ctx, target.ID)
	if err != nil {
		return err
	}
	e, err := events.New(v, kind, position, time.Now())
	if err != nil {
		return err
	}
	d := events.DeadEvent{Event: e, Position: position}
	if target.Waiting >= maxWaiting {
		d.Died, d.Problem = e.Created, "Too many events were waiting for the target."
	}
	return t.queueDelivery(ctx, target.ID, d)
}

// nextPosition numbers an event. On a database with several writers it also
// makes those that change the events of one target take turns.
func (t *tx) nextPosition(ctx context.Context, target string) (n int64, err error) {
	err = t.QueryRowContext(ctx, `UPDATE event_targets SET last = last + 1 WHERE id = $1 RETURNING last`, target).Scan(&n)
	return n, err
}

// queueDelivery inserts an event, and its job where none of its version waits
// already.
func (t *tx) queueDelivery(ctx context.Context, target string, d events.DeadEvent) error {
	first, err := t.firstWaiting(ctx, target, d.Version.String())
	if err != nil {
		return err
	}
	_, err = t.ExecContext(ctx, `INSERT INTO event_deliveries (target, position, version, id, type, body, created, attempts, problem, died)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9)`, target, d.Position, d.Version.String(), d.ID, string(d.Type), string(d.Body),
		millis(d.Created), d.Problem, millis(d.Died))
	if err != nil {
		return fmt.Errorf("insert: %w", err)
	}
	switch {
	case !d.Died.IsZero():
		return t.forgetDead(ctx, target)
	case first != 0:
		return nil
	}
	return t.enqueue(ctx, job.Spec{Kind: events.Kind, Args: events.Args{Target: target, Position: d.Position}})
}

// firstWaiting is the position of the first event of a version that waits, 0
// where none does.
func (t *tx) firstWaiting(ctx context.Context, target, version string) (n int64, err error) {
	err = t.QueryRowContext(ctx, `SELECT COALESCE(MIN(position), 0) FROM event_deliveries WHERE target = $1 AND version = $2 AND died = 0`,
		target, version).Scan(&n)
	return n, err
}

// forgetDead keeps the newest of those that were given up.
func (t *tx) forgetDead(ctx context.Context, target string) error {
	_, err := t.ExecContext(ctx, `DELETE FROM event_deliveries WHERE target = $1 AND died <> 0 AND position <=
		(SELECT position FROM event_deliveries WHERE target = $1 AND died <> 0 ORDER BY position DESC LIMIT 1 OFFSET $2)`, target, maxDead)
	return err
}

// Delivery implements events.Deliveries.
func (s *Events) Delivery(ctx context.Context, a events.Args) (d events.Delivery, err error) {
	var created, targetCreated, died int64
	row := s.db.reader.QueryRowContext(ctx, `SELECT `+targetColumns+`, d.id, d.type, d.version, d.body, d.created, d.attempts, d.died
		FROM event_deliveries d JOIN event_targets t ON t.id = d.target WHERE d.target = $1 AND d.position = $2`, a.Target, a.Position)
	err = row.Scan(append(targetFields(&d.Target, &targetCreated), &d.ID, &d.Type, textColumn{&d.Version}, &d.Body, &created, &d.Attempts, &died)...)
	if errors.Is(err, sql.ErrNoRows) {
		return d, customlabels.ResourceNotFound
	}
	d.Created, d.Target.Created, d.Dead = instant(created), instant(targetCreated), died != 0
	return d, err
}

// Retry implements events.Deliveries.
func (s *Events) Retry(ctx context.Context, by job.Attempt, a events.Args, problem string) error {
	return s.db.write(ctx, func(t *tx) error {
		if err := t.current(ctx, by); err != nil {
			return err
		}
		_, err := t.ExecContext(ctx, `UPDATE event_deliveries SET attempts = attempts + 1, problem = $3 WHERE target = $1 AND position = $2`,
			a.Target, a.Position, problem)
		return err
	})
}

// Deliver implements events.Deliveries.
func (s *Events) Deliver(ctx context.Context, by job.Attempt, a events.Args) error {
	return s.settle(ctx, by, a, func(t *tx) error {
		_, err := t.ExecContext(ctx, `DELETE FROM event_deliveries WHERE target = $1 AND position = $2`, a.Target, a.Position)
		return err
	})
}

// Bury implements events.Deliveries.
func (s *Events) Bury(ctx context.Context, by job.Attempt, a events.Args, problem string, now time.Time) error {
	return s.settle(ctx, by, a, func(t *tx) error {
		_, err := t.ExecContext(ctx, `UPDATE event_deliveries SET attempts = attempts + 1, problem = $3, died = $4 WHERE target = $1 AND position = $2`,
			a.Target, a.Position, problem, millis(now))
		if err != nil {
			return err
		}
		return t.forgetDead(ctx, a.Target)
	})
}

// settle ends the waiting of an event, once, and begins to deliver the next
// one of its version.
func (s *Events) settle(ctx context.Context, by job.Attempt, a events.Args, end func(*tx) error) error {
	return s.db.write(ctx, func(t *tx) error {
		if err := t.current(ctx, by); err != nil {
			return err
		}
		if _, err := t.nextPosition(ctx, a.Target); err != nil { // no insertion may come between
			return ignoreNoRows(err)
		}
		var version string
		err := t.QueryRowContext(ctx, `SELECT version FROM event_deliveries WHERE target = $1 AND position = $2 AND died = 0`, a.Target, a.Position).Scan(&version)
		if err != nil {
			return ignoreNoRows(err)
		}
		if err := end(t); err != nil {
			return fmt.Errorf("settle event %d of target %s: %w", a.Position, a.Target, err)
		}
		next, err := t.firstWaiting(ctx, a.Target, version)
		if err != nil || next == 0 {
			return err
		}
		return t.enqueue(ctx, job.Spec{Kind: events.Kind, Args: events.Args{Target: a.Target, Position: next}})
	})
}

// ignoreNoRows: the target is gone, or a former run came so far.
func ignoreNoRows(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

// DeadEvents implements events.Targets.
func (s *Events) DeadEvents(ctx context.Context, target string, after int64, limit int) ([]events.DeadEvent, error) {
	return deadEvents(ctx, s.db.reader, target, after, limit)
}

func deadEvents(ctx context.Context, q querier, target string, after int64, limit int) ([]events.DeadEvent, error) {
	rows, err := q.QueryContext(ctx, `SELECT position, id, type, version, body, created, attempts, problem, died FROM event_deliveries
		WHERE target = $1 AND died <> 0 AND position > $2 ORDER BY position LIMIT $3`, target, after, limit)
	if err != nil {
		return nil, err
	}
	return collect(rows, func(row scanner) (d events.DeadEvent, err error) {
		var created, died int64
		err = row.Scan(&d.Position, &d.ID, &d.Type, textColumn{&d.Version}, &d.Body, &created, &d.Attempts, &d.Problem, &died)
		d.Created, d.Died = instant(created), instant(died)
		return d, err
	})
}

// Revive implements events.Targets.
func (s *Events) Revive(ctx context.Context, target string) (n int, err error) {
	err = s.db.write(ctx, func(t *tx) error {
		dead, err := deadEvents(ctx, t, target, 0, maxDead)
		if err != nil {
			return err
		}
		n = len(dead)
		if _, err := t.ExecContext(ctx, `DELETE FROM event_deliveries WHERE target = $1 AND died <> 0`, target); err != nil {
			return fmt.Errorf("take from the dead: %w", err)
		}
		for _, d := range dead {
			if d.Position, err = t.nextPosition(ctx, target); err != nil {
				return err
			}
			d.Died, d.Problem = time.Time{}, ""
			if err := t.queueDelivery(ctx, target, d); err != nil {
				return fmt.Errorf("revive event %s: %w", d.ID, err)
			}
		}
		return nil
	})
	return n, err
}
