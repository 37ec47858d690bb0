package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/lineage"
)

// Lineage is lineage.Store.
type Lineage struct{ db *DB }

// Lineage returns the store of lineages.
func (db *DB) Lineage() *Lineage { return &Lineage{db} }

// nodes are the living and the deleted versions, as one list.
const nodes = `SELECT arn, project, source, created, 0 AS deleted, status, kms_key, '{}' AS digests FROM versions WHERE %[1]s
	UNION ALL SELECT arn, project, source, created, deleted, '' AS status, kms_key, digests FROM tombstones WHERE %[1]s`

func scanNode(row scanner) (lineage.Node, error) {
	var n lineage.Node
	var created, deleted int64
	err := row.Scan(textColumn{&n.Version}, textColumn{&n.Project}, textColumn{&n.Source}, &created, &deleted, &n.Status, textColumn{&n.KMSKey}, jsonColumn{&n.Digests})
	n.CreatedAt, n.DeletedAt = instant(created), instant(deleted)
	return n, err
}

// Node implements [lineage.Store].
func (s *Lineage) Node(ctx context.Context, v arn.ProjectVersion) (n lineage.Node, err error) {
	err = s.db.view(ctx, func(q querier) (err error) {
		n, err = scanNode(q.QueryRowContext(ctx, fmt.Sprintf(nodes, "arn = $1"), v.String()))
		if errors.Is(err, sql.ErrNoRows) {
			return customlabels.ResourceNotFound
		}
		if err == nil && n.DeletedAt.IsZero() {
			n.Digests, err = digests(ctx, q, v)
		}
		return err
	})
	return n, err
}

// Copies implements [lineage.Store].
func (s *Lineage) Copies(ctx context.Context, of []arn.ProjectVersion, limit int) (all []lineage.Node, err error) {
	args := make([]any, len(of))
	for i, v := range of {
		args[i] = v.String()
	}
	query := fmt.Sprintf(`SELECT * FROM (`+nodes+`) AS n WHERE deleted > 0 OR EXISTS (SELECT 1 FROM artifacts WHERE version = n.arn)
		ORDER BY created, arn LIMIT $%[2]d`, "source IN ("+placeholders(1, len(of))+")", len(of)+1)
	err = s.db.view(ctx, func(q querier) error {
		rows, err := q.QueryContext(ctx, query, append(args, limit)...)
		if err != nil {
			return fmt.Errorf("list copies: %w", err)
		}
		if all, err = collect(rows, scanNode); err != nil {
			return err
		}
		for i, n := range all {
			if n.DeletedAt.IsZero() {
				if all[i].Digests, err = digests(ctx, q, n.Version); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return all, err
}

// digests are those of a version's artifacts.
func digests(ctx context.Context, q querier, v arn.ProjectVersion) (map[customlabels.Role]lineage.Digests, error) {
	list, err := artifacts(ctx, q, v)
	if err != nil {
		return nil, fmt.Errorf("read the artifacts of %s: %w", v, err)
	}
	all := make(map[customlabels.Role]lineage.Digests, len(list))
	for _, a := range list {
		all[a.Role] = lineage.Digests{Sealed: a.Digest, Plain: a.Plain}
	}
	return all, nil
}

// bury leaves a tombstone of a version that is about to be deleted, where it
// holds a model and is a copy or was copied. A version that is gone has one
// already.
func (t *tx) bury(ctx context.Context, v arn.ProjectVersion, at time.Time) error {
	all, err := digests(ctx, t, v)
	if err != nil || len(all) == 0 {
		return err
	}
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	_, err = t.ExecContext(ctx, `INSERT INTO tombstones (arn, project, source, created, deleted, kms_key, digests)
		SELECT arn, project, source, created, CAST($2 AS BIGINT), kms_key, CAST($3 AS TEXT) FROM versions v WHERE arn = $1 AND (source <> ''
			OR EXISTS (SELECT 1 FROM versions c JOIN artifacts a ON a.version = c.arn WHERE c.source = v.arn)
			OR EXISTS (SELECT 1 FROM tombstones c WHERE c.source = v.arn))`, v.String(), millis(at), string(text))
	if err != nil {
		return fmt.Errorf("leave a tombstone of %s: %w", v, err)
	}
	return nil
}
