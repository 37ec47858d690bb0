package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/identity"
)

// Identity is the store of who there is.
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
		return t.insertKey(ctx, k)
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

// DeleteAccount implements [identity.Store]. Users, roles, policies and
// sessions go with their account.
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

const accessKeyColumns = `SELECT k.id, k.account, k.entity, k.sealed, k.active, k.created, k.used, k.used_service, k.used_region,
	COALESCE(e.partition, ''), COALESCE(e.path, ''), COALESCE(e.name, '')
	FROM access_keys k LEFT JOIN iam_entities e ON e.id = k.entity`

func scanAccessKey(row scanner) (identity.SealedKey, error) {
	var k identity.SealedKey
	var created, used int64
	var partition, path, name string
	err := row.Scan(&k.ID, &k.Account, &k.Entity, &k.Sealed, &k.Active, &created, &used, &k.Used.Service, &k.Used.Region, &partition, &path, &name)
	if err != nil {
		return identity.SealedKey{}, err
	}
	k.Created, k.Used.At = instant(created), instant(used)
	switch {
	case k.Entity == "":
		k.Owner = arn.Root("", k.Account)
	case name != "":
		owner := identity.Entity{Ref: identity.Ref{Partition: partition, Account: k.Account, Kind: identity.User, Name: name}, Path: path}
		k.Owner = owner.Principal()
	}
	return k, nil
}

// AccessKey implements [identity.Store].
func (s *Identity) AccessKey(ctx context.Context, id string) (identity.SealedKey, error) {
	k, err := scanAccessKey(s.db.reader.QueryRowContext(ctx, accessKeyColumns+` WHERE k.id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		return k, identity.NoSuchEntity
	}
	if err != nil {
		return k, fmt.Errorf("read access key: %w", err)
	}
	return k, nil
}

// TouchKey implements [identity.Store].
func (s *Identity) TouchKey(ctx context.Context, id string, u identity.Use) error {
	return s.db.write(ctx, func(t *tx) error {
		_, err := t.ExecContext(ctx, `UPDATE access_keys SET used = $2, used_service = $3, used_region = $4 WHERE id = $1`,
			id, millis(u.At), u.Service, u.Region)
		return err
	})
}

// Entity implements [identity.Store].
func (s *Identity) Entity(ctx context.Context, r identity.Ref) (identity.Entity, error) {
	return entity(ctx, s.db.reader, r)
}

// EntityByID implements [identity.Store].
func (s *Identity) EntityByID(ctx context.Context, id string) (identity.Entity, error) {
	return theEntity(s.db.reader.QueryRowContext(ctx, entityColumns+` WHERE id = $1`, id))
}

// Documents implements [identity.Store].
func (s *Identity) Documents(ctx context.Context, arns []string) (map[string]string, error) {
	rows, err := s.db.reader.QueryContext(ctx, `SELECT p.arn, v.document FROM iam_policies p
		JOIN iam_policy_versions v ON v.policy = p.arn AND v.version = p.default_version
		WHERE p.arn IN (`+placeholders(1, len(arns))+`)`, appendStrings(nil, arns)...)
	if err != nil {
		return nil, fmt.Errorf("read managed policies: %w", err)
	}
	all := map[string]string{}
	_, err = collect(rows, func(row scanner) (struct{}, error) {
		var name, document string
		err := row.Scan(&name, &document)
		all[name] = document
		return struct{}{}, err
	})
	return all, err
}

// InsertSession implements [identity.Store].
func (s *Identity) InsertSession(ctx context.Context, session identity.Session, forget time.Time) error {
	content, err := json.Marshal(session.SessionContent)
	if err != nil {
		return fmt.Errorf("encode session: %w", err)
	}
	return s.db.write(ctx, func(t *tx) error {
		if _, err := t.ExecContext(ctx, `DELETE FROM iam_sessions WHERE expires < $1`, millis(forget)); err != nil {
			return fmt.Errorf("forget old sessions: %w", err)
		}
		inserted, err := changed(t.ExecContext(ctx, `INSERT INTO iam_sessions (id, account, entity, sealed, content, expires)
			SELECT $1, id, $3, $4, $5, $6 FROM accounts WHERE id = $2 AND ($3 = '' OR EXISTS (SELECT 1 FROM iam_entities WHERE id = $3))`,
			session.ID, session.Account, session.Entity.ID, session.Sealed, string(content), millis(session.Expires)))
		if err == nil && !inserted {
			err = identity.NoSuchEntity
		}
		return err
	})
}

// Session implements [identity.Store].
func (s *Identity) Session(ctx context.Context, id string) (identity.Session, error) {
	session := identity.Session{ID: id}
	var expires int64
	var owner string
	e, err := scanEntity(s.db.reader.QueryRowContext(ctx, `SELECT s.account, s.entity, s.sealed, s.content, s.expires,
		COALESCE(e.id, ''), COALESCE(e.partition, ''), COALESCE(e.account, ''), COALESCE(e.kind, ''), COALESCE(e.name, ''),
		COALESCE(e.path, ''), COALESCE(e.content, '{}'), COALESCE(e.created, 0)
		FROM iam_sessions s LEFT JOIN iam_entities e ON e.id = s.entity WHERE s.id = $1`, id),
		&session.Account, &owner, &session.Sealed, jsonColumn{&session.SessionContent}, &expires)
	if errors.Is(err, sql.ErrNoRows) || err == nil && e.ID != owner {
		return identity.Session{}, identity.NoSuchEntity
	}
	if err != nil {
		return identity.Session{}, fmt.Errorf("read session: %w", err)
	}
	session.Entity, session.Expires = e, instant(expires)
	return session, nil
}
