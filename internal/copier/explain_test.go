package copier_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mimeo/internal/arn"
	"mimeo/internal/copier"
	"mimeo/internal/customlabels"
	"mimeo/internal/fault"
	"mimeo/internal/job"
	"mimeo/internal/registry"
)

// TestExplainIsWhatStartDoes: over requests of all sorts, a copy starts where
// the explanation allows it, and is refused by its first denial otherwise.
func TestExplainIsWhatStartDoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := time.UnixMilli(1_800_000_000_000)
	w.Now = func() time.Time { return at }
	c := w.choices(t)
	seen, asked := map[copier.Check]int{}, 0
	rapid.Check(t, func(t *rapid.T) {
		req, caller := c.draw(t)
		seen[w.checkExplained(t, req, caller)]++
		w.drainSome(t)
		seen[w.checkExplained(t, c.nth(asked), trusted)]++
		asked++
	})
	t.Logf("what decided: %v", seen)
	for _, check := range []copier.Check{allowed, copier.SourcePermission, copier.DestinationProject, copier.DestinationStatus, copier.OutputConfig, copier.KmsKey, copier.TagQuota} {
		if seen[check] == 0 {
			t.Errorf("%s never decided: the requests are too much alike", check)
		}
	}
}

// Beside the checks that deny: nothing does, or nothing may be told.
const allowed, untold copier.Check = "allowed", "untold"

// checkExplained explains and starts a copy, and returns what decided.
func (w *world) checkExplained(t *rapid.T, req copier.Request, caller arn.Caller) copier.Check {
	t.Helper()
	explained, err := w.Explain(context.Background(), caller, req)
	if !caller.Owns(req.DestinationProject.Namespace) {
		if !errors.Is(err, customlabels.AccessDenied) {
			t.Fatalf("a stranger to the destination is told %+v, %v", explained, err)
		}
		return untold
	}
	if err != nil {
		t.Fatalf("explain: %v", err)
	}
	v, err := w.Start(context.Background(), caller, req)
	first, denied := firstDenial(explained)
	switch refused := (*fault.Error)(nil); {
	case err == nil && explained.Allowed && !denied:
		w.checkPlan(t, v, explained.Plan)
		return allowed
	case errors.As(err, &refused) && !explained.Allowed && denied && refused.Message == first.Reason:
		return first.Check
	default:
		t.Fatalf("start: %v\nexplain: %+v", err, explained)
		return ""
	}
}

func firstDenial(e copier.Explanation) (copier.Finding, bool) {
	for _, f := range e.Findings {
		if f.Verdict == copier.Deny {
			return f, true
		}
	}
	return copier.Finding{}, false
}

// checkPlan checks that the plan named what the copy is going to write.
func (w *world) checkPlan(t *rapid.T, v arn.ProjectVersion, p *copier.Plan) {
	t.Helper()
	if p == nil || p.Mode != copier.Share || len(p.Files) != len(results)+1 { // the results and the record
		t.Fatalf("the plan of %s is %+v", v, p)
	}
	for _, f := range p.Files {
		if !strings.HasSuffix(f.Key, "-"+v.ProjectName+"-"+v.Name+".json") {
			t.Errorf("the plan of %s has the file %s", v, f)
		}
	}
}

// drainSome ends the copies in progress, most of the time.
func (w *world) drainSome(t *rapid.T) {
	if rapid.IntRange(0, 9).Draw(t, "drain") > 4 {
		w.engine.Drain(w.t, impatient, append(w.Workers(), nothing("nobody"), nothing("delete"))...)
	}
}

// nothing ends the jobs of a kind at once.
type nothing job.Kind

func (k nothing) Kind() job.Kind { return job.Kind(k) }

func (nothing) Work(context.Context, *job.Run) error { return nil }

func (nothing) Fail(_ context.Context, _ *job.Run, cause error) error { return cause }

// choices are what requests are drawn from: much that is right, and
// everything that can be wrong.
type choices struct {
	sources      []arn.ProjectVersion
	from         []arn.Project
	buckets      []string
	keys         []string
	tags         []customlabels.Tags
	callers      []arn.Caller
	people       *people
	base         func(string) copier.Request
	destinations []arn.Project
}

func (w *world) choices(t *testing.T) choices {
	t.Helper()
	silent := w.newProject(t, trusting, "silent")
	going := w.newProject(t, trusted, "going")
	if err := w.db.Projects().BeginDeleteProject(t.Context(), going, registry.Operation{ID: "1", Job: job.Spec{Kind: "delete", Key: "going"}}); err != nil {
		t.Fatal(err)
	}
	disabled := w.newKey(t, trusted)
	if err := w.kms.DisableKey(t.Context(), trusted, disabled.String()); err != nil {
		t.Fatal(err)
	}
	many := customlabels.Tags{}
	for i := range customlabels.MaxTags + 1 {
		many[strconv.Itoa(i)] = "x"
	}
	elsewhere := trusted
	elsewhere.Region = "eu-west-1"
	nowhere := arn.Project{Namespace: trusted.Namespace(), Name: "nowhere", Stamp: "1"}
	return choices{
		people: w.people, base: w.request,
		sources: []arn.ProjectVersion{
			w.source.ARN, w.source.ARN, w.source.ARN, w.source.Project.Version("v2", "1"), silent.Version("v1", "1"), w.into.Version("nothing", "1"),
			w.insert(t, w.into, "failed", customlabels.TrainingFailed), w.insert(t, w.into, "busy", customlabels.TrainingInProgress),
		},
		from:         []arn.Project{w.source.Project, w.source.Project, w.source.Project, silent, w.into, nowhere},
		destinations: []arn.Project{w.into, w.into, w.into, w.newProject(t, trusted, "second"), going, nowhere, w.source.Project},
		buckets:      []string{"destination-custom-labels", "destination-custom-labels", "source-custom-labels", "nobody-custom-labels", ""},
		keys:         []string{"", "", w.key.String(), w.key.ID, disabled.String(), "alias/none", w.sourceKey.String()},
		tags:         []customlabels.Tags{nil, {"stage": "production"}, many},
		callers:      []arn.Caller{trusted, trusted, session, session, elsewhere, trusting},
	}
}

// draw makes a request that has few things wrong, and gives the session a few
// permissions less than it needs.
func (c choices) draw(t *rapid.T) (copier.Request, arn.Caller) {
	req := c.base(fmt.Sprint("c", rapid.IntRange(0, 400).Draw(t, "name")))
	caller := trusted
	for range rapid.IntRange(0, 3).Draw(t, "changes") {
		switch rapid.IntRange(0, 7).Draw(t, "change") {
		case 0:
			req.Source = rapid.SampledFrom(c.sources).Draw(t, "source")
			if rapid.Bool().Draw(t, "its project") {
				req.SourceProject = arn.Project{Namespace: req.Source.Namespace, Name: req.Source.ProjectName, Stamp: "1"}
			}
		case 1:
			req.SourceProject = rapid.SampledFrom(c.from).Draw(t, "from")
		case 2:
			req.DestinationProject = rapid.SampledFrom(c.destinations).Draw(t, "into")
		case 3:
			req.Output.Bucket = rapid.SampledFrom(c.buckets).Draw(t, "bucket")
		case 4:
			req.KMSKeyID = rapid.SampledFrom(c.keys).Draw(t, "key")
		case 5:
			req.Tags = rapid.SampledFrom(c.tags).Draw(t, "tags")
		case 6:
			req.RateLimit = copier.MinRateLimit
		case 7:
			caller = rapid.SampledFrom(c.callers).Draw(t, "caller")
		}
	}
	may := everything
	if i := rapid.IntRange(0, 3*len(everything)).Draw(t, "without"); i < len(everything) {
		may = append(append([]string(nil), everything[:i]...), everything[i+1:]...)
	}
	c.people.policies.Store(session.Principal, allowing(may...))
	return req, caller
}

// nth is a request with nothing wrong or one thing, each of them in turn.
func (c choices) nth(n int) copier.Request {
	req := c.base(fmt.Sprint("n", n))
	switch n % 7 {
	case 1:
		req.SourceProject = c.from[3]
	case 2:
		req.DestinationProject = c.destinations[5]
	case 3:
		req.DestinationProject = c.destinations[4]
	case 4:
		req.Output.Bucket = "nobody-custom-labels"
	case 5:
		req.KMSKeyID = "alias/none"
	case 6:
		req.Tags = c.tags[2]
	}
	return req
}

// TestExplainMakesEveryCheckAndChangesNothing: a request with everything
// wrong is told all of it.
func TestExplainMakesEveryCheckAndChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.people.policies.Store(session.Principal, allowing("rekognition:CopyProjectVersion", "rekognition:CreateProjectVersion", "rekognition:TagResource"))
	req := w.request("taken")
	w.insert(t, w.into, "taken", customlabels.TrainingFailed)
	e, err := w.Explain(t.Context(), session, req)
	if err != nil {
		t.Fatal(err)
	}
	verdicts := map[copier.Check]copier.Verdict{}
	for _, f := range e.Findings {
		verdicts[f.Check] = f.Verdict
		if f.Verdict != copier.Allow && (f.Reason == "" || f.Remedy == "") {
			t.Errorf("the finding %+v gives no reason or no remedy", f)
		}
	}
	want := map[copier.Check]copier.Verdict{
		copier.SourcePermission: copier.Allow, copier.DestinationPermission: copier.Allow, copier.CreatePermission: copier.Allow,
		copier.TagPermission: copier.Allow, copier.SameRegion: copier.Allow, copier.SourceArns: copier.Allow,
		copier.SourceProject: copier.Allow, copier.SourceVersion: copier.Allow, copier.DestinationProject: copier.Allow,
		copier.SourceParent: copier.Allow, copier.SourceFeature: copier.Allow, copier.DestinationFeature: copier.Allow,
		copier.SourceModel: copier.Allow, copier.VersionName: copier.Deny, copier.DestinationStatus: copier.Allow,
		copier.OutputConfig: copier.Deny, copier.KmsKey: copier.Deny, copier.TagQuota: copier.Allow, copier.Quotas: copier.Unknown,
	}
	if e.Allowed || !reflect.DeepEqual(verdicts, want) {
		t.Errorf("allowed %v, verdicts %v; want %v", e.Allowed, verdicts, want)
	}
	if f := e.Findings[0]; f.Policy != "the identity policy p" || f.Statement != `statement "Work"` {
		t.Errorf("the copy is allowed by %q in %q; want the caller's own policy, and nothing of the source's", f.Policy, f.Statement)
	}
	if !strings.HasPrefix(e.Findings[3].Resource, "arn:aws:rekognition:us-east-1:555555555555:project/copies/version/taken/") {
		t.Errorf("the tags are for %s", e.Findings[3].Resource)
	}
	w.checkGrants(t, 0, 1)
	all, err := w.db.Versions().VersionsBefore(t.Context(), w.into, nil, customlabels.ProjectVersion{}, 10)
	if err != nil || len(all) != 1 {
		t.Errorf("the destination has %d versions, %v; want the one that was there", len(all), err)
	}
}

// TestExplainTellsOfAForeignSourceWhatACallWouldTell: whether another
// account's source is there, and what it is, only after everything that a call
// checks before it looks.
func TestExplainTellsOfAForeignSourceWhatACallWouldTell(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	own := w.start(t, w.request("own"))
	w.drain(t)
	open := w.newProject(t, trusting, "open")
	w.allow(t, open, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"555555555555"},"Action":"rekognition:CopyProjectVersion","Resource":"*"}]}`)
	sources := []arn.ProjectVersion{w.train(t, open, "trained").ARN, w.insert(t, open, "busy", customlabels.TrainingInProgress), open.Version("nothing", "1")}
	elsewhere := session
	elsewhere.Region = "eu-west-1"
	for name, c := range map[string]struct {
		caller arn.Caller
		denied string       // an action at the destination
		first  copier.Check // fails; empty: none that comes before the source
	}{
		"everything is allowed":          {session, "rekognition:DetectCustomLabels", ""},
		"no copy into the destination":   {session, "rekognition:CopyProjectVersion", copier.DestinationPermission},
		"no creation in the destination": {session, "rekognition:CreateProjectVersion", copier.CreatePermission},
		"no tags":                        {session, "rekognition:TagResource", copier.TagPermission},
		"another Region":                 {elsewhere, "rekognition:DetectCustomLabels", copier.SameRegion},
	} {
		w.people.policies.Store(session.Principal, allowingAllBut(c.denied))
		for _, source := range sources {
			req := w.request("explained")
			req.Source, req.SourceProject = source, open
			e, err := w.Explain(t.Context(), c.caller, req)
			if first, _ := firstDenial(e); err != nil || c.first != "" && first.Check != c.first {
				t.Fatalf("%s: the first check that fails for %s is %+v, %v; want %s", name, source, first, err, c.first)
			}
			if told := toldOfTheSource(e); (len(told) == 0) != (c.first != "") {
				t.Errorf("%s: of %s is told %v", name, source, told)
			}
		}
	}

	w.people.policies.Store(session.Principal, allowingAllBut("rekognition:CreateProjectVersion"))
	req := w.request("explained")
	req.SourceProject, req.Source = w.into, own
	if e, err := w.Explain(t.Context(), session, req); err != nil || e.Plan == nil {
		t.Errorf("of the own account's source is told %v, %v; want all of it", toldOfTheSource(e), err)
	}
	req.SourceProject = open
	if e, err := w.Explain(t.Context(), session, req); err != nil || len(toldOfTheSource(e)) > 0 {
		t.Errorf("of another account's project beside an own version is told %v, %v", toldOfTheSource(e), err)
	}
}

// allowingAllBut is a policy that allows everything but an action on what
// belongs to the trusted account.
func allowingAllBut(action string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},
		{"Effect":"Deny","Action":%q,"Resource":"arn:aws:rekognition:*:555555555555:project/*"}]}`, action)
}

// toldOfTheSource is what an explanation tells that nobody knows without a
// look at the source.
func toldOfTheSource(e copier.Explanation) (told []string) {
	for _, f := range e.Findings {
		switch f.Check {
		case copier.SourceProject, copier.SourceVersion, copier.SourceParent, copier.SourceFeature, copier.SourceModel:
			if f.Verdict != copier.Unknown {
				told = append(told, fmt.Sprint(f.Check, " ", f.Verdict))
			}
		}
	}
	if e.Plan != nil {
		told = append(told, fmt.Sprintf("the plan %+v", *e.Plan))
	}
	return told
}
