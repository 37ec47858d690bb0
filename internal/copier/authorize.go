package copier

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/policy"
)

// The IAM actions that a copy needs.
const (
	copyAction   = "rekognition:CopyProjectVersion"
	createAction = "rekognition:CreateProjectVersion"
	tagAction    = "rekognition:TagResource"
)

// mayCopySource makes check a of the specification. Within an account an
// identity policy or a project policy must allow the copy, across accounts
// both must; a Deny in either refuses it.
func (d *decision) mayCopySource(ctx context.Context) (policy.Decision, error) {
	attached, err := d.projectPolicies(ctx)
	if err != nil {
		return policy.Decision{}, err
	}
	if !d.caller.Owns(d.req.Source.Namespace) {
		return d.mayCopyForeign(ctx, attached)
	}
	request := d.question(copyAction, d.req.Source)
	if err := d.addResourceTags(ctx, request.Keys, d.req.Source, attached...); err != nil {
		return policy.Decision{}, err
	}
	return d.said(request, policy.Authorize(d.who, request, d.req.Source.Account, attached))
}

// mayCopyForeign is mayCopySource for another account's source. The caller is
// told what its own policies say, which does not depend on the source, and of
// the source's nothing but yes or no: the denial is the same whether the
// source exists, has no policy, or has one that denies. The same is read for
// all of these, the tags too, which only the source's policies see.
func (d *decision) mayCopyForeign(ctx context.Context, attached []policy.Policy) (policy.Decision, error) {
	request := d.question(copyAction, d.req.Source)
	var err error
	if request.OwnerKeys, err = d.resourceTags(ctx, d.req.Source); err != nil {
		return policy.Decision{}, err
	}
	verdict := policy.Authorize(d.who, request, d.req.Source.Account, attached)
	own := policy.ByIdentity(d.who, request, d.req.Source.Account)
	if verdict.Allowed() {
		return own, nil
	}
	reason := "no project policy of the source project allows this account to copy the version"
	if !own.Allowed() {
		reason = own.Reason()
	}
	return policy.Decision{}, d.denied(request, verdict, reason)
}

// mayAtDestination makes the checks b to d: the action on a resource of the
// destination. No policy crosses accounts here, so that a copy is always made
// by the account that receives it.
func (d *decision) mayAtDestination(action string, resource fmt.Stringer) func(context.Context) (policy.Decision, error) {
	return func(ctx context.Context) (policy.Decision, error) {
		request, owner := d.question(action, resource), d.req.DestinationProject.Namespace
		if !d.caller.Owns(owner) {
			verdict := policy.Authorize(d.who, request, owner.Account, nil)
			return policy.Decision{}, d.denied(request, verdict, "the project belongs to another account: a copy is made by the account that receives it")
		}
		if resource == d.req.DestinationProject {
			if err := d.addResourceTags(ctx, request.Keys, resource); err != nil {
				return policy.Decision{}, err
			}
		}
		return d.said(request, policy.Authorize(d.who, request, owner.Account, nil))
	}
}

// question is a request to the policy engine, with the condition keys of the
// tags that the copy is to have.
func (d *decision) question(action string, resource fmt.Stringer) policy.Request {
	return policy.Request{Action: action, Resource: resource.String(), Keys: policy.RequestTags(d.req.Tags)}
}

// addResourceTags adds the condition keys of the tags of a resource of the
// caller's account, where a policy asks for them.
func (d *decision) addResourceTags(ctx context.Context, keys policy.Keys, resource fmt.Stringer, asked ...policy.Policy) error {
	if !policy.Mentions(policy.ResourceTag, d.who, asked...) {
		return nil
	}
	tags, err := d.resourceTags(ctx, resource)
	maps.Copy(keys, tags)
	return err
}

// resourceTags are the condition keys of a resource's tags. A resource that is
// not there has none.
func (d *decision) resourceTags(ctx context.Context, resource fmt.Stringer) (policy.Keys, error) {
	tags, err := d.Registry.Tags(ctx, resource)
	if err != nil && !errors.Is(err, customlabels.ResourceNotFound) {
		return nil, fmt.Errorf("read the tags of %s: %w", resource, err)
	}
	keys := policy.Keys{}
	keys.AddResourceTags(tags)
	return keys, nil
}

// said is what the engine's verdict on something of the caller's own account
// comes to.
func (d *decision) said(r policy.Request, verdict policy.Decision) (policy.Decision, error) {
	if verdict.Allowed() {
		return verdict, nil
	}
	return policy.Decision{}, d.denied(r, verdict, verdict.Reason())
}

func (d *decision) denied(r policy.Request, verdict policy.Decision, reason string) error {
	why := &policy.DeniedError{Principal: d.caller.Principal, Request: r, Decision: verdict}
	if a, err := arn.Parse(r.Resource); err == nil {
		why.Foreign = a.Account != d.caller.Principal.Account || a.Partition != d.caller.Principal.Partition
	}
	return customlabels.Denied(d.caller.Principal, r.Action, r.Resource, reason).Because(why)
}

// projectPolicies returns the policies that speak for the source version:
// those of the source project, where the version can be one of its own.
func (d *decision) projectPolicies(ctx context.Context) ([]policy.Policy, error) {
	attached, err := d.Registry.Policies(ctx, d.req.SourceProject)
	if err != nil {
		return nil, fmt.Errorf("read the policies of %s: %w", d.req.SourceProject, err)
	}
	if !d.req.SourceProject.MayContain(d.req.Source) {
		return nil, nil
	}
	parsed := make([]policy.Policy, len(attached))
	for i, p := range attached {
		document, err := d.Documents.Parse(p.Document)
		if err != nil {
			return nil, fmt.Errorf("parse the stored project policy %q of %s: %w", p.Name, p.Project, err)
		}
		parsed[i] = policy.Policy{Name: "the project policy " + p.Name, Document: document}
	}
	return parsed, nil
}
