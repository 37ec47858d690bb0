package rekapi

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/objects"
	"mimeo/internal/registry"
)

func (a *API) createDataset(ctx context.Context, caller arn.Caller, in *rekognition.CreateDatasetInput) (*rekognition.CreateDatasetOutput, error) {
	p, err := project("ProjectArn", in.ProjectArn)
	if err != nil {
		return nil, err
	}
	req := registry.CreateDatasetRequest{Project: p, Type: customlabels.DatasetType(in.DatasetType), Tags: in.Tags}
	if in.DatasetSource != nil {
		if req.Source, err = datasetSource(*in.DatasetSource); err != nil {
			return nil, err
		}
	}
	d, err := a.Registry.CreateDataset(ctx, caller, req)
	if err != nil {
		return nil, err
	}
	return &rekognition.CreateDatasetOutput{DatasetArn: aws.String(d.String())}, nil
}

func datasetSource(in types.DatasetSource) (*registry.DatasetSource, error) {
	source := &registry.DatasetSource{}
	if in.GroundTruthManifest != nil {
		if source.Manifest = object(in.GroundTruthManifest.S3Object); source.Manifest == nil {
			source.Manifest = &objects.Ref{}
		}
	}
	if in.DatasetArn != nil {
		d, err := dataset("DatasetArn", in.DatasetArn)
		if err != nil {
			return nil, err
		}
		source.Dataset = &d
	}
	return source, nil
}

func (a *API) describeDataset(ctx context.Context, caller arn.Caller, in *rekognition.DescribeDatasetInput) (*rekognition.DescribeDatasetOutput, error) {
	id, err := dataset("DatasetArn", in.DatasetArn)
	if err != nil {
		return nil, err
	}
	d, err := a.Registry.DescribeDataset(ctx, caller, id)
	if err != nil {
		return nil, err
	}
	count := func(n int) *int32 { return aws.Int32(int32(n)) } // at most 250,000
	return &rekognition.DescribeDatasetOutput{DatasetDescription: &types.DatasetDescription{
		CreationTimestamp: aws.Time(d.CreatedAt), LastUpdatedTimestamp: aws.Time(d.UpdatedAt),
		Status: types.DatasetStatus(d.Status), StatusMessage: aws.String(d.StatusMessage), StatusMessageCode: types.DatasetStatusMessageCode(d.MessageCode),
		DatasetStats: &types.DatasetStats{
			TotalEntries: count(d.Stats.TotalEntries), LabeledEntries: count(d.Stats.LabeledEntries),
			TotalLabels: count(d.Stats.TotalLabels), ErrorEntries: count(d.Stats.ErrorEntries),
		},
	}}, nil
}

func (a *API) deleteDataset(ctx context.Context, caller arn.Caller, in *rekognition.DeleteDatasetInput) (*rekognition.DeleteDatasetOutput, error) {
	id, err := dataset("DatasetArn", in.DatasetArn)
	if err != nil {
		return nil, err
	}
	return nil, a.Registry.DeleteDataset(ctx, caller, id)
}

func (a *API) listDatasetEntries(ctx context.Context, caller arn.Caller, in *rekognition.ListDatasetEntriesInput) (*rekognition.ListDatasetEntriesOutput, error) {
	id, err := dataset("DatasetArn", in.DatasetArn)
	if err != nil {
		return nil, err
	}
	lines, next, err := a.Registry.ListDatasetEntries(ctx, caller, registry.ListDatasetEntriesRequest{
		Dataset: id,
		Filter: registry.EntryFilter{
			Labels: in.ContainsLabels, Labeled: in.Labeled, HasErrors: aws.ToBool(in.HasErrors), SourceRefContains: aws.ToString(in.SourceRefContains),
		},
		MaxResults: size(in.MaxResults), NextToken: aws.ToString(in.NextToken),
	})
	if err != nil {
		return nil, err
	}
	return &rekognition.ListDatasetEntriesOutput{DatasetEntries: lines, NextToken: token(next)}, nil
}

func (a *API) listDatasetLabels(ctx context.Context, caller arn.Caller, in *rekognition.ListDatasetLabelsInput) (*rekognition.ListDatasetLabelsOutput, error) {
	id, err := dataset("DatasetArn", in.DatasetArn)
	if err != nil {
		return nil, err
	}
	labels, next, err := a.Registry.ListDatasetLabels(ctx, caller, id, size(in.MaxResults), aws.ToString(in.NextToken))
	if err != nil {
		return nil, err
	}
	return &rekognition.ListDatasetLabelsOutput{DatasetLabelDescriptions: listOf(labels, labelDescription), NextToken: token(next)}, nil
}

// labelDescription leaves the count of boxes out where there is none, as AWS
// does for classification labels.
func labelDescription(l registry.LabelCount) types.DatasetLabelDescription {
	stats := &types.DatasetLabelStats{EntryCount: aws.Int32(int32(l.Entries))}
	if l.BoxImages > 0 {
		stats.BoundingBoxCount = aws.Int32(int32(l.BoxImages))
	}
	return types.DatasetLabelDescription{LabelName: aws.String(l.Name), LabelStats: stats}
}

func (a *API) updateDatasetEntries(ctx context.Context, caller arn.Caller, in *rekognition.UpdateDatasetEntriesInput) (*rekognition.UpdateDatasetEntriesOutput, error) {
	id, err := dataset("DatasetArn", in.DatasetArn)
	if err != nil {
		return nil, err
	}
	return nil, a.Registry.UpdateDatasetEntries(ctx, caller, id, in.Changes.GroundTruth)
}

func (a *API) distributeDatasetEntries(ctx context.Context, caller arn.Caller, in *rekognition.DistributeDatasetEntriesInput) (*rekognition.DistributeDatasetEntriesOutput, error) {
	var ids []arn.Dataset
	for _, d := range in.Datasets {
		id, err := dataset("Datasets.Arn", d.Arn)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return nil, a.Registry.DistributeDatasetEntries(ctx, caller, ids)
}
