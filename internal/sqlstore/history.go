package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strconv"

	"mimeo/internal/bucket"
)

// atKey is the condition for what there is under a name.
const atKey = ` partition = $1 AND bucket = $2 AND key = $3`

// nextSequence is that of the version that is retired next.
const nextSequence = `(SELECT COALESCE(MAX(sequence), 0) + 1 FROM object_history WHERE partition = $1 AND bucket = $2 AND key = $3)`

// retire moves an object into the history, as the newest there.
func (t *tx) retire(ctx context.Context, id string) error {
	err := t.each(ctx, id,
		`INSERT INTO object_history (`+objectColumns+`, marker, sequence) SELECT `+objectColumns+`, FALSE,
			(SELECT COALESCE(MAX(h.sequence), 0) + 1 FROM object_history h WHERE h.partition = o.partition AND h.bucket = o.bucket AND h.key = o.key)
			FROM objects o WHERE o.id = $1`,
		`DELETE FROM objects WHERE id = $1`)
	if err != nil {
		return fmt.Errorf("retire object %s: %w", id, err)
	}
	return nil
}

// deleteRetired deletes a version of the history for good, if it is there.
func (t *tx) deleteRetired(ctx context.Context, n bucket.Name, version string) error {
	old, err := retired(ctx, t, n, ` AND version = $4`, version)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return t.deleteForGood(ctx, "object_history", old.ID)
}

// retired returns the newest version of the history for which a condition
// holds, or sql.ErrNoRows.
func retired(ctx context.Context, q querier, n bucket.Name, condition string, args ...any) (bucket.Object, error) {
	var marker bool
	row := q.QueryRowContext(ctx, `SELECT `+objectColumns+`, marker FROM object_history WHERE`+atKey+condition+` ORDER BY sequence DESC LIMIT 1`,
		append([]any{n.Partition, n.Bucket, []byte(n.Key)}, args...)...)
	o, err := scanObjectAnd(row, &marker)
	o.Marker = marker
	return o, err
}

// objectVersion returns a version of an object, or its current one. It fails as
// [bucket.Store]'s Content does.
func objectVersion(ctx context.Context, q querier, n bucket.Name, version string) (bucket.Object, error) {
	current, err := object(ctx, q, n)
	switch {
	case err != nil && !errors.Is(err, bucket.NoSuchKey):
		return current, err
	case err == nil && (version == "" || version == current.Version):
		return current, nil
	}
	refusal, condition, args := bucket.NoSuchKey, ` AND marker`, []any(nil)
	if version != "" {
		refusal, condition, args = bucket.NoSuchVersion, ` AND version = $4`, []any{version}
	}
	o, err := retired(ctx, q, n, condition, args...)
	if errors.Is(err, sql.ErrNoRows) {
		return bucket.Object{}, refusal
	}
	if err == nil && version == "" {
		return o, bucket.NoSuchKey // deleted, as the marker says
	}
	return o, err
}

// InsertMarker implements [bucket.Store].
func (s *Buckets) InsertMarker(ctx context.Context, m bucket.Object, cond bucket.Condition) error {
	return s.db.write(ctx, func(t *tx) error {
		if err := t.replaceObjects(ctx, m.Name, bucket.Write{Object: m, If: cond}); err != nil {
			return err
		}
		_, err := t.ExecContext(ctx, `INSERT INTO object_history (`+objectColumns+`, marker, sequence)
			VALUES ($4, $1, $2, $3, 0, '', $5, '{}', '', '', FALSE, '', '{}', $6, $7, TRUE, `+nextSequence+`)`,
			m.Partition, m.Bucket, []byte(m.Key), m.ID, millis(m.ModifiedAt), []byte{}, m.Version)
		if err != nil {
			return fmt.Errorf("insert delete marker %s: %w", m.ID, err)
		}
		return nil
	})
}

// DeleteVersion implements [bucket.Store].
func (s *Buckets) DeleteVersion(ctx context.Context, n bucket.Name, version string, cond bucket.Condition) (marker bool, err error) {
	err = s.db.write(ctx, func(t *tx) error {
		table := "objects"
		o, err := object(ctx, t, n)
		if err == nil && o.Version != version || errors.Is(err, bucket.NoSuchKey) {
			table = "object_history"
			o, err = retired(ctx, t, n, ` AND version = $4`, version)
		}
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if err := cond.HoldsFor(o.ID, o.ETag); err != nil || o.ID == "" {
			return err
		}
		marker = o.Marker
		if err := t.deleteForGood(ctx, table, o.ID); err != nil {
			return fmt.Errorf("delete version %s of %s: %w", version, n.ARN(), err)
		}
		return t.promote(ctx, n)
	})
	return marker, err
}

// promote makes the newest of the history the current object, where there is
// none and the newest is no marker.
func (t *tx) promote(ctx context.Context, n bucket.Name) error {
	if _, err := object(ctx, t, n); !errors.Is(err, bucket.NoSuchKey) {
		return err
	}
	newest, err := retired(ctx, t, n, ``)
	if errors.Is(err, sql.ErrNoRows) || err == nil && newest.Marker {
		return nil
	}
	if err != nil {
		return err
	}
	return t.each(ctx, newest.ID,
		`INSERT INTO objects (`+objectColumns+`) SELECT `+objectColumns+` FROM object_history WHERE id = $1`,
		`DELETE FROM object_history WHERE id = $1`)
}

// ofCurrent is the sequence of current objects: they are the newest of their
// keys.
const ofCurrent = math.MaxInt64 - 1

// Versions implements [bucket.Store].
func (s *Buckets) Versions(ctx context.Context, b bucket.Bucket, scan bucket.VersionScan, limit int) (list []bucket.Version, err error) {
	err = s.db.view(ctx, func(q querier) error {
		below, err := sequenceOf(ctx, q, bucket.Name{Partition: b.Partition, Bucket: b.Name, Key: scan.From}, scan.Behind)
		if err != nil {
			return err
		}
		bound, args := ``, []any{b.Partition, b.Name, []byte(scan.From), below, limit}
		if scan.Before != "" {
			bound, args = ` AND key < $6`, append(args, []byte(scan.Before))
		}
		rows, err := q.QueryContext(ctx, versionsQuery(bound), args...)
		if err != nil {
			return fmt.Errorf("list versions of %s: %w", b.Name, err)
		}
		list, err = collect(rows, func(row scanner) (v bucket.Version, err error) {
			var marker bool
			v.Object, err = scanObjectAnd(row, &marker, &v.Latest)
			v.Marker = marker
			return v, err
		})
		return err
	})
	return list, err
}

// versionsQuery is a page of $5 versions, from the key $3, of which it takes only
// what has a lower sequence than $4, up to a bound. Either table is read no
// further than the page goes.
func versionsQuery(bound string) string {
	keys := ` WHERE partition = $1 AND bucket = $2 AND key >= $3` + bound
	current := strconv.FormatInt(ofCurrent, 10)
	return `SELECT ` + objectColumns + `, marker, latest FROM (
		SELECT * FROM (SELECT ` + objectColumns + `, FALSE AS marker, TRUE AS latest, ` + current + ` AS sequence
			FROM objects` + keys + ` AND (key > $3 OR ` + current + ` < $4) ORDER BY key LIMIT $5) AS newest
		UNION ALL
		SELECT * FROM (SELECT ` + objectColumns + `, marker, ` + isNewest + ` AS latest, sequence
			FROM object_history h` + keys + ` AND (key > $3 OR sequence < $4) ORDER BY key, sequence DESC LIMIT $5) AS older
		) AS versions ORDER BY key, sequence DESC LIMIT $5`
}

// isNewest tells whether a row h of the history is the newest of its key.
const isNewest = `(NOT EXISTS (SELECT 1 FROM objects o WHERE o.partition = h.partition AND o.bucket = h.bucket AND o.key = h.key)
	AND sequence = (SELECT MAX(n.sequence) FROM object_history n WHERE n.partition = h.partition AND n.bucket = h.bucket AND n.key = h.key))`

// sequenceOf is that of a version; of one that is not there, more than any.
func sequenceOf(ctx context.Context, q querier, n bucket.Name, version string) (sequence int64, err error) {
	if version == "" {
		return math.MaxInt64, nil
	}
	if current, err := object(ctx, q, n); err == nil && current.Version == version {
		return ofCurrent, nil
	}
	err = q.QueryRowContext(ctx, `SELECT sequence FROM object_history WHERE`+atKey+` AND version = $4`, n.Partition, n.Bucket, []byte(n.Key), version).Scan(&sequence)
	if errors.Is(err, sql.ErrNoRows) {
		return math.MaxInt64, nil
	}
	return sequence, err
}
