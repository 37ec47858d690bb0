package apptest_test

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// copyInto asks for a copy of a version into the side's own project and bucket.
func (a *side) copyInto(name, prefix string, from *side, source, key string) (string, error) {
	a.t.Helper()
	in := &rekognition.CopyProjectVersionInput{
		SourceProjectArn: &from.project, SourceProjectVersionArn: &source, DestinationProjectArn: &a.project, VersionName: &name,
		OutputConfig: &types.OutputConfig{S3Bucket: &a.bucket, S3KeyPrefix: &prefix},
	}
	if key != "" {
		in.KmsKeyId = &key
	}
	out, err := a.Rekognition.CopyProjectVersion(a.t.Context(), in)
	if err != nil {
		return "", err
	}
	return aws.ToString(out.ProjectVersionArn), nil
}

func (a *side) copied(name, prefix string, from *side, source, key string) string {
	a.t.Helper()
	v, err := a.copyInto(name, prefix, from, source, key)
	if err != nil {
		a.t.Fatalf("CopyProjectVersion: %v", err)
	}
	a.reach(name, types.ProjectVersionStatusCopyingCompleted)
	return v
}

func (a *side) newKey() string {
	a.t.Helper()
	return a.newKeyAs(&kms.CreateKeyInput{})
}

// newSigningKey makes an asymmetric key.
func (a *side) newSigningKey() string {
	a.t.Helper()
	return a.newKeyAs(&kms.CreateKeyInput{KeySpec: kmstypes.KeySpecEccNistP256, KeyUsage: kmstypes.KeyUsageTypeSignVerify})
}

func (a *side) newKeyAs(in *kms.CreateKeyInput) string {
	a.t.Helper()
	key, err := a.KMS.CreateKey(a.t.Context(), in)
	if err != nil {
		a.t.Fatalf("CreateKey: %v", err)
	}
	return aws.ToString(key.KeyMetadata.Arn)
}

func (a *side) delete(name, version string) {
	a.t.Helper()
	if _, err := a.Rekognition.DeleteProjectVersion(a.t.Context(), &rekognition.DeleteProjectVersionInput{ProjectVersionArn: &version}); err != nil {
		a.t.Fatalf("DeleteProjectVersion: %v", err)
	}
	a.await("deletion of "+name, func() (bool, string) {
		return !slices.ContainsFunc(a.versions(), func(v types.ProjectVersionDescription) bool { return aws.ToString(v.ProjectVersionArn) == version }), "there"
	})
}

// get returns an object, or nothing.
func (a *side) get(key string) string {
	a.t.Helper()
	out, err := a.S3.GetObject(a.t.Context(), &s3.GetObjectInput{Bucket: &a.bucket, Key: &key})
	if err != nil {
		return ""
	}
	defer out.Body.Close()
	text, err := io.ReadAll(out.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	return string(text)
}

// keys are the keys of the bucket's objects that contain part.
func (a *side) keys(part string) (keys []string) {
	a.t.Helper()
	out, err := a.S3.ListObjectsV2(a.t.Context(), &s3.ListObjectsV2Input{Bucket: &a.bucket})
	if err != nil {
		a.t.Fatal(err)
	}
	for _, o := range out.Contents {
		if strings.Contains(*o.Key, part) {
			keys = append(keys, *o.Key)
		}
	}
	return keys
}

// trainWide trains a version with a manifest of long lines. Its result files
// are too large for the rows of a database, so that they are held up by a dam.
func (a *side) trainWide(name string) string {
	a.t.Helper()
	var manifest []byte
	for i := range 20 {
		key := fmt.Sprintf("wide/%d.png", i)
		a.put(key, picture(a.t, classes[i%2], uint64(i)))
		line := groundTruth(a.t, a.bucket, key, i%2)
		manifest = append(manifest, bytes.Replace(line, []byte("labeling-job/kind"), bytes.Repeat([]byte("wide"), 2000), 1)...)
	}
	a.put("wide.manifest", manifest)
	out, err := a.Rekognition.CreateProjectVersion(a.t.Context(), &rekognition.CreateProjectVersionInput{
		ProjectArn: &a.project, VersionName: &name, OutputConfig: &types.OutputConfig{S3Bucket: &a.bucket, S3KeyPrefix: aws.String("results")},
		TrainingData: &types.TrainingData{Assets: []types.Asset{{GroundTruthManifest: &types.GroundTruthManifest{S3Object: &types.S3Object{Bucket: &a.bucket, Name: aws.String("wide.manifest")}}}}},
		TestingData:  &types.TestingData{AutoCreate: true},
	})
	if err != nil {
		a.t.Fatalf("CreateProjectVersion: %v", err)
	}
	a.reach(name, types.ProjectVersionStatusTrainingCompleted)
	return aws.ToString(out.ProjectVersionArn)
}

// roles are the first parts of the names of the six result files, written
// those of all that a copy writes.
var roles = []string{"EvaluationResultSummary", "ManifestSummary", "TestingGroundTruth", "TestingManifestWithValidation", "TrainingGroundTruth", "TrainingManifestWithValidation"}

var written = append([]string{"CopyRecord"}, roles...)
