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

func (a *API) describeProjectVersions(ctx context.Context, caller arn.Caller, in *rekognition.DescribeProjectVersionsInput) (*rekognition.DescribeProjectVersionsOutput, error) {
	p, err := project("ProjectArn", in.ProjectArn)
	if err != nil {
		return nil, err
	}
	versions, next, err := a.Registry.DescribeProjectVersions(ctx, caller, registry.DescribeProjectVersionsRequest{
		Project: p, Names: in.VersionNames, MaxResults: size(in.MaxResults), NextToken: aws.ToString(in.NextToken),
	})
	if err != nil {
		return nil, err
	}
	return &rekognition.DescribeProjectVersionsOutput{ProjectVersionDescriptions: listOf(versions, versionDescriptionOf), NextToken: token(next)}, nil
}

func (a *API) deleteProjectVersion(ctx context.Context, caller arn.Caller, in *rekognition.DeleteProjectVersionInput) (*rekognition.DeleteProjectVersionOutput, error) {
	v, err := version("ProjectVersionArn", in.ProjectVersionArn)
	if err != nil {
		return nil, err
	}
	status, err := a.Registry.DeleteProjectVersion(ctx, caller, v)
	if err != nil {
		return nil, err
	}
	return &rekognition.DeleteProjectVersionOutput{Status: types.ProjectVersionStatus(status)}, nil
}

// versionDescriptionOf describes a version. What training or copying has not
// made, or did not make because it failed, is left out.
func versionDescriptionOf(v customlabels.ProjectVersion) types.ProjectVersionDescription {
	d := types.ProjectVersionDescription{
		ProjectVersionArn:    aws.String(v.ARN.String()),
		CreationTimestamp:    aws.Time(v.CreatedAt),
		Status:               types.ProjectVersionStatus(v.Status),
		StatusMessage:        unlessEmpty(v.StatusMessage),
		VersionDescription:   unlessEmpty(v.Description),
		Feature:              types.CustomizationFeatureCustomLabels,
		OutputConfig:         &types.OutputConfig{S3Bucket: aws.String(v.OutputConfig.Bucket), S3KeyPrefix: aws.String(v.OutputConfig.Prefix)},
		TrainingEndTimestamp: unlessZero(v.TrainingEndedAt),
		BaseModelVersion:     unlessEmpty(v.BaseModel),
		ManifestSummary:      resultFile(v, customlabels.ManifestSummary),
	}
	if v.KMSKey != (arn.Key{}) {
		d.KmsKeyId = aws.String(v.KMSKey.String())
	}
	if v.IsCopy() {
		d.SourceProjectVersionArn = aws.String(v.Source.String())
	}
	if v.BillableSeconds > 0 {
		d.BillableTrainingTimeInSeconds = aws.Int64(v.BillableSeconds)
	}
	if v.MinInferenceUnits > 0 {
		d.MinInferenceUnits = aws.Int32(v.MinInferenceUnits)
	}
	if v.MaxInferenceUnits > 0 {
		d.MaxInferenceUnits = aws.Int32(v.MaxInferenceUnits)
	}
	if summary := resultFile(v, customlabels.EvaluationSummary); summary != nil {
		d.EvaluationResult = &types.EvaluationResult{F1Score: aws.Float32(v.F1Score), Summary: &types.Summary{S3Object: summary.S3Object}}
	}
	d.TrainingDataResult = trainingDataResult(v)
	d.TestingDataResult = testingDataResult(v)
	return d
}

// trainingDataResult and testingDataResult have an empty input where a model
// was trained on its project's datasets, or is a copy.
func trainingDataResult(v customlabels.ProjectVersion) *types.TrainingDataResult {
	output, validation := resultAssets(v, customlabels.TrainingSnapshot), resultAssets(v, customlabels.TrainingValidation)
	if output == nil && validation == nil {
		return nil
	}
	r := &types.TrainingDataResult{Input: &types.TrainingData{Assets: assetsOf(v.Input.Training)}}
	if output != nil {
		r.Output = &types.TrainingData{Assets: output}
	}
	if validation != nil {
		r.Validation = &types.ValidationData{Assets: validation}
	}
	return r
}

func testingDataResult(v customlabels.ProjectVersion) *types.TestingDataResult {
	output, validation := resultAssets(v, customlabels.TestingSnapshot), resultAssets(v, customlabels.TestingValidation)
	if output == nil && validation == nil {
		return nil
	}
	r := &types.TestingDataResult{Input: &types.TestingData{Assets: assetsOf(v.Input.Testing), AutoCreate: v.Input.AutoCreate}}
	if output != nil {
		r.Output = &types.TestingData{Assets: output, AutoCreate: v.Input.AutoCreate}
	}
	if validation != nil {
		r.Validation = &types.ValidationData{Assets: validation}
	}
	return r
}

// resultFile is where a result file of a version is; nil where it is nowhere.
func resultFile(v customlabels.ProjectVersion, r customlabels.Role) *types.GroundTruthManifest {
	return groundTruth(v.Files[r])
}

// groundTruth names a manifest or a result file; nil where at is nowhere.
func groundTruth(at customlabels.S3Location) *types.GroundTruthManifest {
	if at.IsZero() {
		return nil
	}
	o := &types.S3Object{Bucket: aws.String(at.Bucket), Name: aws.String(at.Key)}
	if at.Version != "" {
		o.Version = aws.String(at.Version)
	}
	return &types.GroundTruthManifest{S3Object: o}
}

func resultAssets(v customlabels.ProjectVersion, r customlabels.Role) []types.Asset {
	return assetsOf(v.Files[r])
}

func assetsOf(at customlabels.S3Location) []types.Asset {
	file := groundTruth(at)
	if file == nil {
		return nil
	}
	return []types.Asset{{GroundTruthManifest: file}}
}
