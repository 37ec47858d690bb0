package registry_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mimeo/internal/copier"
	"mimeo/internal/customlabels"
	"mimeo/internal/job"
	"mimeo/internal/registry"
)

func TestDescribeProjectVersions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.project("parts")
	for _, name := range []string{"v1", "v2", "v3"} {
		w.version(p, name, customlabels.TrainingCompleted)
	}
	var got []string
	req := registry.DescribeProjectVersionsRequest{Project: p, MaxResults: 2}
	for {
		page, next, err := w.DescribeProjectVersions(t.Context(), w.mine, req)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range page {
			got = append(got, v.ARN.Name)
		}
		if req.NextToken = next; next == "" {
			break
		}
	}
	if diff := cmp.Diff([]string{"v3", "v2", "v1"}, got); diff != "" {
		t.Errorf("page by page (-want +got):\n%s", diff)
	}
	named, _, err := w.DescribeProjectVersions(t.Context(), w.mine, registry.DescribeProjectVersionsRequest{Project: p, Names: []string{"v2", "v9"}})
	if err != nil || len(named) != 1 || named[0].ARN.Name != "v2" {
		t.Errorf("by name: %v, %v", named, err)
	}
	gone := p
	gone.Stamp = "1"
	if _, _, err := w.DescribeProjectVersions(t.Context(), w.mine, registry.DescribeProjectVersionsRequest{Project: gone}); !errors.Is(err, customlabels.ResourceNotFound) {
		t.Errorf("no project: %v, want ResourceNotFound", err)
	}
	if _, _, err := w.DescribeProjectVersions(t.Context(), root(foreign), registry.DescribeProjectVersionsRequest{Project: p}); !errors.Is(err, customlabels.AccessDenied) {
		t.Errorf("foreign: %v, want AccessDenied", err)
	}
}

func TestDeleteProjectVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.project("parts")
	for _, status := range []customlabels.Status{
		customlabels.TrainingInProgress, customlabels.CopyingInProgress, customlabels.Starting,
		customlabels.Running, customlabels.Stopping, customlabels.Deleting,
	} {
		v := w.version(p, string(status), status)
		if _, err := w.DeleteProjectVersion(t.Context(), w.mine, v.ARN); !errors.Is(err, customlabels.ResourceInUse) {
			t.Errorf("%s: %v, want ResourceInUse", status, err)
		}
	}
	if _, err := w.DeleteProject(t.Context(), w.mine, p); !errors.Is(err, customlabels.ResourceInUse) {
		t.Errorf("a project with versions: %v, want ResourceInUse", err)
	}
	for _, status := range []customlabels.Status{
		customlabels.TrainingCompleted, customlabels.TrainingFailed, customlabels.CopyingCompleted,
		customlabels.CopyingFailed, customlabels.Stopped, customlabels.Failed,
	} {
		v := w.version(p, string(status), status)
		if got, err := w.DeleteProjectVersion(t.Context(), w.mine, v.ARN); err != nil || got != customlabels.Deleting {
			t.Errorf("%s: %s, %v", status, got, err)
		}
		w.work()
		if _, err := w.Version(t.Context(), v.ARN); !errors.Is(err, customlabels.ResourceNotFound) {
			t.Errorf("%s, deleted: %v, want ResourceNotFound", status, err)
		}
		if !slices.Contains(w.retired, "grant of "+string(status)) {
			t.Errorf("%s: its grant is not retired, only %q", status, w.retired)
		}
	}
}

func TestDeletePinnedVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.project("parts")
	source := w.version(p, "v1", customlabels.TrainingCompleted)
	copied := customlabels.ProjectVersion{
		ARN: p.Version("copy", "1"), Project: p, Status: customlabels.CopyingInProgress, CreatedAt: w.now(), Source: source.ARN,
		OutputConfig: source.OutputConfig,
	}
	if err := w.db.Copies().InsertCopy(t.Context(), roomy(copied, nil), copier.Invocation{}, job.Spec{Kind: "copy", Key: "copy"}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.DeleteProjectVersion(t.Context(), w.mine, source.ARN); !errors.Is(err, customlabels.ResourceInUse) {
		t.Errorf("a version that is being copied: %v, want ResourceInUse", err)
	}
	if v, err := w.Version(t.Context(), source.ARN); err != nil || v.Status != customlabels.TrainingCompleted {
		t.Errorf("after the refusal: %s, %v", v.Status, err)
	}
}
