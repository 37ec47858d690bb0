package sqlstore

import (
	"context"
	"errors"
	"fmt"

	"mimeo/internal/customlabels"
)

// Tags keeps the tags of projects, versions and datasets.
type Tags struct{ db *DB }

// Tags returns the store of tags.
func (db *DB) Tags() *Tags { return &Tags{db} }

// Tags implements registry.Tags. It asks the same of the database whether or
// not the resource is there.
func (s *Tags) Tags(ctx context.Context, resource fmt.Stringer) (customlabels.Tags, error) {
	tags, err := s.tags(ctx, resource.String())
	if err != nil {
		return nil, err
	}
	if err := taggable(ctx, s.db.reader, resource.String()); err != nil {
		return nil, err
	}
	return tags, nil
}

func (s *Tags) tags(ctx context.Context, resource string) (_ customlabels.Tags, err error) {
	rows, err := s.db.reader.QueryContext(ctx, `SELECT key, value FROM tags WHERE resource = $1`, resource)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	tags := customlabels.Tags{}
	for rows.Next() {
		var key, value string
		if err := rows.Scan(&key, &value); err != nil {
			return nil, err
		}
		tags[key] = value
	}
	return tags, rows.Err()
}

// SetTags implements registry.Tags.
func (s *Tags) SetTags(ctx context.Context, resource fmt.Stringer, tags customlabels.Tags, quota int) error {
	return s.db.write(ctx, func(t *tx) error {
		if err := taggable(ctx, t, resource.String()); err != nil {
			return err
		}
		if err := t.setTags(ctx, resource.String(), tags); err != nil {
			return err
		}
		var n int
		if err := t.QueryRowContext(ctx, `SELECT COUNT(*) FROM tags WHERE resource = $1`, resource.String()).Scan(&n); err != nil {
			return fmt.Errorf("count tags: %w", err)
		}
		if n > quota {
			return customlabels.ServiceQuotaExceeded
		}
		return nil
	})
}

// RemoveTags implements registry.Tags.
func (s *Tags) RemoveTags(ctx context.Context, resource fmt.Stringer, keys []string) error {
	return s.db.write(ctx, func(t *tx) error {
		if err := taggable(ctx, t, resource.String()); err != nil {
			return err
		}
		for _, key := range keys {
			if _, err := t.ExecContext(ctx, `DELETE FROM tags WHERE resource = $1 AND key = $2`, resource.String(), key); err != nil {
				return fmt.Errorf("remove tag: %w", err)
			}
		}
		return nil
	})
}

// taggable fails with ResourceNotFound where no resource has this ARN.
func taggable(ctx context.Context, q querier, resource string) error {
	var n int
	err := q.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM projects WHERE arn = $1)
		+ (SELECT COUNT(*) FROM versions WHERE arn = $1)
		+ (SELECT COUNT(*) FROM datasets WHERE arn = $1)`, resource).Scan(&n)
	if err == nil && n == 0 {
		return customlabels.ResourceNotFound
	}
	return err
}

// setTags adds tags to a resource; existing keys get the new values.
func (t *tx) setTags(ctx context.Context, resource string, tags customlabels.Tags) error {
	for key, value := range tags {
		if _, err := t.ExecContext(ctx, `INSERT INTO tags (resource, key, value) VALUES ($1, $2, $3)
			ON CONFLICT (resource, key) DO UPDATE SET value = excluded.value`, resource, key, value); err != nil {
			return fmt.Errorf("tag %s: %w", resource, err)
		}
	}
	return nil
}
