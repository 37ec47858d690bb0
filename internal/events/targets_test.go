package events_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"mimeo/internal/customlabels"
	"mimeo/internal/events"
)

func TestADeletedTargetGetsNothing(t *testing.T) {
	t.Parallel()
	w, r := newWorld(t), newReceiver(t)
	w.put("all", r.url)
	w.life("v1")
	must(t, w.DeleteEventTarget(t.Context(), owner, "all"))
	w.drain()
	w.life("v2")
	w.drain()
	if got := r.took(); len(got) != 0 {
		t.Errorf("events after the target was deleted: %q", got)
	}
	if err := w.DeleteEventTarget(t.Context(), owner, "all"); !errors.Is(err, customlabels.ResourceNotFound) {
		t.Errorf("deleting it again: %v", err)
	}
}

// TestAChangedTarget: what waits goes where the target is now.
func TestAChangedTarget(t *testing.T) {
	t.Parallel()
	w, old, r := newWorld(t), newReceiver(t), newReceiver(t)
	w.put("all", old.url)
	w.life("v1")
	w.put("all", r.url)
	w.drain()
	r.wantInOrder("v1")
	if got := old.took(); len(got) != 0 {
		t.Errorf("the former receiver got %q", got)
	}
}

func TestNobodySeesAnothersEvents(t *testing.T) {
	t.Parallel()
	w, r := newWorld(t), newReceiver(t)
	must(t, w.PutEventTarget(t.Context(), stranger, events.PutRequest{Name: "theirs", URL: r.url, Secret: secret}))
	elsewhere := owner
	elsewhere.Region = "eu-central-1"
	must(t, w.PutEventTarget(t.Context(), elsewhere, events.PutRequest{Name: "elsewhere", URL: r.url, Secret: secret}))
	w.life("v1")
	w.drain()
	if got := r.took(); len(got) != 0 {
		t.Errorf("another account, or the account in another region, got %q", got)
	}
	if targets, err := w.ListEventTargets(t.Context(), owner); err != nil || len(targets) != 0 {
		t.Errorf("targets: %+v, %v; want none", targets, err)
	}
	user := owner
	user.Principal.Name = "user/nobody"
	if _, err := w.ListEventTargets(t.Context(), user); !errors.Is(err, customlabels.AccessDenied) {
		t.Errorf("a user without permission lists: %v", err)
	}
}

func TestTargetsAreChecked(t *testing.T) {
	t.Parallel()
	w, r := newWorld(t), newReceiver(t)
	good := events.PutRequest{Name: "t", URL: r.url, Secret: secret}
	for name, change := range map[string]func(*events.PutRequest){
		"no name":          func(q *events.PutRequest) { q.Name = "" },
		"a name as an ARN": func(q *events.PutRequest) { q.Name = "a/b" },
		"every name":       func(q *events.PutRequest) { q.Name = "*" },
		"no secret":        func(q *events.PutRequest) { q.Secret = "" },
		"no base64":        func(q *events.PutRequest) { q.Secret = "whsec_!" },
		"a short secret":   func(q *events.PutRequest) { q.Secret = base64.StdEncoding.EncodeToString(make([]byte, 23)) },
		"a long secret":    func(q *events.PutRequest) { q.Secret = base64.StdEncoding.EncodeToString(make([]byte, 65)) },
		"an unknown type":  func(q *events.PutRequest) { q.EventTypes = []events.Type{"mimeo.projectversion.LOST"} },
		"a reserved URL":   func(q *events.PutRequest) { q.URL = "http://169.254.169.254/" },
	} {
		req := good
		change(&req)
		if err := w.PutEventTarget(t.Context(), owner, req); !errors.Is(err, customlabels.InvalidParameter) {
			t.Errorf("%s: got %v, want InvalidParameter", name, err)
		}
	}
	for i := range 10 {
		w.put(fmt.Sprint("t", i), r.url)
	}
	if err := w.PutEventTarget(t.Context(), owner, good); !errors.Is(err, customlabels.LimitExceeded) {
		t.Errorf("an eleventh target: %v, want LimitExceeded", err)
	}
	w.put("t3", r.url+"/changed")
	targets, err := w.ListEventTargets(t.Context(), owner)
	if err != nil || len(targets) != 10 || targets[3].URL != r.url+"/changed" {
		t.Errorf("targets: %+v, %v", targets, err)
	}
	for _, target := range targets {
		if strings.Contains(string(target.Sealed), strings.Repeat("s", 8)) {
			t.Errorf("the secret of %s is stored in the clear", target.Name)
		}
	}
}
