package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"mimeo/internal/bucket"
)

// InsertUpload implements [bucket.Store].
func (s *Buckets) InsertUpload(ctx context.Context, u bucket.Object) error {
	return s.db.write(ctx, func(t *tx) error {
		if _, err := t.versioning(ctx, u.Name); err != nil {
			return err
		}
		return t.insertObjects(ctx, "uploads", u)
	})
}

// Upload implements [bucket.Store].
func (s *Buckets) Upload(ctx context.Context, n bucket.Name, id string) (bucket.Object, error) {
	u, err := scanObject(s.db.reader.QueryRowContext(ctx, `SELECT `+objectColumns+` FROM uploads WHERE id = $1 AND partition = $2 AND bucket = $3 AND key = $4`, id, n.Partition, n.Bucket, []byte(n.Key)))
	if errors.Is(err, sql.ErrNoRows) {
		return u, bucket.NoSuchUpload
	}
	return u, err
}

// Uploads implements [bucket.Store].
func (s *Buckets) Uploads(ctx context.Context, b bucket.Bucket, scan bucket.UploadScan, limit int) ([]bucket.Object, error) {
	query := `SELECT ` + objectColumns + ` FROM uploads WHERE partition = $1 AND bucket = $2 AND key >= $3 AND (key > $4 OR key = $4 AND id > $5)`
	args := []any{b.Partition, b.Name, []byte(scan.Prefix), []byte(scan.AfterKey), scan.AfterID, limit}
	if scan.AfterID == "" {
		query += ` AND key <> $4` // a key is never empty
	}
	if scan.Before != "" {
		query += ` AND key < $7`
		args = append(args, []byte(scan.Before))
	}
	rows, err := s.db.reader.QueryContext(ctx, query+` ORDER BY key, id LIMIT $6`, args...)
	if err != nil {
		return nil, fmt.Errorf("list uploads of %s: %w", b.Name, err)
	}
	return collect(rows, scanObject)
}

const partColumns = `number, size, etag, modified, checksums, digest, wrapped_key`

// What is read of the sealed bytes of small parts.
const (
	withSealed    = `sealed`
	withoutSealed = `NULL`
)

func scanPart(row scanner) (bucket.Part, error) {
	var p bucket.Part
	var modified int64
	err := row.Scan(&p.Number, &p.Size, &p.ETag, &modified, jsonColumn{&p.Checksums}, textColumn{&p.Digest}, &p.WrappedKey, &p.Sealed)
	p.ModifiedAt = instant(modified)
	return p, err
}

// Parts implements [bucket.Store].
func (s *Buckets) Parts(ctx context.Context, id string, after, limit int) ([]bucket.Part, error) {
	return parts(ctx, s.db.reader, withoutSealed, id, after, limit)
}

// parts reads up to limit parts, or all where limit is negative.
func parts(ctx context.Context, q querier, sealed, id string, after, limit int) ([]bucket.Part, error) {
	query := `SELECT ` + partColumns + `, ` + sealed + ` FROM parts WHERE owner = $1 AND number > $2 ORDER BY number`
	args := []any{id, after}
	if limit >= 0 {
		query += ` LIMIT $3`
		args = append(args, limit)
	}
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list parts of %s: %w", id, err)
	}
	return collect(rows, scanPart)
}

// An ownedPart is a part of the object or upload with the id owner.
type ownedPart struct {
	owner string
	bucket.Part
}

// insertParts writes parts in place of those of their numbers.
func (t *tx) insertParts(ctx context.Context, list ...ownedPart) error {
	var args []any
	for _, p := range list {
		checksums, err := json.Marshal(p.Checksums)
		if err != nil {
			return fmt.Errorf("encode checksums of part %d of %s: %w", p.Number, p.owner, err)
		}
		args = append(args, p.owner, p.Number, p.Size, p.ETag, millis(p.ModifiedAt), string(checksums), text(p.Digest), p.WrappedKey, p.Sealed)
	}
	_, err := t.ExecContext(ctx, `INSERT INTO parts (owner, `+partColumns+`, sealed) VALUES `+tuples(len(list), 9)+`
		ON CONFLICT (owner, number) DO UPDATE SET size = excluded.size, etag = excluded.etag, modified = excluded.modified,
			checksums = excluded.checksums, digest = excluded.digest, wrapped_key = excluded.wrapped_key, sealed = excluded.sealed`, args...)
	if err != nil {
		return fmt.Errorf("insert parts: %w", err)
	}
	return nil
}

// hasUpload fails with NoSuchUpload.
func (t *tx) hasUpload(ctx context.Context, id string) error {
	var one int
	err := t.QueryRowContext(ctx, `SELECT 1 FROM uploads WHERE id = $1`, id).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return bucket.NoSuchUpload
	}
	return err
}

// InsertPart implements [bucket.Store].
func (s *Buckets) InsertPart(ctx context.Context, id string, p bucket.Part) error {
	return s.db.write(ctx, func(t *tx) error {
		if err := t.hasUpload(ctx, id); err != nil {
			return err
		}
		return t.insertParts(ctx, ownedPart{id, p})
	})
}

// FinishUpload implements [bucket.Store]. The parts change their owner by
// keeping its id. The digest guards against a part that was replaced after
// the caller looked.
func (s *Buckets) FinishUpload(ctx context.Context, o bucket.Object, chosen []bucket.Part, cond bucket.Condition) error {
	return s.db.write(ctx, func(t *tx) error {
		if err := t.hasUpload(ctx, o.ID); err != nil {
			return err
		}
		if err := t.replaceObjects(ctx, o.Name, bucket.Write{Object: o, If: cond}); err != nil {
			return err
		}
		if err := t.keepParts(ctx, o.ID, chosen); err != nil {
			return err
		}
		if _, err := t.ExecContext(ctx, `DELETE FROM uploads WHERE id = $1`, o.ID); err != nil {
			return fmt.Errorf("delete upload %s: %w", o.ID, err)
		}
		return t.insertObjects(ctx, "objects", o)
	})
}

// keepParts deletes the parts of an upload that are not chosen, and fails with
// InvalidPart where a chosen one is not there as it was.
func (t *tx) keepParts(ctx context.Context, id string, chosen []bucket.Part) error {
	there, err := parts(ctx, t, withoutSealed, id, 0, -1)
	if err != nil {
		return err
	}
	for _, p := range there {
		if len(chosen) > 0 && chosen[0].Number == p.Number && chosen[0].Digest == p.Digest {
			chosen = chosen[1:]
			continue
		}
		if _, err := t.ExecContext(ctx, `DELETE FROM parts WHERE owner = $1 AND number = $2`, id, p.Number); err != nil {
			return fmt.Errorf("delete part %d of %s: %w", p.Number, id, err)
		}
	}
	if len(chosen) > 0 {
		return bucket.InvalidPart
	}
	return nil
}

// DeleteUpload implements [bucket.Store].
func (s *Buckets) DeleteUpload(ctx context.Context, n bucket.Name, id string) error {
	return s.db.write(ctx, func(t *tx) error {
		deleted, err := changed(t.ExecContext(ctx, `DELETE FROM uploads WHERE id = $1 AND partition = $2 AND bucket = $3 AND key = $4`, id, n.Partition, n.Bucket, []byte(n.Key)))
		if err != nil {
			return fmt.Errorf("delete upload %s: %w", id, err)
		}
		if !deleted {
			return bucket.NoSuchUpload
		}
		if _, err := t.ExecContext(ctx, `DELETE FROM parts WHERE owner = $1`, id); err != nil {
			return fmt.Errorf("delete parts of upload %s: %w", id, err)
		}
		return nil
	})
}
