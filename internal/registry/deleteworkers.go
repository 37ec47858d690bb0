package registry

import (
	"context"
	"errors"
	"fmt"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/job"
)

// deleteDatasetArgs are the arguments of the job that removes a dataset.
type deleteDatasetArgs struct {
	Operation string
	Dataset   arn.Dataset
}

type deleteDatasetWorker struct{ s *Service }

func (deleteDatasetWorker) Kind() job.Kind { return DeleteDatasetKind }

// Work removes the entries, some at a time, and then the dataset.
func (w deleteDatasetWorker) Work(ctx context.Context, run *job.Run) error {
	var args deleteDatasetArgs
	if err := run.Decode(&args); err != nil {
		return err
	}
	return w.s.drop(ctx, Work{run.Attempt, args.Operation, args.Dataset})
}

// Fail implements job.Worker: a deletion is tried until it succeeds.
func (w deleteDatasetWorker) Fail(ctx context.Context, run *job.Run, _ error) error {
	return w.Work(ctx, run)
}

// drop removes a dataset and its entries, unless that is done already.
func (s *Service) drop(ctx context.Context, w Work) error {
	if todo, err := s.underWay(ctx, w.Dataset, w.Operation); err != nil || !todo {
		return err
	}
	if err := s.clear(ctx, w); err != nil {
		return err
	}
	return wrap(s.datasets.Drop(ctx, w), "drop dataset", w.Dataset)
}

// deleteProjectArgs are the arguments of the job that removes a project. Its
// datasets are under the same operation.
type deleteProjectArgs struct {
	Operation string
	Project   arn.Project
}

type deleteProjectWorker struct{ s *Service }

func (deleteProjectWorker) Kind() job.Kind { return DeleteProjectKind }

// Work removes the datasets, and then the project with its policies.
func (w deleteProjectWorker) Work(ctx context.Context, run *job.Run) error {
	var args deleteProjectArgs
	if err := run.Decode(&args); err != nil {
		return err
	}
	datasets, err := w.s.Datasets(ctx, args.Project)
	if err != nil {
		return err
	}
	for _, d := range datasets {
		if err := w.s.drop(ctx, Work{run.Attempt, args.Operation, d.ARN}); err != nil {
			return err
		}
	}
	return wrap(w.s.projects.DropProject(ctx, args.Project), "drop project", args.Project)
}

// Fail implements job.Worker: a deletion is tried until it succeeds.
func (w deleteProjectWorker) Fail(ctx context.Context, run *job.Run, _ error) error {
	return w.Work(ctx, run)
}

// deleteVersionArgs are the arguments of the job that removes a version.
type deleteVersionArgs struct {
	Version arn.ProjectVersion
}

type deleteVersionWorker struct{ s *Service }

func (deleteVersionWorker) Kind() job.Kind { return DeleteVersionKind }

// Work retires the grant under which the version could be unlocked, and then
// removes the version. Its blobs are swept when nothing references them.
func (w deleteVersionWorker) Work(ctx context.Context, run *job.Run) error {
	var args deleteVersionArgs
	if err := run.Decode(&args); err != nil {
		return err
	}
	v, err := w.s.versions.Version(ctx, args.Version)
	if errors.Is(err, customlabels.ResourceNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read version %s: %w", args.Version, err)
	}
	if v.Bundle.Grant != "" {
		us := arn.Caller{Principal: customlabels.Principal, Region: v.ARN.Region}
		if err := w.s.grants.RetireGrant(ctx, us, v.Bundle.Key, v.Bundle.Grant); err != nil {
			return fmt.Errorf("retire grant of version %s: %w", args.Version, err)
		}
	}
	return wrap(w.s.versions.Delete(ctx, args.Version, w.s.now()), "drop version", args.Version)
}

// Fail implements job.Worker: a deletion is tried until it succeeds.
func (w deleteVersionWorker) Fail(ctx context.Context, run *job.Run, _ error) error {
	return w.Work(ctx, run)
}
