package registry

import (
	"context"
	"errors"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
)

// Describable returns a version where the caller may describe those of its
// project. The denial does not tell whether there is such a version, and
// another account's is not looked for.
func (s *Service) Describable(ctx context.Context, caller arn.Caller, version arn.ProjectVersion) (customlabels.ProjectVersion, error) {
	const action = "rekognition:DescribeProjectVersions"
	project := arn.Project{Namespace: version.Namespace, Name: version.ProjectName, Stamp: "0"}
	var v customlabels.ProjectVersion
	var missing error = customlabels.ResourceNotFound
	if caller.Owns(version.Namespace) { // else it is denied, and nothing is looked up
		v, missing = s.Version(ctx, version)
	}
	switch {
	case missing == nil:
		project = v.Project
	case !errors.Is(missing, customlabels.ResourceNotFound):
		return v, missing
	}
	err := s.Authorize(ctx, caller, action, project, version.Namespace)
	switch {
	case errors.Is(err, customlabels.AccessDenied):
		return v, customlabels.Denied(caller.Principal, action, version.String(), "").Because(err)
	case err != nil:
		return v, err
	}
	if err := sameRegion(caller, version); err != nil {
		return v, err
	}
	return v, missing
}

// Deletable returns a version where the caller may delete it, in whatever
// state it is: who may delete it may end the work on it.
func (s *Service) Deletable(ctx context.Context, caller arn.Caller, version arn.ProjectVersion) (customlabels.ProjectVersion, error) {
	if err := s.Authorize(ctx, caller, "rekognition:DeleteProjectVersion", version, version.Namespace); err != nil {
		return customlabels.ProjectVersion{}, err
	}
	if err := sameRegion(caller, version); err != nil {
		return customlabels.ProjectVersion{}, err
	}
	return s.Version(ctx, version)
}

func sameRegion(caller arn.Caller, version arn.ProjectVersion) error {
	if version.SameRegion(caller.Namespace()) {
		return nil
	}
	return customlabels.Invalid("The project version %s is not in the Region %s that the request was sent to.", version, caller.Region)
}
