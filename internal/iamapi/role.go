package iamapi

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"mimeo/internal/arn"
	"mimeo/internal/awsquery"
	"mimeo/internal/iam"
	"mimeo/internal/identity"
)

func (a *API) roles() map[string]awsquery.Operation {
	return map[string]awsquery.Operation{
		"CreateRole":               awsquery.Bind(a.createRole),
		"GetRole":                  awsquery.Bind(a.getRole),
		"ListRoles":                awsquery.Bind(a.listRoles),
		"ListRolePolicies":         awsquery.Bind(a.listRolePolicies),
		"ListAttachedRolePolicies": awsquery.Bind(a.listAttachedRolePolicies),
		"ListRoleTags":             awsquery.Bind(a.listRoleTags),
		"GetRolePolicy":            awsquery.Bind(a.getRolePolicy),
		"UpdateRoleDescription":    awsquery.Bind(a.updateRoleDescription),
		"UpdateRole": done(func(ctx context.Context, caller arn.Caller, in *sdk.UpdateRoleInput) error {
			return a.iam.UpdateRole(ctx, caller, aws.ToString(in.RoleName), "UpdateRole", iam.RoleChange{Description: in.Description, MaxSession: seconds(in.MaxSessionDuration)})
		}),
		"UpdateAssumeRolePolicy": done(func(ctx context.Context, caller arn.Caller, in *sdk.UpdateAssumeRolePolicyInput) error {
			return a.iam.UpdateRole(ctx, caller, aws.ToString(in.RoleName), "UpdateAssumeRolePolicy", iam.RoleChange{Trust: aws.String(aws.ToString(in.PolicyDocument))})
		}),
		"DeleteRole": done(func(ctx context.Context, caller arn.Caller, in *sdk.DeleteRoleInput) error {
			return a.iam.Delete(ctx, caller, role(in.RoleName))
		}),
		"PutRolePolicy": done(func(ctx context.Context, caller arn.Caller, in *sdk.PutRolePolicyInput) error {
			return a.iam.PutPolicy(ctx, caller, role(in.RoleName), aws.ToString(in.PolicyName), aws.ToString(in.PolicyDocument))
		}),
		"DeleteRolePolicy": done(func(ctx context.Context, caller arn.Caller, in *sdk.DeleteRolePolicyInput) error {
			return a.iam.DeletePolicy(ctx, caller, role(in.RoleName), aws.ToString(in.PolicyName))
		}),
		"AttachRolePolicy": done(func(ctx context.Context, caller arn.Caller, in *sdk.AttachRolePolicyInput) error {
			return a.iam.Attach(ctx, caller, role(in.RoleName), aws.ToString(in.PolicyArn))
		}),
		"DetachRolePolicy": done(func(ctx context.Context, caller arn.Caller, in *sdk.DetachRolePolicyInput) error {
			return a.iam.Detach(ctx, caller, role(in.RoleName), aws.ToString(in.PolicyArn))
		}),
		"PutRolePermissionsBoundary": done(func(ctx context.Context, caller arn.Caller, in *sdk.PutRolePermissionsBoundaryInput) error {
			return a.iam.PutBoundary(ctx, caller, role(in.RoleName), aws.ToString(in.PermissionsBoundary))
		}),
		"DeleteRolePermissionsBoundary": done(func(ctx context.Context, caller arn.Caller, in *sdk.DeleteRolePermissionsBoundaryInput) error {
			return a.iam.DeleteBoundary(ctx, caller, role(in.RoleName))
		}),
		"TagRole": done(func(ctx context.Context, caller arn.Caller, in *sdk.TagRoleInput) error {
			return a.iam.Tag(ctx, caller, role(in.RoleName), tags(in.Tags))
		}),
		"UntagRole": done(func(ctx context.Context, caller arn.Caller, in *sdk.UntagRoleInput) error {
			return a.iam.Untag(ctx, caller, role(in.RoleName), in.TagKeys)
		}),
	}
}

// briefRole is a role as listings show it.
func briefRole(e identity.Entity) types.Role {
	r := types.Role{
		Arn: aws.String(e.Principal().String()), CreateDate: &e.Created, Path: &e.Path, RoleId: &e.ID, RoleName: &e.Name,
		AssumeRolePolicyDocument: escaped(e.Trust), MaxSessionDuration: aws.Int32(int32(e.MaxSession / time.Second)),
	}
	if e.Description != "" {
		r.Description = &e.Description
	}
	return r
}

func fullRole(e identity.Entity) *types.Role {
	r := briefRole(e)
	r.PermissionsBoundary = boundary(e)
	if len(e.Tags) > 0 {
		r.Tags = wireTags(e.Tags)
	}
	return &r
}

func (a *API) createRole(ctx context.Context, caller arn.Caller, in *sdk.CreateRoleInput) (*sdk.CreateRoleOutput, error) {
	e, err := a.iam.Create(ctx, caller, identity.Role, iam.NewEntity{
		Name: aws.ToString(in.RoleName), Path: aws.ToString(in.Path), Boundary: aws.ToString(in.PermissionsBoundary), Tags: tags(in.Tags),
		Description: aws.ToString(in.Description), Trust: aws.ToString(in.AssumeRolePolicyDocument), MaxSession: aws.ToDuration(seconds(in.MaxSessionDuration)),
	})
	if err != nil {
		return nil, err
	}
	return &sdk.CreateRoleOutput{Role: fullRole(e)}, nil
}

func (a *API) getRole(ctx context.Context, caller arn.Caller, in *sdk.GetRoleInput) (*sdk.GetRoleOutput, error) {
	e, err := a.iam.Get(ctx, caller, role(in.RoleName))
	if err != nil {
		return nil, err
	}
	return &sdk.GetRoleOutput{Role: fullRole(e)}, nil
}

func (a *API) updateRoleDescription(ctx context.Context, caller arn.Caller, in *sdk.UpdateRoleDescriptionInput) (*sdk.UpdateRoleDescriptionOutput, error) {
	err := a.iam.UpdateRole(ctx, caller, aws.ToString(in.RoleName), "UpdateRoleDescription", iam.RoleChange{Description: aws.String(aws.ToString(in.Description))})
	if err != nil {
		return nil, err
	}
	e, err := a.iam.Get(ctx, caller, role(in.RoleName))
	if err != nil {
		return nil, err
	}
	return &sdk.UpdateRoleDescriptionOutput{Role: fullRole(e)}, nil
}

func (a *API) listRoles(ctx context.Context, caller arn.Caller, in *sdk.ListRolesInput) (*sdk.ListRolesOutput, error) {
	p, err := a.iam.List(ctx, caller, identity.Role, list(in.PathPrefix, in.Marker, in.MaxItems))
	if err != nil {
		return nil, err
	}
	out := &sdk.ListRolesOutput{Roles: each(p.Items, briefRole)}
	out.IsTruncated, out.Marker = next(p.Next)
	return out, nil
}

func (a *API) listRolePolicies(ctx context.Context, caller arn.Caller, in *sdk.ListRolePoliciesInput) (*sdk.ListRolePoliciesOutput, error) {
	p, err := a.iam.ListPolicies(ctx, caller, role(in.RoleName), list(nil, in.Marker, in.MaxItems))
	if err != nil {
		return nil, err
	}
	out := &sdk.ListRolePoliciesOutput{PolicyNames: append([]string{}, p.Items...)}
	out.IsTruncated, out.Marker = next(p.Next)
	return out, nil
}

func (a *API) listAttachedRolePolicies(ctx context.Context, caller arn.Caller, in *sdk.ListAttachedRolePoliciesInput) (*sdk.ListAttachedRolePoliciesOutput, error) {
	p, err := a.iam.ListAttached(ctx, caller, role(in.RoleName), list(in.PathPrefix, in.Marker, in.MaxItems))
	if err != nil {
		return nil, err
	}
	out := &sdk.ListAttachedRolePoliciesOutput{AttachedPolicies: each(p.Items, attached)}
	out.IsTruncated, out.Marker = next(p.Next)
	return out, nil
}

func (a *API) listRoleTags(ctx context.Context, caller arn.Caller, in *sdk.ListRoleTagsInput) (*sdk.ListRoleTagsOutput, error) {
	p, err := a.iam.ListTags(ctx, caller, role(in.RoleName), list(nil, in.Marker, in.MaxItems))
	if err != nil {
		return nil, err
	}
	out := &sdk.ListRoleTagsOutput{Tags: each(p.Items, wireTag)}
	out.IsTruncated, out.Marker = next(p.Next)
	return out, nil
}

func (a *API) getRolePolicy(ctx context.Context, caller arn.Caller, in *sdk.GetRolePolicyInput) (*sdk.GetRolePolicyOutput, error) {
	document, err := a.iam.GetPolicy(ctx, caller, role(in.RoleName), aws.ToString(in.PolicyName))
	if err != nil {
		return nil, err
	}
	return &sdk.GetRolePolicyOutput{RoleName: in.RoleName, PolicyName: in.PolicyName, PolicyDocument: escaped(document)}, nil
}
