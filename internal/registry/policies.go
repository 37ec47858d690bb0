package registry

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/fault"
	"mimeo/internal/policy"
	"mimeo/internal/quota"
)

// Policies stores project policies.
type Policies interface {
	// Policies returns all policies of a project in the order of their
	// names; none where the project does not exist.
	Policies(ctx context.Context, project arn.Project) ([]customlabels.ProjectPolicy, error)
	// InsertPolicy stores a new policy. It fails with ResourceNotFound where
	// the project is gone or going, with ResourceAlreadyExists where it has a
	// policy of that name, and with ServiceQuotaExceeded where it has quota
	// policies.
	InsertPolicy(ctx context.Context, p customlabels.ProjectPolicy, quota int) error
	// ReplacePolicy stores document, revision and time of change of a policy
	// whose revision is the given one. It fails with ResourceNotFound where
	// the project is gone or going, and with InvalidPolicyRevisionID where
	// there is no such policy or it has another revision.
	ReplacePolicy(ctx context.Context, p customlabels.ProjectPolicy, revision string) error
	// DeletePolicy drops a policy; an empty revision is any revision. It
	// fails with ResourceNotFound and InvalidPolicyRevisionID.
	DeletePolicy(ctx context.Context, project arn.Project, name, revision string) error
}

// A PutProjectPolicyRequest is the input of PutProjectPolicy. RevisionID is
// empty for a new policy.
type PutProjectPolicyRequest struct {
	Project        arn.Project
	Name, Document string
	RevisionID     string
}

// PutProjectPolicy attaches a policy to a project, or replaces the revision
// that the request names, and returns the new revision id.
func (s *Service) PutProjectPolicy(ctx context.Context, caller arn.Caller, req PutProjectPolicyRequest) (string, error) {
	if err := s.allow(ctx, caller, "rekognition:PutProjectPolicy", req.Project, req.Project.Namespace); err != nil {
		return "", err
	}
	if _, err := policy.ParseProjectPolicy(req.Document); err != nil {
		return "", fault.New(customlabels.MalformedPolicyDocument, "The policy document is malformed: %v", err)
	}
	document, err := s.permissions.PrincipalsByID(ctx, req.Document)
	if err != nil {
		return "", err
	}
	now := s.now().UTC().Truncate(time.Millisecond)
	p := customlabels.ProjectPolicy{
		Project: req.Project, Name: req.Name, RevisionID: newRevision(), Document: document, CreatedAt: now, UpdatedAt: now,
	}
	limit, err := s.quotas.Limit(ctx, req.Project.Account, quota.ProjectPoliciesPerProject)
	if err != nil {
		return "", err
	}
	if req.RevisionID == "" {
		err = s.policies.InsertPolicy(ctx, p, limit)
	} else {
		err = s.policies.ReplacePolicy(ctx, p, strings.ToLower(req.RevisionID))
	}
	switch {
	case errors.Is(err, customlabels.ResourceAlreadyExists):
		return "", fault.New(customlabels.ResourceAlreadyExists, "The project policy %s already exists: give its PolicyRevisionId to replace it.", req.Name)
	case errors.Is(err, customlabels.ServiceQuotaExceeded):
		return "", quotaReached(customlabels.ServiceQuotaExceeded, limit, "policies of a project")
	case err != nil:
		return "", policyFault(req.Project, req.Name, req.RevisionID, err)
	}
	return p.RevisionID, nil
}

// newRevision returns a fresh revision id: 32 lower-case hexadecimal digits.
func newRevision() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// policyFault says what a store's refusal of a policy means.
func policyFault(project arn.Project, name, revision string, err error) error {
	switch {
	case errors.Is(err, customlabels.ResourceNotFound):
		return customlabels.NotFound(project)
	case errors.Is(err, customlabels.InvalidPolicyRevisionID):
		return fault.New(customlabels.InvalidPolicyRevisionID, "The revision %s is not the current one of a project policy %s.", revision, name)
	default:
		return fmt.Errorf("store policy %s of %s: %w", name, project, err)
	}
}

// DeleteProjectPolicy removes a policy, where revision is not empty only if
// that is its current revision.
func (s *Service) DeleteProjectPolicy(ctx context.Context, caller arn.Caller, project arn.Project, name, revision string) error {
	if err := s.allow(ctx, caller, "rekognition:DeleteProjectPolicy", project, project.Namespace); err != nil {
		return err
	}
	if _, err := s.Project(ctx, project); err != nil {
		return err
	}
	err := s.policies.DeletePolicy(ctx, project, name, strings.ToLower(revision))
	switch {
	case errors.Is(err, customlabels.ResourceNotFound):
		return fault.New(customlabels.ResourceNotFound, "The project %s has no policy named %s.", project, name)
	case err != nil:
		return policyFault(project, name, revision, err)
	}
	return nil
}

// ListProjectPolicies lists the policies of a project by name, at most five a
// page.
func (s *Service) ListProjectPolicies(ctx context.Context, caller arn.Caller, project arn.Project, maxResults int, token string) ([]customlabels.ProjectPolicy, string, error) {
	if err := s.allow(ctx, caller, "rekognition:ListProjectPolicies", project, project.Namespace); err != nil {
		return nil, "", err
	}
	list := listing("ListProjectPolicies", caller, project)
	after := ""
	if err := s.resume(list, token, &after); err != nil {
		return nil, "", err
	}
	if _, err := s.Project(ctx, project); err != nil {
		return nil, "", err
	}
	all, err := s.Policies(ctx, project)
	if err != nil {
		return nil, "", err
	}
	for len(all) > 0 && all[0].Name <= after {
		all = all[1:]
	}
	next := ""
	if size := pageSize(maxResults, maxPolicyPage); len(all) > size {
		all, next = all[:size], s.next(list, all[size-1].Name)
	}
	for i := range all {
		if all[i].Document, err = s.permissions.PrincipalsByName(ctx, all[i].Document); err != nil {
			return nil, "", err
		}
	}
	return all, next, nil
}

// Policies returns all policies of a project as they are stored; none where the
// project does not exist. It does not authorise.
func (s *Service) Policies(ctx context.Context, project arn.Project) ([]customlabels.ProjectPolicy, error) {
	all, err := s.policies.Policies(ctx, project)
	if err != nil {
		return nil, fmt.Errorf("read policies of %s: %w", project, err)
	}
	return all, nil
}
