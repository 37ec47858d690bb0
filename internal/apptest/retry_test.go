package apptest_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"

	"mimeo/internal/apptest"
)

// TestALostAnswerIsRepeated: the SDK sends a copy again whose answer the
// network lost, and is given the same ARN.
func TestALostAnswerIsRepeated(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Options{Families: light})
	a := newSide(t, s, trusting, "trusting-images", "parts")
	source := trainSmall(a)
	network := &losing{RoundTripper: s.HTTP.Transport}
	cfg := a.Config.Copy()
	cfg.HTTPClient = &http.Client{Transport: network}
	cfg.Retryer = func() aws.Retryer { return retry.NewStandard() }
	out, err := rekognition.NewFromConfig(cfg).CopyProjectVersion(t.Context(), &rekognition.CopyProjectVersionInput{
		SourceProjectArn: &a.project, SourceProjectVersionArn: &source, DestinationProjectArn: &a.project,
		VersionName: aws.String("copied"), OutputConfig: &types.OutputConfig{S3Bucket: &a.bucket},
	})
	if err != nil {
		t.Fatalf("CopyProjectVersion: %v", err)
	}
	if got := network.sent.Load(); got != 2 {
		t.Errorf("the SDK sent %d requests, want 2", got)
	}
	v := a.reach("copied", types.ProjectVersionStatusCopyingCompleted)
	if aws.ToString(v.ProjectVersionArn) != aws.ToString(out.ProjectVersionArn) || len(a.versions()) != 2 {
		t.Errorf("the answer is %s, the copy %s, of %d versions", aws.ToString(out.ProjectVersionArn), aws.ToString(v.ProjectVersionArn), len(a.versions()))
	}
}

// losing loses the answer to the first copy.
type losing struct {
	http.RoundTripper
	sent atomic.Int64
}

func (l *losing) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := l.RoundTripper.RoundTrip(r)
	if err != nil || !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".CopyProjectVersion") || l.sent.Add(1) > 1 {
		return answer, err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return nil, errors.Join(io.ErrUnexpectedEOF, err, answer.Body.Close())
}
