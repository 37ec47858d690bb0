package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/registry"
)

// Projects keeps projects.
type Projects struct{ db *DB }

// Projects returns the store of projects.
func (db *DB) Projects() *Projects { return &Projects{db} }

const projectColumns = `arn, feature, status, created`

func scanProject(row scanner) (customlabels.Project, error) {
	var p customlabels.Project
	var created int64
	err := row.Scan(textColumn{&p.ARN}, &p.Feature, &p.Status, &created)
	p.CreatedAt = instant(created)
	return p, err
}

// Project returns a project, or ResourceNotFound.
func (s *Projects) Project(ctx context.Context, project arn.Project) (customlabels.Project, error) {
	return projectRow(ctx, s.db.reader, project)
}

func projectRow(ctx context.Context, q querier, project arn.Project) (customlabels.Project, error) {
	p, err := scanProject(q.QueryRowContext(ctx, `SELECT `+projectColumns+` FROM projects WHERE arn = $1`, project.String()))
	if errors.Is(err, sql.ErrNoRows) {
		return p, customlabels.ResourceNotFound
	}
	return p, err
}

func projectsBefore(in arn.Namespace, names []string, last customlabels.Project, limit int) (query string, args []any) {
	created := int64(math.MaxInt64)
	if !last.CreatedAt.IsZero() {
		created = millis(last.CreatedAt)
	}
	query = `SELECT ` + projectColumns + ` FROM projects WHERE partition = $1 AND region = $2 AND account = $3
		AND (created, name) < ($4, $5)`
	args = []any{in.Partition, in.Region, in.Account, created, last.ARN.Name}
	if len(names) > 0 {
		query += ` AND name IN (` + placeholders(len(args)+1, len(names)) + `)`
		args = appendStrings(args, names)
	}
	return query + ` ORDER BY created DESC, name DESC` + limited(limit), args
}

// ProjectsBefore implements registry.Projects.
func (s *Projects) ProjectsBefore(ctx context.Context, in arn.Namespace, names []string, last customlabels.Project, limit int) ([]customlabels.Project, error) {
	query, args := projectsBefore(in, names, last, limit)
	rows, err := s.db.reader.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return collect(rows, scanProject)
}

// InsertProject implements registry.Projects.
func (s *Projects) InsertProject(ctx context.Context, p customlabels.Project, tags customlabels.Tags, quota int) error {
	return s.db.write(ctx, func(t *tx) error {
		var taken, all int
		err := t.QueryRowContext(ctx, `SELECT COUNT(CASE WHEN name = $4 THEN 1 END), COUNT(*) FROM projects
			WHERE partition = $1 AND region = $2 AND account = $3`,
			p.ARN.Partition, p.ARN.Region, p.ARN.Account, p.ARN.Name).Scan(&taken, &all)
		switch {
		case err != nil:
			return fmt.Errorf("count projects: %w", err)
		case taken > 0:
			return customlabels.ResourceInUse
		case all >= quota:
			return customlabels.LimitExceeded
		}
		_, err = t.ExecContext(ctx, `INSERT INTO projects (arn, partition, region, account, name, feature, status, created)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, p.ARN.String(), p.ARN.Partition, p.ARN.Region, p.ARN.Account,
			p.ARN.Name, string(p.Feature), string(p.Status), millis(p.CreatedAt))
		if err != nil {
			return fmt.Errorf("insert: %w", err)
		}
		return t.setTags(ctx, p.ARN.String(), tags)
	})
}

// openProject fails with ResourceNotFound where a project is gone or going.
func (t *tx) openProject(ctx context.Context, project arn.Project) error {
	p, err := projectRow(ctx, t, project)
	if err == nil && p.Status != customlabels.ProjectCreated {
		return customlabels.ResourceNotFound
	}
	return err
}

// BeginDeleteProject implements registry.Projects.
func (s *Projects) BeginDeleteProject(ctx context.Context, project arn.Project, op registry.Operation) error {
	return s.db.write(ctx, func(t *tx) error {
		p, err := projectRow(ctx, t, project)
		if err != nil {
			return err
		}
		var inUse int
		err = t.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM versions WHERE project = $1)
			+ (SELECT COUNT(*) FROM datasets WHERE project = $1 AND operation <> '')`, project.String()).Scan(&inUse)
		if err != nil {
			return fmt.Errorf("look for versions and busy datasets: %w", err)
		}
		if inUse > 0 || p.Status != customlabels.ProjectCreated {
			return customlabels.ResourceInUse
		}
		if _, err := t.ExecContext(ctx, `UPDATE projects SET status = $2 WHERE arn = $1`, project.String(), string(customlabels.ProjectDeleting)); err != nil {
			return fmt.Errorf("mark as deleting: %w", err)
		}
		if _, err := t.ExecContext(ctx, `UPDATE datasets SET operation = $2, status = $3 WHERE project = $1`,
			project.String(), op.ID, string(customlabels.DatasetDeleteInProgress)); err != nil {
			return fmt.Errorf("mark datasets as deleting: %w", err)
		}
		return t.enqueue(ctx, op.Job)
	})
}

// DropProject implements registry.Projects.
func (s *Projects) DropProject(ctx context.Context, project arn.Project) error {
	return s.db.write(ctx, func(t *tx) error {
		return t.each(ctx, project.String(),
			`DELETE FROM project_policies WHERE project = $1`,
			`DELETE FROM tags WHERE resource = $1`,
			`DELETE FROM projects WHERE arn = $1`)
	})
}
