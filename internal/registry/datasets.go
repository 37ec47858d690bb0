package registry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/job"
)

// Datasets stores datasets.
type Datasets interface {
	// Dataset returns a dataset, or ResourceNotFound.
	Dataset(ctx context.Context, dataset arn.Dataset) (customlabels.Dataset, error)
	// DatasetsOf returns the datasets of a project, TRAIN before TEST.
	DatasetsOf(ctx context.Context, project arn.Project) ([]customlabels.Dataset, error)
	// InsertDataset stores a dataset, its tags and, where op has a job, the
	// operation that fills it. It fails with ResourceNotFound where the
	// project is gone or going, and with ResourceAlreadyExists where it has
	// a dataset of that type.
	InsertDataset(ctx context.Context, d customlabels.Dataset, tags customlabels.Tags, op Operation) error
	// BeginUpdate stores the lines of an update and begins it. It fails with
	// ResourceNotFound, and with ResourceInUse where the dataset is busy.
	BeginUpdate(ctx context.Context, dataset arn.Dataset, lines []byte, op Operation) error
	// BeginDistribute begins an operation on two datasets. It fails with
	// ResourceNotFound, with ResourceNotReady where one is busy, and with
	// InvalidParameter where they are of different projects or test has
	// entries.
	BeginDistribute(ctx context.Context, train, test arn.Dataset, op Operation) error
	// BeginDelete begins the deletion of a dataset. It fails with
	// ResourceNotFound, and with ResourceInUse where the dataset is busy.
	BeginDelete(ctx context.Context, dataset arn.Dataset, op Operation) error
	// Finish ends an operation without touching entries.
	Finish(ctx context.Context, w Work, o Outcome) error
	// Drop removes a dataset that has no entries, with its tags.
	Drop(ctx context.Context, w Work) error
}

// An Operation is what is being done to a dataset: its id, when it was asked
// for, and the job that does it. A dataset has one at a time.
type Operation struct {
	ID  string
	At  time.Time
	Job job.Spec
}

// Work is the authority to write to a dataset: an attempt at the job of the
// operation that is under way. All writes of jobs fail with job.ErrSuperseded
// where the attempt or the operation is not the current one.
type Work struct {
	job.Attempt
	Operation string
	Dataset   arn.Dataset
}

// An Outcome is how an operation ended.
type Outcome struct {
	Status  customlabels.DatasetStatus
	Message string
	Code    customlabels.DatasetMessageCode
	At      time.Time
}

// operation returns a fresh operation without a job.
func (s *Service) operation() Operation {
	return Operation{ID: uuid.NewString(), At: s.now().UTC().Truncate(time.Millisecond)}
}

// as returns the operation with the job that does it.
func (op Operation) as(kind job.Kind, args any) Operation {
	op.Job = job.Spec{Kind: kind, Key: op.ID, Args: args}
	return op
}

// Datasets returns the datasets of a project, TRAIN before TEST. It does not
// authorise.
func (s *Service) Datasets(ctx context.Context, project arn.Project) ([]customlabels.Dataset, error) {
	all, err := s.datasets.DatasetsOf(ctx, project)
	if err != nil {
		return nil, fmt.Errorf("list datasets of %s: %w", project, err)
	}
	return all, nil
}

// Dataset returns a dataset, or ResourceNotFound. It does not authorise.
func (s *Service) Dataset(ctx context.Context, dataset arn.Dataset) (customlabels.Dataset, error) {
	d, err := s.datasets.Dataset(ctx, dataset)
	return d, datasetFault(dataset, err)
}

// datasetFault says what a store's refusal of work on a dataset means.
func datasetFault(dataset arn.Dataset, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, customlabels.ResourceNotFound):
		return customlabels.NotFound(dataset)
	case errors.Is(err, customlabels.ResourceInUse):
		return customlabels.InUse("The dataset %s is being created, updated or deleted.", dataset)
	default:
		return fmt.Errorf("dataset %s: %w", dataset, err)
	}
}

// DescribeDataset returns a dataset of the caller's.
func (s *Service) DescribeDataset(ctx context.Context, caller arn.Caller, dataset arn.Dataset) (customlabels.Dataset, error) {
	if err := s.allow(ctx, caller, "rekognition:DescribeDataset", dataset, dataset.Namespace); err != nil {
		return customlabels.Dataset{}, err
	}
	return s.Dataset(ctx, dataset)
}

// DeleteDataset begins the deletion of a dataset, which is not found any more
// when that is done.
func (s *Service) DeleteDataset(ctx context.Context, caller arn.Caller, dataset arn.Dataset) error {
	if err := s.allow(ctx, caller, "rekognition:DeleteDataset", dataset, dataset.Namespace); err != nil {
		return err
	}
	op := s.operation()
	op = op.as(DeleteDatasetKind, deleteDatasetArgs{Operation: op.ID, Dataset: dataset})
	return datasetFault(dataset, s.datasets.BeginDelete(ctx, dataset, op))
}
