package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"mimeo/internal/arn"
	"mimeo/internal/iam"
	"mimeo/internal/identity"
)

const policyColumns = `SELECT arn, id, description, tags, default_version, last_version, created, updated FROM iam_policies`

func scanManaged(row scanner) (iam.Policy, error) {
	var p iam.Policy
	var name string
	var created, updated int64
	if err := row.Scan(&name, &p.ID, &p.Description, jsonColumn{&p.Tags}, &p.Default, &p.Last, &created, &updated); err != nil {
		return p, err
	}
	p.Created, p.Updated = instant(created), instant(updated)
	var err error
	p.ARN, err = arn.Parse(name)
	p.Path, p.Name = policyARN(p.ARN)
	return p, err
}

// managed returns a policy with its versions.
func managed(ctx context.Context, q querier, a arn.ARN) (iam.Policy, error) {
	p, err := scanManaged(q.QueryRowContext(ctx, policyColumns+` WHERE arn = $1`, a.String()))
	if errors.Is(err, sql.ErrNoRows) {
		return p, identity.NoSuchEntity
	}
	if err != nil {
		return p, err
	}
	rows, err := q.QueryContext(ctx, `SELECT version, document, created FROM iam_policy_versions WHERE policy = $1 ORDER BY version`, a.String())
	if err != nil {
		return p, err
	}
	p.Versions, err = collect(rows, func(row scanner) (iam.Version, error) {
		var v iam.Version
		var created int64
		err := row.Scan(&v.Number, &v.Document, &created)
		v.Created = instant(created)
		return v, err
	})
	return p, err
}

// InsertPolicy implements [iam.Policies].
func (s *IAM) InsertPolicy(ctx context.Context, p iam.Policy, quota int) error {
	return s.db.write(ctx, func(t *tx) error {
		folded := strings.ToLower(p.Name)
		var taken, all int
		err := t.QueryRowContext(ctx, `SELECT COUNT(CASE WHEN folded = $3 THEN 1 END), COUNT(*) FROM iam_policies WHERE partition = $1 AND account = $2`,
			p.ARN.Partition, p.ARN.Account, folded).Scan(&taken, &all)
		switch {
		case err != nil:
			return fmt.Errorf("count policies: %w", err)
		case taken > 0:
			return identity.AlreadyExists
		case all >= quota:
			return iam.LimitExceeded
		}
		if _, err := t.ExecContext(ctx, `INSERT INTO iam_policies
			(arn, id, partition, account, folded, path, description, tags, default_version, last_version, created, updated)
			VALUES ($1, $2, $3, $4, $5, $6, $7, '{}', 0, 0, $8, 0)`,
			p.ARN.String(), p.ID, p.ARN.Partition, p.ARN.Account, folded, p.Path, p.Description, millis(p.Created)); err != nil {
			return fmt.Errorf("insert policy: %w", err)
		}
		return t.savePolicy(ctx, p)
	})
}

// savePolicy writes what can change of a policy that is there.
func (t *tx) savePolicy(ctx context.Context, p iam.Policy) error {
	tags, err := json.Marshal(p.Tags)
	if err != nil {
		return fmt.Errorf("encode tags: %w", err)
	}
	name := p.ARN.String()
	if _, err := t.ExecContext(ctx, `UPDATE iam_policies SET tags = $2, default_version = $3, last_version = $4, updated = $5 WHERE arn = $1`,
		name, string(tags), p.Default, p.Last, millis(p.Updated)); err != nil {
		return fmt.Errorf("update policy: %w", err)
	}
	if err := t.each(ctx, name, `DELETE FROM iam_policy_versions WHERE policy = $1`); err != nil {
		return err
	}
	for _, v := range p.Versions {
		if _, err := t.ExecContext(ctx, `INSERT INTO iam_policy_versions (policy, version, document, created) VALUES ($1, $2, $3, $4)`,
			name, v.Number, v.Document, millis(v.Created)); err != nil {
			return fmt.Errorf("insert version: %w", err)
		}
	}
	return nil
}

// Policy implements [iam.Policies].
func (s *IAM) Policy(ctx context.Context, a arn.ARN) (p iam.Policy, err error) {
	err = s.db.view(ctx, func(q querier) error {
		p, err = managed(ctx, q, a)
		return err
	})
	return p, err
}

// Policies implements [iam.Policies].
func (s *IAM) Policies(ctx context.Context, partition, account, prefix string) ([]iam.Policy, error) {
	rows, err := s.db.reader.QueryContext(ctx, policyColumns+` WHERE partition = $1 AND account = $2 AND substr(path, 1, $3) = $4 ORDER BY folded`,
		partition, account, len(prefix), prefix)
	if err != nil {
		return nil, err
	}
	return collect(rows, scanManaged)
}

// UpdatePolicy implements [iam.Policies].
func (s *IAM) UpdatePolicy(ctx context.Context, a arn.ARN, change func(*iam.Policy) error) error {
	return s.db.write(ctx, func(t *tx) error {
		p, err := managed(ctx, t, a)
		if err == nil {
			err = change(&p)
		}
		if err != nil {
			return err
		}
		return t.savePolicy(ctx, p)
	})
}

// DeletePolicy implements [iam.Policies].
func (s *IAM) DeletePolicy(ctx context.Context, a arn.ARN, check func(iam.Policy) error) error {
	return s.db.write(ctx, func(t *tx) error {
		p, err := managed(ctx, t, a)
		if err != nil {
			return err
		}
		var used int
		if err := t.QueryRowContext(ctx, `SELECT COUNT(*) FROM iam_uses WHERE policy = $1`, a.String()).Scan(&used); err != nil {
			return fmt.Errorf("count uses: %w", err)
		}
		if used > 0 {
			return iam.DeleteConflict
		}
		if err := check(p); err != nil {
			return err
		}
		return t.each(ctx, a.String(), `DELETE FROM iam_policies WHERE arn = $1`)
	})
}
