package iamapi

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"mimeo/internal/arn"
	"mimeo/internal/awsquery"
	"mimeo/internal/iam"
	"mimeo/internal/identity"
)

func (a *API) users() map[string]awsquery.Operation {
	return map[string]awsquery.Operation{
		"CreateUser":               awsquery.Bind(a.createUser),
		"GetUser":                  awsquery.Bind(a.getUser),
		"ListUsers":                awsquery.Bind(a.listUsers),
		"ListUserPolicies":         awsquery.Bind(a.listUserPolicies),
		"ListAttachedUserPolicies": awsquery.Bind(a.listAttachedUserPolicies),
		"ListUserTags":             awsquery.Bind(a.listUserTags),
		"GetUserPolicy":            awsquery.Bind(a.getUserPolicy),
		"UpdateUser": done(func(ctx context.Context, caller arn.Caller, in *sdk.UpdateUserInput) error {
			return a.iam.UpdateUser(ctx, caller, aws.ToString(in.UserName), aws.ToString(in.NewUserName), aws.ToString(in.NewPath))
		}),
		"DeleteUser": done(func(ctx context.Context, caller arn.Caller, in *sdk.DeleteUserInput) error {
			return a.iam.Delete(ctx, caller, user(in.UserName))
		}),
		"PutUserPolicy": done(func(ctx context.Context, caller arn.Caller, in *sdk.PutUserPolicyInput) error {
			return a.iam.PutPolicy(ctx, caller, user(in.UserName), aws.ToString(in.PolicyName), aws.ToString(in.PolicyDocument))
		}),
		"DeleteUserPolicy": done(func(ctx context.Context, caller arn.Caller, in *sdk.DeleteUserPolicyInput) error {
			return a.iam.DeletePolicy(ctx, caller, user(in.UserName), aws.ToString(in.PolicyName))
		}),
		"AttachUserPolicy": done(func(ctx context.Context, caller arn.Caller, in *sdk.AttachUserPolicyInput) error {
			return a.iam.Attach(ctx, caller, user(in.UserName), aws.ToString(in.PolicyArn))
		}),
		"DetachUserPolicy": done(func(ctx context.Context, caller arn.Caller, in *sdk.DetachUserPolicyInput) error {
			return a.iam.Detach(ctx, caller, user(in.UserName), aws.ToString(in.PolicyArn))
		}),
		"PutUserPermissionsBoundary": done(func(ctx context.Context, caller arn.Caller, in *sdk.PutUserPermissionsBoundaryInput) error {
			return a.iam.PutBoundary(ctx, caller, user(in.UserName), aws.ToString(in.PermissionsBoundary))
		}),
		"DeleteUserPermissionsBoundary": done(func(ctx context.Context, caller arn.Caller, in *sdk.DeleteUserPermissionsBoundaryInput) error {
			return a.iam.DeleteBoundary(ctx, caller, user(in.UserName))
		}),
		"TagUser": done(func(ctx context.Context, caller arn.Caller, in *sdk.TagUserInput) error {
			return a.iam.Tag(ctx, caller, user(in.UserName), tags(in.Tags))
		}),
		"UntagUser": done(func(ctx context.Context, caller arn.Caller, in *sdk.UntagUserInput) error {
			return a.iam.Untag(ctx, caller, user(in.UserName), in.TagKeys)
		}),
	}
}

// briefUser is a user as listings show it.
func briefUser(e identity.Entity) types.User {
	return types.User{
		Arn: aws.String(e.Principal().String()), CreateDate: &e.Created, Path: &e.Path, UserId: &e.ID, UserName: &e.Name,
	}
}

func fullUser(e identity.Entity) *types.User {
	u := briefUser(e)
	u.PermissionsBoundary = boundary(e)
	if len(e.Tags) > 0 {
		u.Tags = wireTags(e.Tags)
	}
	return &u
}

func (a *API) createUser(ctx context.Context, caller arn.Caller, in *sdk.CreateUserInput) (*sdk.CreateUserOutput, error) {
	e, err := a.iam.Create(ctx, caller, identity.User, iam.NewEntity{
		Name: aws.ToString(in.UserName), Path: aws.ToString(in.Path), Boundary: aws.ToString(in.PermissionsBoundary), Tags: tags(in.Tags),
	})
	if err != nil {
		return nil, err
	}
	return &sdk.CreateUserOutput{User: fullUser(e)}, nil
}

// getUser returns the caller where no user is named. A root is shown as IAM
// does: as a user without a name.
func (a *API) getUser(ctx context.Context, caller arn.Caller, in *sdk.GetUserInput) (*sdk.GetUserOutput, error) {
	if in.UserName != nil {
		e, err := a.iam.Get(ctx, caller, user(in.UserName))
		if err != nil {
			return nil, err
		}
		return &sdk.GetUserOutput{User: fullUser(e)}, nil
	}
	e, err := a.iam.GetSelf(ctx, caller)
	switch {
	case err != nil:
		return nil, err
	case e.ID == "":
		return &sdk.GetUserOutput{User: &types.User{
			Arn: aws.String(caller.Principal.String()), UserId: &caller.Principal.Account, CreateDate: &e.Created,
		}}, nil
	default:
		return &sdk.GetUserOutput{User: fullUser(e)}, nil
	}
}

func (a *API) listUsers(ctx context.Context, caller arn.Caller, in *sdk.ListUsersInput) (*sdk.ListUsersOutput, error) {
	p, err := a.iam.List(ctx, caller, identity.User, list(in.PathPrefix, in.Marker, in.MaxItems))
	if err != nil {
		return nil, err
	}
	out := &sdk.ListUsersOutput{Users: each(p.Items, briefUser)}
	out.IsTruncated, out.Marker = next(p.Next)
	return out, nil
}

func (a *API) listUserPolicies(ctx context.Context, caller arn.Caller, in *sdk.ListUserPoliciesInput) (*sdk.ListUserPoliciesOutput, error) {
	p, err := a.iam.ListPolicies(ctx, caller, user(in.UserName), list(nil, in.Marker, in.MaxItems))
	if err != nil {
		return nil, err
	}
	out := &sdk.ListUserPoliciesOutput{PolicyNames: append([]string{}, p.Items...)}
	out.IsTruncated, out.Marker = next(p.Next)
	return out, nil
}

func (a *API) listAttachedUserPolicies(ctx context.Context, caller arn.Caller, in *sdk.ListAttachedUserPoliciesInput) (*sdk.ListAttachedUserPoliciesOutput, error) {
	p, err := a.iam.ListAttached(ctx, caller, user(in.UserName), list(in.PathPrefix, in.Marker, in.MaxItems))
	if err != nil {
		return nil, err
	}
	out := &sdk.ListAttachedUserPoliciesOutput{AttachedPolicies: each(p.Items, attached)}
	out.IsTruncated, out.Marker = next(p.Next)
	return out, nil
}

func (a *API) listUserTags(ctx context.Context, caller arn.Caller, in *sdk.ListUserTagsInput) (*sdk.ListUserTagsOutput, error) {
	p, err := a.iam.ListTags(ctx, caller, user(in.UserName), list(nil, in.Marker, in.MaxItems))
	if err != nil {
		return nil, err
	}
	out := &sdk.ListUserTagsOutput{Tags: each(p.Items, wireTag)}
	out.IsTruncated, out.Marker = next(p.Next)
	return out, nil
}

func (a *API) getUserPolicy(ctx context.Context, caller arn.Caller, in *sdk.GetUserPolicyInput) (*sdk.GetUserPolicyOutput, error) {
	document, err := a.iam.GetPolicy(ctx, caller, user(in.UserName), aws.ToString(in.PolicyName))
	if err != nil {
		return nil, err
	}
	return &sdk.GetUserPolicyOutput{UserName: in.UserName, PolicyName: in.PolicyName, PolicyDocument: escaped(document)}, nil
}
