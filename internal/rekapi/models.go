package rekapi

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"

	"mimeo/internal/arn"
	"mimeo/internal/awsjson"
	"mimeo/internal/copier"
	"mimeo/internal/objects"
	"mimeo/internal/serving"
	"mimeo/internal/training"
)

func (a *API) createProjectVersion(ctx context.Context, caller arn.Caller, in *rekognition.CreateProjectVersionInput) (*rekognition.CreateProjectVersionOutput, error) {
	p, err := project("ProjectArn", in.ProjectArn)
	if err != nil {
		return nil, err
	}
	req := training.Request{
		Project: p, VersionName: aws.ToString(in.VersionName), Description: aws.ToString(in.VersionDescription),
		Output: outputConfig(in.OutputConfig), Tags: in.Tags, KMSKeyID: aws.ToString(in.KmsKeyId),
		ContentModeration: in.FeatureConfig != nil && in.FeatureConfig.ContentModeration != nil,
	}
	if in.TrainingData != nil {
		req.Training = &training.Data{Manifests: manifests(in.TrainingData.Assets)}
	}
	if in.TestingData != nil {
		req.Testing = &training.TestData{Manifests: manifests(in.TestingData.Assets), AutoCreate: in.TestingData.AutoCreate}
	}
	v, err := a.Training.CreateProjectVersion(ctx, caller, req)
	if err != nil {
		return nil, err
	}
	return &rekognition.CreateProjectVersionOutput{ProjectVersionArn: aws.String(v.String())}, nil
}

// manifests are the manifests of assets; one that names no object is there
// all the same, for the service to refuse.
func manifests(assets []types.Asset) []objects.Ref {
	var refs []objects.Ref
	for _, asset := range assets {
		ref := objects.Ref{}
		if asset.GroundTruthManifest != nil && asset.GroundTruthManifest.S3Object != nil {
			ref = *object(asset.GroundTruthManifest.S3Object)
		}
		refs = append(refs, ref)
	}
	return refs
}

func (a *API) copyProjectVersion(ctx context.Context, caller arn.Caller, call awsjson.Call, in *rekognition.CopyProjectVersionInput) (*rekognition.CopyProjectVersionOutput, error) {
	req, err := CopyRequest(in)
	if err != nil {
		return nil, err
	}
	req.Invocation = call.Invocation
	v, err := a.Copier.Start(ctx, caller, req)
	if err != nil {
		return nil, err
	}
	return &rekognition.CopyProjectVersionOutput{ProjectVersionArn: aws.String(v.String())}, nil
}

// CopyRequest reads the members of CopyProjectVersion.
func CopyRequest(in *rekognition.CopyProjectVersionInput) (req copier.Request, err error) {
	req = copier.Request{
		VersionName: aws.ToString(in.VersionName), Output: outputConfig(in.OutputConfig), Tags: in.Tags, KMSKeyID: aws.ToString(in.KmsKeyId),
	}
	if req.SourceProject, err = project("SourceProjectArn", in.SourceProjectArn); err != nil {
		return req, err
	}
	if req.Source, err = version("SourceProjectVersionArn", in.SourceProjectVersionArn); err != nil {
		return req, err
	}
	req.DestinationProject, err = project("DestinationProjectArn", in.DestinationProjectArn)
	return req, err
}

func (a *API) startProjectVersion(ctx context.Context, caller arn.Caller, in *rekognition.StartProjectVersionInput) (*rekognition.StartProjectVersionOutput, error) {
	v, err := version("ProjectVersionArn", in.ProjectVersionArn)
	if err != nil {
		return nil, err
	}
	status, err := a.Serving.StartProjectVersion(ctx, caller, serving.StartRequest{
		Version: v, MinInferenceUnits: aws.ToInt32(in.MinInferenceUnits), MaxInferenceUnits: in.MaxInferenceUnits,
	})
	if err != nil {
		return nil, err
	}
	return &rekognition.StartProjectVersionOutput{Status: types.ProjectVersionStatus(status)}, nil
}

func (a *API) stopProjectVersion(ctx context.Context, caller arn.Caller, in *rekognition.StopProjectVersionInput) (*rekognition.StopProjectVersionOutput, error) {
	v, err := version("ProjectVersionArn", in.ProjectVersionArn)
	if err != nil {
		return nil, err
	}
	status, err := a.Serving.StopProjectVersion(ctx, caller, v)
	if err != nil {
		return nil, err
	}
	return &rekognition.StopProjectVersionOutput{Status: types.ProjectVersionStatus(status)}, nil
}

func (a *API) detectCustomLabels(ctx context.Context, caller arn.Caller, in *rekognition.DetectCustomLabelsInput) (*rekognition.DetectCustomLabelsOutput, error) {
	v, err := version("ProjectVersionArn", in.ProjectVersionArn)
	if err != nil {
		return nil, err
	}
	req := serving.DetectRequest{Version: v, Bytes: in.Image.Bytes, Object: object(in.Image.S3Object), MinConfidence: in.MinConfidence}
	if in.MaxResults != nil {
		req.MaxResults = aws.Int(int(*in.MaxResults))
	}
	labels, err := a.Serving.DetectCustomLabels(ctx, caller, req)
	if err != nil {
		return nil, err
	}
	return &rekognition.DetectCustomLabelsOutput{CustomLabels: listOf(labels, customLabel)}, nil
}

// customLabel has a geometry where the label is of an object; AWS never
// returns a polygon.
func customLabel(l serving.CustomLabel) types.CustomLabel {
	out := types.CustomLabel{Name: aws.String(l.Name), Confidence: aws.Float32(l.Confidence)}
	if b := l.Box; b != nil {
		out.Geometry = &types.Geometry{BoundingBox: &types.BoundingBox{
			Left: aws.Float32(b.Left), Top: aws.Float32(b.Top), Width: aws.Float32(b.Width), Height: aws.Float32(b.Height),
		}}
	}
	return out
}
