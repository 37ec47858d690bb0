package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
)

// Datasets keeps datasets and their entries.
type Datasets struct{ db *DB }

// Datasets returns the store of datasets.
func (db *DB) Datasets() *Datasets { return &Datasets{db} }

const datasetColumns = `arn, project, type, status, status_message, message_code, created, updated,
	total_entries, labeled_entries, total_labels, error_entries`

func scanDataset(row scanner) (customlabels.Dataset, error) {
	var d customlabels.Dataset
	var created, updated int64
	err := row.Scan(textColumn{&d.ARN}, textColumn{&d.Project}, &d.Type, &d.Status, &d.StatusMessage, &d.MessageCode, &created, &updated,
		&d.Stats.TotalEntries, &d.Stats.LabeledEntries, &d.Stats.TotalLabels, &d.Stats.ErrorEntries)
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
