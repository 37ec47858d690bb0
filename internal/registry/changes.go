package registry

import (
	"context"
	"errors"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/fault"
)

// UpdateDatasetEntries begins to merge lines of a manifest into a dataset: a
// line replaces the entry with its source-ref, or is appended.
func (s *Service) UpdateDatasetEntries(ctx context.Context, caller arn.Caller, dataset arn.Dataset, lines []byte) error {
	if err := s.allow(ctx, caller, "rekognition:UpdateDatasetEntries", dataset, dataset.Namespace); err != nil {
		return err
	}
	op := s.operation()
	op = op.as(UpdateDatasetKind, updateDatasetArgs{Operation: op.ID, Dataset: dataset, Caller: caller})
	return datasetFault(dataset, s.datasets.BeginUpdate(ctx, dataset, lines, op))
}

// DistributeDatasetEntries begins to move a fifth of a training dataset to
// the empty test dataset of the same project.
func (s *Service) DistributeDatasetEntries(ctx context.Context, caller arn.Caller, datasets []arn.Dataset) error {
	for _, d := range datasets {
		if err := s.allow(ctx, caller, "rekognition:DistributeDatasetEntries", d, d.Namespace); err != nil {
			return err
		}
	}
	if len(datasets) != 2 || datasets[0].Type == datasets[1].Type {
		return customlabels.Invalid("Distribution needs the training dataset and the test dataset of one project.")
	}
	train, test := datasets[0], datasets[1]
	if train.Type != "train" {
		train, test = test, train
	}
	for _, d := range datasets {
		if _, err := s.Dataset(ctx, d); err != nil {
			return err
		}
	}
	op := s.operation()
	op = op.as(DistributeDatasetKind, distributeArgs{Operation: op.ID, Train: train, Test: test})
	err := s.datasets.BeginDistribute(ctx, train, test, op)
	switch {
	case errors.Is(err, customlabels.ResourceNotReady):
		return fault.New(customlabels.ResourceNotReady, "One of the datasets %s and %s is being created, updated or deleted.", train, test)
	case errors.Is(err, customlabels.InvalidParameter):
		return customlabels.Invalid("The datasets %s and %s must belong to one project, and the test dataset must be empty.", train, test)
	default:
		return datasetFault(train, err)
	}
}
