package events_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/envelope"
	"mimeo/internal/events"
	"mimeo/internal/job"
	"mimeo/internal/job/jobtest"
	"mimeo/internal/quota"
	"mimeo/internal/sqlstore"
	"mimeo/internal/sqlstore/sqlstoretest"
	"mimeo/internal/training"
	"mimeo/internal/webhook"
)

var (
	owner    = arn.Caller{Principal: arn.Root("aws", "111122223333"), Region: "us-east-1"}
	stranger = arn.Caller{Principal: arn.Root("aws", "555555555555"), Region: "us-east-1"}
)

// rootsOnly lets the root of an account do all with what is the account's.
type rootsOnly struct{}

func (rootsOnly) Authorize(_ context.Context, caller arn.Caller, action string, resource fmt.Stringer, in arn.Namespace) error {
	if caller.Principal.IsRoot() && caller.Owns(in) {
		return nil
	}
	return customlabels.Denied(caller.Principal, action, resource.String(), "")
}

// A receiver is a real HTTP server that verifies what it gets, and answers as
// its test says.
type receiver struct {
	t        *testing.T
	url      string
	verifier *standardwebhooks.Webhook
	answer   func(n int, e event) int // status of the nth request

	mu    sync.Mutex
	asked int
	taken []event
}

// event is what a receiver reads.
type event struct {
	SpecVersion, ID, Source, Type, Subject, Sequence, DataContentType string
	Time                                                              time.Time
	Data                                                              map[string]string
}

func (e event) short() string {
	return e.Subject[strings.Index(e.Subject, "version/")+8:strings.LastIndex(e.Subject, "/")] + " " + strings.TrimPrefix(e.Type, "mimeo.projectversion.")
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	verifier, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{t: t, verifier: verifier, answer: func(int, event) int { return http.StatusNoContent }}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

var secret = "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("s", 32)))

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	if err == nil {
		err = r.verifier.Verify(body, q.Header)
	}
	var e event
	if err == nil {
		err = json.Unmarshal(body, &e)
	}
	if err != nil || q.Header.Get("Webhook-Id") != e.ID {
		r.t.Errorf("the receiver got %q: %v", body, err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked++
	status := r.answer(r.asked, e)
	if status < 300 {
		r.taken = append(r.taken, e)
	}
	w.WriteHeader(status)
}

// took returns what was taken, each once, as "version STATUS".
func (r *receiver) took() (all []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := map[string]bool{}
	for _, e := range r.taken {
		if !seen[e.ID] {
			all = append(all, e.short())
		}
		seen[e.ID] = true
	}
	return all
}

// A world is a service on a real store, real senders and real jobs, as one
// account has it.
type world struct {
	*events.Service
	t       *testing.T
	caller  arn.Caller
	db      *sqlstore.DB
	engine  jobtest.Engine
	project arn.Project
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db := sqlstoretest.Open(t)
	w := &world{t: t, db: db}
	w.Service = &events.Service{
		Targets: db.Events(), Deliveries: db.Events(), Sender: webhook.New(webhook.Internal, time.Now),
		Permissions: rootsOnly{}, Master: envelope.NewKey(), Now: time.Now,
		Places:  quota.NewPlaces(8),
		Backoff: []time.Duration{time.Millisecond, time.Millisecond, time.Millisecond},
	}
	w.engine = jobtest.Engine{Queue: db.Queue(), Store: db.Jobs(), Insert: db.Jobs().Insert}
	return w.as(owner)
}

// as is the world of another account, which has a project of its own.
func (w *world) as(caller arn.Caller) *world {
	w.t.Helper()
	other := *w
	other.caller, other.project = caller, arn.Project{Namespace: caller.Namespace(), Name: "p", Stamp: "1"}
	must(w.t, w.db.Projects().InsertProject(w.t.Context(), customlabels.Project{
		ARN: other.project, Feature: customlabels.CustomLabels, Status: customlabels.ProjectCreated, CreatedAt: time.Now(),
	}, nil, 1))
	return &other
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) put(name, url string, types ...events.Type) {
	w.t.Helper()
	must(w.t, w.PutEventTarget(w.t.Context(), w.caller, events.PutRequest{Name: name, URL: url, Secret: secret, EventTypes: types}))
}

// life lets a version be trained, and deleted.
func (w *world) life(name string) {
	w.t.Helper()
	v := customlabels.ProjectVersion{ARN: w.project.Version(name, "1"), Project: w.project, Status: customlabels.TrainingInProgress, CreatedAt: time.Now()}
	must(w.t, w.db.Trainings().InsertTraining(w.t.Context(), customlabels.NewVersion{
		ProjectVersion: v, Limits: customlabels.VersionLimits{InProject: 100, InProgress: 100},
	}, nil, training.Progress{}, job.Spec{Kind: "idle", Args: name}))
	w.move(v.ARN, customlabels.TrainingInProgress, customlabels.TrainingInProgress) // progress is no event
	w.move(v.ARN, customlabels.TrainingInProgress, customlabels.TrainingCompleted)
	w.move(v.ARN, customlabels.TrainingCompleted, customlabels.Deleting)
	must(w.t, w.db.Versions().Delete(w.t.Context(), v.ARN, time.Now()))
	must(w.t, w.db.Versions().Delete(w.t.Context(), v.ARN, time.Now())) // a restarted job repeats it
}

func (w *world) move(v arn.ProjectVersion, from, to customlabels.Status) {
	w.t.Helper()
	must(w.t, w.db.Versions().SetStatus(w.t.Context(), v, []customlabels.Status{from}, to, "now "+string(to)))
}

func lifeOf(name string) []string {
	return []string{name + " TRAINING_IN_PROGRESS", name + " TRAINING_COMPLETED", name + " DELETING", name + " DELETED"}
}

// idle does the jobs of trainings.
type idle struct{}

func (idle) Kind() job.Kind                              { return "idle" }
func (idle) Work(context.Context, *job.Run) error        { return nil }
func (idle) Fail(context.Context, *job.Run, error) error { return nil }

func (w *world) drain() {
	w.t.Helper()
	w.engine.Drain(w.t, jobtest.Quick(3), events.Worker{Service: w.Service}, idle{})
}

func (r *receiver) wantInOrder(names ...string) {
	r.t.Helper()
	got := map[string][]string{}
	for _, e := range r.took() {
		name, _, _ := strings.Cut(e, " ")
		got[name] = append(got[name], e)
	}
	want := map[string][]string{}
	for _, name := range names {
		want[name] = lifeOf(name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		r.t.Errorf("events by version (-want +got):\n%s", diff)
	}
}

func TestEventsTellAVersionsLife(t *testing.T) {
	t.Parallel()
	w, r := newWorld(t), newReceiver(t)
	w.life("unheard") // before there is a target
	w.put("all", r.url)
	w.life("v1")
	w.drain()
	r.wantInOrder("v1")
	last := ""
	for _, e := range r.taken {
		if e.Sequence <= last {
			t.Errorf("sequence %s comes after %s", e.Sequence, last)
		}
		last = e.Sequence
	}
	completed := r.taken[1]
	if completed.ID == "" || time.Since(completed.Time) > time.Minute {
		t.Errorf("id %q, time %s", completed.ID, completed.Time)
	}
	completed.ID, completed.Time, completed.Sequence = "", time.Time{}, ""
	want := event{
		SpecVersion: "1.0", Source: w.project.String(), Type: "mimeo.projectversion.TRAINING_COMPLETED",
		Subject: w.project.Version("v1", "1").String(), DataContentType: "application/json", Data: map[string]string{
			"ProjectVersionArn": w.project.Version("v1", "1").String(), "ProjectArn": w.project.String(),
			"Status": "TRAINING_COMPLETED", "StatusMessage": "now TRAINING_COMPLETED",
		},
	}
	if diff := cmp.Diff(want, completed); diff != "" {
		t.Errorf("an event (-want +got):\n%s", diff)
	}
}

func TestTypesChooseEvents(t *testing.T) {
	t.Parallel()
	w, r := newWorld(t), newReceiver(t)
	w.put("some", r.url, events.Deleted, events.TypeOf(customlabels.TrainingCompleted))
	w.life("v1")
	w.drain()
	if diff := cmp.Diff([]string{"v1 TRAINING_COMPLETED", "v1 DELETED"}, r.took()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// TestOrderUnderRetries: a receiver that refuses every event up to three times
// gets the events of each version in order all the same.
func TestOrderUnderRetries(t *testing.T) {
	t.Parallel()
	w, r := newWorld(t), newReceiver(t)
	tries := map[string]int{}
	r.answer = func(n int, e event) int {
		if tries[e.ID]++; tries[e.ID] <= n%4 {
			return http.StatusServiceUnavailable
		}
		return http.StatusOK
	}
	w.put("all", r.url)
	var names []string
	for i := range 8 {
		names = append(names, fmt.Sprint("v", i))
		w.life(names[i])
	}
	w.drain()
	r.wantInOrder(names...)
}

// TestDeadEvents: what is refused too often is given up, listed, keeps nothing
// else waiting, and can be sent again.
func TestDeadEvents(t *testing.T) {
	t.Parallel()
	w, r := newWorld(t), newReceiver(t)
	completed := string(events.TypeOf(customlabels.TrainingCompleted))
	r.answer = func(_ int, e event) int {
		if e.Type == completed {
			return http.StatusTeapot
		}
		return http.StatusOK
	}
	w.put("all", r.url)
	w.life("v1")
	w.drain()
	alive := slices.DeleteFunc(lifeOf("v1"), func(s string) bool { return s == "v1 TRAINING_COMPLETED" })
	if diff := cmp.Diff(alive, r.took()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	dead, more, err := w.ListDeadEvents(t.Context(), owner, "all", 0)
	if err != nil || more || len(dead) != 1 || string(dead[0].Type) != completed || dead[0].Attempts != 4 || dead[0].Problem != "The receiver answered 418." {
		t.Fatalf("dead events: %+v, %v, %v", dead, more, err)
	}
	if left, _, err := w.ListDeadEvents(t.Context(), owner, "all", dead[0].Position); err != nil || len(left) != 0 {
		t.Errorf("behind the last one: %+v, %v", left, err)
	}
	r.mu.Lock()
	r.answer = func(int, event) int { return http.StatusOK }
	r.mu.Unlock()
	if n, err := w.RedeliverDeadEvents(t.Context(), owner, "all"); err != nil || n != 1 {
		t.Fatalf("redeliver: %d, %v; want 1", n, err)
	}
	w.drain()
	if diff := cmp.Diff(append(alive, "v1 TRAINING_COMPLETED"), r.took()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if targets, err := w.ListEventTargets(t.Context(), owner); err != nil || targets[0].Dead != 0 || targets[0].Waiting != 0 {
		t.Errorf("targets: %+v, %v; want none dead or waiting", targets, err)
	}
}

// TestARestartInTheMiddle: the process stops while a receiver has a request
// and has not answered. Nothing is lost, and nothing is out of order.
func TestARestartInTheMiddle(t *testing.T) {
	t.Parallel()
	w, r := newWorld(t), newReceiver(t)
	arrived, stopped := make(chan struct{}), make(chan struct{})
	r.answer = func(n int, _ event) int {
		if n == 2 {
			close(arrived)
			<-stopped
		}
		return http.StatusOK
	}
	w.put("all", r.url)
	w.life("v1")
	stop := w.engine.Start(t, jobtest.Quick(3), events.Worker{Service: w.Service}, idle{})
	<-arrived
	stop()
	close(stopped)
	w.drain()
	r.wantInOrder("v1")
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.asked != 5 {
		t.Errorf("%d requests, want 5: the one that was cut comes again", r.asked)
	}
}

// TestAnInternalErrorIsNotForEver: a secret that does not unseal is given up,
// and what is behind it too; no job is left.
func TestAnInternalErrorIsNotForEver(t *testing.T) {
	t.Parallel()
	w, r := newWorld(t), newReceiver(t)
	w.put("all", r.url)
	w.life("v1")
	w.Master = envelope.NewKey()
	w.drain()
	dead, _, err := w.ListDeadEvents(t.Context(), owner, "all", 0)
	if err != nil || len(dead) != 4 || !strings.Contains(dead[0].Problem, "internal error") {
		t.Errorf("dead events: %+v, %v; want 4", dead, err)
	}
}
