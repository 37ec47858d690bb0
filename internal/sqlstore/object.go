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
	kms_key, encryption_context, wrapped_key, version`

func scanObject(row scanner) (bucket.Object, error) { return scanObjectAnd(row) }

// scanObjectAnd reads the columns of an object, and then others.
func scanObjectAnd(row scanner, others ...any) (bucket.Object, error) {
	var o bucket.Object
	var key []byte
	var modified int64
	err := row.Scan(append([]any{&o.ID, &o.Partition, &o.Bucket, &key, &o.Size, &o.ETag, &modified, jsonColumn{&o.Headers},
		&o.Checksum.Algorithm, &o.Checksum.Value, &o.Checksum.Composite,
		textColumn{&o.Encryption.Key}, jsonColumn{&o.Encryption.Context}, &o.Encryption.WrappedKey, &o.Version}, others...)...)
	o.Key, o.ModifiedAt = string(key), instant(modified)
	return o, err
}

// insertObjects inserts rows into objects or uploads.
func (t *tx) insertObjects(ctx context.Context, table string, list ...bucket.Object) error {
	var args []any
	for _, o := range list {
		headers, err := json.Marshal(o.Headers)
		if err != nil {
			return fmt.Errorf("encode headers of %s: %w", o.ARN(), err)
		}
		encryptionContext, err := json.Marshal(o.Encryption.Context)
		if err != nil {
			return fmt.Errorf("encode encryption context of %s: %w", o.ARN(), err)
		}
		args = append(args, o.ID, o.Partition, o.Bucket, []byte(o.Key), o.Size, o.ETag, millis(o.ModifiedAt), string(headers),
			string(o.Checksum.Algorithm), o.Checksum.Value, o.Checksum.Composite,
			text(o.Encryption.Key), string(encryptionContext), o.Encryption.WrappedKey, o.Version)
	}
	if _, err := t.ExecContext(ctx, `INSERT INTO `+table+` (`+objectColumns+`) VALUES `+tuples(len(list), 15), args...); err != nil {
		return fmt.Errorf("insert into %s: %w", table, err)
	}
	return nil
}

// versioning returns what a bucket does with versions; it fails with
// NoSuchBucket.
func (t *tx) versioning(ctx context.Context, n bucket.Name) (v bucket.Versioning, err error) {
	err = t.QueryRowContext(ctx, `SELECT versioning FROM buckets WHERE partition = $1 AND name = $2`, n.Partition, n.Bucket).Scan(&v)
	if errors.Is(err, sql.ErrNoRows) {
		return v, bucket.NoSuchBucket
	}
	return v, err
}

// replaceObjects takes the current objects of the names of writes away, where each
// one's condition holds for what is there: for good what is of the version that
// is written, and else into the history.
func (t *tx) replaceObjects(ctx context.Context, in bucket.Name, writes ...bucket.Write) error {
	v, err := t.versioning(ctx, in)
	if err != nil {
		return err
	}
	there, err := t.objectsAt(ctx, in, writes)
	if err != nil {
		return err
	}
	for _, w := range writes {
		old := there[w.Object.Key]
		if err := w.If.HoldsFor(old.ID, old.ETag); err != nil {
			return err
		}
		switch {
		case old.ID == "":
		case old.Version == w.Object.Version:
			err = t.deleteForGood(ctx, "objects", old.ID)
		default:
			err = t.retire(ctx, old.ID)
		}
		if err == nil && v != bucket.Unversioned && w.Object.Version == bucket.NullVersion {
			err = t.deleteRetired(ctx, w.Object.Name, bucket.NullVersion)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// deleteForGood deletes a row of objects or of their history, and its parts.
func (t *tx) deleteForGood(ctx context.Context, table, id string) error {
	return t.each(ctx, id, `DELETE FROM parts WHERE owner = $1`, `DELETE FROM `+table+` WHERE id = $1`)
}

// objectsAt returns, by key, which objects there are under the names of writes.
func (t *tx) objectsAt(ctx context.Context, in bucket.Name, writes []bucket.Write) (map[string]bucket.Object, error) {
	args := []any{in.Partition, in.Bucket}
	for _, w := range writes {
		args = append(args, []byte(w.Object.Key))
	}
	rows, err := t.QueryContext(ctx, `SELECT key, id, etag, version FROM objects WHERE partition = $1 AND bucket = $2 AND key IN (`+placeholders(3, len(writes))+`)`, args...)
	if err != nil {
		return nil, fmt.Errorf("look for objects in %s: %w", in.Bucket, err)
	}
	list, err := collect(rows, func(row scanner) (o bucket.Object, err error) {
		var key []byte
		err = row.Scan(&key, &o.ID, &o.ETag, &o.Version)
		o.Key = string(key)
		return o, err
	})
	there := make(map[string]bucket.Object, len(list))
	for _, o := range list {
		there[o.Key] = o
	}
	return there, err
}

// InsertObjects implements [bucket.Store].
func (s *Buckets) InsertObjects(ctx context.Context, writes ...bucket.Write) error {
	return s.db.write(ctx, func(t *tx) error {
		if err := t.replaceObjects(ctx, writes[0].Object.Name, writes...); err != nil {
			return err
		}
		var list []bucket.Object
		var content []ownedPart
		for _, w := range writes {
			list = append(list, w.Object)
			for _, p := range w.Parts {
				content = append(content, ownedPart{w.Object.ID, p})
			}
		}
		if err := t.insertObjects(ctx, "objects", list...); err != nil {
			return err
		}
		return t.insertParts(ctx, content...)
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
func (s *Buckets) Content(ctx context.Context, n bucket.Name, version string) (o bucket.Object, found []bucket.Part, err error) {
	err = s.db.view(ctx, func(q querier) (err error) {
		if o, err = objectVersion(ctx, q, n, version); err != nil {
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
