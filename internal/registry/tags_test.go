package registry_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mimeo/internal/customlabels"
	"mimeo/internal/registry"
)

func TestTags(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.project("parts")
	d, err := w.CreateDataset(t.Context(), w.mine, registry.CreateDatasetRequest{Project: p, Type: customlabels.Test})
	if err != nil {
		t.Fatal(err)
	}
	v := w.version(p, "v1", customlabels.TrainingCompleted)
	for _, text := range []string{p.String(), d.String(), v.ARN.String()} {
		r, err := registry.ParseResource(text)
		if err != nil || r.ARN.String() != text {
			t.Fatalf("ParseResource(%s) = %v, %v", text, r, err)
		}
		if err := w.TagResource(t.Context(), w.mine, r, customlabels.Tags{"a": "1", "b": "2"}); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if err := w.TagResource(t.Context(), w.mine, r, customlabels.Tags{"b": "3", "c": ""}); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if err := w.UntagResource(t.Context(), w.mine, r, []string{"a", "none"}); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		got, err := w.ListTagsForResource(t.Context(), w.mine, r)
		if diff := cmp.Diff(customlabels.Tags{"b": "3", "c": ""}, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", text, err, diff)
		}
		many := customlabels.Tags{}
		for i := range customlabels.MaxTags - 1 {
			many[fmt.Sprint("k", i)] = ""
		}
		if err := w.TagResource(t.Context(), w.mine, r, many); !errors.Is(err, customlabels.ServiceQuotaExceeded) {
			t.Errorf("%s: 51 tags: %v, want ServiceQuotaExceeded", text, err)
		}
		if got, err := w.ListTagsForResource(t.Context(), w.mine, r); err != nil || len(got) != 2 {
			t.Errorf("%s: after the refusal: %v, %v", text, got, err)
		}
		if _, err := w.ListTagsForResource(t.Context(), root(foreign), r); !errors.Is(err, customlabels.AccessDenied) {
			t.Errorf("%s: foreign: %v, want AccessDenied", text, err)
		}
	}
	gone := p
	gone.Stamp = "1"
	none := registry.Resource{Namespace: gone.Namespace, ARN: gone}
	_, err = w.ListTagsForResource(t.Context(), w.mine, none)
	for name, err := range map[string]error{
		"list":  err,
		"tag":   w.TagResource(t.Context(), w.mine, none, customlabels.Tags{"a": "b"}),
		"untag": w.UntagResource(t.Context(), w.mine, none, []string{"a"}),
	} {
		if !errors.Is(err, customlabels.ResourceNotFound) {
			t.Errorf("%s of nothing: %v, want ResourceNotFound", name, err)
		}
	}
	for _, text := range []string{"", "arn:aws:rekognition:us-east-1:111122223333:collection/faces", "arn:aws:s3:::bucket", "project/x/1"} {
		if r, err := registry.ParseResource(text); err == nil {
			t.Errorf("ParseResource(%q) = %v", text, r)
		}
	}
	over := customlabels.Tags{}
	for i := range customlabels.MaxTags + 1 {
		over[fmt.Sprint("k", i)] = ""
	}
	if _, err := w.CreateProject(t.Context(), w.mine, registry.CreateProjectRequest{Name: "over", Tags: over}); !errors.Is(err, customlabels.InvalidParameter) {
		t.Errorf("a project with 51 tags: %v, want InvalidParameter", err)
	}
}
