package registry

import (
	"context"
	"errors"
	"fmt"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
)

// Versions stores project versions.
type Versions interface {
	// Version returns a version with its bundle, or ResourceNotFound.
	Version(ctx context.Context, version arn.ProjectVersion) (customlabels.ProjectVersion, error)
}

// Version returns a version with its bundle, or ResourceNotFound. It does not
// authorise.
func (s *Service) Version(ctx context.Context, version arn.ProjectVersion) (customlabels.ProjectVersion, error) {
	v, err := s.versions.Version(ctx, version)
	if errors.Is(err, customlabels.ResourceNotFound) {
		return v, customlabels.NotFound(version)
	}
	if err != nil {
		return v, fmt.Errorf("read version %s: %w", version, err)
	}
	return v, nil
}
