package copier

import (
	"context"
	"errors"
	"fmt"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/fault"
	"mimeo/internal/job"
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
	// Invocation is the same for all attempts that an SDK makes at one call;
	// empty where it does not say.
	Invocation string
	Mode       Mode  // empty: the account's, or the server's
	RateLimit  int64 // bytes per second of a reseal, which it must be then; 0: none
}

// inProgress is the status message of a running copy.
const inProgress = "The model copy is in progress."

// Start decides whether the caller may have the copy and, if so, inserts the
// destination version and its job in one transaction. The answer is the ARN
// of the copy, which is COPYING_IN_PROGRESS. The first check that does not
// hold answers.
//
// A further attempt at a call is answered as the one that began the copy was,
// also where both are decided at the same time: one of them then finds the
// name taken, by the other.
func (s *Service) Start(ctx context.Context, caller arn.Caller, req Request) (arn.ProjectVersion, error) {
	call, err := s.invocation(caller, req)
	if err != nil {
		return arn.ProjectVersion{}, err
	}
	if v, err := s.answered(ctx, call); err != nil || v != (arn.ProjectVersion{}) {
		return v, err
	}
	v, err := s.start(ctx, caller, req, call)
	if refused := (*fault.Error)(nil); errors.As(err, &refused) {
		if first, lookErr := s.answered(ctx, call); lookErr != nil || first != (arn.ProjectVersion{}) {
			return first, lookErr
		}
	}
	return v, err
}

func (s *Service) start(ctx context.Context, caller arn.Caller, req Request, call Invocation) (arn.ProjectVersion, error) {
	d, err := s.decide(ctx, caller, req)
	if err != nil {
		return arn.ProjectVersion{}, err
	}
	args := Args{Version: d.copied, Mode: d.how, RateLimit: req.RateLimit}
	for f, err := range d.findings(ctx) {
		if err != nil {
			return arn.ProjectVersion{}, err
		}
		if f.Policy != "" {
			args.Grounds = append(args.Grounds, f)
		}
	}
	if err := d.insert(ctx, args, call); err != nil {
		return arn.ProjectVersion{}, err
	}
	return d.copied, nil
}

// insert takes the right to use the destination's key and commits the copy;
// it gives the right back where the commit is refused. Where it fails the copy
// may be there all the same: what its job does not need is the sweep's.
func (d *decision) insert(ctx context.Context, args Args, call Invocation) (err error) {
	mandate, err := d.mandate(ctx)
	if err != nil {
		return err
	}
	args.Caller = d.caller.Under(mandate)
	if args.Key, err = d.Vault.Prepare(ctx, d.caller, d.req.KMSKeyID, d.copied); err != nil {
		return err
	}
	v := d.version()
	if d.req.KMSKeyID != "" {
		v.KMSKey = args.Key.Key
	}
	err = d.Store.InsertCopy(ctx, v, call, job.Spec{Kind: args.Mode.kind(), Key: v.ARN.String(), Args: args})
	if err == nil {
		return nil
	}
	err = d.refusal(err)
	if refused := (*fault.Error)(nil); !errors.As(err, &refused) {
		return err
	}
	return errors.Join(err, d.Vault.Abandon(context.WithoutCancel(ctx), args.Key))
}

// version is what the destination gets.
func (d *decision) version() customlabels.NewVersion {
	return customlabels.NewVersion{
		ProjectVersion: customlabels.ProjectVersion{
			ARN: d.copied, Project: d.req.DestinationProject, Source: d.req.Source,
			Status: customlabels.CopyingInProgress, StatusMessage: inProgress, CreatedAt: d.now, OutputConfig: d.req.Output,
		},
		Tags: d.req.Tags, Limits: d.limits,
	}
}

// refusal gives the bare code of a store its message. Once the quotas have
// been asked these are races: the same was checked a moment ago.
func (d *decision) refusal(err error) error {
	into := d.req.DestinationProject
	switch {
	case err == nil:
		return nil
	case errors.Is(err, customlabels.ServiceQuotaExceeded):
		return fault.New(customlabels.ServiceQuotaExceeded, "The project %s holds its maximum of %d models. Delete one first.", into, d.limits.InProject)
	case errors.Is(err, customlabels.LimitExceeded):
		return fault.New(customlabels.LimitExceeded, "Too many copies into this account are in progress: its quota is %d. Try again when one has ended.", d.limits.InProgress)
	case errors.Is(err, customlabels.ResourceInUse):
		return customlabels.InUse("The source %s or the destination project %s is being changed or deleted, or the name %q was just taken.", d.req.Source, into, d.req.VersionName)
	case errors.Is(err, customlabels.ResourceNotFound):
		return customlabels.NotFound(d.req.Source)
	default:
		return fmt.Errorf("insert the copy of %s: %w", d.req.Source, err)
	}
}
