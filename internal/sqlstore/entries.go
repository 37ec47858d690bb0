package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/registry"
)

// Entries keeps the entries of datasets.
type Entries struct{ db *DB }

// Entries returns the store of datasets' entries.
func (db *DB) Entries() *Entries { return &Entries{db} }

// EntriesAfter implements registry.Entries.
func (s *Entries) EntriesAfter(ctx context.Context, dataset arn.Dataset, f registry.EntryFilter, after int64, limit int) (entries []customlabels.Entry, last int64, err error) {
	err = s.db.view(ctx, func(q querier) (err error) {
		entries, last, err = entriesAfter(ctx, q, dataset, f, after, limit)
		return err
	})
	return entries, last, err
}

func entriesAfter(ctx context.Context, q querier, dataset arn.Dataset, f registry.EntryFilter, after int64, limit int) (entries []customlabels.Entry, last int64, err error) {
	where, args := filter(f, []any{dataset.String(), after, limit})
	rows, err := q.QueryContext(ctx, `SELECT position, source_ref, line, errors FROM dataset_entries AS e
		WHERE dataset = $1 AND position > $2 `+where+` ORDER BY position LIMIT $3`, args...)
	if err != nil {
		return nil, 0, err
	}
	last = after
	byPosition := map[int64]int{}
	entries, err = collect(rows, func(row scanner) (customlabels.Entry, error) {
		var e customlabels.Entry
		err := row.Scan(&last, &e.SourceRef, &e.Line, jsonColumn{&e.Errors})
		byPosition[last] = len(byPosition)
		return e, err
	})
	if err != nil || len(entries) == 0 {
		return nil, last, err
	}
	return entries, last, addLabels(ctx, q, dataset, after, last, entries, byPosition)
}

// filter returns the conditions of a filter and the arguments with its own.
func filter(f registry.EntryFilter, args []any) (string, []any) {
	where := ""
	if f.HasErrors {
		where += " AND has_errors"
	}
	switch {
	case f.Labeled == nil:
	case *f.Labeled:
		where += " AND labeled"
	default:
		where += " AND NOT labeled"
	}
	if f.SourceRefContains != "" {
		args = append(args, f.SourceRefContains)
		// A search that, unlike LIKE, knows no wildcards and everywhere
		// tells a from A.
		where += " AND REPLACE(source_ref, $" + strconv.Itoa(len(args)) + ", '') <> source_ref"
	}
	if len(f.Labels) > 0 {
		where += ` AND EXISTS (SELECT 1 FROM dataset_labels AS l WHERE l.dataset = e.dataset AND l.position = e.position
			AND NOT l.declared AND l.label IN (` + placeholders(len(args)+1, len(f.Labels)) + `))`
		args = appendStrings(args, f.Labels)
	}
	return where, args
}

// addLabels reads the labels of entries that lie between two positions.
func addLabels(ctx context.Context, q querier, dataset arn.Dataset, after, last int64, entries []customlabels.Entry, byPosition map[int64]int) (err error) {
	rows, err := q.QueryContext(ctx, `SELECT position, label, boxes, declared FROM dataset_labels
		WHERE dataset = $1 AND position > $2 AND position <= $3 ORDER BY position, label`, dataset.String(), after, last)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var position int64
		var l customlabels.EntryLabel
		var declared bool
		if err := rows.Scan(&position, &l.Name, &l.Boxes, &declared); err != nil {
			return err
		}
		switch i, ok := byPosition[position]; {
		case !ok:
		case declared:
			entries[i].Declared = append(entries[i].Declared, l.Name)
		default:
			entries[i].Labels = append(entries[i].Labels, l)
		}
	}
	return rows.Err()
}

// Labels implements registry.Entries.
func (s *Entries) Labels(ctx context.Context, dataset arn.Dataset) ([]registry.LabelCount, error) {
	rows, err := s.db.reader.QueryContext(ctx, `SELECT label, COUNT(CASE WHEN NOT declared THEN 1 END), COUNT(CASE WHEN boxes > 0 THEN 1 END) FROM dataset_labels
		WHERE dataset = $1 GROUP BY label ORDER BY label`, dataset.String())
	if err != nil {
		return nil, err
	}
	return collect(rows, func(row scanner) (registry.LabelCount, error) {
		var l registry.LabelCount
		err := row.Scan(&l.Name, &l.Entries, &l.BoxImages)
		return l, err
	})
}

// Changes implements registry.Entries.
func (s *Entries) Changes(ctx context.Context, w registry.Work) ([]byte, error) {
	var lines []byte
	err := s.db.reader.QueryRowContext(ctx, `SELECT lines FROM dataset_changes WHERE dataset = $1`, w.Dataset.String()).Scan(&lines)
	return lines, err
}

// AppendEntries implements registry.Entries.
func (s *Entries) AppendEntries(ctx context.Context, w registry.Work, after int64, entries []customlabels.Entry) error {
	return s.db.write(ctx, func(t *tx) error {
		if err := t.under(ctx, w); err != nil {
			return err
		}
		return t.putEntries(ctx, w.Dataset, after, entries)
	})
}

// putEntries replaces the entries that have the source-refs of entries and
// stores the others behind a position.
func (t *tx) putEntries(ctx context.Context, dataset arn.Dataset, after int64, entries []customlabels.Entry) (err error) {
	put, err := t.PrepareContext(ctx, `INSERT INTO dataset_entries (dataset, source_ref, position, line, errors, has_errors, labeled)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (dataset, source_ref) DO UPDATE SET line = excluded.line, errors = excluded.errors,
			has_errors = excluded.has_errors, labeled = excluded.labeled
		RETURNING position`)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, put.Close()) }()
	label, err := t.PrepareContext(ctx, `INSERT INTO dataset_labels (dataset, position, label, boxes, declared) VALUES ($1, $2, $3, $4, $5)`)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, label.Close()) }()
	for _, e := range entries {
		problems, err := json.Marshal(e.Errors)
		if err != nil {
			return err
		}
		var position int64
		if err := put.QueryRowContext(ctx, dataset.String(), e.SourceRef, after+1, e.Line, string(problems),
			len(e.Errors) > 0, len(e.Labels) > 0).Scan(&position); err != nil {
			return fmt.Errorf("put entry %s: %w", e.SourceRef, err)
		}
		if position == after+1 {
			after++
		} else if _, err := t.ExecContext(ctx, `DELETE FROM dataset_labels WHERE dataset = $1 AND position = $2`, dataset.String(), position); err != nil {
			return err
		}
		for _, l := range e.Labels {
			if _, err := label.ExecContext(ctx, dataset.String(), position, l.Name, l.Boxes, false); err != nil {
				return fmt.Errorf("label entry %s: %w", e.SourceRef, err)
			}
		}
		for _, name := range e.Declared {
			if _, err := label.ExecContext(ctx, dataset.String(), position, name, 0, true); err != nil {
				return fmt.Errorf("declare a label of entry %s: %w", e.SourceRef, err)
			}
		}
	}
	return nil
}

// SetEntryErrors implements registry.Entries.
func (s *Entries) SetEntryErrors(ctx context.Context, w registry.Work, entries []customlabels.Entry) error {
	return s.db.write(ctx, func(t *tx) error {
		if err := t.under(ctx, w); err != nil {
			return err
		}
		for _, e := range entries {
			problems, err := json.Marshal(e.Errors)
			if err != nil {
				return err
			}
			if _, err := t.ExecContext(ctx, `UPDATE dataset_entries SET errors = $3, has_errors = $4 WHERE dataset = $1 AND source_ref = $2`,
				w.Dataset.String(), e.SourceRef, string(problems), len(e.Errors) > 0); err != nil {
				return fmt.Errorf("set the errors of entry %s: %w", e.SourceRef, err)
			}
		}
		return nil
	})
}

// CopyEntries implements registry.Entries.
func (s *Entries) CopyEntries(ctx context.Context, w registry.Work, from arn.Dataset) error {
	return s.db.write(ctx, func(t *tx) error {
		if err := t.under(ctx, w); err != nil {
			return err
		}
		source, err := datasetRow(ctx, t, from)
		if err != nil {
			return err
		}
		if source.Status == customlabels.DatasetDeleteInProgress {
			return customlabels.ResourceNotFound
		}
		for _, statement := range []string{
			`INSERT INTO dataset_entries (dataset, source_ref, position, line, errors, has_errors, labeled)
				SELECT $1, source_ref, position, line, errors, has_errors, labeled FROM dataset_entries WHERE dataset = $2`,
			`INSERT INTO dataset_labels (dataset, position, label, boxes, declared)
				SELECT $1, position, label, boxes, declared FROM dataset_labels WHERE dataset = $2`,
		} {
			if _, err := t.ExecContext(ctx, statement, w.Dataset.String(), from.String()); err != nil {
				return fmt.Errorf("copy: %w", err)
			}
		}
		return nil
	})
}

// MergeEntries implements registry.Entries.
func (s *Entries) MergeEntries(ctx context.Context, w registry.Work, entries []customlabels.Entry, check func(customlabels.DatasetStats) error, o registry.Outcome) error {
	return s.db.write(ctx, func(t *tx) error {
		if err := t.under(ctx, w); err != nil {
			return err
		}
		var last sql.NullInt64
		if err := t.QueryRowContext(ctx, `SELECT MAX(position) FROM dataset_entries WHERE dataset = $1`, w.Dataset.String()).Scan(&last); err != nil {
			return fmt.Errorf("look for the last entry: %w", err)
		}
		if err := t.putEntries(ctx, w.Dataset, last.Int64, entries); err != nil {
			return err
		}
		stats, err := t.finish(ctx, w.Dataset, o)
		if err != nil {
			return err
		}
		return check(stats)
	})
}

// MoveEntries implements registry.Entries.
func (s *Entries) MoveEntries(ctx context.Context, w registry.Work, to arn.Dataset, sourceRefs []string, o registry.Outcome) error {
	return s.db.write(ctx, func(t *tx) error {
		for _, d := range []arn.Dataset{w.Dataset, to} {
			if err := t.under(ctx, registry.Work{Attempt: w.Attempt, Operation: w.Operation, Dataset: d}); err != nil {
				return err
			}
		}
		for some := range slices.Chunk(sourceRefs, 500) {
			if err := t.moveEntries(ctx, w.Dataset, to, some); err != nil {
				return err
			}
		}
		for _, d := range []arn.Dataset{w.Dataset, to} {
			if _, err := t.finish(ctx, d, o); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *tx) moveEntries(ctx context.Context, from, to arn.Dataset, sourceRefs []string) error {
	args := appendStrings([]any{from.String(), to.String()}, sourceRefs)
	refs := placeholders(3, len(sourceRefs))
	for _, statement := range []string{
		`UPDATE dataset_labels SET dataset = $2 WHERE dataset = $1
			AND position IN (SELECT position FROM dataset_entries WHERE dataset = $1 AND source_ref IN (` + refs + `))`,
		`UPDATE dataset_entries SET dataset = $2 WHERE dataset = $1 AND source_ref IN (` + refs + `)`,
	} {
		if _, err := t.ExecContext(ctx, statement, args...); err != nil {
			return fmt.Errorf("move entries to %s: %w", to, err)
		}
	}
	return nil
}

// ClearEntries implements registry.Entries.
func (s *Entries) ClearEntries(ctx context.Context, w registry.Work, limit int) (more bool, err error) {
	err = s.db.write(ctx, func(t *tx) error {
		if err := t.under(ctx, w); err != nil {
			return err
		}
		var first sql.NullInt64
		if err := t.QueryRowContext(ctx, `SELECT MIN(position) FROM dataset_entries WHERE dataset = $1`, w.Dataset.String()).Scan(&first); err != nil {
			return fmt.Errorf("look for the first entry: %w", err)
		}
		more = first.Valid
		for _, statement := range []string{
			`DELETE FROM dataset_labels WHERE dataset = $1 AND position < $2`,
			`DELETE FROM dataset_entries WHERE dataset = $1 AND position < $2`,
		} {
			if _, err := t.ExecContext(ctx, statement, w.Dataset.String(), first.Int64+int64(limit)); err != nil {
				return err
			}
		}
		return nil
	})
	return more, err
}
