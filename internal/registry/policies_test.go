package registry_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/registry"
)

// document is a valid project policy for a version of a project.
func document(p arn.Project, who string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":%q},"Action":"rekognition:CopyProjectVersion","Resource":"arn:aws:rekognition:us-east-1:%s:project/%s/version/*"}]}`, who, p.Account, p.Name)
}

func TestProjectPolicies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.project("parts")
	put := func(name, text, revision string) (string, error) {
		return w.PutProjectPolicy(t.Context(), w.mine, registry.PutProjectPolicyRequest{Project: p, Name: name, Document: text, RevisionID: revision})
	}
	one, two := document(p, foreign), document(p, account)
	first, err := put("p1", one, "")
	if err != nil || !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(first) {
		t.Fatalf("revision %q, %v", first, err)
	}
	if _, err := put("p1", two, ""); !errors.Is(err, customlabels.ResourceAlreadyExists) {
		t.Errorf("the name again, without its revision: %v, want ResourceAlreadyExists", err)
	}
	second, err := put("p1", two, strings.ToUpper(first))
	if err != nil || second == first {
		t.Errorf("replaced: revision %q, %v", second, err)
	}
	for name, c := range map[string]struct{ policy, revision string }{"old revision": {"p1", first}, "unknown name": {"p2", first}} {
		if _, err := put(c.policy, one, c.revision); !errors.Is(err, customlabels.InvalidPolicyRevisionID) {
			t.Errorf("%s: %v, want InvalidPolicyRevisionId", name, err)
		}
	}
	all, _, err := w.ListProjectPolicies(t.Context(), w.mine, p, 0, "")
	if err != nil || len(all) != 1 || all[0].Document != two || all[0].RevisionID != second || !all[0].UpdatedAt.After(all[0].CreatedAt) {
		t.Errorf("policies: %+v, %v", all, err)
	}
	for _, text := range []string{"{", "[]", `{"Statement":[]}`, strings.Replace(one, "CopyProjectVersion", "DeleteProject", 1), strings.Replace(one, "Allow", "Maybe", 1), strings.Replace(one, `"Action"`, `"NotAction"`, 1)} {
		if _, err := put("bad", text, ""); !errors.Is(err, customlabels.MalformedPolicyDocument) {
			t.Errorf("%s: %v, want MalformedPolicyDocument", text, err)
		}
	}
	for i := 2; i <= 5; i++ {
		if _, err := put(fmt.Sprint("p", i), one, ""); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := put("p6", one, ""); !errors.Is(err, customlabels.ServiceQuotaExceeded) {
		t.Errorf("a sixth: %v, want ServiceQuotaExceeded", err)
	}
	var names []string
	token := ""
	for {
		page, next, err := w.ListProjectPolicies(t.Context(), w.mine, p, 2, token)
		if err != nil {
			t.Fatal(err)
		}
		for _, policy := range page {
			names = append(names, policy.Name)
		}
		if token = next; next == "" {
			break
		}
	}
	if got := strings.Join(names, " "); got != "p1 p2 p3 p4 p5" {
		t.Errorf("page by page: %s", got)
	}
	if err := w.DeleteProjectPolicy(t.Context(), w.mine, p, "p1", first); !errors.Is(err, customlabels.InvalidPolicyRevisionID) {
		t.Errorf("deleted by an old revision: %v, want InvalidPolicyRevisionId", err)
	}
	if err := w.DeleteProjectPolicy(t.Context(), w.mine, p, "p1", second); err != nil {
		t.Errorf("deleted by its revision: %v", err)
	}
	if err := w.DeleteProjectPolicy(t.Context(), w.mine, p, "p2", ""); err != nil {
		t.Errorf("deleted by name: %v", err)
	}
	if err := w.DeleteProjectPolicy(t.Context(), w.mine, p, "p2", ""); !errors.Is(err, customlabels.ResourceNotFound) {
		t.Errorf("deleted again: %v, want ResourceNotFound", err)
	}
	gone := p
	gone.Stamp = "1"
	if _, err := w.PutProjectPolicy(t.Context(), w.mine, registry.PutProjectPolicyRequest{Project: gone, Name: "p", Document: one}); !errors.Is(err, customlabels.ResourceNotFound) {
		t.Errorf("no project: %v, want ResourceNotFound", err)
	}
	if _, _, err := w.ListProjectPolicies(t.Context(), w.mine, gone, 0, ""); !errors.Is(err, customlabels.ResourceNotFound) {
		t.Errorf("policies of no project: %v, want ResourceNotFound", err)
	}
	if _, _, err := w.ListProjectPolicies(t.Context(), root(foreign), p, 0, ""); !errors.Is(err, customlabels.AccessDenied) {
		t.Errorf("policies of a foreign project: %v, want AccessDenied", err)
	}
	w.deleteProject(p)
	if left, err := w.Policies(t.Context(), p); err != nil || len(left) != 0 {
		t.Errorf("after the project: %v, %v", left, err)
	}
}

func (w *world) deleteProject(p arn.Project) {
	w.t.Helper()
	if _, err := w.DeleteProject(w.t.Context(), w.mine, p); err != nil {
		w.t.Fatal(err)
	}
	w.work()
}
