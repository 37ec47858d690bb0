package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/job"
	"mimeo/internal/registry"
)

// Datasets keeps datasets; [Entries] keeps what is in them.
type Datasets struct{ db *DB }

// Datasets returns the store of datasets.
func (db *DB) Datasets() *Datasets { return &Datasets{db} }

const datasetColumns = `arn, project, type, status, status_message, message_code, created, updated,
	total_entries, labeled_entries, total_labels, error_entries, operation`

func scanDataset(row scanner) (customlabels.Dataset, error) {
	var d customlabels.Dataset
	var created, updated int64
	err := row.Scan(textColumn{&d.ARN}, textColumn{&d.Project}, &d.Type, &d.Status, &d.StatusMessage, &d.MessageCode, &created, &updated,
		&d.Stats.TotalEntries, &d.Stats.LabeledEntries, &d.Stats.TotalLabels, &d.Stats.ErrorEntries, &d.Operation)
	d.CreatedAt, d.UpdatedAt = instant(created), instant(updated)
	return d, err
}

// Dataset implements registry.Datasets.
func (s *Datasets) Dataset(ctx context.Context, dataset arn.Dataset) (customlabels.Dataset, error) {
	return datasetRow(ctx, s.db.reader, dataset)
}

func datasetRow(ctx context.Context, q querier, dataset arn.Dataset) (customlabels.Dataset, error) {
	d, err := scanDataset(q.QueryRowContext(ctx, `SELECT `+datasetColumns+` FROM datasets WHERE arn = $1`, dataset.String()))
	if errors.Is(err, sql.ErrNoRows) {
		return d, customlabels.ResourceNotFound
	}
	return d, err
}

// DatasetsOf implements registry.Datasets.
func (s *Datasets) DatasetsOf(ctx context.Context, project arn.Project) ([]customlabels.Dataset, error) {
	rows, err := s.db.reader.QueryContext(ctx, `SELECT `+datasetColumns+` FROM datasets WHERE project = $1 ORDER BY type DESC`, project.String())
	if err != nil {
		return nil, err
	}
	return collect(rows, scanDataset)
}

// InsertDataset implements registry.Datasets.
func (s *Datasets) InsertDataset(ctx context.Context, d customlabels.Dataset, tags customlabels.Tags, op registry.Operation) error {
	return s.db.write(ctx, func(t *tx) error {
		if err := t.openProject(ctx, d.Project); err != nil {
			return err
		}
		var taken int
		if err := t.QueryRowContext(ctx, `SELECT COUNT(*) FROM datasets WHERE project = $1 AND type = $2`,
			d.Project.String(), string(d.Type)).Scan(&taken); err != nil {
			return fmt.Errorf("look for a dataset: %w", err)
		}
		if taken > 0 {
			return customlabels.ResourceAlreadyExists
		}
		if op.Job.Kind == "" {
			op.ID = ""
		}
		if _, err := t.ExecContext(ctx, `INSERT INTO datasets (`+datasetColumns+`)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, 0, 0, $9)`, d.ARN.String(), d.Project.String(), string(d.Type),
			string(d.Status), d.StatusMessage, string(d.MessageCode), millis(d.CreatedAt), millis(d.UpdatedAt), op.ID); err != nil {
			return fmt.Errorf("insert: %w", err)
		}
		if err := t.setTags(ctx, d.ARN.String(), tags); err != nil || op.ID == "" {
			return err
		}
		return t.enqueue(ctx, op.Job)
	})
}

// begin moves a dataset that is not busy to a state, under an operation.
func (t *tx) begin(ctx context.Context, dataset arn.Dataset, to customlabels.DatasetStatus, message string, op registry.Operation) error {
	d, err := datasetRow(ctx, t, dataset)
	if err != nil {
		return err
	}
	if d.Operation != "" {
		return customlabels.ResourceInUse
	}
	_, err = t.ExecContext(ctx, `UPDATE datasets SET status = $2, status_message = $3, message_code = $4, updated = $5, operation = $6 WHERE arn = $1`,
		dataset.String(), string(to), message, string(customlabels.DatasetSuccess), millis(op.At), op.ID)
	return err
}

// BeginUpdate implements registry.Datasets.
func (s *Datasets) BeginUpdate(ctx context.Context, dataset arn.Dataset, lines []byte, op registry.Operation) error {
	return s.db.write(ctx, func(t *tx) error {
		if err := t.begin(ctx, dataset, customlabels.DatasetUpdateInProgress, "The dataset is being updated.", op); err != nil {
			return err
		}
		if _, err := t.ExecContext(ctx, `INSERT INTO dataset_changes (dataset, lines) VALUES ($1, $2)
			ON CONFLICT (dataset) DO UPDATE SET lines = excluded.lines`, dataset.String(), lines); err != nil {
			return fmt.Errorf("store changes: %w", err)
		}
		return t.enqueue(ctx, op.Job)
	})
}

// BeginDistribute implements registry.Datasets.
func (s *Datasets) BeginDistribute(ctx context.Context, train, test arn.Dataset, op registry.Operation) error {
	return s.db.write(ctx, func(t *tx) error {
		for _, dataset := range []arn.Dataset{train, test} {
			err := t.begin(ctx, dataset, customlabels.DatasetUpdateInProgress, "The dataset is being distributed.", op)
			if errors.Is(err, customlabels.ResourceInUse) {
				return customlabels.ResourceNotReady
			}
			if err != nil {
				return err
			}
		}
		var parents, entries int
		if err := t.QueryRowContext(ctx, `SELECT (SELECT COUNT(DISTINCT project) FROM datasets WHERE arn IN ($1, $2)),
			(SELECT COUNT(*) FROM dataset_entries WHERE dataset = $2)`, train.String(), test.String()).Scan(&parents, &entries); err != nil {
			return fmt.Errorf("compare datasets: %w", err)
		}
		if parents != 1 || entries > 0 {
			return customlabels.InvalidParameter
		}
		return t.enqueue(ctx, op.Job)
	})
}

// BeginDelete implements registry.Datasets.
func (s *Datasets) BeginDelete(ctx context.Context, dataset arn.Dataset, op registry.Operation) error {
	return s.db.write(ctx, func(t *tx) error {
		if err := t.begin(ctx, dataset, customlabels.DatasetDeleteInProgress, "The dataset is being deleted.", op); err != nil {
			return err
		}
		return t.enqueue(ctx, op.Job)
	})
}

// under fails with job.ErrSuperseded unless the attempt is the current one
// and its operation is still under way on the dataset.
func (t *tx) under(ctx context.Context, w registry.Work) error {
	if err := t.current(ctx, w.Attempt); err != nil {
		return err
	}
	d, err := datasetRow(ctx, t, w.Dataset)
	if errors.Is(err, customlabels.ResourceNotFound) || err == nil && d.Operation != w.Operation {
		return job.ErrSuperseded
	}
	return err
}

// Finish implements registry.Datasets.
func (s *Datasets) Finish(ctx context.Context, w registry.Work, o registry.Outcome) error {
	return s.db.write(ctx, func(t *tx) error {
		if err := t.under(ctx, w); err != nil {
			return err
		}
		_, err := t.finish(ctx, w.Dataset, o)
		return err
	})
}

// finish counts the entries of a dataset and ends its operation.
func (t *tx) finish(ctx context.Context, dataset arn.Dataset, o registry.Outcome) (customlabels.DatasetStats, error) {
	var n customlabels.DatasetStats
	err := t.QueryRowContext(ctx, `SELECT COUNT(*), COUNT(CASE WHEN labeled THEN 1 END), COUNT(CASE WHEN has_errors THEN 1 END),
		(SELECT COUNT(DISTINCT label) FROM dataset_labels WHERE dataset = $1)
		FROM dataset_entries WHERE dataset = $1`, dataset.String()).Scan(&n.TotalEntries, &n.LabeledEntries, &n.ErrorEntries, &n.TotalLabels)
	if err != nil {
		return n, fmt.Errorf("count entries: %w", err)
	}
	if _, err := t.ExecContext(ctx, `UPDATE datasets SET status = $2, status_message = $3, message_code = $4, updated = $5, operation = '',
		total_entries = $6, labeled_entries = $7, total_labels = $8, error_entries = $9 WHERE arn = $1`,
		dataset.String(), string(o.Status), o.Message, string(o.Code), millis(o.At),
		n.TotalEntries, n.LabeledEntries, n.TotalLabels, n.ErrorEntries); err != nil {
		return n, fmt.Errorf("finish: %w", err)
	}
	return n, t.each(ctx, dataset.String(), `DELETE FROM dataset_changes WHERE dataset = $1`)
}

// Drop implements registry.Datasets.
func (s *Datasets) Drop(ctx context.Context, w registry.Work) error {
	return s.db.write(ctx, func(t *tx) error {
		if err := t.under(ctx, w); err != nil {
			return err
		}
		return t.each(ctx, w.Dataset.String(),
			`DELETE FROM dataset_changes WHERE dataset = $1`,
			`DELETE FROM tags WHERE resource = $1`,
			`DELETE FROM datasets WHERE arn = $1`)
	})
}
