package copier

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/fault"
	"mimeo/internal/job"
	"mimeo/internal/policy"
	"mimeo/internal/quota"
	"mimeo/internal/results"
)

// A Request is the input of CopyProjectVersion.
type Request struct {
	SourceProject      arn.Project
	Source             arn.ProjectVersion
	DestinationProject arn.Project
	VersionName        string
	Output             customlabels.OutputConfig
	Tags               customlabels.Tags
	KMSKeyID           string // id, ARN or alias; empty: the service-owned key
}

// The IAM actions that a copy needs.
const (
	copyAction   = "rekognition:CopyProjectVersion"
	createAction = "rekognition:CreateProjectVersion"
	tagAction    = "rekognition:TagResource"
)

// inProgress is the status message of a running copy.
const inProgress = "The model copy is in progress."

// Start decides whether the caller may have the copy and, if so, inserts the
// destination version and its job in one transaction. The answer is the ARN
// of the copy, which is COPYING_IN_PROGRESS.
//
// The order of the checks is part of the contract: authorisation comes before
// any look-up whose answer would reveal that the source exists.
func (s *Service) Start(ctx context.Context, caller arn.Caller, req Request) (arn.ProjectVersion, error) {
	now := s.Now()
	v := customlabels.ProjectVersion{
		ARN:           req.DestinationProject.Version(req.VersionName, strconv.FormatInt(now.UnixMilli(), 10)),
		Project:       req.DestinationProject,
		Status:        customlabels.CopyingInProgress,
		StatusMessage: inProgress,
		CreatedAt:     now,
		OutputConfig:  req.Output,
		Source:        req.Source,
	}
	if err := s.authorize(ctx, caller, req, v.ARN); err != nil {
		return arn.ProjectVersion{}, err
	}
	if err := checkNames(caller, req); err != nil {
		return arn.ProjectVersion{}, err
	}
	p, err := s.find(ctx, req)
	if err != nil {
		return arn.ProjectVersion{}, err
	}
	if err := p.check(); err != nil {
		return arn.ProjectVersion{}, err
	}
	if err := s.checkDestination(ctx, caller, p.into, req); err != nil {
		return arn.ProjectVersion{}, err
	}
	return v.ARN, s.insert(ctx, caller, req, v)
}

// insert takes the right to use the destination's key and commits the copy;
// it gives the right back where the commit is refused.
func (s *Service) insert(ctx context.Context, caller arn.Caller, req Request, v customlabels.ProjectVersion) error {
	use, err := s.Vault.Prepare(ctx, caller, req.KMSKeyID, v.ARN)
	if err != nil {
		return err
	}
	if req.KMSKeyID != "" {
		v.KMSKey = use.Key
	}
	if err := s.commit(ctx, req, v, Args{Version: v.ARN, Caller: caller, Key: use}); err != nil {
		return errors.Join(err, s.Vault.Abandon(context.WithoutCancel(ctx), use))
	}
	return nil
}

// commit checks the quotas, which come last, and inserts the copy.
func (s *Service) commit(ctx context.Context, req Request, v customlabels.ProjectVersion, args Args) error {
	if err := req.Tags.Check(); err != nil {
		return err
	}
	limits, err := s.Quotas.VersionLimits(ctx, v.ARN.Account, quota.CopiesInProgress)
	if err != nil {
		return err
	}
	n := customlabels.NewVersion{ProjectVersion: v, Tags: req.Tags, Limits: limits}
	if err := s.Store.InsertCopy(ctx, n, job.Spec{Kind: Kind, Key: v.ARN.String(), Args: args}); err != nil {
		return refusal(err, req, limits)
	}
	return nil
}

// authorize makes checks a to d: the caller may copy the source version, may
// copy into and create versions in the destination project, and may tag the
// copy where there are tags.
func (s *Service) authorize(ctx context.Context, caller arn.Caller, req Request, copied arn.ProjectVersion) error {
	if err := s.authorizeSource(ctx, caller, req); err != nil {
		return err
	}
	destination := req.DestinationProject
	if err := s.Registry.Authorize(ctx, caller, copyAction, destination, destination.Namespace); err != nil {
		return err
	}
	if err := s.Registry.Authorize(ctx, caller, createAction, destination, destination.Namespace); err != nil {
		return err
	}
	if len(req.Tags) == 0 {
		return nil
	}
	return s.Registry.Authorize(ctx, caller, tagAction, copied, destination.Namespace)
}

// authorizeSource makes check a. Within an account an identity policy or a
// project policy must allow the copy, across accounts both must; a Deny in
// either refuses it. The denial of a foreign caller is the same whether the
// source exists, has no policy, or has one that denies.
func (s *Service) authorizeSource(ctx context.Context, caller arn.Caller, req Request) error {
	who, err := s.Permissions.Subject(ctx, caller)
	if err != nil {
		return fmt.Errorf("read the policies of %s: %w", caller.Principal, err)
	}
	attached, err := s.projectPolicies(ctx, req)
	if err != nil {
		return err
	}
	decision := policy.Authorize(who, policy.Request{Action: copyAction, Resource: req.Source.String()}, req.Source.Account, attached)
	if decision.Verdict == policy.Allow {
		return nil
	}
	reason := "no project policy of the source project allows this account to copy the version"
	if caller.Owns(req.Source.Namespace) {
		reason = decision.Reason()
	}
	return customlabels.Denied(caller.Principal, copyAction, req.Source.String(), reason)
}

// projectPolicies returns the policies that speak for the source version:
// those of the source project, where the version can be one of its own.
func (s *Service) projectPolicies(ctx context.Context, req Request) ([]policy.Policy, error) {
	attached, err := s.Registry.Policies(ctx, req.SourceProject)
	if err != nil {
		return nil, fmt.Errorf("read the policies of %s: %w", req.SourceProject, err)
	}
	if !req.SourceProject.MayContain(req.Source) {
		return nil, nil
	}
	parsed := make([]policy.Policy, len(attached))
	for i, p := range attached {
		document, err := policy.ParseProjectPolicy(p.Document)
		if err != nil {
			return nil, fmt.Errorf("parse the stored project policy %q of %s: %w", p.Name, p.Project, err)
		}
		parsed[i] = policy.Policy{Name: "the project policy " + p.Name, Document: document}
	}
	return parsed, nil
}

// checkNames makes the checks that the texts of the ARNs allow.
func checkNames(caller arn.Caller, req Request) error {
	here := caller.Namespace()
	for _, n := range []arn.Namespace{req.SourceProject.Namespace, req.Source.Namespace, req.DestinationProject.Namespace} {
		if !n.SameRegion(here) {
			return customlabels.Invalid("A copy stays within one Region: the request was sent to %s, an ARN names %s.", here.Region, n.Region)
		}
	}
	if !req.SourceProject.MayContain(req.Source) {
		return customlabels.Invalid("The source project version %s is not a version of the source project %s.", req.Source, req.SourceProject)
	}
	return nil
}

// A pair is what a request names, as it stands: what is copied, and into what.
type pair struct {
	from, into customlabels.Project
	source     customlabels.ProjectVersion
}

// find looks up all that the request names.
func (s *Service) find(ctx context.Context, req Request) (p pair, err error) {
	if p.from, err = s.Registry.Project(ctx, req.SourceProject); err != nil {
		return pair{}, err
	}
	if p.source, err = s.Registry.Version(ctx, req.Source); err != nil {
		return pair{}, err
	}
	if p.into, err = s.Registry.Project(ctx, req.DestinationProject); err != nil {
		return pair{}, err
	}
	return p, nil
}

// check checks that the source is a version of its project and holds a model
// to copy.
func (p pair) check() error {
	if p.source.Project != p.from.ARN {
		return customlabels.NotFound(p.source.ARN)
	}
	for _, project := range []customlabels.Project{p.from, p.into} {
		if project.Feature != customlabels.CustomLabels {
			return customlabels.Invalid("The project %s is a %s project: only Custom Labels models can be copied.", project.ARN, project.Feature)
		}
	}
	return p.source.CanCopy()
}

// checkDestination checks that the destination project can take the copy and
// that the caller may write the results.
func (s *Service) checkDestination(ctx context.Context, caller arn.Caller, project customlabels.Project, req Request) error {
	taken, err := s.Store.HasVersion(ctx, project.ARN, req.VersionName)
	if err != nil {
		return fmt.Errorf("look for version %q of %s: %w", req.VersionName, project.ARN, err)
	}
	if taken {
		return nameTaken(req)
	}
	if project.Status != customlabels.ProjectCreated {
		return customlabels.InUse("The destination project %s is %s.", project.ARN, project.Status)
	}
	return results.Check(ctx, s.Objects, caller, project.ARN, req.VersionName, req.Output)
}

func nameTaken(req Request) *fault.Error {
	return customlabels.InUse("The project %s already has a version named %q.", req.DestinationProject, req.VersionName)
}

// refusal gives the bare code of a store its message. These are races: the
// same was checked a moment ago.
func refusal(err error, req Request, limits customlabels.VersionLimits) error {
	switch {
	case errors.Is(err, customlabels.ServiceQuotaExceeded):
		return fault.New(customlabels.ServiceQuotaExceeded, "The project %s holds its maximum of %d models. Delete one first.", req.DestinationProject, limits.InProject)
	case errors.Is(err, customlabels.LimitExceeded):
		return fault.New(customlabels.LimitExceeded, "Too many copies into this account are in progress: its quota is %d. Try again when one has ended.", limits.InProgress)
	case errors.Is(err, customlabels.ResourceInUse):
		return customlabels.InUse("The source %s or the destination project %s is being changed or deleted, or the name %q was just taken.", req.Source, req.DestinationProject, req.VersionName)
	case errors.Is(err, customlabels.ResourceNotFound):
		return customlabels.NotFound(req.Source)
	default:
		return fmt.Errorf("insert the copy of %s: %w", req.Source, err)
	}
}
