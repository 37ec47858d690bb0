package copier_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/copier"
	"mimeo/internal/customlabels"
)

// TestAFurtherAttemptGetsTheSameAnswer: what an SDK sends again after it lost
// the answer is no second copy, and nothing else is taken for it.
func TestAFurtherAttemptGetsTheSameAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	start := time.Now()
	now := start
	w.Now = func() time.Time { return now }
	w.people.policies.Store(session.Principal, allowing(everything...))
	const id = "8f1e0c9a-0000-4000-8000-000000000001"
	attempt := func(change func(*copier.Request)) copier.Request {
		req := w.request("c1")
		req.Invocation = id
		change(&req)
		return req
	}
	first := w.start(t, attempt(func(*copier.Request) {}))
	for name, test := range map[string]struct {
		as    arn.Caller
		after time.Duration
		req   copier.Request
		same  bool
	}{
		"at once":                  {trusted, 0, attempt(func(*copier.Request) {}), true},
		"after 14 minutes":         {trusted, 14 * time.Minute, attempt(func(*copier.Request) {}), true},
		"after 15 minutes":         {trusted, 15 * time.Minute, attempt(func(*copier.Request) {}), false},
		"by another caller":        {session, 0, attempt(func(*copier.Request) {}), false},
		"under another id":         {trusted, 0, attempt(func(r *copier.Request) { r.Invocation = "another" }), false},
		"without an id":            {trusted, 0, attempt(func(r *copier.Request) { r.Invocation = "" }), false},
		"with other tags":          {trusted, 0, attempt(func(r *copier.Request) { r.Tags = nil }), false},
		"with another destination": {trusted, 0, attempt(func(r *copier.Request) { r.Output.Prefix = "elsewhere" }), false},
	} {
		now = start.Add(test.after)
		v, err := w.Start(t.Context(), test.as, test.req)
		switch {
		case test.same && (err != nil || v != first):
			t.Errorf("%s: %s, %v; want %s again", name, v, err, first)
		case !test.same && !errors.Is(err, customlabels.ResourceInUse):
			t.Errorf("%s: %s, %v; want the name taken", name, v, err)
		}
	}
	w.checkGrants(t, 1, 2)
	w.drain(t)
	now = start
	if v, err := w.Start(t.Context(), trusted, attempt(func(*copier.Request) {})); err != nil || v != first {
		t.Errorf("an attempt after the copy has ended: %s, %v", v, err)
	}
}

// TestARefusedCallIsDecidedAgain: only an answer is remembered.
func TestARefusedCallIsDecidedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	req := w.request("c1")
	req.Invocation = "once"
	w.people.policies.Store(session.Principal, allowing("s3:PutObject"))
	if _, err := w.Start(t.Context(), session, req); !errors.Is(err, customlabels.AccessDenied) {
		t.Fatalf("a copy without permissions: %v", err)
	}
	w.people.policies.Store(session.Principal, allowing(everything...))
	if _, err := w.Start(t.Context(), session, req); err != nil {
		t.Errorf("the same call with permissions: %v", err)
	}
}

// TestAttemptsAtTheSameTimeBeginOneCopy: an SDK that gave up waiting does not
// wait for the first attempt to end.
func TestAttemptsAtTheSameTimeBeginOneCopy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	req := w.request("c1")
	req.Invocation = "once"
	answers := make([]arn.ProjectVersion, 16)
	var attempts sync.WaitGroup
	for i := range answers {
		attempts.Go(func() {
			v, err := w.Start(t.Context(), trusted, req)
			if err != nil {
				t.Errorf("an attempt: %v", err)
			}
			answers[i] = v
		})
	}
	attempts.Wait()
	for _, v := range answers {
		if v != answers[0] {
			t.Errorf("the attempts are answered %s and %s", answers[0], v)
		}
	}
	w.checkGrants(t, 1, 2)
	w.drain(t)
	w.checkCompleted(t, answers[0])
}
