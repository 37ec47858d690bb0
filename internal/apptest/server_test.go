package apptest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"mimeo/internal/apptest"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(victimDir); dir != "" {
		fmt.Fprintln(os.Stderr, serveVictim(dir)) // it should have been killed
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

func TestOwnPages(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]apptest.Options{"http": {}, "https": {TLS: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := apptest.Start(t, o)
			for path, want := range map[string]string{"/-/healthz": "ok\n", "/-/readyz": "ready\n"} {
				if status, body := s.Get(t, path); status != http.StatusOK || body != want {
					t.Errorf("GET %s: %d %q, want 200 %q", path, status, body, want)
				}
			}
			if got := strings.HasPrefix(s.Endpoint, name+"://127.0.0.1:"); !got {
				t.Errorf("the endpoint is %s, want one of %s", s.Endpoint, name)
			}
		})
	}
}

// Every request leaves one record, and no record holds a secret.
func TestOneRecordPerRequest(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Options{})
	s.Get(t, "/-/healthz")
	s.Get(t, "/nobodys-bucket/key?X-Amz-Date=x")
	s.Stop()
	var records int
	for line := range strings.Lines(s.Log()) {
		var r struct {
			Msg       string `json:"msg"`
			RequestID string `json:"request_id"`
			Status    int    `json:"status"`
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if r.Msg != "request" {
			continue
		}
		records++
		if r.RequestID == "" || r.Status == 0 {
			t.Errorf("record without request id or status: %s", line)
		}
	}
	if records != 2 {
		t.Errorf("two requests left %d records", records)
	}
}
