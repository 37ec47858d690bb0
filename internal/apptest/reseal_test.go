package apptest_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/google/go-cmp/cmp"

	"mimeo/internal/apptest"
	"mimeo/internal/copier"
)

// TestACopyIsResealedFollowedAndCancelled over HTTP.
func TestACopyIsResealedFollowedAndCancelled(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Options{Families: light})
	a := newSide(t, s, trusting, "trusting-images", "parts")
	source := trainSmall(a)
	b := newSide(t, s, trusted, "trusted-results", "production")
	allow(t, a, trusted)
	copying := struct {
		*rekognition.CopyProjectVersionInput
		Mode      string
		RateLimit int64 `json:",omitempty"`
	}{&rekognition.CopyProjectVersionInput{
		SourceProjectArn: &a.project, SourceProjectVersionArn: &source, DestinationProjectArn: &b.project, VersionName: aws.String("whole"),
		OutputConfig: &types.OutputConfig{S3Bucket: &b.bucket, S3KeyPrefix: aws.String("results")},
	}, "RESEAL", 0}
	var made struct{ ProjectVersionArn string }
	if err := b.Mimeo(t.Context(), "CopyProjectVersion", copying, &made); err != nil {
		t.Fatal(err)
	}
	var progress struct {
		Status, StatusMessage string
		BytesDone, BytesTotal int64
	}
	for progress.Status == "" || progress.Status == "COPYING_IN_PROGRESS" {
		if err := b.Mimeo(t.Context(), "DescribeCopy", map[string]any{"ProjectVersionArn": made.ProjectVersionArn, "WaitSeconds": 60}, &progress); err != nil {
			t.Fatal(err)
		}
	}
	if progress.Status != "COPYING_COMPLETED" {
		t.Errorf("the copy ended %s: %s", progress.Status, progress.StatusMessage)
	}
	checkCopied(t, b, b.version("whole"), readResults(t, a, a.version("v1")))
	a.start("v1", source)
	b.start("whole", made.ProjectVersionArn)
	if diff := cmp.Diff(a.detect(source, question(t)), b.detect(made.ProjectVersionArn, question(t)), ignoreSDK); diff != "" {
		t.Errorf("the resealed copy answers otherwise than its source (-source +copy):\n%s", diff)
	}
	a.stop("v1", source)
	b.stop("whole", made.ProjectVersionArn)
	whole := map[string]any{"ProjectVersionArn": made.ProjectVersionArn}
	wantCode(t, "a copy that has ended", b.Mimeo(t.Context(), "CancelCopy", whole, new(struct{})), "ResourceInUseException")
	wantCode(t, "another's copy", a.Mimeo(t.Context(), "CancelCopy", whole, new(struct{})), "AccessDeniedException")
	wantCode(t, "another's progress", a.Mimeo(t.Context(), "DescribeCopy", whole, new(struct{})), "AccessDeniedException")
	whole["WaitSeconds"] = 61
	wantCode(t, "too long a wait", b.Mimeo(t.Context(), "DescribeCopy", whole, new(struct{})), "InvalidParameterException")

	copying.VersionName, copying.RateLimit = aws.String("slow"), copier.MinRateLimit
	if err := b.Mimeo(t.Context(), "CopyProjectVersion", copying, &made); err != nil {
		t.Fatal(err)
	}
	slow := map[string]any{"ProjectVersionArn": made.ProjectVersionArn, "WaitSeconds": 60}
	var status struct{ Status string }
	if err := b.Mimeo(t.Context(), "CancelCopy", map[string]any{"ProjectVersionArn": made.ProjectVersionArn}, &status); err != nil || status.Status != "DELETING" {
		t.Fatalf("CancelCopy = %s, %v", status.Status, err)
	}
	for {
		err := b.Mimeo(t.Context(), "DescribeCopy", slow, &progress)
		if err != nil {
			wantCode(t, "a cancelled copy", err, "ResourceNotFoundException")
			break
		}
	}
	copying.Mode = "SHARE"
	wantCode(t, "a rate of a copy that shares", b.Mimeo(t.Context(), "CopyProjectVersion", copying, &made), "InvalidParameterException")
	copying.RateLimit--
	wantCode(t, "too low a rate", b.Mimeo(t.Context(), "CopyProjectVersion", copying, &made), "InvalidParameterException")
	copying.Mode, copying.RateLimit = "BOTH", 0
	wantCode(t, "no mode", b.Mimeo(t.Context(), "CopyProjectVersion", copying, &made), "InvalidParameterException")
}
