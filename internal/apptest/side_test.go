package apptest_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"mimeo/internal/apptest"
)

const (
	patience         = 90 * time.Second
	trainingPatience = 10 * time.Minute // benchmarks make models of 10 GB
)

// A side is one account in a story, with the steps that it takes. Each step
// ends the test where it fails.
type side struct {
	*apptest.Client
	t       testing.TB
	bucket  string
	project string
}

func newSide(t testing.TB, s *apptest.Server, account, bucket, project string) *side {
	t.Helper()
	a := &side{Client: s.Client(t, account), t: t, bucket: bucket}
	if _, err := a.S3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
		t.Fatalf("CreateBucket: %v", err)
	}
	a.newProject(project)
	return a
}

// newProject makes a project, which the next steps are taken in.
func (a *side) newProject(name string) {
	a.t.Helper()
	out, err := a.Rekognition.CreateProject(a.t.Context(), &rekognition.CreateProjectInput{ProjectName: &name})
	if err != nil {
		a.t.Fatalf("CreateProject: %v", err)
	}
	a.project = aws.ToString(out.ProjectArn)
}

func (a *side) put(key string, data []byte) {
	a.t.Helper()
	if _, err := a.S3.PutObject(a.t.Context(), &s3.PutObjectInput{Bucket: &a.bucket, Key: &key, Body: bytes.NewReader(data)}); err != nil {
		a.t.Fatalf("PutObject %s: %v", key, err)
	}
}

// dataset uploads pictures of each class, and makes a dataset of them.
func (a *side) dataset(kind types.DatasetType, perClass int, seed uint64) {
	a.t.Helper()
	var manifest []byte
	for class, name := range classes {
		for i := range perClass {
			key := fmt.Sprintf("images/%s/%s %d.png", kind, name, i)
			a.put(key, picture(a.t, name, seed+uint64(class*1000+i)))
			manifest = append(manifest, groundTruth(a.t, a.bucket, key, class)...)
		}
	}
	d := a.imported(kind, manifest)
	if d.Status != types.DatasetStatusCreateComplete {
		a.t.Fatalf("dataset failed: %s", aws.ToString(d.StatusMessage))
	}
	if got := aws.ToInt32(d.DatasetStats.LabeledEntries); got != int32(2*perClass) {
		a.t.Errorf("dataset %s has %d labelled entries, want %d", kind, got, 2*perClass)
	}
}

// imported makes a dataset of a manifest, and waits for how that ends.
func (a *side) imported(kind types.DatasetType, manifest []byte) *types.DatasetDescription {
	a.t.Helper()
	key := string(kind) + ".manifest"
	a.put(key, manifest)
	out, err := a.Rekognition.CreateDataset(a.t.Context(), &rekognition.CreateDatasetInput{
		ProjectArn: &a.project, DatasetType: kind,
		DatasetSource: &types.DatasetSource{GroundTruthManifest: &types.GroundTruthManifest{
			S3Object: &types.S3Object{Bucket: &a.bucket, Name: &key},
		}},
	})
	if err != nil {
		a.t.Fatalf("CreateDataset: %v", err)
	}
	return a.settled(out.DatasetArn)
}

// settled waits until nothing is being done with a dataset.
func (a *side) settled(dataset *string) (d *types.DatasetDescription) {
	a.t.Helper()
	a.await(aws.ToString(dataset), func() (bool, string) {
		out, err := a.Rekognition.DescribeDataset(a.t.Context(), &rekognition.DescribeDatasetInput{DatasetArn: dataset})
		if err != nil {
			a.t.Fatalf("DescribeDataset: %v", err)
		}
		d = out.DatasetDescription
		return !strings.HasSuffix(string(d.Status), "IN_PROGRESS"), string(d.Status)
	})
	return d
}

// train trains a version with the SDK's own waiter.
func (a *side) train(name string) string {
	a.t.Helper()
	return a.trainUnder(name, nil)
}

// trainUnder trains a version under a KMS key, or none.
func (a *side) trainUnder(name string, key *string) string {
	a.t.Helper()
	out, err := a.Rekognition.CreateProjectVersion(a.t.Context(), &rekognition.CreateProjectVersionInput{
		ProjectArn: &a.project, VersionName: &name, KmsKeyId: key,
		OutputConfig: &types.OutputConfig{S3Bucket: &a.bucket, S3KeyPrefix: aws.String("results")},
	})
	if err != nil {
		a.t.Fatalf("CreateProjectVersion: %v", err)
	}
	waiter := rekognition.NewProjectVersionTrainingCompletedWaiter(a.Rekognition, func(o *rekognition.ProjectVersionTrainingCompletedWaiterOptions) {
		o.MinDelay, o.MaxDelay = 50*time.Millisecond, 200*time.Millisecond
	})
	if err := waiter.Wait(a.t.Context(), &rekognition.DescribeProjectVersionsInput{ProjectArn: &a.project, VersionNames: []string{name}}, trainingPatience); err != nil {
		a.t.Fatalf("training: %v; version: %+v", err, a.version(name))
	}
	return aws.ToString(out.ProjectVersionArn)
}

func (a *side) version(name string) types.ProjectVersionDescription {
	a.t.Helper()
	out, err := a.Rekognition.DescribeProjectVersions(a.t.Context(), &rekognition.DescribeProjectVersionsInput{ProjectArn: &a.project, VersionNames: []string{name}})
	if err != nil {
		a.t.Fatalf("DescribeProjectVersions: %v", err)
	}
	if len(out.ProjectVersionDescriptions) != 1 {
		a.t.Fatalf("DescribeProjectVersions of %s returned %d versions", name, len(out.ProjectVersionDescriptions))
	}
	return out.ProjectVersionDescriptions[0]
}

// versions are all versions of the project, in small pages: the SDK closes a
// request's body when the answer begins, and where net/http was still at its
// end, it gives up the connection with all that it has not buffered.
func (a *side) versions() (all []types.ProjectVersionDescription) {
	a.t.Helper()
	pages := rekognition.NewDescribeProjectVersionsPaginator(a.Rekognition, &rekognition.DescribeProjectVersionsInput{ProjectArn: &a.project, MaxResults: aws.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(a.t.Context())
		if err != nil {
			a.t.Fatalf("DescribeProjectVersions: %v", err)
		}
		all = append(all, page.ProjectVersionDescriptions...)
	}
	return all
}

// reach waits until a version has a status.
func (a *side) reach(name string, want types.ProjectVersionStatus) types.ProjectVersionDescription {
	a.t.Helper()
	var v types.ProjectVersionDescription
	a.await(name+" "+string(want), func() (bool, string) {
		v = a.version(name)
		if v.Status != want && (strings.HasSuffix(string(v.Status), "FAILED") || v.Status == types.ProjectVersionStatusCopyingCompleted) {
			a.t.Fatalf("version %s is %s: %s; want %s", name, v.Status, aws.ToString(v.StatusMessage), want)
		}
		return v.Status == want, string(v.Status)
	})
	return v
}

func (a *side) await(what string, done func() (bool, string)) {
	a.t.Helper()
	deadline := time.After(patience)
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for {
		ok, now := done()
		if ok {
			return
		}
		select {
		case <-poll.C:
		case <-deadline:
			a.t.Fatalf("%s: still %s after %s", what, now, patience)
		}
	}
}

func (a *side) start(name, version string) {
	a.t.Helper()
	if _, err := a.Rekognition.StartProjectVersion(a.t.Context(), &rekognition.StartProjectVersionInput{ProjectVersionArn: &version, MinInferenceUnits: aws.Int32(1)}); err != nil {
		a.t.Fatalf("StartProjectVersion: %v", err)
	}
	waiter := rekognition.NewProjectVersionRunningWaiter(a.Rekognition, func(o *rekognition.ProjectVersionRunningWaiterOptions) {
		o.MinDelay, o.MaxDelay = 10*time.Millisecond, 100*time.Millisecond
	})
	if err := waiter.Wait(a.t.Context(), &rekognition.DescribeProjectVersionsInput{ProjectArn: &a.project, VersionNames: []string{name}}, patience); err != nil {
		a.t.Fatalf("start %s: %v", name, err)
	}
}

func (a *side) detect(version string, data []byte) []types.CustomLabel {
	a.t.Helper()
	out, err := a.Rekognition.DetectCustomLabels(a.t.Context(), &rekognition.DetectCustomLabelsInput{
		ProjectVersionArn: &version, Image: &types.Image{Bytes: data}, MinConfidence: aws.Float32(0),
	})
	if err != nil {
		a.t.Fatalf("DetectCustomLabels: %v", err)
	}
	return out.CustomLabels
}

func (a *side) stop(name, version string) {
	a.t.Helper()
	if _, err := a.Rekognition.StopProjectVersion(a.t.Context(), &rekognition.StopProjectVersionInput{ProjectVersionArn: &version}); err != nil {
		a.t.Fatalf("StopProjectVersion: %v", err)
	}
	a.reach(name, types.ProjectVersionStatusStopped)
}

// wantCode checks that err is the refusal that the service documents.
func wantCode(t testing.TB, what string, err error, code string) {
	t.Helper()
	var refusal smithy.APIError
	if !errors.As(err, &refusal) || refusal.ErrorCode() != code {
		t.Errorf("%s: got %v, want %s", what, err, code)
	}
}
