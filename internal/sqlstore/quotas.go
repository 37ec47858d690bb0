package sqlstore

import (
	"context"
	"fmt"

	"mimeo/internal/quota"
)

// Quotas keeps the quotas that operators have set.
type Quotas struct{ db *DB }

// Quotas returns the quota service's store.
func (db *DB) Quotas() *Quotas { return &Quotas{db} }

// Quotas implements quota.Store.
func (s *Quotas) Quotas(ctx context.Context, account string) (map[quota.Name]int, error) {
	rows, err := s.db.reader.QueryContext(ctx, `SELECT name, value FROM quotas WHERE account = $1`, account)
	if err != nil {
		return nil, err
	}
	type row struct {
		name  quota.Name
		value int
	}
	found, err := collect(rows, func(from scanner) (r row, err error) {
		err = from.Scan(&r.name, &r.value)
		return r, err
	})
	set := make(map[quota.Name]int, len(found))
	for _, r := range found {
		set[r.name] = r.value
	}
	return set, err
}

// SetQuotas implements quota.Store.
func (s *Quotas) SetQuotas(ctx context.Context, account string, values quota.Values) error {
	return s.db.write(ctx, func(t *tx) error {
		if err := t.hasAccount(ctx, account); err != nil {
			return err
		}
		for name, value := range values {
			var err error
			if value == nil {
				_, err = t.ExecContext(ctx, `DELETE FROM quotas WHERE account = $1 AND name = $2`, account, string(name))
			} else {
				_, err = t.ExecContext(ctx, `INSERT INTO quotas (account, name, value) VALUES ($1, $2, $3)
					ON CONFLICT (account, name) DO UPDATE SET value = excluded.value`, account, string(name), *value)
			}
			if err != nil {
				return fmt.Errorf("set %s: %w", name, err)
			}
		}
		return nil
	})
}

// hasAccount fails with NoSuchEntity where there is no such account.
func (t *tx) hasAccount(ctx context.Context, id string) error {
	var n int
	if err := t.QueryRowContext(ctx, `SELECT COUNT(*) FROM accounts WHERE id = $1`, id).Scan(&n); err != nil {
		return fmt.Errorf("look for the account: %w", err)
	}
	if n == 0 {
		return quota.NoSuchEntity
	}
	return nil
}
