package registry

import (
	"context"
	"errors"
	"fmt"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/fault"
	"mimeo/internal/policy"
)

// Tags stores the tags of projects, versions and datasets. The resource must
// exist: each method fails with ResourceNotFound where it does not.
type Tags interface {
	Tags(ctx context.Context, resource fmt.Stringer) (customlabels.Tags, error)
	// SetTags adds tags and overwrites those whose keys are there. It fails
	// with ServiceQuotaExceeded, and changes nothing, where the resource
	// would have more than quota tags.
	SetTags(ctx context.Context, resource fmt.Stringer, tags customlabels.Tags, quota int) error
	// RemoveTags removes tags. A key that is not there is no error.
	RemoveTags(ctx context.Context, resource fmt.Stringer, keys []string) error
}

// A Resource is what can be tagged: a project, a version or a dataset.
type Resource struct {
	Namespace arn.Namespace
	ARN       fmt.Stringer // an arn.Project, arn.ProjectVersion or arn.Dataset
}

// ParseResource parses the ARN of something that can be tagged.
func ParseResource(s string) (Resource, error) {
	if p, err := arn.ParseProject(s); err == nil {
		return Resource{p.Namespace, p}, nil
	}
	if v, err := arn.ParseProjectVersion(s); err == nil {
		return Resource{v.Namespace, v}, nil
	}
	d, err := arn.ParseDataset(s)
	if err != nil {
		return Resource{}, fmt.Errorf("%w: %.100q is no project, project version or dataset", arn.ErrMalformed, s)
	}
	return Resource{d.Namespace, d}, nil
}

// TagResource adds tags to a resource; existing keys get the new values.
func (s *Service) TagResource(ctx context.Context, caller arn.Caller, r Resource, tags customlabels.Tags) error {
	q := Question{"rekognition:TagResource", r.ARN, r.Namespace, policy.RequestTags(tags)}
	if err := s.allowWith(ctx, caller, q); err != nil {
		return err
	}
	return tagFault(r, s.tags.SetTags(ctx, r.ARN, tags, customlabels.MaxTags))
}

// UntagResource removes tags. A key that is not there is no error.
func (s *Service) UntagResource(ctx context.Context, caller arn.Caller, r Resource, keys []string) error {
	q := Question{"rekognition:UntagResource", r.ARN, r.Namespace, policy.TagKeys(keys)}
	if err := s.allowWith(ctx, caller, q); err != nil {
		return err
	}
	return tagFault(r, s.tags.RemoveTags(ctx, r.ARN, keys))
}

// ListTagsForResource returns the tags of a resource.
func (s *Service) ListTagsForResource(ctx context.Context, caller arn.Caller, r Resource) (customlabels.Tags, error) {
	if err := s.allow(ctx, caller, "rekognition:ListTagsForResource", r.ARN, r.Namespace); err != nil {
		return nil, err
	}
	tags, err := s.tags.Tags(ctx, r.ARN)
	return tags, tagFault(r, err)
}

// Tags returns the tags of a resource, or ResourceNotFound. It does not
// authorise.
func (s *Service) Tags(ctx context.Context, resource fmt.Stringer) (customlabels.Tags, error) {
	return s.tags.Tags(ctx, resource)
}

func tagFault(r Resource, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, customlabels.ResourceNotFound):
		return customlabels.NotFound(r.ARN)
	case errors.Is(err, customlabels.ServiceQuotaExceeded):
		return quotaReached(customlabels.ServiceQuotaExceeded, customlabels.MaxTags, "tags of a resource")
	default:
		return fmt.Errorf("tags of %s: %w", r.ARN, err)
	}
}

// allowTagged is allow for a creation with tags, which needs the permission
// to tag as well, and must not exceed what a resource can have.
func (s *Service) allowTagged(ctx context.Context, caller arn.Caller, action string, resource fmt.Stringer, owner arn.Namespace, tags customlabels.Tags) error {
	q := Question{action, resource, owner, policy.RequestTags(tags)}
	if err := s.allowWith(ctx, caller, q); err != nil || len(tags) == 0 {
		return err
	}
	q.Action = "rekognition:TagResource"
	if err := s.allowWith(ctx, caller, q); err != nil {
		return err
	}
	if len(tags) > customlabels.MaxTags {
		return customlabels.Invalid("A resource can have %d tags, the request has %d.", customlabels.MaxTags, len(tags))
	}
	return nil
}

func quotaReached(code fault.Code, quota int, of string) *fault.Error {
	return fault.New(code, "The quota of %d %s is reached.", quota, of)
}
