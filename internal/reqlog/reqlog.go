// Package reqlog writes one log record per HTTP request. The composition
// root wraps the whole HTTP surface in Handler; an edge finds the request's
// Entry with Of and tells it what it learned.
package reqlog

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/google/uuid"

	"mimeo/internal/arn"
	"mimeo/internal/fault"
)

// An Entry is what one request's record will say. ID is set; the edge fills
// the rest, as far as it gets, before the response is finished.
type Entry struct {
	ID        string // request id, for x-amzn-RequestId and x-amz-request-id
	Service   string // "rekognition", "kms", "s3", …
	Operation string // as AWS names it; empty if none was recognised
	Caller    arn.Caller
	Code      fault.Code // the code that the caller saw; empty on success
	Cause     error      // an internal error, or what is behind Code
}

// holder is a response writer that carries its request's entry.
type holder interface{ entry() *Entry }

// Of returns the entry of the request that w answers, or a fresh one, whose
// content goes nowhere, if no Handler stands in front.
func Of(w http.ResponseWriter) *Entry {
	for w != nil {
		switch t := w.(type) {
		case holder:
			return t.entry()
		case interface{ Unwrap() http.ResponseWriter }:
			w = t.Unwrap()
		default:
			w = nil
		}
	}
	return &Entry{ID: uuid.NewString()}
}

// Handler gives each request an entry and, when next has answered, writes it
// as one record: at level Error if the status is 500 or more, else Info.
func Handler(next http.Handler, log *slog.Logger, now func() time.Time) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := now()
		rec := &recorder{ResponseWriter: w, e: Entry{ID: uuid.NewString()}}
		defer func() {
			failure := recover() // net/http shall still end the connection
			if failure != nil {
				rec.status = http.StatusInternalServerError
			}
			if failure != nil && failure != http.ErrAbortHandler { //nolint:errorlint // a recovered value; with this one, the edge has said why
				rec.e.Cause = fmt.Errorf("panic: %v\n%s", failure, debug.Stack())
			}
			if rec.status == 0 {
				rec.status = http.StatusOK
			}
			level := slog.LevelInfo
			if rec.status >= http.StatusInternalServerError {
				level = slog.LevelError
			}
			log.LogAttrs(r.Context(), level, "request", append(rec.e.attrs(),
				slog.String("method", r.Method), slog.Int("status", rec.status),
				slog.Int64("bytes", rec.bytes), slog.Duration("duration", now().Sub(start)))...)
			if failure != nil {
				panic(failure)
			}
		}()
		next.ServeHTTP(rec, r)
	})
}

func (e *Entry) attrs() []slog.Attr {
	attrs := []slog.Attr{slog.String("request_id", e.ID)}
	for _, a := range []struct{ key, value string }{
		{"service", e.Service}, {"operation", e.Operation}, {"caller", e.Caller.Principal.String()},
		{"region", e.Caller.Region}, {"code", string(e.Code)},
	} {
		if a.value != "" {
			attrs = append(attrs, slog.String(a.key, a.value))
		}
	}
	if e.Cause != nil {
		attrs = append(attrs, slog.String("cause", e.Cause.Error()))
	}
	return attrs
}

// recorder notes status and size on their way out.
type recorder struct {
	http.ResponseWriter
	e      Entry
	status int
	bytes  int64
}

func (r *recorder) entry() *Entry { return &r.e }

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// WriteHeader notes the final status.
func (r *recorder) WriteHeader(status int) {
	if status >= http.StatusOK && r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(p)
	r.bytes += int64(n)
	return n, err
}
