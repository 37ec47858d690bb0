package apptest_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"mimeo/internal/apptest"
)

// TestEventsOfACopy: the destination's account hears of the copy, and nobody
// else; the secret is never shown.
func TestEventsOfACopy(t *testing.T) {
	t.Parallel()
	secret := "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32)))
	verifier, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var got []string
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = verifier.Verify(body, r.Header)
		}
		var e struct{ Type, Subject string }
		if err == nil {
			err = json.Unmarshal(body, &e)
		}
		if err != nil {
			t.Errorf("the receiver got %q: %v", body, err)
		}
		mu.Lock()
		defer mu.Unlock()
		got = append(got, strings.Split(e.Subject, ":")[4]+" "+e.Type)
		w.WriteHeader(http.StatusNoContent)
	}))
	defer receiver.Close()

	s := apptest.Start(t, apptest.Options{Families: light})
	a, b := newSide(t, s, trusting, "images", "parts"), newSide(t, s, trusted, "results", "production")
	source := trainSmall(a)
	allow(t, a, trusted)
	put := map[string]any{"Name": "ci", "Url": receiver.URL, "Secret": secret}
	if err := b.Mimeo(t.Context(), "PutEventTarget", put, new(struct{})); err != nil {
		t.Fatalf("PutEventTarget: %v", err)
	}
	_, err = b.Rekognition.CopyProjectVersion(t.Context(), &rekognition.CopyProjectVersionInput{
		SourceProjectArn: &a.project, SourceProjectVersionArn: &source, DestinationProjectArn: &b.project, VersionName: aws.String("v1"),
		OutputConfig: &types.OutputConfig{S3Bucket: &b.bucket},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{trusted + " mimeo.projectversion.COPYING_IN_PROGRESS", trusted + " mimeo.projectversion.COPYING_COMPLETED"}
	b.await("two events", func() (bool, string) {
		mu.Lock()
		defer mu.Unlock()
		return len(got) >= len(want), strings.Join(got, ", ")
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	var listed struct{ EventTargets []map[string]any }
	if err := b.Mimeo(t.Context(), "ListEventTargets", struct{}{}, &listed); err != nil || len(listed.EventTargets) != 1 {
		t.Fatalf("ListEventTargets: %v, %v", listed, err)
	}
	for member, value := range listed.EventTargets[0] {
		if text, ok := value.(string); ok && strings.Contains(text, strings.TrimPrefix(secret, "whsec_")) {
			t.Errorf("%s shows the secret", member)
		}
	}
	if log := s.Log(); strings.Contains(log, secret) {
		t.Error("the log shows the secret")
	}
	for name, in := range map[string]map[string]any{
		"a reserved address": {"Name": "x", "Url": "http://169.254.169.254/", "Secret": secret},
		"no secret":          {"Name": "x", "Url": receiver.URL},
	} {
		var refused smithy.APIError
		if err := b.Mimeo(t.Context(), "PutEventTarget", in, new(struct{})); !errors.As(err, &refused) || refused.ErrorFault() == smithy.FaultServer {
			t.Errorf("%s: got %v, want a refusal", name, err)
		}
	}
	if err := b.Mimeo(t.Context(), "DeleteEventTarget", map[string]any{"Name": "ci"}, new(struct{})); err != nil {
		t.Errorf("DeleteEventTarget: %v", err)
	}
}
