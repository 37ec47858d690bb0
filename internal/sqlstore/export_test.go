package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/events"
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
		limits := customlabels.VersionLimits{InProject: 1000, InProgress: 1000}
		if err := t.insertVersion(ctx, customlabels.NewVersion{ProjectVersion: v, Limits: limits}); err != nil {
			return err
		}
		return t.finishVersion(ctx, v)
	})
}

// FillDeliveries queues n events of a version for a target, as if they had
// happened; died is when they were given up.
func (db *DB) FillDeliveries(ctx context.Context, target string, v customlabels.ProjectVersion, n int, died time.Time) error {
	return db.write(ctx, func(t *tx) error {
		for range n {
			position, err := t.nextPosition(ctx, target)
			if err != nil {
				return err
			}
			e, err := events.New(v, events.TypeOf(v.Status), position, time.Now())
			if err != nil {
				return err
			}
			_, err = t.ExecContext(ctx, `INSERT INTO event_deliveries (target, position, version, id, type, body, created, attempts, problem, died)
				VALUES ($1, $2, $3, $4, $5, $6, $7, 0, '', $8)`, target, position, v.ARN.String(), e.ID, string(e.Type), string(e.Body), millis(e.Created), millis(died))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// ComeFromTheFuture makes the database look like a newer mimeo's.
func (db *DB) ComeFromTheFuture(ctx context.Context) error {
	return db.write(ctx, func(t *tx) error {
		_, err := t.ExecContext(ctx, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, TRUE)`)
		return err
	})
}

// Settings are what SQLite says of a connection of each pool.
func (db *DB) Settings(t testing.TB) map[string]map[string]string {
	t.Helper()
	all := map[string]map[string]string{}
	for pool, of := range map[string]*sql.DB{"writer": db.writer, "reader": db.reader} {
		all[pool] = map[string]string{}
		for _, name := range []string{"journal_mode", "synchronous", "foreign_keys", "query_only"} {
			var value string
			if err := of.QueryRowContext(t.Context(), "PRAGMA "+name).Scan(&value); err != nil {
				t.Fatalf("%s of the %s: %v", name, pool, err)
			}
			all[pool][name] = value
		}
	}
	return all
}

// WritePair writes two rows under a key, with between between them.
func (db *DB) WritePair(ctx context.Context, key string, between func() error) error {
	return db.write(ctx, func(t *tx) error {
		if err := t.setTags(ctx, key, customlabels.Tags{"a": "1"}); err != nil {
			return err
		}
		if err := between(); err != nil {
			return err
		}
		return t.setTags(ctx, key, customlabels.Tags{"b": "2"})
	})
}

// Pair is how many of the rows of a pair are there.
func (db *DB) Pair(ctx context.Context, key string) (n int, err error) {
	err = db.reader.QueryRowContext(ctx, `SELECT COUNT(*) FROM tags WHERE resource = $1`, key).Scan(&n)
	return n, err
}

// LoseTransaction is a write in which SQLite rolls back the transaction, as it
// does by itself when the disk is full.
func (db *DB) LoseTransaction(ctx context.Context) error {
	return db.write(ctx, func(t *tx) error {
		if _, err := t.ExecContext(ctx, `ROLLBACK`); err != nil {
			return err
		}
		return errAbandoned
	})
}

// AwaitWriters waits until so many writes wait for their turn.
func (db *DB) AwaitWriters(n int64) {
	for db.group.waiting.Load() < n {
		runtime.Gosched()
	}
}

// Plans are how SQLite runs the statements that list and describe.
func (db *DB) Plans(t testing.TB) map[string]string {
	t.Helper()
	plans := map[string]string{}
	explain := func(name, query string, args ...any) {
		rows, err := db.reader.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
		if err != nil {
			t.Fatalf("explain %s: %v", name, err)
		}
		steps, err := collect(rows, func(row scanner) (step string, err error) {
			var ignored int
			return step, row.Scan(&ignored, &ignored, &ignored, &step)
		})
		if err != nil {
			t.Fatalf("explain %s: %v", name, err)
		}
		plans[name] = strings.Join(steps, "; ")
	}
	query, args := versionsBefore(arn.Project{}, nil, customlabels.ProjectVersion{}, 100)
	explain("a page of versions", query, args...)
	query, args = versionsBefore(arn.Project{}, []string{"v"}, customlabels.ProjectVersion{}, 100)
	explain("a version by name", query, args...)
	query, args = projectsBefore(arn.Namespace{}, nil, customlabels.Project{}, 100)
	explain("a page of projects", query, args...)
	query, args = projectsBefore(arn.Namespace{}, []string{"p"}, customlabels.Project{}, 100)
	explain("a project by name", query, args...)
	return plans
}
