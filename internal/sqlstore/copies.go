package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/copier"
	"mimeo/internal/customlabels"
	"mimeo/internal/job"
)

// Copies is copier.Store.
type Copies struct{ *Versions }

// Copies returns the store of copies.
func (db *DB) Copies() *Copies { return &Copies{db.Versions()} }

// InsertCopy inserts the destination version as COPYING_IN_PROGRESS with its
// tags, a pin on its source and its job: all of them or nothing. Besides the
// refusals of a full or vanished project it fails with LimitExceeded where
// too many copies run, and with the source's own refusal where that moved on
// since it was read.
func (s *Copies) InsertCopy(ctx context.Context, v customlabels.NewVersion, call copier.Invocation, spec job.Spec) error {
	return s.db.write(ctx, func(t *tx) error {
		source, err := version(ctx, t, v.Source)
		if err != nil {
			return err
		}
		if err := source.CanCopy(); err != nil {
			return err
		}
		if err := t.insertVersion(ctx, v); err != nil {
			return err
		}
		if _, err := t.ExecContext(ctx, `INSERT INTO pins (version, holder) VALUES ($1, $2)`, v.Source.String(), v.ARN.String()); err != nil {
			return fmt.Errorf("pin %s: %w", v.Source, err)
		}
		if err := t.remember(ctx, call, v.ARN); err != nil {
			return fmt.Errorf("remember the call: %w", err)
		}
		id, err := t.insertJob(ctx, spec)
		if err != nil {
			return err
		}
		if _, err := t.ExecContext(ctx, `INSERT INTO copies (version, job) VALUES ($1, $2)`, v.ARN.String(), id); err != nil {
			return fmt.Errorf("remember the job of %s: %w", v.ARN, err)
		}
		return nil
	})
}

// CancelCopy moves a copy in progress to DELETING, and lets its job run at
// once where it waits. A copy that was cancelled before stays so.
func (s *Copies) CancelCopy(ctx context.Context, a arn.ProjectVersion) error {
	return s.db.write(ctx, func(t *tx) error {
		v, err := version(ctx, t, a)
		if err != nil {
			return err
		}
		if copier.IsCancelled(v) {
			return nil
		}
		if err := t.setStatus(ctx, a, []customlabels.Status{customlabels.CopyingInProgress}, customlabels.Deleting, "The model copy was cancelled."); err != nil {
			return err
		}
		var id int64
		err = t.QueryRowContext(ctx, `SELECT job FROM copies WHERE version = $1`, a.String()).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			return nil // an older server began it: its job hears of it at its next attempt
		}
		if err != nil {
			return fmt.Errorf("find the job of %s: %w", a, err)
		}
		if err := t.touchProgress(ctx, id, a); err != nil {
			return err
		}
		t.kinds = append(t.kinds, copier.Kind, copier.ResealKind)
		return t.queue.HurryTx(context.WithoutCancel(ctx), t.Tx, id)
	})
}

// remember notes which copy answers a call, and forgets those calls that are
// not going to be attempted again.
func (t *tx) remember(ctx context.Context, call copier.Invocation, v arn.ProjectVersion) error {
	if call == (copier.Invocation{}) {
		return nil
	}
	if _, err := t.ExecContext(ctx, `DELETE FROM invocations WHERE expires <= $1`, millis(call.At)); err != nil {
		return err
	}
	_, err := t.ExecContext(ctx, `INSERT INTO invocations (name, version, expires) VALUES ($1, $2, $3)`, call.Name, v.String(), millis(call.Expires))
	return err
}

// Answered returns the copy that was inserted for a call, or the zero ARN.
func (s *Copies) Answered(ctx context.Context, call copier.Invocation) (v arn.ProjectVersion, err error) {
	err = s.db.reader.QueryRowContext(ctx, `SELECT version FROM invocations WHERE name = $1 AND expires > $2`, call.Name, millis(call.At)).Scan(textColumn{&v})
	if errors.Is(err, sql.ErrNoRows) {
		return arn.ProjectVersion{}, nil
	}
	return v, err
}

// CanInsertCopy returns the refusal that InsertCopy would return for the
// destination, or nil.
func (s *Copies) CanInsertCopy(ctx context.Context, v customlabels.NewVersion) error {
	return s.db.view(ctx, func(q querier) error { return canHoldVersion(ctx, q, v) })
}

// FinishCopy publishes the copy: bundle, results, signed record, status and
// the end of the pin in one transaction. It fails with job.ErrSuperseded where
// the attempt is not the current one, and with the source's refusal where that
// was found damaged meanwhile.
func (s *Copies) FinishCopy(ctx context.Context, a job.Attempt, v customlabels.ProjectVersion, signed []byte, p copier.Progress) error {
	return s.end(ctx, a, v.ARN, func(t *tx) error {
		source, err := artifacts(ctx, t, v.Source)
		if err != nil {
			return fmt.Errorf("read the artifacts of %s: %w", v.Source, err)
		}
		if err := (customlabels.Bundle{Artifacts: source}).CheckSound(v.Source); err != nil {
			return err
		}
		if _, err := t.ExecContext(ctx, `INSERT INTO copy_records (version, record) VALUES ($1, $2)`, v.ARN.String(), signed); err != nil {
			return fmt.Errorf("keep the record of %s: %w", v.ARN, err)
		}
		if err := t.putProgress(ctx, a.Job, v.ARN, p); err != nil {
			return err
		}
		return t.finishVersion(ctx, v)
	})
}

// SaveProgress stores how far a copy in progress has come. It fails with
// job.ErrSuperseded where the attempt is not the current one, and with
// copier.ErrCancelled where the copy was cancelled.
func (s *Copies) SaveProgress(ctx context.Context, a job.Attempt, v arn.ProjectVersion, p copier.Progress) error {
	return s.db.write(ctx, func(t *tx) error {
		if waits, err := t.waits(ctx, a, v, customlabels.CopyingInProgress); err != nil || !waits {
			return cmp.Or(err, t.cancelled(ctx, v))
		}
		return t.putProgress(ctx, a.Job, v, p)
	})
}

// Progress returns how far a copy had come when that was stored last.
func (s *Copies) Progress(ctx context.Context, v arn.ProjectVersion) (p copier.Progress, err error) {
	return progress(ctx, s.db.reader, v)
}

func progress(ctx context.Context, q querier, v arn.ProjectVersion) (p copier.Progress, err error) {
	err = q.QueryRowContext(ctx, `SELECT progress FROM copies WHERE version = $1`, v.String()).Scan(jsonColumn{&p})
	if errors.Is(err, sql.ErrNoRows) {
		return copier.Progress{}, nil
	}
	return p, err
}

// touchProgress notes that a copy has changed, which came no further.
func (t *tx) touchProgress(ctx context.Context, id int64, v arn.ProjectVersion) error {
	p, err := progress(ctx, t, v)
	if err != nil {
		return fmt.Errorf("read the progress of %s: %w", v, err)
	}
	return t.putProgress(ctx, id, v, p.Touched(time.Now()))
}

func (t *tx) putProgress(ctx context.Context, id int64, v arn.ProjectVersion, p copier.Progress) error {
	encoded, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encode the progress of %s: %w", v, err)
	}
	_, err = t.ExecContext(ctx, `INSERT INTO copies (version, job, progress) VALUES ($1, $2, $3)
		ON CONFLICT (version) DO UPDATE SET progress = excluded.progress`, v.String(), id, string(encoded))
	if err != nil {
		return fmt.Errorf("store the progress of %s: %w", v, err)
	}
	return nil
}

// FailCopy ends the copy with COPYING_FAILED and drops its pin. A copy that
// ended already stays as it is.
func (s *Copies) FailCopy(ctx context.Context, a job.Attempt, v arn.ProjectVersion, message string) error {
	return s.end(ctx, a, v, func(t *tx) error {
		if err := t.touchProgress(ctx, a.Job, v); err != nil {
			return err
		}
		return t.setStatus(ctx, v, []customlabels.Status{customlabels.CopyingInProgress}, customlabels.CopyingFailed, message)
	})
}

// end runs the last write of a copy and drops its pin, once.
func (s *Copies) end(ctx context.Context, a job.Attempt, v arn.ProjectVersion, write func(*tx) error) error {
	return s.db.write(ctx, func(t *tx) error {
		if waits, err := t.waits(ctx, a, v, customlabels.CopyingInProgress); err != nil || !waits {
			return cmp.Or(err, t.cancelled(ctx, v))
		}
		if err := write(t); err != nil {
			return err
		}
		_, err := t.ExecContext(ctx, `DELETE FROM pins WHERE holder = $1`, v.String())
		return err
	})
}

// cancelled fails with copier.ErrCancelled where a copy was cancelled.
func (t *tx) cancelled(ctx context.Context, a arn.ProjectVersion) error {
	v, err := version(ctx, t, a)
	if err == nil && copier.IsCancelled(v) {
		err = copier.ErrCancelled
	}
	return err
}

// AccountMode is how copies into an account are made; empty where nobody has
// said it.
func (s *Copies) AccountMode(ctx context.Context, account string) (mode copier.Mode, err error) {
	err = s.db.reader.QueryRowContext(ctx, `SELECT mode FROM copy_modes WHERE account = $1`, account).Scan(&mode)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return mode, err
}

// SetAccountMode says how copies into an account are made; the empty mode
// leaves it to the server. It fails with quota.NoSuchEntity where there is no
// such account.
func (s *Copies) SetAccountMode(ctx context.Context, account string, mode copier.Mode) error {
	return s.db.write(ctx, func(t *tx) error {
		if err := t.hasAccount(ctx, account); err != nil {
			return err
		}
		if _, err := t.ExecContext(ctx, `DELETE FROM copy_modes WHERE account = $1`, account); err != nil {
			return err
		}
		if mode == "" {
			return nil
		}
		_, err := t.ExecContext(ctx, `INSERT INTO copy_modes (account, mode) VALUES ($1, $2)`, account, string(mode))
		return err
	})
}
