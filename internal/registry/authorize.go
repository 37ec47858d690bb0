package registry

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/policy"
)

// A Question is whether a caller may do an action, such as
// "rekognition:CreateProject", to a resource of an owner.
type Question struct {
	Action   string
	Resource fmt.Stringer
	Owner    arn.Namespace
	Keys     policy.Keys // of the request, such as its tags; nil: none
}

// Authorize is [Service.Ask] for a request without condition keys of its own.
func (s *Service) Authorize(ctx context.Context, caller arn.Caller, action string, resource fmt.Stringer, owner arn.Namespace) error {
	return s.Ask(ctx, caller, Question{Action: action, Resource: resource, Owner: owner})
}

// Ask returns nil where the caller's policies allow what q asks, else
// AccessDenied. A resource of another account is denied in one and the same
// way whether or not it exists: nothing but CopyProjectVersion crosses
// accounts, and that asks the project policies itself.
func (s *Service) Ask(ctx context.Context, caller arn.Caller, q Question) error {
	who, err := s.permissions.Subject(ctx, caller)
	if err != nil {
		return fmt.Errorf("read the policies of %s: %w", caller.Principal, err)
	}
	request := policy.Request{Action: q.Action, Resource: q.Resource.String(), Keys: q.Keys}
	foreign := !caller.Owns(q.Owner)
	if !foreign && policy.Mentions(policy.ResourceTag, who) {
		if request.Keys, err = s.withResourceTags(ctx, q); err != nil {
			return err
		}
	}
	decision := policy.Authorize(who, request, q.Owner.Account, nil)
	if decision.Allowed() && !foreign {
		return nil
	}
	s.log.InfoContext(ctx, "access denied", "caller", caller.Principal, "action", q.Action, "resource", request.Resource,
		"because", decision.Reason())
	reason := decision.Reason()
	if foreign {
		reason = ""
	}
	why := &policy.DeniedError{Principal: caller.Principal, Request: request, Decision: decision, Foreign: foreign}
	return customlabels.Denied(caller.Principal, q.Action, request.Resource, reason).Because(why)
}

// withResourceTags returns the keys of q with those of the resource's tags. A
// resource that is not there, or that cannot be tagged, has none.
func (s *Service) withResourceTags(ctx context.Context, q Question) (policy.Keys, error) {
	tags, err := s.tags.Tags(ctx, q.Resource)
	if err != nil && !errors.Is(err, customlabels.ResourceNotFound) {
		return nil, fmt.Errorf("read the tags of %s: %w", q.Resource, err)
	}
	keys := maps.Clone(q.Keys)
	if keys == nil {
		keys = policy.Keys{}
	}
	keys.AddResourceTags(tags)
	return keys, nil
}

// allow is Authorize for a resource that must also live in the region that
// the request was signed for.
func (s *Service) allow(ctx context.Context, caller arn.Caller, action string, resource fmt.Stringer, owner arn.Namespace) error {
	return s.allowWith(ctx, caller, Question{Action: action, Resource: resource, Owner: owner})
}

// allowWith is allow for a request with condition keys of its own.
func (s *Service) allowWith(ctx context.Context, caller arn.Caller, q Question) error {
	if err := s.Ask(ctx, caller, q); err != nil {
		return err
	}
	if !q.Owner.SameRegion(caller.Namespace()) {
		return customlabels.Invalid("The resource %s is not in the region %s of this endpoint.", q.Resource, caller.Region)
	}
	return nil
}

// anything is the resource of an action that names none.
type anything struct{}

func (anything) String() string { return "*" }

// placeholder stands for the creation time in the ARN of a resource that a
// request would create: a policy can only match it with a wildcard.
const placeholder = "0"
