package rekapi

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/registry"
)

func (a *API) putProjectPolicy(ctx context.Context, caller arn.Caller, in *rekognition.PutProjectPolicyInput) (*rekognition.PutProjectPolicyOutput, error) {
	p, err := project("ProjectArn", in.ProjectArn)
	if err != nil {
		return nil, err
	}
	revision, err := a.Registry.PutProjectPolicy(ctx, caller, registry.PutProjectPolicyRequest{
		Project: p, Name: aws.ToString(in.PolicyName), Document: aws.ToString(in.PolicyDocument), RevisionID: aws.ToString(in.PolicyRevisionId),
	})
	if err != nil {
		return nil, err
	}
	return &rekognition.PutProjectPolicyOutput{PolicyRevisionId: aws.String(revision)}, nil
}

func (a *API) listProjectPolicies(ctx context.Context, caller arn.Caller, in *rekognition.ListProjectPoliciesInput) (*rekognition.ListProjectPoliciesOutput, error) {
	p, err := project("ProjectArn", in.ProjectArn)
	if err != nil {
		return nil, err
	}
	policies, next, err := a.Registry.ListProjectPolicies(ctx, caller, p, size(in.MaxResults), aws.ToString(in.NextToken))
	if err != nil {
		return nil, err
	}
	return &rekognition.ListProjectPoliciesOutput{ProjectPolicies: listOf(policies, projectPolicy), NextToken: token(next)}, nil
}

func projectPolicy(p customlabels.ProjectPolicy) types.ProjectPolicy {
	return types.ProjectPolicy{
		ProjectArn: aws.String(p.Project.String()), PolicyName: aws.String(p.Name), PolicyRevisionId: aws.String(p.RevisionID),
		PolicyDocument: aws.String(p.Document), CreationTimestamp: aws.Time(p.CreatedAt), LastUpdatedTimestamp: aws.Time(p.UpdatedAt),
	}
}

func (a *API) deleteProjectPolicy(ctx context.Context, caller arn.Caller, in *rekognition.DeleteProjectPolicyInput) (*rekognition.DeleteProjectPolicyOutput, error) {
	p, err := project("ProjectArn", in.ProjectArn)
	if err != nil {
		return nil, err
	}
	return nil, a.Registry.DeleteProjectPolicy(ctx, caller, p, aws.ToString(in.PolicyName), aws.ToString(in.PolicyRevisionId))
}
