package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
)

// ProjectPolicies keeps the policies of projects.
type ProjectPolicies struct{ db *DB }

// ProjectPolicies returns the store of project policies.
func (db *DB) ProjectPolicies() *ProjectPolicies { return &ProjectPolicies{db} }

// Policies implements registry.Policies.
func (s *ProjectPolicies) Policies(ctx context.Context, project arn.Project) ([]customlabels.ProjectPolicy, error) {
	rows, err := s.db.reader.QueryContext(ctx, `SELECT name, revision, document, created, updated FROM project_policies
		WHERE project = $1 ORDER BY name`, project.String())
	if err != nil {
		return nil, err
	}
	return collect(rows, func(row scanner) (customlabels.ProjectPolicy, error) {
		p := customlabels.ProjectPolicy{Project: project}
		var created, updated int64
		err := row.Scan(&p.Name, &p.RevisionID, &p.Document, &created, &updated)
		p.CreatedAt, p.UpdatedAt = instant(created), instant(updated)
		return p, err
	})
}

// InsertPolicy implements registry.Policies.
func (s *ProjectPolicies) InsertPolicy(ctx context.Context, p customlabels.ProjectPolicy, quota int) error {
	return s.db.write(ctx, func(t *tx) error {
		if err := t.openProject(ctx, p.Project); err != nil {
			return err
		}
		var taken, all int
		err := t.QueryRowContext(ctx, `SELECT COUNT(CASE WHEN name = $2 THEN 1 END), COUNT(*) FROM project_policies WHERE project = $1`,
			p.Project.String(), p.Name).Scan(&taken, &all)
		switch {
		case err != nil:
			return fmt.Errorf("count policies: %w", err)
		case taken > 0:
			return customlabels.ResourceAlreadyExists
		case all >= quota:
			return customlabels.ServiceQuotaExceeded
		}
		_, err = t.ExecContext(ctx, `INSERT INTO project_policies (project, name, revision, document, created, updated)
			VALUES ($1, $2, $3, $4, $5, $6)`, p.Project.String(), p.Name, p.RevisionID, p.Document, millis(p.CreatedAt), millis(p.UpdatedAt))
		return err
	})
}

// ReplacePolicy implements registry.Policies.
func (s *ProjectPolicies) ReplacePolicy(ctx context.Context, p customlabels.ProjectPolicy, revision string) error {
	return s.db.write(ctx, func(t *tx) error {
		if err := t.openProject(ctx, p.Project); err != nil {
			return err
		}
		replaced, err := changed(t.ExecContext(ctx, `UPDATE project_policies SET revision = $4, document = $5, updated = $6
			WHERE project = $1 AND name = $2 AND revision = $3`,
			p.Project.String(), p.Name, revision, p.RevisionID, p.Document, millis(p.UpdatedAt)))
		if err == nil && !replaced {
			return customlabels.InvalidPolicyRevisionID
		}
		return err
	})
}

// DeletePolicy implements registry.Policies.
func (s *ProjectPolicies) DeletePolicy(ctx context.Context, project arn.Project, name, revision string) error {
	return s.db.write(ctx, func(t *tx) error {
		var current string
		err := t.QueryRowContext(ctx, `SELECT revision FROM project_policies WHERE project = $1 AND name = $2`, project.String(), name).Scan(&current)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return customlabels.ResourceNotFound
		case err != nil:
			return err
		case revision != "" && revision != current:
			return customlabels.InvalidPolicyRevisionID
		}
		_, err = t.ExecContext(ctx, `DELETE FROM project_policies WHERE project = $1 AND name = $2`, project.String(), name)
		return err
	})
}
