package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"mimeo/internal/kms"
)

const grantColumns = `id, key_arn, name, created, grantee, retiring, issuer, operations, constraints`

func scanGrant(row scanner) (kms.Grant, error) {
	var g kms.Grant
	var created int64
	err := row.Scan(&g.ID, textColumn{&g.Key}, &g.Name, &created, textColumn{&g.Grantee}, textColumn{&g.Retiring}, textColumn{&g.Issuer}, jsonColumn{&g.Operations}, jsonColumn{&g.Constraints})
	g.Created = instant(created)
	return g, err
}

// InsertGrants implements [kms.Grants].
func (s *KMS) InsertGrants(ctx context.Context, grants []kms.Grant, limit int) ([]kms.Grant, error) {
	inserted := make([]kms.Grant, len(grants))
	err := s.db.write(ctx, func(t *tx) error {
		key := grants[0].Key.ID
		held, err := t.grantsOf(ctx, key)
		if err != nil {
			return err
		}
		fresh := 0
		for i, g := range grants {
			if inserted[i], err = t.insertGrant(ctx, g, limit-held-fresh); err != nil {
				return err
			}
			if inserted[i].ID == g.ID {
				fresh++
			}
		}
		return t.addGrants(ctx, key, fresh)
	})
	return inserted, err
}

// insertGrant inserts a grant of a key that has room for so many, and returns
// it, or the one that stands for it.
func (t *tx) insertGrant(ctx context.Context, g kms.Grant, room int) (kms.Grant, error) {
	operations, err := json.Marshal(g.Operations)
	if err != nil {
		return kms.Grant{}, fmt.Errorf("insert grant: %w", err)
	}
	constraints, err := json.Marshal(g.Constraints) // names in order: equal constraints have equal texts
	if err != nil {
		return kms.Grant{}, fmt.Errorf("insert grant: %w", err)
	}
	content := []any{g.Key.ID, g.Name, text(g.Grantee), text(g.Retiring), text(g.Issuer), string(operations), string(constraints)}
	same, err := t.sameGrant(ctx, g, content)
	if err != nil || same.ID != "" {
		return same, err
	}
	if room <= 0 {
		return kms.Grant{}, kms.LimitExceeded
	}
	_, err = t.ExecContext(ctx, `INSERT INTO kms_grants (key_id, name, grantee, retiring, issuer, operations, constraints, id, key_arn, created, bound)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`, append(content, g.ID, g.Key.String(), millis(g.Created), g.Constraints.Equals.Digest())...)
	if err != nil {
		return kms.Grant{}, fmt.Errorf("insert grant: %w", err)
	}
	return g, nil
}

// sameGrant returns the grant of a name that has the same content, or the
// zero Grant.
func (t *tx) sameGrant(ctx context.Context, g kms.Grant, content []any) (kms.Grant, error) {
	if g.Name == "" {
		return kms.Grant{}, nil
	}
	same, err := scanGrant(t.QueryRowContext(ctx, `SELECT `+grantColumns+` FROM kms_grants WHERE key_id = $1 AND name = $2
		AND grantee = $3 AND retiring = $4 AND issuer = $5 AND operations = $6 AND constraints = $7 ORDER BY id LIMIT 1`, content...))
	if errors.Is(err, sql.ErrNoRows) {
		return kms.Grant{}, nil
	}
	if err != nil {
		return kms.Grant{}, fmt.Errorf("look for grant %q: %w", g.Name, err)
	}
	return same, nil
}

// grantsOf returns how many grants a key has. It fails with NotFound where
// there is no such key.
func (t *tx) grantsOf(ctx context.Context, keyID string) (n int, err error) {
	err = t.QueryRowContext(ctx, `SELECT grants FROM kms_keys WHERE id = $1`, keyID).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, kms.NotFound
	}
	if err != nil {
		return 0, fmt.Errorf("read how many grants %s has: %w", keyID, err)
	}
	return n, nil
}

// addGrants notes that a key has n grants more.
func (t *tx) addGrants(ctx context.Context, keyID string, n int) error {
	if _, err := t.ExecContext(ctx, `UPDATE kms_keys SET grants = grants + $2 WHERE id = $1`, keyID, n); err != nil {
		return fmt.Errorf("count the grants of %s: %w", keyID, err)
	}
	return nil
}

// Grant implements [kms.Grants].
func (s *KMS) Grant(ctx context.Context, keyID, id string) (kms.Grant, error) {
	g, err := scanGrant(s.db.reader.QueryRowContext(ctx, `SELECT `+grantColumns+` FROM kms_grants WHERE id = $1 AND key_id = $2`, id, keyID))
	if errors.Is(err, sql.ErrNoRows) {
		return kms.Grant{}, kms.NotFound
	}
	if err != nil {
		return kms.Grant{}, fmt.Errorf("read grant: %w", err)
	}
	return g, nil
}

// Grants implements [kms.Grants].
func (s *KMS) Grants(ctx context.Context, q kms.GrantQuery) ([]kms.Grant, error) {
	var where []string
	var args []any
	add := func(condition string, value any) {
		args = append(args, value)
		where = append(where, condition+" $"+strconv.Itoa(len(args)))
	}
	add("id >", q.After)
	if q.KeyID != "" {
		add("key_id =", q.KeyID)
	}
	if q.ID != "" {
		add("id =", q.ID)
	}
	if grantee := text(q.Grantee); grantee != "" {
		add("grantee =", grantee)
	}
	if len(q.Bound) > 0 {
		where = append(where, "bound IN ("+placeholders(len(args)+1, len(q.Bound))+")")
		for _, digest := range q.Bound {
			args = append(args, digest)
		}
	}
	if q.NamePrefix != "" {
		add("name >=", q.NamePrefix)
		add("name <", q.NamePrefix+"\U0010ffff")
	}
	query := `SELECT ` + grantColumns + ` FROM kms_grants WHERE ` + strings.Join(where, " AND ") + ` ORDER BY id`
	if q.Limit > 0 {
		query += limited(q.Limit)
	}
	rows, err := s.db.reader.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list grants: %w", err)
	}
	return collect(rows, scanGrant)
}

// DeleteGrant implements [kms.Grants].
func (s *KMS) DeleteGrant(ctx context.Context, keyID, id string) error {
	return s.db.write(ctx, func(t *tx) error {
		deleted, err := changed(t.ExecContext(ctx, `DELETE FROM kms_grants WHERE id = $1 AND key_id = $2`, id, keyID))
		if err != nil {
			return fmt.Errorf("delete grant: %w", err)
		}
		if !deleted {
			return kms.NotFound
		}
		return t.addGrants(ctx, keyID, -1)
	})
}
