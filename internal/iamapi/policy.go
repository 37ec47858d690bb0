package iamapi

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"mimeo/internal/arn"
	"mimeo/internal/awsquery"
	"mimeo/internal/fault"
	"mimeo/internal/iam"
	"mimeo/internal/identity"
)

func (a *API) policies() map[string]awsquery.Operation {
	return map[string]awsquery.Operation{
		"CreatePolicy":          awsquery.Bind(a.createPolicy),
		"GetPolicy":             awsquery.Bind(a.getPolicy),
		"ListPolicies":          awsquery.Bind(a.listPolicies),
		"GetPolicyVersion":      awsquery.Bind(a.getPolicyVersion),
		"ListPolicyVersions":    awsquery.Bind(a.listPolicyVersions),
		"CreatePolicyVersion":   awsquery.Bind(a.createPolicyVersion),
		"ListEntitiesForPolicy": awsquery.Bind(a.listEntitiesForPolicy),
		"ListPolicyTags":        awsquery.Bind(a.listPolicyTags),
		"SetDefaultPolicyVersion": done(func(ctx context.Context, caller arn.Caller, in *sdk.SetDefaultPolicyVersionInput) error {
			return a.iam.SetDefaultVersion(ctx, caller, aws.ToString(in.PolicyArn), aws.ToString(in.VersionId))
		}),
		"DeletePolicyVersion": done(func(ctx context.Context, caller arn.Caller, in *sdk.DeletePolicyVersionInput) error {
			return a.iam.DeleteVersion(ctx, caller, aws.ToString(in.PolicyArn), aws.ToString(in.VersionId))
		}),
		"DeletePolicy": done(func(ctx context.Context, caller arn.Caller, in *sdk.DeletePolicyInput) error {
			return a.iam.DeleteManaged(ctx, caller, aws.ToString(in.PolicyArn))
		}),
		"TagPolicy": done(func(ctx context.Context, caller arn.Caller, in *sdk.TagPolicyInput) error {
			return a.iam.TagPolicy(ctx, caller, aws.ToString(in.PolicyArn), tags(in.Tags))
		}),
		"UntagPolicy": done(func(ctx context.Context, caller arn.Caller, in *sdk.UntagPolicyInput) error {
			return a.iam.UntagPolicy(ctx, caller, aws.ToString(in.PolicyArn), in.TagKeys)
		}),
	}
}

// briefPolicy is a policy as listings show it.
func briefPolicy(p iam.Policy) types.Policy {
	return types.Policy{
		Arn: aws.String(p.ARN.String()), PolicyId: &p.ID, PolicyName: &p.Name, Path: &p.Path,
		CreateDate: &p.Created, UpdateDate: &p.Updated, DefaultVersionId: aws.String(iam.Version{Number: p.Default}.ID()),
		IsAttachable: true, AttachmentCount: aws.Int32(int32(p.Uses.Attached)), PermissionsBoundaryUsageCount: aws.Int32(int32(p.Uses.Boundaries)),
	}
}

func fullPolicy(p iam.Policy) *types.Policy {
	out := briefPolicy(p)
	out.Tags = wireTags(p.Tags)
	if p.Description != "" {
		out.Description = &p.Description
	}
	return &out
}

// briefVersion is a version as listings show it: without its document.
func briefVersion(p iam.Policy, v iam.Version) types.PolicyVersion {
	return types.PolicyVersion{VersionId: aws.String(v.ID()), CreateDate: &v.Created, IsDefaultVersion: v.Number == p.Default}
}

func (a *API) createPolicy(ctx context.Context, caller arn.Caller, in *sdk.CreatePolicyInput) (*sdk.CreatePolicyOutput, error) {
	p, err := a.iam.CreatePolicy(ctx, caller, iam.NewPolicy{
		Name: aws.ToString(in.PolicyName), Path: aws.ToString(in.Path), Description: aws.ToString(in.Description),
		Document: aws.ToString(in.PolicyDocument), Tags: tags(in.Tags),
	})
	if err != nil {
		return nil, err
	}
	return &sdk.CreatePolicyOutput{Policy: fullPolicy(p)}, nil
}

func (a *API) getPolicy(ctx context.Context, caller arn.Caller, in *sdk.GetPolicyInput) (*sdk.GetPolicyOutput, error) {
	p, err := a.iam.GetManaged(ctx, caller, aws.ToString(in.PolicyArn))
	if err != nil {
		return nil, err
	}
	return &sdk.GetPolicyOutput{Policy: fullPolicy(p)}, nil
}

func (a *API) listPolicies(ctx context.Context, caller arn.Caller, in *sdk.ListPoliciesInput) (*sdk.ListPoliciesOutput, error) {
	f := iam.PolicyFilter{
		Local: in.Scope != types.PolicyScopeTypeAws, AWS: in.Scope != types.PolicyScopeTypeLocal,
		OnlyUsed:     in.OnlyAttached || in.PolicyUsageFilter == types.PolicyUsageTypePermissionsPolicy,
		OnlyBoundary: in.PolicyUsageFilter == types.PolicyUsageTypePermissionsBoundary,
	}
	p, err := a.iam.ListManaged(ctx, caller, f, list(in.PathPrefix, in.Marker, in.MaxItems))
	if err != nil {
		return nil, err
	}
	out := &sdk.ListPoliciesOutput{Policies: each(p.Items, briefPolicy)}
	out.IsTruncated, out.Marker = next(p.Next)
	return out, nil
}

func (a *API) getPolicyVersion(ctx context.Context, caller arn.Caller, in *sdk.GetPolicyVersionInput) (*sdk.GetPolicyVersionOutput, error) {
	p, v, err := a.iam.GetVersion(ctx, caller, aws.ToString(in.PolicyArn), aws.ToString(in.VersionId))
	if err != nil {
		return nil, err
	}
	out := briefVersion(p, v)
	out.Document = escaped(v.Document)
	return &sdk.GetPolicyVersionOutput{PolicyVersion: &out}, nil
}

func (a *API) listPolicyVersions(ctx context.Context, caller arn.Caller, in *sdk.ListPolicyVersionsInput) (*sdk.ListPolicyVersionsOutput, error) {
	p, versions, err := a.iam.ListVersions(ctx, caller, aws.ToString(in.PolicyArn), list(nil, in.Marker, in.MaxItems))
	if err != nil {
		return nil, err
	}
	out := &sdk.ListPolicyVersionsOutput{Versions: each(versions.Items, func(v iam.Version) types.PolicyVersion { return briefVersion(p, v) })}
	out.IsTruncated, out.Marker = next(versions.Next)
	return out, nil
}

func (a *API) createPolicyVersion(ctx context.Context, caller arn.Caller, in *sdk.CreatePolicyVersionInput) (*sdk.CreatePolicyVersionOutput, error) {
	set := iam.NotDefault
	if in.SetAsDefault {
		set = iam.AsDefault
	}
	v, err := a.iam.CreateVersion(ctx, caller, aws.ToString(in.PolicyArn), iam.Version{Document: aws.ToString(in.PolicyDocument)}, set)
	if err != nil {
		return nil, err
	}
	return &sdk.CreatePolicyVersionOutput{PolicyVersion: &types.PolicyVersion{
		VersionId: aws.String(v.ID()), CreateDate: &v.Created, IsDefaultVersion: in.SetAsDefault,
	}}, nil
}

func (a *API) listEntitiesForPolicy(ctx context.Context, caller arn.Caller, in *sdk.ListEntitiesForPolicyInput) (*sdk.ListEntitiesForPolicyOutput, error) {
	kind, ok := map[types.EntityType]identity.Kind{"": "", types.EntityTypeUser: identity.User, types.EntityTypeRole: identity.Role}[in.EntityFilter]
	if !ok {
		return nil, fault.New(identity.Validation, "The EntityFilter %.40q is not served: User and Role are.", in.EntityFilter)
	}
	p, err := a.iam.ListEntities(ctx, caller, aws.ToString(in.PolicyArn), kind, iam.Usage(in.PolicyUsageFilter), list(in.PathPrefix, in.Marker, in.MaxItems))
	if err != nil {
		return nil, err
	}
	out := &sdk.ListEntitiesForPolicyOutput{PolicyGroups: []types.PolicyGroup{}, PolicyUsers: []types.PolicyUser{}, PolicyRoles: []types.PolicyRole{}}
	for _, u := range p.Items {
		if u.Kind == identity.User {
			out.PolicyUsers = append(out.PolicyUsers, types.PolicyUser{UserId: &u.ID, UserName: &u.Name})
		} else {
			out.PolicyRoles = append(out.PolicyRoles, types.PolicyRole{RoleId: &u.ID, RoleName: &u.Name})
		}
	}
	out.IsTruncated, out.Marker = next(p.Next)
	return out, nil
}

func (a *API) listPolicyTags(ctx context.Context, caller arn.Caller, in *sdk.ListPolicyTagsInput) (*sdk.ListPolicyTagsOutput, error) {
	p, err := a.iam.ListPolicyTags(ctx, caller, aws.ToString(in.PolicyArn), list(nil, in.Marker, in.MaxItems))
	if err != nil {
		return nil, err
	}
	out := &sdk.ListPolicyTagsOutput{Tags: each(p.Items, wireTag)}
	out.IsTruncated, out.Marker = next(p.Next)
	return out, nil
}
