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

func (a *API) createProject(ctx context.Context, caller arn.Caller, in *rekognition.CreateProjectInput) (*rekognition.CreateProjectOutput, error) {
	p, err := a.Registry.CreateProject(ctx, caller, registry.CreateProjectRequest{
		Name: aws.ToString(in.ProjectName), Feature: customlabels.Feature(in.Feature), AutoUpdate: string(in.AutoUpdate), Tags: in.Tags,
	})
	if err != nil {
		return nil, err
	}
	return &rekognition.CreateProjectOutput{ProjectArn: aws.String(p.String())}, nil
}

func (a *API) describeProjects(ctx context.Context, caller arn.Caller, in *rekognition.DescribeProjectsInput) (*rekognition.DescribeProjectsOutput, error) {
	projects, next, err := a.Registry.DescribeProjects(ctx, caller, registry.DescribeProjectsRequest{
		Names:      in.ProjectNames,
		Features:   listOf(in.Features, func(f types.CustomizationFeature) customlabels.Feature { return customlabels.Feature(f) }),
		MaxResults: size(in.MaxResults), NextToken: aws.ToString(in.NextToken),
	})
	if err != nil {
		return nil, err
	}
	return &rekognition.DescribeProjectsOutput{ProjectDescriptions: listOf(projects, projectDescription), NextToken: token(next)}, nil
}

func projectDescription(p registry.ProjectDescription) types.ProjectDescription {
	return types.ProjectDescription{
		ProjectArn:        aws.String(p.ARN.String()),
		CreationTimestamp: aws.Time(p.CreatedAt),
		Status:            types.ProjectStatus(p.Status),
		Feature:           types.CustomizationFeature(p.Feature),
		Datasets: listOf(p.Datasets, func(d customlabels.Dataset) types.DatasetMetadata {
			return types.DatasetMetadata{
				DatasetArn: aws.String(d.ARN.String()), DatasetType: types.DatasetType(d.Type), CreationTimestamp: aws.Time(d.CreatedAt),
				Status: types.DatasetStatus(d.Status), StatusMessage: aws.String(d.StatusMessage), StatusMessageCode: types.DatasetStatusMessageCode(d.MessageCode),
			}
		}),
	}
}

func (a *API) deleteProject(ctx context.Context, caller arn.Caller, in *rekognition.DeleteProjectInput) (*rekognition.DeleteProjectOutput, error) {
	p, err := project("ProjectArn", in.ProjectArn)
	if err != nil {
		return nil, err
	}
	status, err := a.Registry.DeleteProject(ctx, caller, p)
	if err != nil {
		return nil, err
	}
	return &rekognition.DeleteProjectOutput{Status: types.ProjectStatus(status)}, nil
}
