package apptest_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"mimeo/internal/apptest"
)

// TestRefusedCopies meets the exceptions of CopyProjectVersion as a client
// does. Each message names the check that refused.
func TestRefusedCopies(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Options{Families: light})
	a := newSide(t, s, trusting, "trusting-images", "parts")
	source := trainSmall(a)
	allow(t, a, trusted)
	b := newSide(t, s, trusted, "trusted-results", "production")
	failed := b.fail("failed")
	europe := s.ClientIn(t, trusted, "eu-west-1")
	if _, err := europe.S3.CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket:                    aws.String("europe-results"),
		CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: s3types.BucketLocationConstraintEuWest1},
	}); err != nil {
		t.Fatal(err)
	}
	key, err := b.KMS.CreateKey(t.Context(), &kms.CreateKeyInput{})
	if err == nil {
		_, err = b.KMS.DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: key.KeyMetadata.KeyId})
	}
	if err != nil {
		t.Fatal(err)
	}
	tags := map[string]string{}
	for i := range 51 {
		tags[strconv.Itoa(i)] = "x"
	}
	elsewhere := strings.Replace(source, "/v1/", "/v9/", 1)
	for name, c := range map[string]struct {
		as            *apptest.Client
		change        func(*rekognition.CopyProjectVersionInput)
		code, message string
	}{
		"pushed":         {a.Client, nil, "AccessDeniedException", "rekognition:CopyProjectVersion on resource: " + b.project},
		"a third":        {s.Client(t, "999999999999"), nil, "AccessDeniedException", "no project policy of the source project"},
		"another region": {europe, nil, "InvalidParameterException", "stays within one Region"},
		"another's version": {b.Client, func(in *rekognition.CopyProjectVersionInput) {
			in.SourceProjectArn = &b.project
			in.SourceProjectVersionArn = aws.String(strings.Replace(failed, "production", "other", 1))
		}, "InvalidParameterException", "is not a version of the source project"},
		"no source":      {b.Client, func(in *rekognition.CopyProjectVersionInput) { in.SourceProjectVersionArn = &elsewhere }, "ResourceNotFoundException", elsewhere},
		"no destination": {b.Client, func(in *rekognition.CopyProjectVersionInput) { in.DestinationProjectArn = aws.String(b.project + "1") }, "ResourceNotFoundException", b.project + "1"},
		"no model": {b.Client, func(in *rekognition.CopyProjectVersionInput) {
			in.SourceProjectArn, in.SourceProjectVersionArn = &b.project, &failed
		}, "InvalidParameterException", "no model to copy"},
		"name taken":       {b.Client, func(in *rekognition.CopyProjectVersionInput) { in.VersionName = aws.String("failed") }, "ResourceInUseException", `a version named "failed"`},
		"no bucket":        {b.Client, func(in *rekognition.CopyProjectVersionInput) { in.OutputConfig = &types.OutputConfig{} }, "InvalidParameterException", "S3Bucket"},
		"bucket missing":   {b.Client, output("nobodys-bucket"), "InvalidParameterException", "nobodys-bucket"},
		"bucket abroad":    {b.Client, output("europe-results"), "InvalidParameterException", "europe-results"},
		"another's bucket": {b.Client, output("trusting-images"), "AccessDeniedException", "s3:PutObject"},
		"key disabled":     {b.Client, func(in *rekognition.CopyProjectVersionInput) { in.KmsKeyId = key.KeyMetadata.KeyId }, "InvalidParameterException", "is disabled"},
		"key missing":      {b.Client, func(in *rekognition.CopyProjectVersionInput) { in.KmsKeyId = aws.String("alias/none") }, "InvalidParameterException", "alias/none"},
		"too many tags":    {b.Client, func(in *rekognition.CopyProjectVersionInput) { in.Tags = tags }, "ServiceQuotaExceededException", "50 tags"},
		"no name":          {b.Client, func(in *rekognition.CopyProjectVersionInput) { in.VersionName = aws.String("a b") }, "ValidationException", "versionName"},
	} {
		in := &rekognition.CopyProjectVersionInput{
			SourceProjectArn: &a.project, SourceProjectVersionArn: &source, DestinationProjectArn: &b.project,
			VersionName: aws.String("refused"), OutputConfig: &types.OutputConfig{S3Bucket: &b.bucket},
		}
		if c.change != nil {
			c.change(in)
		}
		_, err := c.as.Rekognition.CopyProjectVersion(t.Context(), in)
		var refusal smithy.APIError
		if !errors.As(err, &refusal) || refusal.ErrorCode() != c.code || !strings.Contains(refusal.ErrorMessage(), c.message) {
			t.Errorf("%s: %v, want %s with %q", name, err, c.code, c.message)
		}
	}
	if all := b.versions(); len(all) != 1 {
		t.Errorf("refused copies left %d versions, want the failed training alone", len(all))
	}
	b.grants(aws.ToString(key.KeyMetadata.KeyId), 0)
}

func output(bucket string) func(*rekognition.CopyProjectVersionInput) {
	return func(in *rekognition.CopyProjectVersionInput) {
		in.OutputConfig = &types.OutputConfig{S3Bucket: &bucket}
	}
}

// fail makes a version whose training fails: its manifest is no manifest.
func (a *side) fail(name string) string {
	a.t.Helper()
	a.put("bad.manifest", []byte("no manifest\n"))
	manifest := []types.Asset{{GroundTruthManifest: &types.GroundTruthManifest{S3Object: &types.S3Object{Bucket: &a.bucket, Name: aws.String("bad.manifest")}}}}
	out, err := a.Rekognition.CreateProjectVersion(a.t.Context(), &rekognition.CreateProjectVersionInput{
		ProjectArn: &a.project, VersionName: &name, OutputConfig: &types.OutputConfig{S3Bucket: &a.bucket, S3KeyPrefix: aws.String("results")},
		TrainingData: &types.TrainingData{Assets: manifest}, TestingData: &types.TestingData{AutoCreate: true},
	})
	if err != nil {
		a.t.Fatalf("CreateProjectVersion: %v", err)
	}
	a.reach(name, types.ProjectVersionStatusTrainingFailed)
	return aws.ToString(out.ProjectVersionArn)
}

// grants checks how many grants a key has.
func (a *side) grants(key string, want int) {
	a.t.Helper()
	out, err := a.KMS.ListGrants(a.t.Context(), &kms.ListGrantsInput{KeyId: &key})
	if err != nil {
		a.t.Fatalf("ListGrants: %v", err)
	}
	if len(out.Grants) != want {
		a.t.Errorf("the key has %d grants, want %d: %+v", len(out.Grants), want, out.Grants)
	}
}

// TestDeletingACopyRetiresItsGrant: the grant under which a version can be
// started goes with the version.
func TestDeletingACopyRetiresItsGrant(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Options{Families: light})
	a := newSide(t, s, trusting, "trusting-images", "parts")
	source := trainSmall(a)
	key, err := a.KMS.CreateKey(t.Context(), &kms.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	keyID := aws.ToString(key.KeyMetadata.KeyId)
	out, err := a.Rekognition.CopyProjectVersion(t.Context(), &rekognition.CopyProjectVersionInput{
		SourceProjectArn: &a.project, SourceProjectVersionArn: &source, DestinationProjectArn: &a.project,
		VersionName: aws.String("copied"), OutputConfig: &types.OutputConfig{S3Bucket: &a.bucket}, KmsKeyId: &keyID,
	})
	if err != nil {
		t.Fatal(err)
	}
	a.reach("copied", types.ProjectVersionStatusCopyingCompleted)
	a.await("the job's grant", func() (bool, string) { // retired right after the copy is published
		grants, err := a.KMS.ListGrants(t.Context(), &kms.ListGrantsInput{KeyId: &keyID})
		if err != nil {
			t.Fatal(err)
		}
		return len(grants.Grants) == 1, "live"
	})
	if _, err := a.KMS.DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: &keyID}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Rekognition.DeleteProjectVersion(t.Context(), &rekognition.DeleteProjectVersionInput{ProjectVersionArn: out.ProjectVersionArn}); err != nil {
		t.Fatal(err)
	}
	a.await("delete copied", func() (bool, string) { return len(a.versions()) == 1, "there" })
	a.grants(keyID, 0)
}
