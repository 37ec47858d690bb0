package rekapi_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/rekapi"
)

// resultFiles are where the result files of roles are, each named after its
// role.
func resultFiles(roles ...customlabels.Role) customlabels.ResultFiles {
	files := customlabels.ResultFiles{}
	for _, r := range roles {
		files[r] = customlabels.S3Location{Bucket: "out", Key: string(r)}
	}
	return files
}

func at(r customlabels.Role) *types.S3Object {
	return &types.S3Object{Bucket: str("out"), Name: str(string(r))}
}

func asset(r customlabels.Role) []types.Asset {
	return []types.Asset{{GroundTruthManifest: &types.GroundTruthManifest{S3Object: at(r)}}}
}

func TestVersionDescription(t *testing.T) {
	t.Parallel()
	p := arn.Project{Namespace: arn.Namespace{Partition: "aws", Region: "us-east-1", Account: mine}, Name: "p", Stamp: "1"}
	created := time.UnixMilli(1_700_000_000_123).UTC()
	ended := created.Add(time.Hour)
	base := customlabels.ProjectVersion{
		ARN: p.Version("v", "1700000000123"), Project: p, CreatedAt: created, OutputConfig: customlabels.OutputConfig{Bucket: "out", Prefix: "a/"},
		Status: customlabels.TrainingInProgress, StatusMessage: "The model is being trained.",
	}
	described := types.ProjectVersionDescription{
		ProjectVersionArn: str(base.ARN.String()), CreationTimestamp: &created, Feature: types.CustomizationFeatureCustomLabels,
		OutputConfig: &types.OutputConfig{S3Bucket: str("out"), S3KeyPrefix: str("a/")},
		Status:       types.ProjectVersionStatusTrainingInProgress, StatusMessage: str("The model is being trained."),
	}
	results := func(d *types.ProjectVersionDescription) {
		d.TrainingEndTimestamp, d.BaseModelVersion = &ended, str("classifier 1")
		d.EvaluationResult = &types.EvaluationResult{F1Score: aws.Float32(0), Summary: &types.Summary{S3Object: at(customlabels.EvaluationSummary)}}
		d.ManifestSummary = &types.GroundTruthManifest{S3Object: at(customlabels.ManifestSummary)}
		d.TrainingDataResult = &types.TrainingDataResult{Input: &types.TrainingData{},
			Output: &types.TrainingData{Assets: asset(customlabels.TrainingSnapshot)}, Validation: &types.ValidationData{Assets: asset(customlabels.TrainingValidation)}}
		d.TestingDataResult = &types.TestingDataResult{Input: &types.TestingData{},
			Output: &types.TestingData{Assets: asset(customlabels.TestingSnapshot)}, Validation: &types.ValidationData{Assets: asset(customlabels.TestingValidation)}}
	}
	key := arn.Key{Namespace: p.Namespace, ID: "1234"}
	source := p.Version("source", "5")
	cases := map[string]struct {
		change func(*customlabels.ProjectVersion)
		want   func(*types.ProjectVersionDescription)
	}{
		"training": {func(*customlabels.ProjectVersion) {}, func(*types.ProjectVersionDescription) {}},
		"trained and running": {func(v *customlabels.ProjectVersion) {
			v.Status, v.StatusMessage, v.Description = customlabels.Running, "", "first"
			v.Provenance = customlabels.Provenance{TrainingEndedAt: ended, BaseModel: "classifier 1"} // an F1 of zero is one
			v.BillableSeconds, v.KMSKey, v.Files = 90, key, resultFiles(customlabels.ResultRoles...)
			v.MinInferenceUnits, v.MaxInferenceUnits = 1, 2
		}, func(d *types.ProjectVersionDescription) {
			results(d)
			d.Status, d.StatusMessage, d.VersionDescription = types.ProjectVersionStatusRunning, nil, str("first")
			d.BillableTrainingTimeInSeconds, d.KmsKeyId = aws.Int64(90), str(key.String())
			d.MinInferenceUnits, d.MaxInferenceUnits = aws.Int32(1), aws.Int32(2)
		}},
		"trained on manifests": {func(v *customlabels.ProjectVersion) {
			v.Status, v.Files, v.Provenance = customlabels.TrainingCompleted, resultFiles(customlabels.ResultRoles...), customlabels.Provenance{TrainingEndedAt: ended, BaseModel: "classifier 1"}
			v.Input = customlabels.TrainingInput{Training: customlabels.S3Location{Bucket: "out", Key: "train.manifest"}, AutoCreate: true}
		}, func(d *types.ProjectVersionDescription) {
			results(d)
			d.Status = types.ProjectVersionStatusTrainingCompleted
			d.TrainingDataResult.Input.Assets = asset("train.manifest")
			d.TestingDataResult.Input.AutoCreate, d.TestingDataResult.Output.AutoCreate = true, true
		}},
		"failed by its manifests": {func(v *customlabels.ProjectVersion) {
			v.Status, v.Files = customlabels.TrainingFailed, resultFiles(customlabels.ManifestSummary, customlabels.TrainingValidation)
		}, func(d *types.ProjectVersionDescription) {
			d.Status = types.ProjectVersionStatusTrainingFailed
			d.ManifestSummary = &types.GroundTruthManifest{S3Object: at(customlabels.ManifestSummary)}
			d.TrainingDataResult = &types.TrainingDataResult{Input: &types.TrainingData{}, Validation: &types.ValidationData{Assets: asset(customlabels.TrainingValidation)}}
		}},
		"copying": {func(v *customlabels.ProjectVersion) {
			v.Status, v.Source, v.KMSKey = customlabels.CopyingInProgress, source, key
		}, func(d *types.ProjectVersionDescription) {
			d.Status, d.SourceProjectVersionArn, d.KmsKeyId = types.ProjectVersionStatusCopyingInProgress, str(source.String()), str(key.String())
		}},
		"copied": {func(v *customlabels.ProjectVersion) {
			v.Status, v.Source, v.Files = customlabels.CopyingCompleted, source, resultFiles(customlabels.ResultRoles...)
			v.Provenance = customlabels.Provenance{TrainingEndedAt: ended, BaseModel: "classifier 1"}
		}, func(d *types.ProjectVersionDescription) {
			results(d)
			d.Status, d.SourceProjectVersionArn = types.ProjectVersionStatusCopyingCompleted, str(source.String())
		}},
	}
	ignore := cmpopts.IgnoreUnexported(types.ProjectVersionDescription{}, types.OutputConfig{}, types.EvaluationResult{}, types.Summary{}, types.S3Object{},
		types.GroundTruthManifest{}, types.TrainingDataResult{}, types.TestingDataResult{}, types.TrainingData{}, types.TestingData{}, types.ValidationData{}, types.Asset{})
	for name, c := range cases {
		v, want := base, described
		c.change(&v)
		c.want(&want)
		if diff := cmp.Diff(want, rekapi.VersionDescription(v), ignore); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
