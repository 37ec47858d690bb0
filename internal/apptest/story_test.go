package apptest_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"mimeo/internal/apptest"
)

const (
	trusting = "111122223333"
	trusted  = "555555555555"
)

// TestTheMainJob trains a model, copies it to another account under a project
// policy with that account's key, and shows that the copy is the same model
// and does not need its source any more.
func TestTheMainJob(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]apptest.Options{"http": {}, "https": {TLS: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			theMainJob(t, apptest.Start(t, o))
		})
	}
}

func theMainJob(t *testing.T, s *apptest.Server) {
	a := newSide(t, s, trusting, "trusting-images", "parts")
	a.dataset(types.DatasetTypeTrain, 12, 1)
	a.dataset(types.DatasetTypeTest, 4, 50000)
	source := a.train("v1")
	b := newSide(t, s, trusted, "trusted-results", "production")
	key, err := b.KMS.CreateKey(t.Context(), &kms.CreateKeyInput{})
	if err != nil {
		t.Fatalf("CreateKey: %v", err)
	}
	request := &rekognition.CopyProjectVersionInput{
		SourceProjectArn: &a.project, SourceProjectVersionArn: &source,
		DestinationProjectArn: &b.project, VersionName: aws.String("copied"),
		OutputConfig: &types.OutputConfig{S3Bucket: &b.bucket, S3KeyPrefix: aws.String("from-trusting")},
		KmsKeyId:     key.KeyMetadata.KeyId, Tags: map[string]string{"stage": "production"},
	}
	_, err = b.Rekognition.CopyProjectVersion(t.Context(), request)
	wantCode(t, "a copy without a policy", err, "AccessDeniedException")
	allow(t, a, trusted)
	out, err := b.Rekognition.CopyProjectVersion(t.Context(), request)
	if err != nil {
		t.Fatalf("CopyProjectVersion: %v", err)
	}
	copied := aws.ToString(out.ProjectVersionArn)
	described := b.reach("copied", types.ProjectVersionStatusCopyingCompleted)
	checkCopy(t, a, b, described, source, aws.ToString(key.KeyMetadata.Arn))
	_, err = b.Rekognition.CopyProjectVersion(t.Context(), request)
	wantCode(t, "a second copy of the name", err, "ResourceInUseException")

	a.start("v1", source)
	b.start("copied", copied)
	before := samePredictions(t, a, b, source, copied)
	a.stop("v1", source)
	b.stop("copied", copied)

	destroy(t, a, "v1", source)
	b.start("copied", copied)
	after := b.detect(copied, picture(t, classes[0], 77))
	if diff := cmp.Diff(before, after, ignoreSDK); diff != "" {
		t.Errorf("the copy answers otherwise once its source is gone (-before +after):\n%s", diff)
	}
	b.stop("copied", copied)
}

func allow(t testing.TB, a *side, account string) {
	t.Helper()
	document := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::%s:root"},`+
		`"Action":"rekognition:CopyProjectVersion","Resource":"arn:aws:rekognition:us-east-1:%s:project/parts/version/*"}]}`, account, a.Account)
	_, err := a.Rekognition.PutProjectPolicy(t.Context(), &rekognition.PutProjectPolicyInput{
		ProjectArn: &a.project, PolicyName: aws.String("promote"), PolicyDocument: &document,
	})
	if err != nil {
		t.Fatalf("PutProjectPolicy: %v", err)
	}
}

var ignoreSDK = cmpopts.IgnoreUnexported(types.CustomLabel{}, types.EvaluationResult{}, types.Summary{}, types.S3Object{})

func checkCopy(t *testing.T, a, b *side, copied types.ProjectVersionDescription, source, key string) {
	t.Helper()
	if got := aws.ToString(copied.SourceProjectVersionArn); got != source {
		t.Errorf("SourceProjectVersionArn is %s, want %s", got, source)
	}
	if got := aws.ToString(copied.KmsKeyId); got != key {
		t.Errorf("KmsKeyId is %s, want %s", got, key)
	}
	original := a.version("v1")
	if got, want := copied.EvaluationResult, original.EvaluationResult; got == nil || want == nil || aws.ToFloat32(got.F1Score) != aws.ToFloat32(want.F1Score) {
		t.Errorf("evaluation of the copy is %+v, of the source %+v", got, want)
	}
	results, err := b.S3.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &b.bucket, Prefix: aws.String("from-trusting/")})
	if err != nil {
		t.Fatalf("ListObjectsV2: %v", err)
	}
	if len(results.Contents) == 0 {
		t.Error("the copy wrote no results")
	}
	for _, object := range results.Contents {
		head, err := b.S3.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &b.bucket, Key: object.Key})
		if err != nil {
			t.Errorf("HeadObject %s: %v", *object.Key, err)
		} else if got := aws.ToString(head.SSEKMSKeyId); got != key {
			t.Errorf("result %s is sealed under %q, want %s", *object.Key, got, key)
		}
	}
	tags, err := b.Rekognition.ListTagsForResource(t.Context(), &rekognition.ListTagsForResourceInput{ResourceArn: copied.ProjectVersionArn})
	if err != nil || !cmp.Equal(tags.Tags, map[string]string{"stage": "production"}) {
		t.Errorf("tags of the copy: %+v, %v", tags, err)
	}
}

// samePredictions compares source and copy on pictures that neither has seen.
func samePredictions(t *testing.T, a, b *side, source, copied string) (first []types.CustomLabel) {
	t.Helper()
	right := 0
	for i := range 6 {
		data := picture(t, classes[i%2], uint64(77+i))
		theirs, ours := a.detect(source, data), b.detect(copied, data)
		if diff := cmp.Diff(theirs, ours, ignoreSDK); diff != "" {
			t.Errorf("picture %d (-source +copy):\n%s", i, diff)
		}
		if len(ours) > 0 && aws.ToString(ours[0].Name) == classes[i%2] {
			right++
		}
		if i == 0 {
			first = ours
		}
	}
	if right < 5 {
		t.Errorf("the model is right on %d of 6 pictures", right)
	}
	return first
}

// destroy deletes a version, its project and its bucket.
func destroy(t *testing.T, a *side, name, version string) {
	t.Helper()
	if _, err := a.Rekognition.DeleteProjectVersion(t.Context(), &rekognition.DeleteProjectVersionInput{ProjectVersionArn: &version}); err != nil {
		t.Fatalf("DeleteProjectVersion: %v", err)
	}
	a.await("delete version "+name, func() (bool, string) {
		out, err := a.Rekognition.DescribeProjectVersions(t.Context(), &rekognition.DescribeProjectVersionsInput{ProjectArn: &a.project})
		if err != nil {
			t.Fatalf("DescribeProjectVersions: %v", err)
		}
		return len(out.ProjectVersionDescriptions) == 0, "there"
	})
	datasets, err := a.Rekognition.DescribeProjects(t.Context(), &rekognition.DescribeProjectsInput{ProjectNames: []string{"parts"}})
	if err != nil || len(datasets.ProjectDescriptions) != 1 {
		t.Fatalf("DescribeProjects: %+v, %v", datasets, err)
	}
	for _, d := range datasets.ProjectDescriptions[0].Datasets {
		if _, err := a.Rekognition.DeleteDataset(t.Context(), &rekognition.DeleteDatasetInput{DatasetArn: d.DatasetArn}); err != nil {
			t.Fatalf("DeleteDataset: %v", err)
		}
	}
	if _, err := a.Rekognition.DeleteProjectPolicy(t.Context(), &rekognition.DeleteProjectPolicyInput{ProjectArn: &a.project, PolicyName: aws.String("promote")}); err != nil {
		t.Fatalf("DeleteProjectPolicy: %v", err)
	}
	a.await("delete project", func() (bool, string) {
		out, err := a.Rekognition.DescribeProjects(t.Context(), &rekognition.DescribeProjectsInput{ProjectNames: []string{"parts"}})
		if err != nil {
			t.Fatalf("DescribeProjects: %v", err)
		}
		return len(out.ProjectDescriptions) == 1 && len(out.ProjectDescriptions[0].Datasets) == 0, "holding datasets"
	})
	if _, err := a.Rekognition.DeleteProject(t.Context(), &rekognition.DeleteProjectInput{ProjectArn: &a.project}); err != nil {
		t.Fatalf("DeleteProject: %v", err)
	}
	emptyBucket(t, a)
}

func emptyBucket(t *testing.T, a *side) {
	t.Helper()
	pages := s3.NewListObjectsV2Paginator(a.S3, &s3.ListObjectsV2Input{Bucket: &a.bucket, MaxKeys: aws.Int32(10)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatalf("ListObjectsV2: %v", err)
		}
		for _, object := range page.Contents {
			if _, err := a.S3.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &a.bucket, Key: object.Key}); err != nil {
				t.Fatalf("DeleteObject %s: %v", *object.Key, err)
			}
		}
	}
	if _, err := a.S3.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: &a.bucket}); err != nil {
		t.Fatalf("DeleteBucket: %v", err)
	}
}
