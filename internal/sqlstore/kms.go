package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/kms"
)

// KMS is the store of keys, aliases and grants.
type KMS struct{ db *DB }

// KMS returns the key service's store.
func (db *DB) KMS() *KMS { return &KMS{db} }

var _ kms.Store = (*KMS)(nil)

// InsertKey implements [kms.Keys].
func (s *KMS) InsertKey(ctx context.Context, k kms.Key, sealed []byte, alias string) error {
	tags, err := json.Marshal(k.Tags)
	if err != nil {
		return fmt.Errorf("insert key %s: %w", k.ARN, err)
	}
	return s.db.write(ctx, func(t *tx) error {
		_, err := t.ExecContext(ctx, `INSERT INTO kms_keys (id, partition, region, account, manager, description, state, created, delete_at, policy, tags, spec, material)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
			k.ARN.ID, k.ARN.Partition, k.ARN.Region, k.ARN.Account, string(k.Manager), k.Description, string(k.State),
			millis(k.Created), millis(k.DeleteAt), k.Policy, string(tags), string(k.Spec), sealed)
		if err != nil {
			return fmt.Errorf("insert key %s: %w", k.ARN, err)
		}
		if alias == "" {
			return nil
		}
		return t.insertAlias(ctx, kms.Alias{Namespace: k.ARN.Namespace, Name: alias, KeyID: k.ARN.ID, Created: k.Created})
	})
}

const keyColumns = `partition, region, account, id, manager, description, state, created, delete_at, policy, tags, spec`

func scanKey(row scanner) (kms.Key, error) {
	var k kms.Key
	var created, deleteAt int64
	err := row.Scan(&k.ARN.Partition, &k.ARN.Region, &k.ARN.Account, &k.ARN.ID, &k.Manager, &k.Description, &k.State, &created, &deleteAt, &k.Policy, jsonColumn{&k.Tags}, &k.Spec)
	k.Created, k.DeleteAt = instant(created), instant(deleteAt)
	return k, err
}

func keyByID(ctx context.Context, q querier, id string) (kms.Key, error) {
	k, err := scanKey(q.QueryRowContext(ctx, `SELECT `+keyColumns+` FROM kms_keys WHERE id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return kms.Key{}, kms.NotFound
	}
	if err != nil {
		return kms.Key{}, fmt.Errorf("read key: %w", err)
	}
	return k, nil
}

// Key implements [kms.Keys].
func (s *KMS) Key(ctx context.Context, id string) (kms.Key, error) {
	return keyByID(ctx, s.db.reader, id)
}

// Material implements [kms.Keys].
func (s *KMS) Material(ctx context.Context, id string) ([]byte, error) {
	var sealed []byte
	err := s.db.reader.QueryRowContext(ctx, `SELECT material FROM kms_keys WHERE id = $1`, id).Scan(&sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, kms.NotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read key material: %w", err)
	}
	return sealed, nil
}

// Keys implements [kms.Keys].
func (s *KMS) Keys(ctx context.Context, in arn.Namespace, after string, limit int) ([]arn.Key, error) {
	rows, err := s.db.reader.QueryContext(ctx, `SELECT id FROM kms_keys
		WHERE partition = $1 AND region = $2 AND account = $3 AND id > $4 ORDER BY id LIMIT $5`, in.Partition, in.Region, in.Account, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	return collect(rows, func(row scanner) (arn.Key, error) {
		k := arn.Key{Namespace: in}
		err := row.Scan(&k.ID)
		return k, err
	})
}

// UpdateKey implements [kms.Keys].
func (s *KMS) UpdateKey(ctx context.Context, id string, change func(*kms.Key) error) error {
	return s.db.write(ctx, func(t *tx) error {
		k, err := keyByID(ctx, t, id)
		if err != nil {
			return err
		}
		if err := change(&k); err != nil {
			return err
		}
		_, err = t.ExecContext(ctx, `UPDATE kms_keys SET state = $1, delete_at = $2, policy = $3 WHERE id = $4`, string(k.State), millis(k.DeleteAt), k.Policy, id)
		if err != nil {
			return fmt.Errorf("update key %s: %w", id, err)
		}
		return nil
	})
}

// DeleteKeys implements [kms.Keys].
func (s *KMS) DeleteKeys(ctx context.Context, now time.Time) (n int, err error) {
	const due = `delete_at > 0 AND delete_at <= $1`
	err = s.db.write(ctx, func(t *tx) error {
		for _, table := range []string{"kms_grants", "kms_aliases"} {
			if _, err := t.ExecContext(ctx, `DELETE FROM `+table+` WHERE key_id IN (SELECT id FROM kms_keys WHERE `+due+`)`, millis(now)); err != nil {
				return fmt.Errorf("delete %s of ended keys: %w", table, err)
			}
		}
		result, err := t.ExecContext(ctx, `DELETE FROM kms_keys WHERE `+due, millis(now))
		if err != nil {
			return fmt.Errorf("delete ended keys: %w", err)
		}
		deleted, err := result.RowsAffected()
		n = int(deleted)
		return err
	})
	return n, err
}

// InsertAlias implements [kms.Aliases].
func (s *KMS) InsertAlias(ctx context.Context, a kms.Alias, limit int) error {
	return s.db.write(ctx, func(t *tx) error {
		if _, err := keyByID(ctx, t, a.KeyID); err != nil {
			return err
		}
		var n int
		if err := t.QueryRowContext(ctx, `SELECT COUNT(*) FROM kms_aliases WHERE key_id = $1`, a.KeyID).Scan(&n); err != nil {
			return fmt.Errorf("count aliases: %w", err)
		}
		if n >= limit {
			return kms.LimitExceeded
		}
		return t.insertAlias(ctx, a)
	})
}

func (t *tx) insertAlias(ctx context.Context, a kms.Alias) error {
	inserted, err := changed(t.ExecContext(ctx, `INSERT INTO kms_aliases (partition, region, account, name, key_id, created)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (partition, region, account, name) DO NOTHING`,
		a.Partition, a.Region, a.Account, a.Name, a.KeyID, millis(a.Created)))
	if err != nil {
		return fmt.Errorf("insert alias %s: %w", a.Name, err)
	}
	if !inserted {
		return kms.AlreadyExists
	}
	return nil
}

// Alias implements [kms.Aliases].
func (s *KMS) Alias(ctx context.Context, in arn.Namespace, name string) (kms.Alias, error) {
	a := kms.Alias{Namespace: in, Name: name}
	var created int64
	err := s.db.reader.QueryRowContext(ctx, `SELECT key_id, created FROM kms_aliases WHERE partition = $1 AND region = $2 AND account = $3 AND name = $4`,
		in.Partition, in.Region, in.Account, name).Scan(&a.KeyID, &created)
	if errors.Is(err, sql.ErrNoRows) {
		return kms.Alias{}, kms.NotFound
	}
	a.Created = instant(created)
	return a, err
}

// Aliases implements [kms.Aliases].
func (s *KMS) Aliases(ctx context.Context, in arn.Namespace, keyID, after string, limit int) ([]kms.Alias, error) {
	rows, err := s.db.reader.QueryContext(ctx, `SELECT name, key_id, created FROM kms_aliases
		WHERE partition = $1 AND region = $2 AND account = $3 AND name > $4 AND ($5 = '' OR key_id = $5) ORDER BY name LIMIT $6`,
		in.Partition, in.Region, in.Account, after, keyID, limit)
	if err != nil {
		return nil, fmt.Errorf("list aliases: %w", err)
	}
	return collect(rows, func(row scanner) (kms.Alias, error) {
		a := kms.Alias{Namespace: in}
		var created int64
		err := row.Scan(&a.Name, &a.KeyID, &created)
		a.Created = instant(created)
		return a, err
	})
}
