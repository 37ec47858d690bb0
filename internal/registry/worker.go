package registry

import (
	"context"
	"errors"
	"fmt"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/job"
	"mimeo/internal/manifest"
)

// The kinds of jobs of this package.
const (
	CreateDatasetKind     job.Kind = "create-dataset"
	UpdateDatasetKind     job.Kind = "update-dataset"
	DistributeDatasetKind job.Kind = "distribute-dataset"
	DeleteDatasetKind     job.Kind = "delete-dataset"
	DeleteProjectKind     job.Kind = "delete-project"
	DeleteVersionKind     job.Kind = "delete-version"
)

// Workers returns the workers of the service's jobs, one per kind.
func (s *Service) Workers() []job.Worker {
	return []job.Worker{
		createDatasetWorker{s}, updateDatasetWorker{s}, distributeWorker{s},
		deleteDatasetWorker{s}, deleteProjectWorker{s}, deleteVersionWorker{s},
	}
}

const serviceIssue = "Amazon Rekognition experienced a service issue. Try the operation again later."

// underWay reports whether an operation is still to be done: a job whose end
// was cut off runs again although its operation has finished.
func (s *Service) underWay(ctx context.Context, dataset arn.Dataset, operation string) (bool, error) {
	d, err := s.datasets.Dataset(ctx, dataset)
	if errors.Is(err, customlabels.ResourceNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read dataset %s: %w", dataset, err)
	}
	return d.Operation == operation, nil
}

// outcome is how an operation ends that the caller's input, err, made fail,
// or that succeeded where err is nil. Any other error is returned, for the
// job to be tried again.
func (s *Service) outcome(im *importer, err error, completed, failed customlabels.DatasetStatus, sentence string) (Outcome, error) {
	o := Outcome{Status: completed, Message: sentence, Code: customlabels.DatasetSuccess, At: s.now()}
	if err != nil {
		var refused manifest.FileError
		if !errors.As(err, &refused) {
			return Outcome{}, err
		}
		o.Status, o.Message, o.Code = failed, string(refused), customlabels.DatasetClientError
	}
	if im != nil {
		o.Message = im.message(o.Message)
	}
	return o, nil
}

// failed is how an operation ends that no attempt could bring to its end.
func (s *Service) failed(status customlabels.DatasetStatus) Outcome {
	return Outcome{Status: status, Message: serviceIssue, Code: customlabels.DatasetServiceError, At: s.now()}
}

// clear removes all entries of a dataset.
func (s *Service) clear(ctx context.Context, w Work) error {
	for {
		more, err := s.entries.ClearEntries(ctx, w, entriesAtOnce)
		if err != nil || !more {
			return wrap(err, "clear entries of", w.Dataset)
		}
	}
}

// wrap adds what was being done to what.
func wrap(err error, doing string, what fmt.Stringer) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w", doing, what, err)
}
