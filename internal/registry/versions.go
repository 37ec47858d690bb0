package registry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/job"
)

// Versions stores project versions.
type Versions interface {
	// Version returns a version with its bundle, or ResourceNotFound.
	Version(ctx context.Context, version arn.ProjectVersion) (customlabels.ProjectVersion, error)
	// VersionsBefore returns up to limit versions of a project, the newest
	// first, that come after the version last; the zero last begins with the
	// newest. Where names is not empty, only versions of these names.
	VersionsBefore(ctx context.Context, project arn.Project, names []string, last customlabels.ProjectVersion, limit int) ([]customlabels.ProjectVersion, error)
	// BeginDelete moves a version to DELETING and inserts the job that drops
	// it. It fails with ResourceInUse where the version is in another state
	// than v, or a copy is reading it.
	BeginDelete(ctx context.Context, v customlabels.ProjectVersion, spec job.Spec) error
	// Delete drops a version and leaves what its lineage needs. Deleting twice
	// is no error.
	Delete(ctx context.Context, version arn.ProjectVersion, now time.Time) error
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

// A DescribeProjectVersionsRequest is the input of DescribeProjectVersions.
type DescribeProjectVersionsRequest struct {
	Project    arn.Project
	Names      []string
	MaxResults int
	NextToken  string
}

// DescribeProjectVersions lists the versions of a project, the newest first.
// Names that do not exist are left out.
func (s *Service) DescribeProjectVersions(ctx context.Context, caller arn.Caller, req DescribeProjectVersionsRequest) ([]customlabels.ProjectVersion, string, error) {
	if err := s.allow(ctx, caller, "rekognition:DescribeProjectVersions", req.Project, req.Project.Namespace); err != nil {
		return nil, "", err
	}
	list := listing("DescribeProjectVersions", caller, req.Project, req.Names)
	var last customlabels.ProjectVersion
	if err := s.resume(list, req.NextToken, &last.CreatedAt, &last.ARN.Name); err != nil {
		return nil, "", err
	}
	if _, err := s.Project(ctx, req.Project); err != nil {
		return nil, "", err
	}
	size := pageSize(req.MaxResults, maxPage)
	versions, err := s.versions.VersionsBefore(ctx, req.Project, req.Names, last, size+1)
	if err != nil {
		return nil, "", fmt.Errorf("list versions of %s: %w", req.Project, err)
	}
	if len(versions) <= size {
		return versions, "", nil
	}
	last = versions[size-1]
	return versions[:size], s.next(list, last.CreatedAt, last.ARN.Name), nil
}

// DeleteProjectVersion begins the deletion of a version and returns its
// status.
func (s *Service) DeleteProjectVersion(ctx context.Context, caller arn.Caller, version arn.ProjectVersion) (customlabels.Status, error) {
	if err := s.allow(ctx, caller, "rekognition:DeleteProjectVersion", version, version.Namespace); err != nil {
		return "", err
	}
	v, err := s.Version(ctx, version)
	if err != nil {
		return "", err
	}
	if err := v.CanDelete(); err != nil {
		return "", err
	}
	err = s.versions.BeginDelete(ctx, v, job.Spec{Kind: DeleteVersionKind, Key: version.String(), Args: deleteVersionArgs{version}})
	if errors.Is(err, customlabels.ResourceInUse) {
		return "", customlabels.InUse("The project version %s is being copied, or its status has just changed.", version)
	}
	if err != nil {
		return "", fmt.Errorf("begin deletion of version %s: %w", version, err)
	}
	return customlabels.Deleting, nil
}
