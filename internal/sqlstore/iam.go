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

// IAM is the store of users, roles and managed policies.
type IAM struct{ db *DB }

// IAM returns IAM's store.
func (db *DB) IAM() *IAM { return &IAM{db} }

var _ iam.Store = (*IAM)(nil)

const entityColumns = `SELECT id, partition, account, kind, name, path, content, created FROM iam_entities`

// scanEntity reads a row that ends with entityColumns, after others.
func scanEntity(row scanner, before ...any) (identity.Entity, error) {
	var e identity.Entity
	var created int64
	err := row.Scan(append(before, &e.ID, &e.Partition, &e.Account, &e.Kind, &e.Name, &e.Path, jsonColumn{&e.Content}, &created)...)
	e.Created = instant(created)
	return e, err
}

func entity(ctx context.Context, q querier, r identity.Ref) (identity.Entity, error) {
	return theEntity(q.QueryRowContext(ctx, entityColumns+` WHERE partition = $1 AND account = $2 AND kind = $3 AND folded = $4`,
		r.Partition, r.Account, r.Kind, strings.ToLower(r.Name)))
}

// theEntity is the one that a row holds, or NoSuchEntity.
func theEntity(row scanner) (identity.Entity, error) {
	e, err := scanEntity(row)
	if errors.Is(err, sql.ErrNoRows) {
		return e, identity.NoSuchEntity
	}
	return e, err
}

// InsertEntity implements [iam.Entities].
func (s *IAM) InsertEntity(ctx context.Context, e identity.Entity, quota int) error {
	return s.db.write(ctx, func(t *tx) error {
		if _, err := entity(ctx, t, e.Ref); !errors.Is(err, identity.NoSuchEntity) {
			if err == nil {
				err = identity.AlreadyExists
			}
			return err
		}
		var all int
		err := t.QueryRowContext(ctx, `SELECT COUNT(*) FROM iam_entities WHERE partition = $1 AND account = $2 AND kind = $3`,
			e.Partition, e.Account, e.Kind).Scan(&all)
		if err != nil {
			return fmt.Errorf("count: %w", err)
		}
		if all >= quota {
			return iam.LimitExceeded
		}
		if _, err := t.ExecContext(ctx, `INSERT INTO iam_entities (id, partition, account, kind, folded, name, path, content, created)
			VALUES ($1, $2, $3, $4, $5, $6, $7, '{}', $8)`,
			e.ID, e.Partition, e.Account, e.Kind, strings.ToLower(e.Name), e.Name, e.Path, millis(e.Created)); err != nil {
			return fmt.Errorf("insert: %w", err)
		}
		return t.saveEntity(ctx, e)
	})
}

// saveEntity writes what can change of an entity that is there, and which
// managed policies it has.
func (t *tx) saveEntity(ctx context.Context, e identity.Entity) error {
	content, err := json.Marshal(e.Content)
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	if _, err := t.ExecContext(ctx, `UPDATE iam_entities SET folded = $2, name = $3, path = $4, content = $5 WHERE id = $1`,
		e.ID, strings.ToLower(e.Name), e.Name, e.Path, string(content)); err != nil {
		return fmt.Errorf("update: %w", err)
	}
	if err := t.each(ctx, e.ID, `DELETE FROM iam_uses WHERE entity = $1`); err != nil {
		return err
	}
	for _, policy := range e.Attached {
		if err := t.insertUse(ctx, e.ID, policy, false); err != nil {
			return err
		}
	}
	if e.Boundary != "" {
		return t.insertUse(ctx, e.ID, e.Boundary, true)
	}
	return nil
}

func (t *tx) insertUse(ctx context.Context, entity, policy string, boundary bool) error {
	if _, ok := identity.AWSManaged(policy); !ok {
		var n int
		if err := t.QueryRowContext(ctx, `SELECT COUNT(*) FROM iam_policies p JOIN iam_entities e ON e.account = p.account AND e.partition = p.partition
			WHERE p.arn = $1 AND e.id = $2`, policy, entity).Scan(&n); err != nil {
			return fmt.Errorf("look for policy %s: %w", policy, err)
		}
		if n == 0 {
			return iam.ErrNoPolicy
		}
	}
	_, err := t.ExecContext(ctx, `INSERT INTO iam_uses (entity, policy, boundary) VALUES ($1, $2, $3)`, entity, policy, boundary)
	return err
}

// Entity implements [iam.Entities].
func (s *IAM) Entity(ctx context.Context, r identity.Ref) (identity.Entity, error) {
	return entity(ctx, s.db.reader, r)
}

// Entities implements [iam.Entities].
func (s *IAM) Entities(ctx context.Context, of identity.Ref, prefix, after string, n int) ([]identity.Entity, error) {
	rows, err := s.db.reader.QueryContext(ctx, entityColumns+` WHERE partition = $1 AND account = $2 AND kind = $3 AND folded > $4
		AND substr(path, 1, $5) = $6 ORDER BY folded LIMIT $7`, of.Partition, of.Account, of.Kind, strings.ToLower(after), len(prefix), prefix, n)
	if err != nil {
		return nil, err
	}
	return collect(rows, func(row scanner) (identity.Entity, error) { return scanEntity(row) })
}

// UpdateEntity implements [iam.Entities].
func (s *IAM) UpdateEntity(ctx context.Context, r identity.Ref, change func(*identity.Entity) error) error {
	return s.db.write(ctx, func(t *tx) error {
		e, err := entity(ctx, t, r)
		if err != nil {
			return err
		}
		if err := change(&e); err != nil {
			return err
		}
		if !strings.EqualFold(e.Name, r.Name) {
			if _, err := entity(ctx, t, e.Ref); !errors.Is(err, identity.NoSuchEntity) {
				return errors.Join(err, identity.AlreadyExists)
			}
		}
		return t.saveEntity(ctx, e)
	})
}

// DeleteEntity implements [iam.Entities].
func (s *IAM) DeleteEntity(ctx context.Context, r identity.Ref, check func(e identity.Entity, keys int) error) error {
	return s.db.write(ctx, func(t *tx) error {
		e, err := entity(ctx, t, r)
		if err != nil {
			return err
		}
		var keys int
		if err := t.QueryRowContext(ctx, `SELECT COUNT(*) FROM access_keys WHERE entity = $1`, e.ID).Scan(&keys); err != nil {
			return fmt.Errorf("count access keys: %w", err)
		}
		if err := check(e, keys); err != nil {
			return err
		}
		return t.each(ctx, e.ID, `DELETE FROM access_keys WHERE entity = $1`, `DELETE FROM iam_sessions WHERE entity = $1`,
			`DELETE FROM iam_entities WHERE id = $1`)
	})
}

// InsertKey implements [iam.Keys].
func (s *IAM) InsertKey(ctx context.Context, k identity.SealedKey, quota int) error {
	return s.db.write(ctx, func(t *tx) error {
		var all, owners int
		err := t.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM access_keys WHERE account = $1 AND entity = $2),
			(SELECT COUNT(*) FROM iam_entities WHERE id = $2 AND kind = $3)`, k.Account, k.Entity, identity.User).Scan(&all, &owners)
		switch {
		case err != nil:
			return fmt.Errorf("count access keys: %w", err)
		case k.Entity != "" && owners == 0:
			return identity.NoSuchEntity
		case all >= quota:
			return iam.LimitExceeded
		}
		return t.insertKey(ctx, k)
	})
}

func (t *tx) insertKey(ctx context.Context, k identity.SealedKey) error {
	_, err := t.ExecContext(ctx, `INSERT INTO access_keys (id, account, entity, sealed, active, created) VALUES ($1, $2, $3, $4, $5, $6)`,
		k.ID, k.Account, k.Entity, k.Sealed, k.Active, millis(k.Created))
	if err != nil {
		return fmt.Errorf("insert access key %s: %w", k.ID, err)
	}
	return nil
}

// KeysOf implements [iam.Keys].
func (s *IAM) KeysOf(ctx context.Context, account, user string) ([]identity.SealedKey, error) {
	rows, err := s.db.reader.QueryContext(ctx, accessKeyColumns+` WHERE k.account = $1 AND k.entity = $2 ORDER BY k.id`, account, user)
	if err != nil {
		return nil, err
	}
	return collect(rows, scanAccessKey)
}

// AccessKey implements [iam.Keys].
func (s *IAM) AccessKey(ctx context.Context, id string) (identity.SealedKey, error) {
	return s.db.Identity().AccessKey(ctx, id)
}

// SetKeyActive implements [iam.Keys].
func (s *IAM) SetKeyActive(ctx context.Context, account, user, id string, active bool) error {
	return s.oneKey(ctx, `UPDATE access_keys SET active = $4 WHERE account = $1 AND entity = $2 AND id = $3`, account, user, id, active)
}

// DeleteKey implements [iam.Keys].
func (s *IAM) DeleteKey(ctx context.Context, account, user, id string) error {
	return s.oneKey(ctx, `DELETE FROM access_keys WHERE account = $1 AND entity = $2 AND id = $3`, account, user, id)
}

func (s *IAM) oneKey(ctx context.Context, statement string, args ...any) error {
	return s.db.write(ctx, func(t *tx) error {
		done, err := changed(t.ExecContext(ctx, statement, args...))
		if err == nil && !done {
			return identity.NoSuchEntity
		}
		return err
	})
}

// Count implements [iam.Keys].
func (s *IAM) Count(ctx context.Context, partition, account string) (c iam.Summary, err error) {
	const of = ` WHERE partition = $1 AND account = $2`
	err = s.db.reader.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM iam_entities`+of+` AND kind = $3), (SELECT COUNT(*) FROM iam_entities`+of+` AND kind = $4),
		(SELECT COUNT(*) FROM iam_policies`+of+`), (SELECT COUNT(*) FROM iam_policies JOIN iam_policy_versions ON policy = arn`+of+`),
		(SELECT COUNT(*) FROM access_keys WHERE account = $2 AND entity = '')`,
		partition, account, identity.User, identity.Role).Scan(&c.Users, &c.Roles, &c.Policies, &c.Versions, &c.RootKeys)
	return c, err
}

// scanUse reads who has a policy.
func scanUse(row scanner) (iam.Use, error) {
	var u iam.Use
	return u, row.Scan(&u.ID, &u.Path, &u.Partition, &u.Account, &u.Kind, &u.Name)
}

// UsersOf implements [iam.Policies].
func (s *IAM) UsersOf(ctx context.Context, partition, account, policy string, boundary bool) ([]iam.Use, error) {
	rows, err := s.db.reader.QueryContext(ctx, `SELECT e.id, e.path, e.partition, e.account, e.kind, e.name FROM iam_uses u
		JOIN iam_entities e ON e.id = u.entity WHERE u.policy = $1 AND u.boundary = $2 AND e.partition = $3 AND e.account = $4
		ORDER BY e.kind, e.folded`, policy, boundary, partition, account)
	if err != nil {
		return nil, err
	}
	return collect(rows, scanUse)
}

// Uses implements [iam.Policies].
func (s *IAM) Uses(ctx context.Context, partition, account string) (map[string]iam.Uses, error) {
	rows, err := s.db.reader.QueryContext(ctx, `SELECT u.policy, COUNT(CASE WHEN u.boundary THEN NULL ELSE 1 END), COUNT(CASE WHEN u.boundary THEN 1 END)
		FROM iam_entities e JOIN iam_uses u ON u.entity = e.id WHERE e.partition = $1 AND e.account = $2 GROUP BY u.policy`, partition, account)
	if err != nil {
		return nil, err
	}
	all := map[string]iam.Uses{}
	_, err = collect(rows, func(row scanner) (struct{}, error) {
		var name string
		var n iam.Uses
		err := row.Scan(&name, &n.Attached, &n.Boundaries)
		all[name] = n
		return struct{}{}, err
	})
	return all, err
}

// policyARN splits what names a policy: its path and name follow "policy".
func policyARN(a arn.ARN) (path, name string) {
	rest := strings.TrimPrefix(a.Resource, "policy")
	i := strings.LastIndex(rest, "/") + 1
	return rest[:i], rest[i:]
}
