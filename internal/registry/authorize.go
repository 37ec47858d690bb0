package registry

import (
	"context"
	"fmt"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/policy"
)

// Authorize returns nil where the caller's identity policies allow the action
// ("rekognition:CreateProject") on a resource of owner, else AccessDenied. A
// resource of another account is denied in one and the same way whether or
// not it exists: nothing but CopyProjectVersion crosses accounts, and that
// asks the project policies itself.
func (s *Service) Authorize(ctx context.Context, caller arn.Caller, action string, resource fmt.Stringer, owner arn.Namespace) error {
	who, err := s.permissions.Subject(ctx, caller)
	if err != nil {
		return fmt.Errorf("read the policies of %s: %w", caller.Principal, err)
	}
	decision := policy.Authorize(who, policy.Request{Action: action, Resource: resource.String()}, owner.Account, nil)
	if decision.Allowed() && caller.Owns(owner) {
		return nil
	}
	s.log.InfoContext(ctx, "access denied", "caller", caller.Principal, "action", action, "resource", resource,
		"because", decision.Reason())
	if !caller.Owns(owner) {
		return customlabels.Denied(caller.Principal, action, resource.String(), "")
	}
	return customlabels.Denied(caller.Principal, action, resource.String(), decision.Reason())
}

// allow is Authorize for a resource that must also live in the region that
// the request was signed for.
func (s *Service) allow(ctx context.Context, caller arn.Caller, action string, resource fmt.Stringer, owner arn.Namespace) error {
	if err := s.Authorize(ctx, caller, action, resource, owner); err != nil {
		return err
	}
	if !owner.SameRegion(caller.Namespace()) {
		return customlabels.Invalid("The resource %s is not in the region %s of this endpoint.", resource, caller.Region)
	}
	return nil
}

// anything is the resource of an action that names none.
type anything struct{}

func (anything) String() string { return "*" }

// placeholder stands for the creation time in the ARN of a resource that a
// request would create: a policy can only match it with a wildcard.
const placeholder = "0"
