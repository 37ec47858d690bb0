package apptest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"

	"mimeo/internal/apptest"
)

// A training is what DescribeTraining tells.
type training struct {
	Status, StatusMessage string
	Phase, Activity       string
	Epoch, Epochs         int
	Curve                 []struct {
		Activity string
		Epoch    int
		Loss     float64
	}
	PartsDone, PartsTotal           int
	EstimatedSeconds, WorkedSeconds float64
	Seed, Revision                  int64
}

// followTraining waits for one news of a training after the other, until they
// are what is awaited.
func (a *side) followTraining(version string, awaited func(training) bool) (d training) {
	a.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		in := map[string]any{"ProjectVersionArn": version, "WaitSeconds": 5, "Revision": d.Revision}
		d = training{}
		if err := a.Mimeo(a.t.Context(), "DescribeTraining", in, &d); err != nil {
			a.t.Fatalf("DescribeTraining: %v", err)
		}
		if awaited(d) {
			return d
		}
	}
	a.t.Fatalf("the training is still %+v", d)
	return d
}

// TestATrainingIsFollowedAndCancelled over HTTP, while the product's own
// classifier learns: who polls DescribeProjectVersions sees it too.
func TestATrainingIsFollowedAndCancelled(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Options{})
	a := newSide(t, s, trusted, "images", "parts")
	a.dataset(types.DatasetTypeTrain, 40, 1)
	a.dataset(types.DatasetTypeTest, 4, 50000)
	key := a.newKey()
	out, err := a.Rekognition.CreateProjectVersion(t.Context(), &rekognition.CreateProjectVersionInput{
		ProjectArn: &a.project, VersionName: aws.String("v1"), KmsKeyId: &key,
		OutputConfig: &types.OutputConfig{S3Bucket: &a.bucket, S3KeyPrefix: aws.String("results")},
	})
	if err != nil {
		t.Fatalf("CreateProjectVersion: %v", err)
	}
	version := aws.ToString(out.ProjectVersionArn)
	d := a.followTraining(version, func(d training) bool { return d.Phase == "TRAINING" && d.EstimatedSeconds > 0 })
	if d.Activity == "" || d.PartsTotal <= d.PartsDone || d.WorkedSeconds <= 0 || d.Seed == 0 {
		t.Errorf("on its way the training is %+v", d)
	}
	if message := aws.ToString(a.version("v1").StatusMessage); !strings.HasPrefix(message, "Training the model: ") {
		t.Errorf("DescribeProjectVersions tells %q", message)
	}
	in := map[string]any{"ProjectVersionArn": version}
	b := newSide(t, s, trusting, "others", "others")
	wantCode(t, "another account", b.Mimeo(t.Context(), "CancelTraining", in, new(struct{})), "AccessDeniedException")
	wantCode(t, "DescribeCopy of a training", a.Mimeo(t.Context(), "DescribeCopy", in, new(struct{})), "InvalidParameterException")
	var said struct{ Status string }
	if err := a.Mimeo(t.Context(), "CancelTraining", in, &said); err != nil || said.Status != "TRAINING_IN_PROGRESS" {
		t.Errorf("CancelTraining: %+v, %v", said, err)
	}
	d = a.followTraining(version, func(d training) bool { return d.Status != "TRAINING_IN_PROGRESS" })
	if want := "The training was cancelled by arn:aws:iam::" + trusted + ":root."; d.Status != "TRAINING_FAILED" || d.StatusMessage != want {
		t.Errorf("the cancelled training is %s: %s", d.Status, d.StatusMessage)
	}
	wantCode(t, "a second time", a.Mimeo(t.Context(), "CancelTraining", in, new(struct{})), "ResourceInUseException")
	awaitJobs(t, a, key)
	if left := a.keys("results/"); len(left) > 0 {
		t.Errorf("files are left: %q", left)
	}
	a.delete("v1", version)
	checkNothingIsLeft(t, s, key)
}
