package copier_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"mimeo/internal/arn"
	"mimeo/internal/copier"
	"mimeo/internal/customlabels"
	"mimeo/internal/fault"
	"mimeo/internal/quota"
	"mimeo/internal/registry"
)

// The quotas that the machine runs under: small, so that they are met.
const maxCopies, maxModels = 2, 3

// TestCopiesAreAsTheOracleSays makes random sequences of requests, about
// versions, policies, pins and quotas, in every mode, and runs jobs now and then. Each answer,
// and after each request what is there, is what a simple oracle says.
func TestCopiesAreAsTheOracleSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.setQuotas(t, quota.Values{quota.CopiesInProgress: new(maxCopies), quota.ModelsPerProject: new(maxModels)})
	projects := 0
	answers := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		projects++
		m := &machine{w: w, answers: answers, policies: map[string]bool{}, copies: map[string]oracleCopy{}}
		m.from, m.into = w.newProject(w.t, trusting, fmt.Sprint("from", projects)), w.newProject(w.t, trusted, fmt.Sprint("into", projects))
		m.train()
		m.put(t, "p", "Allow") // or most sequences would be refused to the end
		t.Repeat(map[string]func(*rapid.T){
			"":              m.check,
			"copy":          m.copy,
			"cancel":        m.cancel,
			"delete a copy": m.deleteCopy,
			"delete source": m.deleteSource,
			"put policy":    m.putPolicy,
			"drop policy":   m.dropPolicy,
			"run jobs":      func(*rapid.T) { m.runJobs() },
		})
		m.runJobs()
		m.meetAll(t)
	})
	t.Logf("answers: %v", answers)
	for _, code := range []fault.Code{"", customlabels.AccessDenied, customlabels.ResourceNotFound, customlabels.ResourceInUse, customlabels.LimitExceeded, customlabels.ServiceQuotaExceeded} {
		if answers[string(code)] == 0 {
			t.Errorf("no request was answered with %q", code)
		}
	}
}

// A machine is the world beside its oracle.
type machine struct {
	w          *world
	answers    map[string]int
	from, into arn.Project
	// What the oracle knows.
	source   customlabels.ProjectVersion
	deleting bool            // the source
	policies map[string]bool // by name: whether it allows or denies
	copies   map[string]oracleCopy
	trained  int
}

type oracleCopy struct {
	arn       arn.ProjectVersion
	status    customlabels.Status
	cancelled bool
}

func (m *machine) count(status customlabels.Status) (n int) {
	for _, c := range m.copies {
		if c.status == status {
			n++
		}
	}
	return n
}

func (m *machine) allowed() bool {
	allow := false
	for _, allows := range m.policies {
		if !allows {
			return false
		}
		allow = true
	}
	return allow
}

// expect compares a refusal with the oracle's.
func (m *machine) expect(t *rapid.T, what string, err error, want fault.Code) bool {
	t.Helper()
	m.answers[string(want)]++
	switch {
	case want == "" && err != nil:
		t.Fatalf("%s: %v, want success", what, err)
	case want != "" && !errors.Is(err, want):
		t.Fatalf("%s: %v, want %s", what, err, want)
	}
	return want == ""
}

func (m *machine) train() {
	m.trained++
	m.source, m.deleting = m.w.train(m.w.t, m.from, fmt.Sprint("v", m.trained)), false
}

var copyNames = []string{"a", "b", "c", "d", "e"}

func (m *machine) copy(t *rapid.T) {
	m.copyAs(t, rapid.SampledFrom(copyNames).Draw(t, "name"))
}

// meetAll meets every answer, whatever came before: it copies without a
// policy, and with one under every name at once until both quotas are full.
func (m *machine) meetAll(t *rapid.T) {
	for _, name := range sortedKeys(m.policies) {
		m.drop(t, name)
	}
	m.drop(t, "p")
	m.copyAs(t, copyNames[0])
	m.put(t, "p", "Allow")
	m.put(t, "p", "Allow")
	for range maxModels {
		for _, name := range copyNames {
			m.copyAs(t, name)
		}
		m.runJobs()
	}
	m.check(t)
}

func (m *machine) copyAs(t *rapid.T, name string) {
	_, taken := m.copies[name]
	want := fault.Code("")
	switch {
	case !m.allowed():
		want = customlabels.AccessDenied
	case m.deleting, taken:
		want = customlabels.ResourceInUse
	case len(m.copies) == maxModels:
		want = customlabels.ServiceQuotaExceeded
	case m.count(customlabels.CopyingInProgress) == maxCopies:
		want = customlabels.LimitExceeded
	}
	req := m.w.request(name)
	req.SourceProject, req.Source, req.DestinationProject = m.from, m.source.ARN, m.into
	req.Mode = drawMode(t)
	v, err := m.w.Start(context.Background(), trusted, req)
	if m.expect(t, "copy "+name, err, want) {
		m.copies[name] = oracleCopy{arn: v, status: customlabels.CopyingInProgress}
	}
}

// drawMode is one of all that a request may say.
func drawMode(t *rapid.T) copier.Mode {
	return rapid.SampledFrom([]copier.Mode{"", copier.Share, copier.Reseal}).Draw(t, "mode")
}

// cancel is refused once a copy has ended, and may be repeated before it is
// gone.
func (m *machine) cancel(t *rapid.T) {
	if len(m.copies) == 0 {
		t.Skip("there is no copy")
	}
	name := rapid.SampledFrom(sortedKeys(m.copies)).Draw(t, "name")
	c := m.copies[name]
	want := fault.Code("")
	if c.status != customlabels.CopyingInProgress && !c.cancelled {
		want = customlabels.ResourceInUse
	}
	_, err := m.w.CancelCopy(context.Background(), trusted, c.arn)
	if m.expect(t, "cancel "+name, err, want) {
		m.copies[name] = oracleCopy{arn: c.arn, status: customlabels.Deleting, cancelled: true}
	}
}

func (m *machine) deleteCopy(t *rapid.T) {
	if len(m.copies) == 0 {
		t.Skip("there is no copy")
	}
	name := rapid.SampledFrom(sortedKeys(m.copies)).Draw(t, "name")
	c := m.copies[name]
	want := fault.Code("")
	if c.status != customlabels.CopyingCompleted {
		want = customlabels.ResourceInUse
	}
	_, err := m.w.registry.DeleteProjectVersion(context.Background(), trusted, c.arn)
	if m.expect(t, "delete "+name, err, want) {
		m.copies[name] = oracleCopy{arn: c.arn, status: customlabels.Deleting}
	}
}

// pinned tells whether a copy still needs the source. One that was cancelled
// does until its work has heard of it.
func (m *machine) pinned() bool {
	for _, c := range m.copies {
		if c.status == customlabels.CopyingInProgress || c.cancelled {
			return true
		}
	}
	return false
}

func (m *machine) deleteSource(t *rapid.T) {
	want := fault.Code("")
	if m.deleting || m.pinned() {
		want = customlabels.ResourceInUse
	}
	_, err := m.w.registry.DeleteProjectVersion(context.Background(), trusting, m.source.ARN)
	if m.expect(t, "delete the source", err, want) {
		m.deleting = true
	}
}

func (m *machine) putPolicy(t *rapid.T) {
	name := rapid.SampledFrom([]string{"p", "q"}).Draw(t, "policy")
	m.put(t, name, rapid.SampledFrom([]string{"Allow", "Allow", "Allow", "Deny"}).Draw(t, "effect"))
}

func (m *machine) put(t *rapid.T, name, effect string) {
	want := fault.Code("")
	if _, there := m.policies[name]; there {
		want = customlabels.ResourceAlreadyExists
	}
	_, err := m.w.registry.PutProjectPolicy(context.Background(), trusting, registry.PutProjectPolicyRequest{
		Project: m.from, Name: name,
		Document: fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"%s","Principal":{"AWS":"%s"},"Action":"rekognition:CopyProjectVersion","Resource":"*"}]}`,
			effect, trusted.Principal.Account),
	})
	if m.expect(t, "put policy "+name, err, want) {
		m.policies[name] = effect == "Allow"
	}
}

func (m *machine) dropPolicy(t *rapid.T) {
	m.drop(t, rapid.SampledFrom([]string{"p", "q"}).Draw(t, "policy"))
}

func (m *machine) drop(t *rapid.T, name string) {
	want := fault.Code("")
	if _, there := m.policies[name]; !there {
		want = customlabels.ResourceNotFound
	}
	err := m.w.registry.DeleteProjectPolicy(context.Background(), trusting, m.from, name, "")
	if m.expect(t, "drop policy "+name, err, want) {
		delete(m.policies, name)
	}
}

// runJobs ends all that is under way. A source that is gone is followed by
// another one.
func (m *machine) runJobs() {
	m.w.engine.Drain(m.w.t, impatient, append(m.w.Workers(), m.w.registry.Workers()...)...)
	for name, c := range m.copies {
		switch c.status {
		case customlabels.CopyingInProgress:
			m.copies[name] = oracleCopy{arn: c.arn, status: customlabels.CopyingCompleted}
		case customlabels.Deleting:
			delete(m.copies, name)
		}
	}
	if m.deleting {
		m.train()
	}
}

// check compares what is there with what the oracle knows.
func (m *machine) check(t *rapid.T) {
	all, _, err := m.w.registry.DescribeProjectVersions(context.Background(), trusted, registry.DescribeProjectVersionsRequest{Project: m.into})
	if err != nil {
		t.Fatal(err)
	}
	got, want := map[string]customlabels.Status{}, map[string]customlabels.Status{}
	for _, v := range all {
		got[v.ARN.Name] = v.Status
	}
	for name, c := range m.copies {
		want[name] = c.status
	}
	if !maps.Equal(got, want) {
		t.Fatalf("the copies are %v, want %v", got, want)
	}
}

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
