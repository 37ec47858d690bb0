package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"mimeo/internal/identity"
)

// Identity is the store of accounts and access keys.
type Identity struct{ db *DB }

// Identity returns the identity service's store.
func (db *DB) Identity() *Identity { return &Identity{db} }

var _ identity.Store = (*Identity)(nil)

// InsertAccount implements [identity.Store].
func (s *Identity) InsertAccount(ctx context.Context, a identity.Account, k identity.SealedKey) error {
	return s.db.write(ctx, func(t *tx) error {
		inserted, err := changed(t.ExecContext(ctx, `INSERT INTO accounts (id, created) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING`, a.ID, millis(a.Created)))
		if err != nil {
			return fmt.Errorf("insert account %s: %w", a.ID, err)
		}
		if !inserted {
			return identity.AlreadyExists
		}
		_, err = t.ExecContext(ctx, `INSERT INTO access_keys (id, account, sealed, created) VALUES ($1, $2, $3, $4)`, k.ID, k.Account, k.Sealed, millis(k.Created))
		if err != nil {
			return fmt.Errorf("insert access key %s: %w", k.ID, err)
		}
		return nil
	})
}

// Accounts implements [identity.Store].
func (s *Identity) Accounts(ctx context.Context) ([]identity.Account, error) {
	rows, err := s.db.reader.QueryContext(ctx, `SELECT id, created FROM accounts ORDER BY id`)
	if err != nil {
		return nil, fmt.Errorf("list accounts: %w", err)
	}
	return collect(rows, func(row scanner) (identity.Account, error) {
		var a identity.Account
		var created int64
		err := row.Scan(&a.ID, &created)
		a.Created = instant(created)
		return a, err
	})
}

// DeleteAccount implements [identity.Store].
func (s *Identity) DeleteAccount(ctx context.Context, id string) error {
	return s.db.write(ctx, func(t *tx) error {
		if _, err := t.ExecContext(ctx, `DELETE FROM access_keys WHERE account = $1`, id); err != nil {
			return fmt.Errorf("delete access keys of %s: %w", id, err)
		}
		deleted, err := changed(t.ExecContext(ctx, `DELETE FROM accounts WHERE id = $1`, id))
		if err != nil {
			return fmt.Errorf("delete account %s: %w", id, err)
		}
		if !deleted {
			return identity.NoSuchEntity
		}
		return nil
	})
}

// AccessKey implements [identity.Store].
func (s *Identity) AccessKey(ctx context.Context, id string) (identity.SealedKey, error) {
	k := identity.SealedKey{ID: id}
	var created int64
	err := s.db.reader.QueryRowContext(ctx, `SELECT account, sealed, created FROM access_keys WHERE id = $1`, id).Scan(&k.Account, &k.Sealed, &created)
	if errors.Is(err, sql.ErrNoRows) {
		return identity.SealedKey{}, identity.NoSuchEntity
	}
	if err != nil {
		return identity.SealedKey{}, fmt.Errorf("read access key: %w", err)
	}
	k.Created = instant(created)
	return k, nil
}
