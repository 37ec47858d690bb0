package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"mimeo/internal/bucket"
)

// objectColumns are those of objects and of uploads.
const objectColumns = `id, partition, bucket, key, size, etag, modified, headers, checksum_algorithm, checksum, composite,
	kms_key, encryption_context, wrapped_key`

func scanObject(row scanner) (bucket.Object, error) {
	var o bucket.Object
	var key []byte
	var modified int64
	err := row.Scan(&o.ID, &o.Partition, &o.Bucket, &key, &o.Size, &o.ETag, &modified, jsonColumn{&o.Headers},
		&o.Checksum.Algorithm, &o.Checksum.Value, &o.Checksum.Composite,
		textColumn{&o.Encryption.Key}, jsonColumn{&o.Encryption.Context}, &o.Encryption.WrappedKey)
	o.Key, o.ModifiedAt = string(key), instant(modified)
	return o, err
}

// insertObject inserts a row into objects or uploads.
func (t *tx) insertObject(ctx context.Context, table string, o bucket.Object) error {
	headers, err := json.Marshal(o.Headers)
	if err != nil {
		return fmt.Errorf("encode headers: %w", err)
	}
	encryptionContext, err := json.Marshal(o.Encryption.Context)
	if err != nil {
		return fmt.Errorf("encode encryption context: %w", err)
	}
	_, err = t.ExecContext(ctx, `INSERT INTO `+table+` (`+objectColumns+`) VALUES (`+placeholders(1, 14)+`)`,
		o.ID, o.Partition, o.Bucket, []byte(o.Key), o.Size, o.ETag, millis(o.ModifiedAt), string(headers),
		string(o.Checksum.Algorithm), o.Checksum.Value, o.Checksum.Composite,
		text(o.Encryption.Key), string(encryptionContext), o.Encryption.WrappedKey)
	return err
}

// hasBucket fails with NoSuchBucket.
func (t *tx) hasBucket(ctx context.Context, n bucket.Name) error {
	var one int
	err := t.QueryRowContext(ctx, `SELECT 1 FROM buckets WHERE partition = $1 AND name = $2`, n.Partition, n.Bucket).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return bucket.NoSuchBucket
	}
	return err
}

// deleteObject deletes the object of a name if present, where cond holds.
func (t *tx) deleteObject(ctx context.Context, n bucket.Name, cond bucket.Condition) error {
	var id, etag string
	err := t.QueryRowContext(ctx, `SELECT id, etag FROM objects WHERE partition = $1 AND bucket = $2 AND key = $3`, n.Partition, n.Bucket, []byte(n.Key)).Scan(&id, &etag)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("look for object %s: %w", n.ARN(), err)
	}
	if err := cond.HoldsFor(id, etag); err != nil || id == "" {
		return err
	}
	if _, err := t.ExecContext(ctx, `DELETE FROM parts WHERE owner = $1`, id); err != nil {
		return fmt.Errorf("delete parts of object %s: %w", id, err)
	}
	if _, err := t.ExecContext(ctx, `DELETE FROM objects WHERE id = $1`, id); err != nil {
		return fmt.Errorf("delete object %s: %w", id, err)
	}
	return nil
}

// InsertObject implements [bucket.Store].
func (s *Buckets) InsertObject(ctx context.Context, o bucket.Object, parts []bucket.Part, cond bucket.Condition) error {
	return s.db.write(ctx, func(t *tx) error {
		if err := t.hasBucket(ctx, o.Name); err != nil {
			return err
		}
		if err := t.deleteObject(ctx, o.Name, cond); err != nil {
			return err
		}
		if err := t.insertObject(ctx, "objects", o); err != nil {
			return fmt.Errorf("insert object %s: %w", o.ARN(), err)
		}
		for _, p := range parts {
			if err := t.insertPart(ctx, o.ID, p); err != nil {
				return err
			}
		}
		return nil
	})
}

// Object implements [bucket.Store].
func (s *Buckets) Object(ctx context.Context, n bucket.Name) (bucket.Object, error) {
	return object(ctx, s.db.reader, n)
}

func object(ctx context.Context, q querier, n bucket.Name) (bucket.Object, error) {
	o, err := scanObject(q.QueryRowContext(ctx, `SELECT `+objectColumns+` FROM objects WHERE partition = $1 AND bucket = $2 AND key = $3`, n.Partition, n.Bucket, []byte(n.Key)))
	if errors.Is(err, sql.ErrNoRows) {
		return o, bucket.NoSuchKey
	}
	return o, err
}

// Content implements [bucket.Store].
func (s *Buckets) Content(ctx context.Context, n bucket.Name) (o bucket.Object, found []bucket.Part, err error) {
	err = s.db.view(ctx, func(q querier) (err error) {
		if o, err = object(ctx, q, n); err != nil {
			return err
		}
		found, err = parts(ctx, q, withSealed, o.ID, 0, -1)
		return err
	})
	return o, found, err
}

// Objects implements [bucket.Store].
func (s *Buckets) Objects(ctx context.Context, b bucket.Bucket, from, to string, limit int) ([]bucket.Object, error) {
	query := `SELECT ` + objectColumns + ` FROM objects WHERE partition = $1 AND bucket = $2 AND key >= $3`
	args := []any{b.Partition, b.Name, []byte(from), limit}
	if to != "" {
		query += ` AND key < $5`
		args = append(args, []byte(to))
	}
	rows, err := s.db.reader.QueryContext(ctx, query+` ORDER BY key LIMIT $4`, args...)
	if err != nil {
		return nil, fmt.Errorf("list objects of %s: %w", b.Name, err)
	}
	return collect(rows, scanObject)
}

// DeleteObject implements [bucket.Store].
func (s *Buckets) DeleteObject(ctx context.Context, n bucket.Name, cond bucket.Condition) error {
	return s.db.write(ctx, func(t *tx) error { return t.deleteObject(ctx, n, cond) })
}
