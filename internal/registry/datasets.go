package registry

import (
	"context"
	"fmt"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
)

// Datasets stores datasets and their entries.
type Datasets interface {
	// Dataset returns a dataset, or ResourceNotFound.
	Dataset(ctx context.Context, dataset arn.Dataset) (customlabels.Dataset, error)
	// DatasetsOf returns the datasets of a project, TRAIN before TEST.
	DatasetsOf(ctx context.Context, project arn.Project) ([]customlabels.Dataset, error)
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
