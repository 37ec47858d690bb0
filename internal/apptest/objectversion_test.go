package apptest_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"mimeo/internal/apptest"
)

// TestVersionsOfObjects names versions of objects that are overwritten or
// deleted since: the manifest of a dataset, that of a training, and the image
// of a detection.
func TestVersionsOfObjects(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Options{Families: light})
	a := newSide(t, s, trusting, "versioned-images", "parts")
	_, err := a.S3.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket: &a.bucket, VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusEnabled},
	})
	if err != nil {
		t.Fatal(err)
	}
	var manifest []byte
	for class, name := range classes {
		for i, seed := range []uint64{1, 2, 3, 4, 5} {
			key := name + string(rune('0'+i))
			a.put(key, picture(t, name, seed+uint64(100*class)))
			manifest = append(manifest, groundTruth(t, a.bucket, key, class)...)
		}
	}
	old := a.replaced("all.manifest", manifest, []byte("no manifest\n"))

	d, err := a.Rekognition.CreateDataset(t.Context(), &rekognition.CreateDatasetInput{
		ProjectArn: &a.project, DatasetType: types.DatasetTypeTrain,
		DatasetSource: &types.DatasetSource{GroundTruthManifest: &types.GroundTruthManifest{S3Object: old}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if d := a.settled(d.DatasetArn); d.Status != types.DatasetStatusCreateComplete || aws.ToInt32(d.DatasetStats.LabeledEntries) != 10 {
		t.Errorf("the dataset of a version is %s, %s", d.Status, aws.ToString(d.StatusMessage))
	}

	a.newProject("without-datasets")
	version := a.trainFrom("v1", old)
	if assets := a.version("v1").TrainingDataResult.Input.Assets; len(assets) != 1 || aws.ToString(assets[0].GroundTruthManifest.S3Object.Version) != *old.Version {
		t.Errorf("trained from %+v, want version %s", assets, *old.Version)
	}

	a.start("v1", version)
	stripes, discs := picture(t, "stripes", 900), picture(t, "discs", 901)
	image := a.replaced("image", stripes, discs)
	detect := func(c *apptest.Client, o types.S3Object) ([]types.CustomLabel, error) {
		out, err := c.Rekognition.DetectCustomLabels(t.Context(), &rekognition.DetectCustomLabelsInput{
			ProjectVersionArn: &version, Image: &types.Image{S3Object: &o}, MinConfidence: aws.Float32(0),
		})
		if err != nil {
			return nil, err
		}
		return out.CustomLabels, nil
	}
	current := types.S3Object{Bucket: &a.bucket, Name: aws.String("image")}
	for name, c := range map[string]struct {
		object types.S3Object
		data   []byte
	}{"the version": {*image, stripes}, "the current one": {current, discs}} {
		got, err := detect(a.Client, c.object)
		if d := cmp.Diff(a.detect(version, c.data), got, ignoreSDK); err != nil || d != "" {
			t.Errorf("%s: %v; its bytes (-want +got):\n%s", name, err, d)
		}
	}

	home := household{t, a.Client}
	ann := home.user("ann")
	home.inline("ann", "p", policyOf(`{"Effect":"Allow","Action":["rekognition:DetectCustomLabels","s3:GetObject"],"Resource":"*"}`))
	_, err = detect(ann, *image)
	wantCode(t, "a version, with s3:GetObject", err, "InvalidS3ObjectException")
	if _, err = detect(ann, current); err != nil {
		t.Errorf("the current one, with s3:GetObject: %v", err)
	}
	home.inline("ann", "p", policyOf(`{"Effect":"Allow","Action":["rekognition:DetectCustomLabels","s3:GetObjectVersion"],"Resource":"*"}`))
	if _, err = detect(ann, *image); err != nil {
		t.Errorf("a version, with s3:GetObjectVersion: %v", err)
	}

	if _, err := a.S3.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &a.bucket, Key: aws.String("image")}); err != nil {
		t.Fatal(err)
	}
	_, err = detect(a.Client, current)
	wantCode(t, "a deleted image", err, "InvalidS3ObjectException")
	if _, err = detect(a.Client, *image); err != nil {
		t.Errorf("a version of a deleted image: %v", err)
	}
}

// replaced puts an object and another in its place; it names the first.
func (a *side) replaced(key string, first, second []byte) *types.S3Object {
	a.t.Helper()
	a.put(key, first)
	head, err := a.S3.HeadObject(a.t.Context(), &s3.HeadObjectInput{Bucket: &a.bucket, Key: &key})
	if err != nil {
		a.t.Fatal(err)
	}
	a.put(key, second)
	return &types.S3Object{Bucket: &a.bucket, Name: &key, Version: head.VersionId}
}

// trainFrom trains a version from a manifest, and tests it with a part of that.
func (a *side) trainFrom(name string, manifest *types.S3Object) string {
	a.t.Helper()
	out, err := a.Rekognition.CreateProjectVersion(a.t.Context(), &rekognition.CreateProjectVersionInput{
		ProjectArn: &a.project, VersionName: &name, OutputConfig: &types.OutputConfig{S3Bucket: &a.bucket, S3KeyPrefix: aws.String("results")},
		TrainingData: &types.TrainingData{Assets: []types.Asset{{GroundTruthManifest: &types.GroundTruthManifest{S3Object: manifest}}}},
		TestingData:  &types.TestingData{AutoCreate: true},
	})
	if err != nil {
		a.t.Fatalf("CreateProjectVersion: %v", err)
	}
	a.reach(name, types.ProjectVersionStatusTrainingCompleted)
	return aws.ToString(out.ProjectVersionArn)
}
