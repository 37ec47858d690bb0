package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/lineage"
	"mimeo/internal/proof"
	"mimeo/internal/record"
)

// Proofs is proof.Store.
type Proofs struct{ *Versions }

// Proofs returns the store of what proves copies.
func (db *DB) Proofs() *Proofs { return &Proofs{db.Versions()} }

var _ proof.Store = (*Proofs)(nil)

// Record returns the signed record of a copy; nil where there is none.
func (s *Versions) Record(ctx context.Context, a arn.ProjectVersion) (signed []byte, err error) {
	err = s.db.reader.QueryRowContext(ctx, `SELECT record FROM copy_records WHERE version = $1`, a.String()).Scan(&signed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return signed, err
}

// Node implements [proof.Store].
func (s *Proofs) Node(ctx context.Context, v arn.ProjectVersion) (lineage.Node, error) {
	return s.db.Lineage().Node(ctx, v)
}

// InsertKey implements [proof.Store].
func (s *Proofs) InsertKey(ctx context.Context, k proof.SealedKey) error {
	return s.db.write(ctx, func(t *tx) error {
		_, err := t.ExecContext(ctx, `INSERT INTO record_keys (id, public, private, created) VALUES ($1, $2, $3, $4)`,
			k.Public.ID(), k.Public.Bytes(), k.Private, millis(k.Created))
		return err
	})
}

// Keys implements [proof.Store].
func (s *Proofs) Keys(ctx context.Context) ([]proof.SealedKey, error) {
	rows, err := s.db.reader.QueryContext(ctx, `SELECT public, private, created FROM record_keys ORDER BY created, id`)
	if err != nil {
		return nil, err
	}
	return collect(rows, func(row scanner) (k proof.SealedKey, err error) {
		var public []byte
		var created int64
		if err := row.Scan(&public, &k.Private, &created); err != nil {
			return k, err
		}
		k.Created = instant(created)
		k.Public, err = record.PublicKeyFrom(public)
		return k, err
	})
}

// LongestUnread implements [proof.Store].
func (s *Proofs) LongestUnread(ctx context.Context, before time.Time, limit int) ([]customlabels.Artifact, error) {
	rows, err := s.db.reader.QueryContext(ctx, `SELECT digest, role, size, verified, damaged FROM artifacts
		WHERE verified < $1 AND damaged < $1 ORDER BY verified LIMIT $2`, millis(before), limit)
	if err != nil {
		return nil, fmt.Errorf("list artifacts: %w", err)
	}
	return collect(rows, func(row scanner) (a customlabels.Artifact, err error) {
		var verified, damaged int64
		err = row.Scan(textColumn{&a.Digest}, &a.Role, &a.Size, &verified, &damaged)
		a.VerifiedAt, a.DamagedAt = instant(verified), instant(damaged)
		return a, err
	})
}
