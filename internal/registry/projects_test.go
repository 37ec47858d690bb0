package registry_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/registry"
)

func TestCreateProject(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.project("parts")
	if got, err := w.Project(t.Context(), p); err != nil || got.Status != customlabels.ProjectCreated || got.Feature != customlabels.CustomLabels || fmt.Sprint(got.CreatedAt.UnixMilli()) != p.Stamp {
		t.Errorf("Project(%s) = %+v, %v", p, got, err)
	}
	if _, err := w.CreateProject(t.Context(), w.mine, registry.CreateProjectRequest{Name: "parts"}); !errors.Is(err, customlabels.ResourceInUse) {
		t.Errorf("a second project of the name: %v, want ResourceInUse", err)
	}
	elsewhere := w.mine
	elsewhere.Region = "eu-west-1"
	for _, caller := range []arn.Caller{elsewhere, root(foreign)} {
		if _, err := w.CreateProject(t.Context(), caller, registry.CreateProjectRequest{Name: "parts"}); err != nil {
			t.Errorf("the name in another namespace, for %v: %v", caller, err)
		}
	}
	if _, err := w.CreateProject(t.Context(), w.mine, registry.CreateProjectRequest{Name: "x", Feature: customlabels.ContentModeration}); !errors.Is(err, customlabels.InvalidParameter) {
		t.Errorf("an adapter's project: %v, want InvalidParameter", err)
	}
	if _, err := w.CreateProject(t.Context(), w.mine, registry.CreateProjectRequest{Name: "x", AutoUpdate: "ENABLED"}); !errors.Is(err, customlabels.InvalidParameter) {
		t.Errorf("AutoUpdate: %v, want InvalidParameter", err)
	}
}

func TestProjectQuota(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 100 {
		w.project(fmt.Sprintf("p%d", i))
	}
	if _, err := w.CreateProject(t.Context(), w.mine, registry.CreateProjectRequest{Name: "more"}); !errors.Is(err, customlabels.LimitExceeded) {
		t.Errorf("project 101: %v, want LimitExceeded", err)
	}
}

func TestDescribeProjectsPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var want []string
	for i := range 5 {
		want = append([]string{w.project(fmt.Sprintf("p%d", i)).Name}, want...)
	}
	var got []string
	req := registry.DescribeProjectsRequest{MaxResults: 2}
	for {
		page, next, err := w.DescribeProjects(t.Context(), w.mine, req)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page {
			got = append(got, p.ARN.Name)
		}
		if req.NextToken = next; next == "" {
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("all pages (-want +got):\n%s", diff)
	}
	named, _, err := w.DescribeProjects(t.Context(), w.mine, registry.DescribeProjectsRequest{Names: []string{"p3", "none"}})
	if err != nil || len(named) != 1 || named[0].ARN.Name != "p3" {
		t.Errorf("by name: %v, %v", named, err)
	}
	adapters, _, err := w.DescribeProjects(t.Context(), w.mine, registry.DescribeProjectsRequest{Features: []customlabels.Feature{customlabels.ContentModeration}})
	if err != nil || len(adapters) != 0 {
		t.Errorf("adapters: %v, %v", adapters, err)
	}
	if others, _, err := w.DescribeProjects(t.Context(), root(foreign), registry.DescribeProjectsRequest{}); err != nil || len(others) != 0 {
		t.Errorf("another account sees %v, %v", others, err)
	}
}

func TestTokenIsBound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 3 {
		w.project(fmt.Sprintf("p%d", i))
	}
	first := registry.DescribeProjectsRequest{MaxResults: 1}
	_, token, err := w.DescribeProjects(t.Context(), w.mine, first)
	if err != nil || token == "" {
		t.Fatalf("token %q, %v", token, err)
	}
	elsewhere := w.mine
	elsewhere.Region = "eu-west-1"
	flipped := []byte(token)
	flipped[len(flipped)-3] ^= 1
	cases := map[string]struct {
		caller arn.Caller
		req    registry.DescribeProjectsRequest
	}{
		"other account": {root(foreign), registry.DescribeProjectsRequest{NextToken: token}},
		"other region":  {elsewhere, registry.DescribeProjectsRequest{NextToken: token}},
		"other filter":  {w.mine, registry.DescribeProjectsRequest{NextToken: token, Names: []string{"p1"}}},
		"tampered":      {w.mine, registry.DescribeProjectsRequest{NextToken: string(flipped)}},
		"cut":           {w.mine, registry.DescribeProjectsRequest{NextToken: token[:20]}},
		"invented":      {w.mine, registry.DescribeProjectsRequest{NextToken: "page 2"}},
	}
	for name, c := range cases {
		if _, _, err := w.DescribeProjects(t.Context(), c.caller, c.req); !errors.Is(err, customlabels.InvalidPaginationToken) {
			t.Errorf("%s: %v, want InvalidPaginationToken", name, err)
		}
	}
	if _, _, err := w.DescribeProjects(t.Context(), w.mine, registry.DescribeProjectsRequest{NextToken: token, MaxResults: 50}); err != nil {
		t.Errorf("another page size: %v", err)
	}
	w.mu.Lock()
	w.clock = w.clock.AddDate(0, 0, 2)
	w.mu.Unlock()
	if _, _, err := w.DescribeProjects(t.Context(), w.mine, registry.DescribeProjectsRequest{NextToken: token}); !errors.Is(err, customlabels.InvalidPaginationToken) {
		t.Errorf("after two days: %v, want InvalidPaginationToken", err)
	}
}

func TestAuthorize(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.project("parts")
	ann := user("ann")
	_, err := w.CreateProject(t.Context(), ann, registry.CreateProjectRequest{Name: "anns"})
	if !errors.Is(err, customlabels.AccessDenied) || !strings.Contains(err.Error(), "User: arn:aws:iam::111122223333:user/ann is not authorized to perform: rekognition:CreateProject on resource: arn:aws:rekognition:us-east-1:111122223333:project/anns/") {
		t.Errorf("without a policy: %v", err)
	}
	w.allow(ann, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"rekognition:CreateProject","Resource":"arn:aws:rekognition:*:*:project/anns/*"}}`)
	if _, err := w.CreateProject(t.Context(), ann, registry.CreateProjectRequest{Name: "anns"}); err != nil {
		t.Errorf("with a policy for the would-be ARN: %v", err)
	}
	if _, err := w.CreateProject(t.Context(), ann, registry.CreateProjectRequest{Name: "other"}); !errors.Is(err, customlabels.AccessDenied) {
		t.Errorf("another name: %v, want AccessDenied", err)
	}
	if _, err := w.CreateProject(t.Context(), ann, registry.CreateProjectRequest{Name: "anns2", Tags: customlabels.Tags{"a": "b"}}); !errors.Is(err, customlabels.AccessDenied) {
		t.Errorf("tags without TagResource: %v, want AccessDenied", err)
	}

	there := w.Authorize(t.Context(), root(foreign), "rekognition:DeleteProject", p, p.Namespace)
	gone := p
	gone.Stamp = "1"
	notThere := w.Authorize(t.Context(), root(foreign), "rekognition:DeleteProject", gone, gone.Namespace)
	if !errors.Is(there, customlabels.AccessDenied) || strings.ReplaceAll(there.Error(), p.String(), gone.String()) != notThere.Error() {
		t.Errorf("a foreign project that is there:\n%v\none that is not:\n%v", there, notThere)
	}
}
