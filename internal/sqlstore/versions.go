package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/digest"
	"mimeo/internal/events"
	"mimeo/internal/job"
)

// Versions keeps project versions, their artifacts and pins.
type Versions struct{ db *DB }

// Versions returns the store of project versions.
func (db *DB) Versions() *Versions { return &Versions{db} }

const versionColumns = `arn, project, status, status_message, description, created, output_bucket, output_prefix,
	kms_key, source, min_units, max_units, training_ended, billable_seconds, base_model, f1, files,
	version_key, sealing_key, version_grant, input`

func scanVersion(row scanner) (customlabels.ProjectVersion, error) {
	var v customlabels.ProjectVersion
	var created, trainingEnded int64
	err := row.Scan(textColumn{&v.ARN}, textColumn{&v.Project}, &v.Status, &v.StatusMessage, &v.Description, &created,
		&v.OutputConfig.Bucket, &v.OutputConfig.Prefix, textColumn{&v.KMSKey}, textColumn{&v.Source},
		&v.MinInferenceUnits, &v.MaxInferenceUnits, &trainingEnded, &v.BillableSeconds, &v.BaseModel, &v.F1Score,
		jsonColumn{&v.Files}, &v.Bundle.VersionKey, textColumn{&v.Bundle.Key}, &v.Bundle.Grant, jsonColumn{&v.Input})
	v.CreatedAt, v.TrainingEndedAt = instant(created), instant(trainingEnded)
	return v, err
}

// Version returns a version with its bundle, as they were at one moment, or
// ResourceNotFound.
func (s *Versions) Version(ctx context.Context, a arn.ProjectVersion) (v customlabels.ProjectVersion, err error) {
	err = s.db.view(ctx, func(q querier) (err error) {
		if v, err = version(ctx, q, a); err != nil {
			return err
		}
		v.Bundle.Artifacts, err = artifacts(ctx, q, a)
		return err
	})
	return v, err
}

func version(ctx context.Context, q querier, a arn.ProjectVersion) (customlabels.ProjectVersion, error) {
	v, err := scanVersion(q.QueryRowContext(ctx, `SELECT `+versionColumns+` FROM versions WHERE arn = $1`, a.String()))
	if errors.Is(err, sql.ErrNoRows) {
		return v, customlabels.ResourceNotFound
	}
	return v, err
}

func artifacts(ctx context.Context, q querier, a arn.ProjectVersion) ([]customlabels.Artifact, error) {
	rows, err := q.QueryContext(ctx, `SELECT role, digest, size, wrapped_key, plain_digest, verified, damaged FROM artifacts WHERE version = $1 ORDER BY role`, a.String())
	if err != nil {
		return nil, err
	}
	return collect(rows, func(row scanner) (customlabels.Artifact, error) {
		var f customlabels.Artifact
		var verified, damaged int64
		err := row.Scan(&f.Role, textColumn{&f.Digest}, &f.Size, &f.WrappedKey, textColumn{&f.Plain}, &verified, &damaged)
		f.VerifiedAt, f.DamagedAt = instant(verified), instant(damaged)
		if err != nil {
			err = fmt.Errorf("read artifact %q: %w", f.Role, err)
		}
		return f, err
	})
}

func versionsBefore(project arn.Project, names []string, last customlabels.ProjectVersion, limit int) (query string, args []any) {
	created := int64(math.MaxInt64)
	if !last.CreatedAt.IsZero() {
		created = millis(last.CreatedAt)
	}
	query = `SELECT ` + versionColumns + ` FROM versions WHERE project = $1 AND (created, name) < ($2, $3)`
	args = []any{project.String(), created, last.ARN.Name}
	if len(names) > 0 {
		query += ` AND name IN (` + placeholders(len(args)+1, len(names)) + `)`
		args = appendStrings(args, names)
	}
	return query + ` ORDER BY created DESC, name DESC` + limited(limit), args
}

// VersionsBefore returns up to limit versions of a project, the newest first,
// that come after the version last; the zero last begins with the newest.
// Where names is not empty, only versions of these names are returned.
// Bundles are left empty.
func (s *Versions) VersionsBefore(ctx context.Context, project arn.Project, names []string, last customlabels.ProjectVersion, limit int) ([]customlabels.ProjectVersion, error) {
	query, args := versionsBefore(project, names, last, limit)
	rows, err := s.db.reader.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return collect(rows, scanVersion)
}

// HasVersion reports whether a project has a version of that name.
func (s *Versions) HasVersion(ctx context.Context, project arn.Project, name string) (bool, error) {
	var n int
	err := s.db.reader.QueryRowContext(ctx, `SELECT COUNT(*) FROM versions WHERE project = $1 AND name = $2`, project.String(), name).Scan(&n)
	return n > 0, err
}

// insertVersion inserts a version that a job is going to finish, and its
// tags. It fails with ResourceNotFound or ResourceInUse where the project is
// gone or going, with ResourceInUse where the name is taken, and with
// ServiceQuotaExceeded where the project is full, and with LimitExceeded where
// too many versions of the namespace are in its state.
func (t *tx) insertVersion(ctx context.Context, v customlabels.NewVersion) error {
	if err := canHoldVersion(ctx, t, v); err != nil {
		return err
	}
	files, err := json.Marshal(v.Files)
	if err != nil {
		return err
	}
	input, err := json.Marshal(v.Input)
	if err != nil {
		return err
	}
	_, err = t.ExecContext(ctx, `INSERT INTO versions (partition, region, account, name, `+versionColumns+`)
		VALUES (`+placeholders(1, 25)+`)`,
		v.ARN.Partition, v.ARN.Region, v.ARN.Account, v.ARN.Name, v.ARN.String(), v.Project.String(), string(v.Status), v.StatusMessage, v.Description, millis(v.CreatedAt),
		v.OutputConfig.Bucket, v.OutputConfig.Prefix, text(v.KMSKey), text(v.Source), v.MinInferenceUnits, v.MaxInferenceUnits,
		millis(v.TrainingEndedAt), v.BillableSeconds, v.BaseModel, v.F1Score, string(files),
		v.Bundle.VersionKey, text(v.Bundle.Key), v.Bundle.Grant, string(input))
	if err != nil {
		return fmt.Errorf("insert version %s: %w", v.ARN, err)
	}
	if err := t.setTags(ctx, v.ARN.String(), v.Tags); err != nil {
		return err
	}
	return t.announce(ctx, v.ARN, events.TypeOf(v.Status))
}

func canHoldVersion(ctx context.Context, q querier, v customlabels.NewVersion) error {
	var status customlabels.ProjectStatus
	err := q.QueryRowContext(ctx, `SELECT status FROM projects WHERE arn = $1`, v.Project.String()).Scan(&status)
	if errors.Is(err, sql.ErrNoRows) {
		return customlabels.ResourceNotFound
	}
	if err != nil {
		return fmt.Errorf("read project %s: %w", v.Project, err)
	}
	var taken, all int
	err = q.QueryRowContext(ctx, `SELECT COUNT(CASE WHEN name = $2 THEN 1 END), COUNT(*) FROM versions WHERE project = $1`,
		v.Project.String(), v.ARN.Name).Scan(&taken, &all)
	switch {
	case err != nil:
		return fmt.Errorf("count versions of %s: %w", v.Project, err)
	case status != customlabels.ProjectCreated || taken > 0:
		return customlabels.ResourceInUse
	case all >= v.Limits.InProject:
		return customlabels.ServiceQuotaExceeded
	}
	alike, err := countInStatus(ctx, q, v.ARN.Namespace, v.Status)
	switch {
	case err != nil:
		return fmt.Errorf("count versions that are %s: %w", v.Status, err)
	case alike >= v.Limits.InProgress:
		return customlabels.LimitExceeded
	default:
		return nil
	}
}

// countInStatus counts the versions of a namespace that are in a state.
func countInStatus(ctx context.Context, q querier, in arn.Namespace, status customlabels.Status) (n int, err error) {
	err = q.QueryRowContext(ctx, `SELECT COUNT(*) FROM versions WHERE status = $1 AND partition = $2 AND region = $3 AND account = $4`,
		string(status), in.Partition, in.Region, in.Account).Scan(&n)
	return n, err
}

// finishVersion stores the outcome of training or copying: status, message,
// results and bundle.
func (t *tx) finishVersion(ctx context.Context, v customlabels.ProjectVersion) error {
	files, err := json.Marshal(v.Files)
	if err != nil {
		return err
	}
	if _, err := t.ExecContext(ctx, `UPDATE versions SET status = $2, status_message = $3, training_ended = $4, billable_seconds = $5,
		base_model = $6, f1 = $7, files = $8, version_key = $9, sealing_key = $10, version_grant = $11 WHERE arn = $1`,
		v.ARN.String(), string(v.Status), v.StatusMessage, millis(v.TrainingEndedAt), v.BillableSeconds,
		v.BaseModel, v.F1Score, string(files), v.Bundle.VersionKey, text(v.Bundle.Key), v.Bundle.Grant); err != nil {
		return fmt.Errorf("finish version %s: %w", v.ARN, err)
	}
	if err := t.insertArtifacts(ctx, v.ARN, v.Bundle.Artifacts); err != nil {
		return err
	}
	return t.announce(ctx, v.ARN, events.TypeOf(v.Status))
}

// insertArtifacts references the artifacts of a version.
func (t *tx) insertArtifacts(ctx context.Context, v arn.ProjectVersion, list []customlabels.Artifact) error {
	if len(list) == 0 {
		return nil
	}
	var args []any
	for _, a := range list {
		args = append(args, v.String(), string(a.Role), a.Digest.String(), a.Size, a.WrappedKey, text(a.Plain), millis(a.VerifiedAt), millis(a.DamagedAt))
	}
	_, err := t.ExecContext(ctx, `INSERT INTO artifacts (version, role, digest, size, wrapped_key, plain_digest, verified, damaged) VALUES `+tuples(len(list), 8), args...)
	if err != nil {
		return fmt.Errorf("reference the artifacts of %s: %w", v, err)
	}
	return nil
}

// SetStatus moves a version on from one of the states from, or fails with
// ResourceInUse where it is in none of them.
func (s *Versions) SetStatus(ctx context.Context, a arn.ProjectVersion, from []customlabels.Status, to customlabels.Status, message string) error {
	return s.db.write(ctx, func(t *tx) error { return t.setStatus(ctx, a, from, to, message) })
}

func (t *tx) setStatus(ctx context.Context, a arn.ProjectVersion, from []customlabels.Status, to customlabels.Status, message string) error {
	for _, status := range from {
		moved, err := changed(t.ExecContext(ctx, `UPDATE versions SET status = $3, status_message = $4 WHERE arn = $1 AND status = $2`,
			a.String(), string(status), string(to), message))
		if err != nil {
			return fmt.Errorf("set status of %s to %s: %w", a, to, err)
		}
		switch {
		case moved && status != to:
			return t.announce(ctx, a, events.TypeOf(to))
		case moved:
			return nil
		}
	}
	return customlabels.ResourceInUse
}

// waits reports whether a version still waits, in a state, for the last write
// of a job: it does not where a former run of the job came so far. It fails
// with job.ErrSuperseded unless the attempt is the current one.
func (t *tx) waits(ctx context.Context, a job.Attempt, v arn.ProjectVersion, in customlabels.Status) (bool, error) {
	if err := t.current(ctx, a); err != nil {
		return false, err
	}
	now, err := version(ctx, t, v)
	return now.Status == in, err
}

// BeginDelete moves a version to DELETING and inserts the job that drops it.
// It fails with ResourceInUse where the version is in another state than v
// was read in, or a copy is reading it.
func (s *Versions) BeginDelete(ctx context.Context, v customlabels.ProjectVersion, spec job.Spec) error {
	return s.db.write(ctx, func(t *tx) error {
		var pins int
		if err := t.QueryRowContext(ctx, `SELECT COUNT(*) FROM pins WHERE version = $1`, v.ARN.String()).Scan(&pins); err != nil {
			return fmt.Errorf("count pins of %s: %w", v.ARN, err)
		}
		if pins > 0 {
			return customlabels.ResourceInUse
		}
		if err := t.setStatus(ctx, v.ARN, []customlabels.Status{v.Status}, customlabels.Deleting, ""); err != nil {
			return err
		}
		return t.enqueue(ctx, spec)
	})
}

// Delete drops a version, its artifacts and its tags, and leaves a tombstone
// where it has a place in a lineage. Deleting twice is no error: a restarted
// job repeats its last call.
func (s *Versions) Delete(ctx context.Context, a arn.ProjectVersion, now time.Time) error {
	return s.db.write(ctx, func(t *tx) error {
		if err := t.bury(ctx, a, now); err != nil {
			return err
		}
		if err := t.announce(ctx, a, events.Deleted); err != nil {
			return err
		}
		return t.each(ctx, a.String(),
			`DELETE FROM pins WHERE holder = $1`,
			`DELETE FROM copies WHERE version = $1`,
			`DELETE FROM trainings WHERE version = $1`,
			`DELETE FROM invocations WHERE version = $1`,
			`DELETE FROM artifacts WHERE version = $1`,
			`DELETE FROM tags WHERE resource = $1`,
			`DELETE FROM versions WHERE arn = $1`)
	})
}

// MarkVerified stamps all artifacts that are stored in the blob of a as read
// in full at a.VerifiedAt and found whole. Damage that was found since a was
// read, that is at another time than a.DamagedAt, stays. The digest of the
// plain bytes is kept where it was not known.
func (s *Versions) MarkVerified(ctx context.Context, a customlabels.Artifact) error {
	return s.db.write(ctx, func(t *tx) error {
		_, err := t.ExecContext(ctx, `UPDATE artifacts SET verified = $2, damaged = CASE WHEN damaged = $4 THEN 0 ELSE damaged END,
			plain_digest = CASE WHEN plain_digest = '' THEN $3 ELSE plain_digest END WHERE digest = $1`,
			a.Digest.String(), millis(a.VerifiedAt), text(a.Plain), millis(a.DamagedAt))
		return err
	})
}

// MarkDamaged stamps all artifacts that are stored in a blob as found damaged.
func (s *Versions) MarkDamaged(ctx context.Context, blob digest.Digest, at time.Time) error {
	return s.db.write(ctx, func(t *tx) error {
		_, err := t.ExecContext(ctx, `UPDATE artifacts SET damaged = $2 WHERE digest = $1`, blob.String(), millis(at))
		return err
	})
}

// Referenced reports whether an artifact of any version is stored in d.
func (s *Versions) Referenced(ctx context.Context, d digest.Digest) (bool, error) {
	var n int
	err := s.db.reader.QueryRowContext(ctx, `SELECT COUNT(*) FROM artifacts WHERE digest = $1`, d.String()).Scan(&n)
	return n > 0, err
}
