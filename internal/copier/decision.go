package copier

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/policy"
	"mimeo/internal/quota"
	"mimeo/internal/results"
)

// A decision is one request on its way through the checks, with what they
// have found.
type decision struct {
	*Service
	caller arn.Caller
	req    Request
	now    time.Time
	copied arn.ProjectVersion // what the copy is, or would be, called
	how    Mode               // in which it is made

	who        policy.Subject
	from, into customlabels.Project
	source     customlabels.ProjectVersion
	limits     customlabels.VersionLimits
	key        arn.Key // seals the copy; the service-owned one where none is named
}

// decide begins a decision.
func (s *Service) decide(ctx context.Context, caller arn.Caller, req Request) (*decision, error) {
	who, err := s.Permissions.Subject(ctx, caller)
	if err != nil {
		return nil, fmt.Errorf("read the policies of %s: %w", caller.Principal, err)
	}
	how, err := s.mode(ctx, req)
	if err != nil {
		return nil, err
	}
	now := s.Now()
	return &decision{
		Service: s, caller: caller, req: req, how: how, who: who, now: now,
		copied: req.DestinationProject.Version(req.VersionName, strconv.FormatInt(now.UnixMilli(), 10)),
	}, nil
}

// sameRegion: a copy stays where the request was sent.
func (d *decision) sameRegion() error {
	here := d.caller.Namespace()
	for _, n := range []arn.Namespace{d.req.SourceProject.Namespace, d.req.Source.Namespace, d.req.DestinationProject.Namespace} {
		if !n.SameRegion(here) {
			return customlabels.Invalid("A copy stays within one Region: the request was sent to %s, an ARN names %s.", here.Region, n.Region)
		}
	}
	return nil
}

// sourceArns is all that the texts of the source's ARNs can say.
func (d *decision) sourceArns() error {
	if !d.req.SourceProject.MayContain(d.req.Source) {
		return customlabels.Invalid("The source project version %s is not a version of the source project %s.", d.req.Source, d.req.SourceProject)
	}
	return nil
}

func (d *decision) findFrom(ctx context.Context) (err error) {
	d.from, err = d.Registry.Project(ctx, d.req.SourceProject)
	return err
}

func (d *decision) findSource(ctx context.Context) (err error) {
	d.source, err = d.Registry.Version(ctx, d.req.Source)
	return err
}

func (d *decision) findInto(ctx context.Context) (err error) {
	d.into, err = d.Registry.Project(ctx, d.req.DestinationProject)
	return err
}

// sourceParent tells a version from one of a former project of the same name.
func (d *decision) sourceParent() error {
	if d.source.Project != d.from.ARN {
		return customlabels.NotFound(d.source.ARN)
	}
	return nil
}

func hasCustomLabels(p customlabels.Project) error {
	if p.Feature != customlabels.CustomLabels {
		return customlabels.Invalid("The project %s is a %s project: only Custom Labels models can be copied.", p.ARN, p.Feature)
	}
	return nil
}

func (d *decision) nameIsFree(ctx context.Context) error {
	taken, err := d.Store.HasVersion(ctx, d.into.ARN, d.req.VersionName)
	if err != nil {
		return fmt.Errorf("look for version %q of %s: %w", d.req.VersionName, d.into.ARN, err)
	}
	if taken {
		return customlabels.InUse("The project %s already has a version named %q.", d.into.ARN, d.req.VersionName)
	}
	return nil
}

func (d *decision) destinationStatus() error {
	if d.into.Status != customlabels.ProjectCreated {
		return customlabels.InUse("The destination project %s is %s.", d.into.ARN, d.into.Status)
	}
	return nil
}

// target is where the results belong.
func (d *decision) target() results.Target {
	return results.Target{Version: d.copied, Output: d.req.Output, KMSKey: d.req.KMSKeyID}
}

func (d *decision) mayWriteResults(ctx context.Context) (policy.Decision, error) {
	return d.target().Check(ctx, d.Objects, d.caller)
}

// mayUseKey checks the key for the artifacts and, where it is the caller's,
// for the result files.
func (d *decision) mayUseKey(ctx context.Context) (decided policy.Decision, err error) {
	if d.key, decided, err = d.Vault.CanUse(ctx, d.caller, d.req.KMSKeyID, d.copied); err != nil || d.req.KMSKeyID == "" {
		return decided, err
	}
	target := d.target()
	target.KMSKey = d.key.String()
	return decided, target.CheckKey(ctx, d.Objects, d.caller)
}

// withinQuotas asks the store what it will check again when it inserts.
func (d *decision) withinQuotas(ctx context.Context) (err error) {
	if d.limits, err = d.Quotas.VersionLimits(ctx, d.copied.Account, quota.CopiesInProgress); err != nil {
		return err
	}
	return d.refusal(d.Store.CanInsertCopy(ctx, d.version()))
}
