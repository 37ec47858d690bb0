package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/quota"
)

// Projects stores projects.
type Projects interface {
	// Project returns a project, or ResourceNotFound.
	Project(ctx context.Context, project arn.Project) (customlabels.Project, error)
	// ProjectsBefore returns up to limit projects of a namespace, the newest
	// first, that come after the project last; the zero last begins with the
	// newest. Where names is not empty, only projects of these names.
	ProjectsBefore(ctx context.Context, in arn.Namespace, names []string, last customlabels.Project, limit int) ([]customlabels.Project, error)
	// InsertProject stores a project and its tags. It fails with
	// ResourceInUse where the name is taken, and with LimitExceeded where
	// the namespace holds quota projects.
	InsertProject(ctx context.Context, p customlabels.Project, tags customlabels.Tags, quota int) error
	// BeginDeleteProject moves a project to DELETING, and its datasets too,
	// under one operation. It fails with ResourceNotFound, and with
	// ResourceInUse where it is on its way out already, has versions, or a
	// dataset of it is busy.
	BeginDeleteProject(ctx context.Context, project arn.Project, op Operation) error
	// DropProject removes a project that has no datasets, with its policies
	// and tags. Dropping it twice is no error.
	DropProject(ctx context.Context, project arn.Project) error
}

// A CreateProjectRequest is the input of CreateProject. Feature is empty for
// Custom Labels.
type CreateProjectRequest struct {
	Name       string
	Feature    customlabels.Feature
	AutoUpdate string
	Tags       customlabels.Tags
}

// CreateProject creates an empty project in the caller's namespace.
func (s *Service) CreateProject(ctx context.Context, caller arn.Caller, req CreateProjectRequest) (arn.Project, error) {
	project := arn.Project{Namespace: caller.Namespace(), Name: req.Name, Stamp: placeholder}
	if err := s.allowTagged(ctx, caller, "rekognition:CreateProject", project, project.Namespace, req.Tags); err != nil {
		return arn.Project{}, err
	}
	switch {
	case req.Feature == customlabels.ContentModeration:
		return arn.Project{}, customlabels.Invalid("Feature CONTENT_MODERATION is not supported: this server makes CUSTOM_LABELS projects only.")
	case req.AutoUpdate != "":
		return arn.Project{}, customlabels.Invalid("AutoUpdate can only be given for a CONTENT_MODERATION project.")
	}
	limit, err := s.quotas.Limit(ctx, project.Account, quota.ProjectsPerAccount)
	if err != nil {
		return arn.Project{}, err
	}
	created := s.now().UTC().Truncate(time.Millisecond)
	project.Stamp = stamp(created)
	err = s.projects.InsertProject(ctx, customlabels.Project{
		ARN: project, Feature: customlabels.CustomLabels, Status: customlabels.ProjectCreated, CreatedAt: created,
	}, req.Tags, limit)
	switch {
	case errors.Is(err, customlabels.ResourceInUse):
		return arn.Project{}, customlabels.InUse("A project named %s exists already.", req.Name)
	case errors.Is(err, customlabels.LimitExceeded):
		return arn.Project{}, quotaReached(customlabels.LimitExceeded, limit, "projects in an account and region")
	case err != nil:
		return arn.Project{}, fmt.Errorf("insert project %s: %w", project, err)
	}
	return project, nil
}

// stamp is how an ARN carries a creation time.
func stamp(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

// DescribeProjectsRequest is the input of DescribeProjects. No features mean
// CUSTOM_LABELS; MaxResults 0 means the page size of the API.
type DescribeProjectsRequest struct {
	Names      []string
	Features   []customlabels.Feature
	MaxResults int
	NextToken  string
}

// A ProjectDescription is a project with its datasets.
type ProjectDescription struct {
	customlabels.Project
	Datasets []customlabels.Dataset
}

// DescribeProjects lists the caller's projects, the newest first. Names that
// do not exist are left out.
func (s *Service) DescribeProjects(ctx context.Context, caller arn.Caller, req DescribeProjectsRequest) ([]ProjectDescription, string, error) {
	if err := s.Authorize(ctx, caller, "rekognition:DescribeProjects", anything{}, caller.Namespace()); err != nil {
		return nil, "", err
	}
	list := listing("DescribeProjects", caller, anything{}, req.Names, req.Features)
	var last customlabels.Project
	if err := s.resume(list, req.NextToken, &last.CreatedAt, &last.ARN.Name); err != nil {
		return nil, "", err
	}
	if !wantsCustomLabels(req.Features) {
		return nil, "", nil
	}
	size := pageSize(req.MaxResults, maxPage)
	projects, err := s.projects.ProjectsBefore(ctx, caller.Namespace(), req.Names, last, size+1)
	if err != nil {
		return nil, "", fmt.Errorf("list projects of %s: %w", caller.Principal.Account, err)
	}
	token := ""
	if len(projects) > size {
		projects = projects[:size]
		token = s.next(list, projects[size-1].CreatedAt, projects[size-1].ARN.Name)
	}
	descriptions := make([]ProjectDescription, len(projects))
	for i, p := range projects {
		descriptions[i].Project = p
		if descriptions[i].Datasets, err = s.Datasets(ctx, p.ARN); err != nil {
			return nil, "", err
		}
	}
	return descriptions, token, nil
}

func wantsCustomLabels(features []customlabels.Feature) bool {
	return len(features) == 0 || slices.Contains(features, customlabels.CustomLabels)
}

// Project returns a project, or ResourceNotFound. It does not authorise.
func (s *Service) Project(ctx context.Context, project arn.Project) (customlabels.Project, error) {
	p, err := s.projects.Project(ctx, project)
	if errors.Is(err, customlabels.ResourceNotFound) {
		return p, customlabels.NotFound(project)
	}
	if err != nil {
		return p, fmt.Errorf("read project %s: %w", project, err)
	}
	return p, nil
}

// DeleteProject begins the deletion of a project, with its datasets and
// policies, and returns its status.
func (s *Service) DeleteProject(ctx context.Context, caller arn.Caller, project arn.Project) (customlabels.ProjectStatus, error) {
	if err := s.allow(ctx, caller, "rekognition:DeleteProject", project, project.Namespace); err != nil {
		return "", err
	}
	op := s.operation()
	op = op.as(DeleteProjectKind, deleteProjectArgs{Operation: op.ID, Project: project})
	err := s.projects.BeginDeleteProject(ctx, project, op)
	switch {
	case errors.Is(err, customlabels.ResourceNotFound):
		return "", customlabels.NotFound(project)
	case errors.Is(err, customlabels.ResourceInUse):
		return "", customlabels.InUse("The project %s is being deleted, still has project versions, or one of its datasets is being changed.", project)
	case err != nil:
		return "", fmt.Errorf("begin deletion of %s: %w", project, err)
	}
	return customlabels.ProjectDeleting, nil
}
