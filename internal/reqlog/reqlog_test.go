package reqlog_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/reqlog"
)

// wrapped is a response writer of some other middleware.
type wrapped struct{ http.ResponseWriter }

func (w wrapped) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func TestOneRecordPerRequest(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	var id string
	clock := time.Unix(0, 0)
	now := func() time.Time { clock = clock.Add(time.Second); return clock }
	h := reqlog.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		e := reqlog.Of(wrapped{w})
		id = e.ID
		e.Service, e.Operation, e.Code, e.Cause = "kms", "Decrypt", "KMSInternalException", errors.New("disk full")
		e.Caller = arn.Caller{Principal: arn.Root("aws", "111122223333"), Region: "us-east-1"}
		w.WriteHeader(http.StatusInternalServerError)
		if _, err := w.Write([]byte("hello")); err != nil {
			t.Error(err)
		}
	}), slog.New(slog.NewTextHandler(&log, nil)), now)
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/", nil))
	for _, want := range []string{
		"level=ERROR", "msg=request", "request_id=" + id, "service=kms", "operation=Decrypt", "caller=arn:aws:iam::111122223333:root", "region=us-east-1",
		"code=KMSInternalException", `cause="disk full"`, "method=POST", "status=500", "bytes=5", "duration=1s",
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the record lacks %s:\n%s", want, &log)
		}
	}
	if n := strings.Count(log.String(), "\n"); n != 1 {
		t.Errorf("%d records were written", n)
	}
}

func TestQuietSuccess(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	h := reqlog.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), slog.New(slog.NewTextHandler(&log, nil)), time.Now)
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	if got := log.String(); !strings.Contains(got, "level=INFO") || !strings.Contains(got, "status=200") || strings.Contains(got, "code=") {
		t.Errorf("the record is %s", got)
	}
}

// TestPanicIsRecorded: net/http ends the connection; the record says so.
func TestPanicIsRecorded(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	h := reqlog.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("cannot happen") }), slog.New(slog.NewTextHandler(&log, nil)), time.Now)
	defer func() {
		if recover() == nil {
			t.Error("the panic was swallowed")
		}
		if got := log.String(); !strings.Contains(got, "level=ERROR") || !strings.Contains(got, "cannot happen") || !strings.Contains(got, "TestPanicIsRecorded") {
			t.Errorf("the record is %s", got)
		}
	}()
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
}

func TestWithoutAHandler(t *testing.T) {
	t.Parallel()
	if e := reqlog.Of(httptest.NewRecorder()); e.ID == "" {
		t.Error("a request without a handler has no id")
	}
}
