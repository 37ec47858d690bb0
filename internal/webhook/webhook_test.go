package webhook_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"mimeo/internal/events"
	"mimeo/internal/webhook"
)

func message(url string) events.Message {
	return events.Message{URL: url, Secret: []byte("twenty-four bytes at least"), ID: "id-1", Body: []byte(`{"specversion":"1.0"}`)}
}

func TestARequestIsSigned(t *testing.T) {
	t.Parallel()
	verifier, err := standardwebhooks.NewWebhookRaw(message("").Secret)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = verifier.Verify(body, r.Header)
		}
		if err != nil {
			t.Errorf("the receiver refuses the request: %v", err)
		}
		if err := verifier.Verify(append(body, ' '), r.Header); err == nil {
			t.Error("another body has the same signature")
		}
		if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/cloudevents+json; charset=UTF-8" || r.Header.Get("Webhook-Id") != "id-1" {
			t.Errorf("got %s with %v", r.Method, r.Header)
		}
		w.WriteHeader(http.StatusAccepted)
	}))
	defer server.Close()
	if err := webhook.New(webhook.Internal, time.Now).Send(t.Context(), message(server.URL+"/hook")); err != nil {
		t.Errorf("Send: %v", err)
	}
}

// TestWhatIsNoDelivery: the answer's status alone counts, no redirect is
// followed, and an endless answer ends.
func TestWhatIsNoDelivery(t *testing.T) {
	t.Parallel()
	var followed atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("/500", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	mux.HandleFunc("/redirect", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/followed", http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/followed", func(http.ResponseWriter, *http.Request) { followed.Add(1) })
	mux.HandleFunc("/cut", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	mux.HandleFunc("/header", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 64<<10)) })
	mux.HandleFunc("/endless", func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, strings.Repeat("x", 4096)); err != nil {
				return
			}
		}
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	s := webhook.New(webhook.Internal, time.Now)
	for path, want := range map[string]string{
		"/500": "answered 500", "/redirect": "answered 307", "/cut": "broke off", "/header": "could not be reached, or broke off", "/endless": "",
	} {
		err := s.Send(t.Context(), message(server.URL+path))
		var undelivered *events.Undelivered
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v, want a delivery", path, err)
		case want != "" && (!errors.As(err, &undelivered) || !strings.Contains(undelivered.Problem, want)):
			t.Errorf("%s: got %v, want %q", path, err, want)
		}
	}
	if followed.Load() != 0 {
		t.Error("a redirect was followed")
	}
}
