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

// TestShutdownDuringTraining stops the server while it trains, in good order:
// it does not wait for the training's end, and the next start goes on.
func TestShutdownDuringTraining(t *testing.T) {
	t.Parallel()
	o := apptest.Options{DataDir: t.TempDir()}
	s := apptest.Start(t, o)
	a := newSide(t, s, trusting, "images", "parts")
	a.dataset(types.DatasetTypeTrain, 40, 1)
	a.dataset(types.DatasetTypeTest, 4, 50000)
	_, err := a.Rekognition.CreateProjectVersion(t.Context(), &rekognition.CreateProjectVersionInput{
		ProjectArn: &a.project, VersionName: aws.String("v1"),
		OutputConfig: &types.OutputConfig{S3Bucket: &a.bucket, S3KeyPrefix: aws.String("results")},
	})
	if err != nil {
		t.Fatalf("CreateProjectVersion: %v", err)
	}
	a.await("training to begin", func() (bool, string) {
		v := a.version("v1")
		if v.Status != types.ProjectVersionStatusTrainingInProgress {
			t.Fatalf("the version is %s before the server could be stopped", v.Status)
		}
		message := aws.ToString(v.StatusMessage)
		return strings.HasPrefix(message, "Training the model"), message
	})
	began := time.Now()
	s.Stop()
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the server took %s to stop", took)
	}
	if !strings.Contains(s.Log(), `"outcome":"interrupted","kind":"train"`) {
		t.Errorf("the training was not interrupted")
	}
	again := apptest.Start(t, o)
	a.Client = again.Client(t, trusting)
	a.reach("v1", types.ProjectVersionStatusTrainingCompleted)
}

// TestRestartKeepsRunning restarts a server on which a version runs: it runs
// on, and answers at once with the same bits.
func TestRestartKeepsRunning(t *testing.T) {
	t.Parallel()
	o := apptest.Options{DataDir: t.TempDir(), Families: light}
	s := apptest.Start(t, o)
	a := newSide(t, s, trusting, "images", "parts")
	version := trainSmall(a)
	a.start("v1", version)
	data := picture(t, classes[1], 3)
	want := a.detect(version, data)
	s.Stop()
	a.Client = apptest.Start(t, o).Client(t, trusting)
	got := a.detect(version, data)
	if len(got) != len(want) || aws.ToFloat32(got[0].Confidence) != aws.ToFloat32(want[0].Confidence) {
		t.Errorf("after the restart the answer is %+v, before it was %+v", got, want)
	}
	a.stop("v1", version)
	_, err := a.Rekognition.DetectCustomLabels(t.Context(), &rekognition.DetectCustomLabelsInput{ProjectVersionArn: &version, Image: &types.Image{Bytes: data}})
	wantCode(t, "detect on a stopped version", err, "ResourceNotReadyException")
}
