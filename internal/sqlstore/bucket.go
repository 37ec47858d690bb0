package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"mimeo/internal/bucket"
	"mimeo/internal/digest"
)

// Buckets is the store of buckets, objects and uploads.
type Buckets struct{ db *DB }

// Buckets returns the bucket service's store.
func (db *DB) Buckets() *Buckets { return &Buckets{db} }

var _ bucket.Store = (*Buckets)(nil)

const bucketColumns = `partition, name, region, account, created, policy, versioning`

func scanBucket(row scanner) (bucket.Bucket, error) {
	var b bucket.Bucket
	var created int64
	err := row.Scan(&b.Partition, &b.Name, &b.Region, &b.Account, &created, &b.Policy, &b.Versioning)
	b.CreatedAt = instant(created)
	return b, err
}

// InsertBucket implements [bucket.Store].
func (s *Buckets) InsertBucket(ctx context.Context, b bucket.Bucket) error {
	return s.db.write(ctx, func(t *tx) error {
		inserted, err := changed(t.ExecContext(ctx, `INSERT INTO buckets (`+bucketColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (partition, name) DO NOTHING`,
			b.Partition, b.Name, b.Region, b.Account, millis(b.CreatedAt), b.Policy, string(b.Versioning)))
		if err != nil {
			return fmt.Errorf("insert bucket %s: %w", b.Name, err)
		}
		if !inserted {
			return bucket.BucketAlreadyExists
		}
		return nil
	})
}

// Bucket implements [bucket.Store].
func (s *Buckets) Bucket(ctx context.Context, partition, name string) (bucket.Bucket, error) {
	b, err := scanBucket(s.db.reader.QueryRowContext(ctx, `SELECT `+bucketColumns+` FROM buckets WHERE partition = $1 AND name = $2`, partition, name))
	if errors.Is(err, sql.ErrNoRows) {
		return b, bucket.NoSuchBucket
	}
	return b, err
}

// Buckets implements [bucket.Store].
func (s *Buckets) Buckets(ctx context.Context, partition, account string) ([]bucket.Bucket, error) {
	rows, err := s.db.reader.QueryContext(ctx, `SELECT `+bucketColumns+` FROM buckets WHERE partition = $1 AND account = $2 ORDER BY name`, partition, account)
	if err != nil {
		return nil, fmt.Errorf("list buckets of %s: %w", account, err)
	}
	return collect(rows, scanBucket)
}

// SetBucketPolicy implements [bucket.Store].
func (s *Buckets) SetBucketPolicy(ctx context.Context, partition, name, policy string) error {
	return s.set(ctx, "policy", policy, partition, name)
}

// SetVersioning implements [bucket.Store].
func (s *Buckets) SetVersioning(ctx context.Context, partition, name string, v bucket.Versioning) error {
	return s.set(ctx, "versioning", string(v), partition, name)
}

// set changes a column of a bucket.
func (s *Buckets) set(ctx context.Context, column, value, partition, name string) error {
	return s.db.write(ctx, func(t *tx) error {
		there, err := changed(t.ExecContext(ctx, `UPDATE buckets SET `+column+` = $1 WHERE partition = $2 AND name = $3`, value, partition, name))
		if err != nil {
			return fmt.Errorf("set the %s of bucket %s: %w", column, name, err)
		}
		if !there {
			return bucket.NoSuchBucket
		}
		return nil
	})
}

// DeleteBucket implements [bucket.Store].
func (s *Buckets) DeleteBucket(ctx context.Context, partition, name string) error {
	return s.db.write(ctx, func(t *tx) error {
		var full int
		err := t.QueryRowContext(ctx, `SELECT COUNT(*) FROM buckets WHERE partition = $1 AND name = $2
			AND (EXISTS (SELECT 1 FROM objects WHERE partition = $1 AND bucket = $2) OR EXISTS (SELECT 1 FROM object_history WHERE partition = $1 AND bucket = $2))`, partition, name).Scan(&full)
		if err != nil {
			return fmt.Errorf("delete bucket %s: %w", name, err)
		}
		if full > 0 {
			return bucket.BucketNotEmpty
		}
		const ofUploads = `DELETE FROM parts WHERE owner IN (SELECT id FROM uploads WHERE partition = $1 AND bucket = $2)`
		for _, statement := range []string{ofUploads, `DELETE FROM uploads WHERE partition = $1 AND bucket = $2`} {
			if _, err := t.ExecContext(ctx, statement, partition, name); err != nil {
				return fmt.Errorf("delete uploads of bucket %s: %w", name, err)
			}
		}
		deleted, err := changed(t.ExecContext(ctx, `DELETE FROM buckets WHERE partition = $1 AND name = $2`, partition, name))
		if err != nil {
			return fmt.Errorf("delete bucket %s: %w", name, err)
		}
		if !deleted {
			return bucket.NoSuchBucket
		}
		return nil
	})
}

// Referenced reports whether a part of any object or upload is stored in d.
func (s *Buckets) Referenced(ctx context.Context, d digest.Digest) (bool, error) {
	var n int
	err := s.db.reader.QueryRowContext(ctx, `SELECT COUNT(*) FROM parts WHERE digest = $1`, d.String()).Scan(&n)
	return n > 0, err
}
