package copier_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"mimeo/internal/copier"
	"mimeo/internal/customlabels"
)

// TestPoliciesOfTheOutputBucket are asked about the files as they are going to
// be written; what another account's bucket allows is not enough.
func TestPoliciesOfTheOutputBucket(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const own, foreign = "destination-custom-labels", "source-custom-labels"
	put := func(bucket, principal, effect, condition string) {
		t.Helper()
		as := trusted
		if bucket == foreign {
			as = trusting
		}
		text := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":%q,"Principal":{"AWS":%q},"Action":"s3:PutObject","Resource":"arn:aws:s3:::%s/*"%s}]}`,
			effect, principal, bucket, condition)
		if err := w.buckets.PutBucketPolicy(t.Context(), as, bucket, text); err != nil {
			t.Fatal(err)
		}
	}
	put(own, "*", "Deny", `,"Condition":{"StringNotEquals":{"s3:x-amz-server-side-encryption":"aws:kms"}}`)
	put(foreign, "arn:aws:iam::555555555555:root", "Allow", "")
	for name, test := range map[string]struct {
		change  func(*copier.Request)
		want    error
		message string
	}{
		"sealed as the bucket demands": {func(*copier.Request) {}, nil, ""},
		"sealed otherwise":             {func(r *copier.Request) { r.KMSKeyID = "" }, customlabels.AccessDenied, "s3:PutObject is denied"},
		"into another account":         {func(r *copier.Request) { r.Output.Bucket = foreign }, customlabels.InvalidParameter, "it belongs to another account"},
	} {
		req := w.request("c" + strings.ReplaceAll(name, " ", "-"))
		test.change(&req)
		v, err := w.Start(t.Context(), trusted, req)
		if !errors.Is(err, test.want) || err != nil && !strings.Contains(err.Error(), test.message) {
			t.Errorf("%s: %v, want %v with %q", name, err, test.want, test.message)
		}
		if err == nil {
			w.drain(t)
			if got := w.version(t, v); got.Status != customlabels.CopyingCompleted {
				t.Errorf("%s: the copy is %s: %s", name, got.Status, got.StatusMessage)
			}
		}
	}
}
