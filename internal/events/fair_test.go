package events_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"mimeo/internal/events"
	"mimeo/internal/job"
	"mimeo/internal/job/jobtest"
	"mimeo/internal/quota"
)

// A hang lets requests to receivers wait until the test lets them go, or
// their sender gives up.
type hang struct {
	letGo, gaveUp chan struct{}
	giveUp        func() // closes gaveUp

	mu            sync.Mutex
	waiting, peak int
}

func newHang() *hang {
	h := &hang{letGo: make(chan struct{}), gaveUp: make(chan struct{})}
	h.giveUp = sync.OnceFunc(func() { close(h.gaveUp) })
	return h
}

// before returns the URL of a receiver that answers when the hang is over.
func (h *hang) before(r *receiver) (url string) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body) // to its end: else nobody looks whether the sender is still there
		if err != nil {
			r.t.Errorf("read a request: %v", err)
		}
		q.Body = io.NopCloser(bytes.NewReader(body))
		h.add(1)
		defer h.add(-1)
		select {
		case <-h.letGo:
			r.ServeHTTP(w, q)
		case <-q.Context().Done():
			h.giveUp()
		}
	}))
	r.t.Cleanup(server.Close)
	return server.URL
}

func (h *hang) add(n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waiting += n
	h.peak = max(h.peak, h.waiting)
}

// most is how many requests waited at once, at the most.
func (h *hang) most() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.peak
}

// TestHangingReceiversKeepNobodyElseWaiting: an account whose receivers hang,
// with more events than there are places and all of them first in the queue,
// takes half of the places. Another account's events arrive while not one of
// the first's was given up, and what had to wait is delivered in order.
func TestHangingReceiversKeepNobodyElseWaiting(t *testing.T) {
	t.Parallel()
	const places = 8
	w, h := newWorld(t), newHang()
	w.Places = quota.NewPlaces(places)
	slow := []*receiver{newReceiver(t), newReceiver(t), newReceiver(t)}
	for i, r := range slow {
		w.put(fmt.Sprint("slow", i), h.before(r))
	}
	names := []string{"v1", "v2", "v3", "v4"}
	for _, name := range names {
		w.life(name)
	}
	other, quick := w.as(stranger), newReceiver(t)
	arrived := make(chan struct{})
	quick.answer = func(n int, _ event) int {
		if n == len(lifeOf("v1")) {
			close(arrived)
		}
		return http.StatusOK
	}
	other.put("all", quick.url)
	other.life("v1")

	options := jobtest.Quick(3)
	options.Concurrency = map[job.Kind]int{events.Kind: places}
	stop := w.engine.Start(t, options, events.Worker{Service: w.Service}, idle{})
	select {
	case <-arrived:
	case <-h.gaveUp:
		t.Error("the other account's events waited for receivers that hang")
	}
	if most := h.most(); most > places/2 {
		t.Errorf("the account took %d places of %d", most, places)
	}
	close(h.letGo)
	stop()
	w.drain()
	quick.wantInOrder("v1")
	for _, r := range slow {
		r.wantInOrder(names...)
	}
}

// TestThoseWithoutAPlaceAskInTurn: deliveries that find no place come back one
// after the other, each account's in a line of its own.
func TestThoseWithoutAPlaceAskInTurn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	now := time.Now()
	w.Places, w.Now = quota.NewPlaces(0), func() time.Time { return now }
	w.put("all", "http://127.0.0.1:1/")
	w.life("v1")
	other := w.as(stranger)
	other.put("all", "http://127.0.0.1:1/")
	other.life("v1")
	for i, step := range []struct {
		of    *world
		after time.Duration // of the clock
		want  time.Duration
	}{
		{w, 0, 10 * time.Millisecond},
		{w, 0, 20 * time.Millisecond},
		{other, 0, 10 * time.Millisecond},
		{w, 5 * time.Millisecond, 25 * time.Millisecond},
		{w, time.Second, 10 * time.Millisecond},
	} {
		now = now.Add(step.after)
		if err := step.of.attempt("all"); !errors.Is(err, job.Snooze(step.want)) {
			t.Errorf("delivery %d: got %v, want a snooze for %s", i, err, step.want)
		}
	}
}

// attempt makes one attempt at the first event of a target.
func (w *world) attempt(target string) error {
	w.t.Helper()
	found, err := w.Targets.Target(w.t.Context(), w.caller.Namespace(), target)
	must(w.t, err)
	args, err := json.Marshal(events.Args{Target: found.ID, Position: 1})
	must(w.t, err)
	return events.Worker{Service: w.Service}.Work(w.t.Context(), job.NewRun(job.Attempt{Job: 1, Number: 1}, args, w.db.Jobs()))
}
