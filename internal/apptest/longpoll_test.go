package apptest_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"

	"mimeo/internal/apptest"
	"mimeo/internal/copier"
)

// TestLongPollsLeavePlacesToOthers: an account waits for news of a slow copy
// as often as it can, until it is refused. Another account is answered.
func TestLongPollsLeavePlacesToOthers(t *testing.T) {
	t.Parallel()
	const places = 4
	s := apptest.Start(t, apptest.Options{Families: light, MaxInFlight: places})
	a := newSide(t, s, trusting, "trusting-images", "parts")
	source := trainSmall(a)
	b := newSide(t, s, trusted, "trusted-results", "production")
	var made struct{ ProjectVersionArn string }
	err := a.Mimeo(t.Context(), "CopyProjectVersion", struct {
		*rekognition.CopyProjectVersionInput
		Mode      string
		RateLimit int64
	}{&rekognition.CopyProjectVersionInput{
		SourceProjectArn: &a.project, SourceProjectVersionArn: &source, DestinationProjectArn: &a.project, VersionName: aws.String("slow"),
		OutputConfig: &types.OutputConfig{S3Bucket: &a.bucket},
	}, "RESEAL", copier.MinRateLimit}, &made)
	if err != nil {
		t.Fatal(err)
	}
	ctx, goHome := context.WithCancel(t.Context())
	ends := make(chan error, places+1)
	for range cap(ends) {
		go func() { ends <- a.follow(ctx, made.ProjectVersionArn) }()
	}
	wantCode(t, "a request without a place", <-ends, "ThrottlingException")
	if err := b.Mimeo(t.Context(), "ListEventTargets", struct{}{}, new(struct{})); err != nil {
		t.Errorf("another account, while the first one waits: %v", err)
	}
	goHome()
	for range cap(ends) - 1 {
		<-ends
	}
}

// follow waits for one news of a copy after the other, until it has ended.
func (s *side) follow(ctx context.Context, version string) error {
	in := map[string]any{"ProjectVersionArn": version, "WaitSeconds": 60}
	for {
		var d struct{ Status string }
		if err := s.Mimeo(ctx, "DescribeCopy", in, &d); err != nil || d.Status != "COPYING_IN_PROGRESS" {
			return err
		}
	}
}
