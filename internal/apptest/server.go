// Package apptest is a running server on a free port, with clients of the
// AWS SDK, for tests of the whole program.
package apptest

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"mimeo/internal/app"
	"mimeo/internal/family"
	"mimeo/internal/faults"
)

// Options say what kind of server a test needs. The zero value works.
type Options struct {
	DataDir  string          // t.TempDir() where empty
	TLS      bool            // serve https, with a certificate made for it
	Families []family.Family // beside the product's own
	Log      slog.Level      // what is logged; Info where not said
	Faults   app.Faults      // injected into what is durable; jobs then try again at once
	// MaxInFlight is app.Config's.
	MaxInFlight int
	// Environment is the process's: a flag that is not given is read from it.
	Environment map[string]string
	CopyMode    string // the flag
	Clock       *Clock // the services' time; the real one where nil
}

// A Server is running until the test ends or Stop is called.
type Server struct {
	App      *app.App
	Endpoint string
	DataDir  string
	HTTP     *http.Client // trusts the server's certificate

	log  *logBuffer
	stop func()
}

// Start starts a server for a test. If the test fails, its log is shown.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	if o.DataDir == "" {
		o.DataDir = t.TempDir()
	}
	config := app.Config{DataDir: o.DataDir, Listen: "127.0.0.1:0", MaxInFlight: o.MaxInFlight, EventPrivateTargets: true, CopyMode: o.CopyMode}
	if o.Environment != nil {
		config = config.FromEnvironment(func(name string) string { return o.Environment[name] })
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	if o.TLS {
		certificate := newCertificate(t)
		config.TLSCert, config.TLSKey = certificate.certFile, certificate.keyFile
		roots := x509.NewCertPool()
		roots.AddCert(certificate.parsed)
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	log := &logBuffer{}
	logger := slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: o.Log}))
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	extras := app.Extras{Families: o.Families, Faults: o.Faults, Now: o.Clock.Now}
	if o.Faults.Before != nil {
		extras.Backoff = func(int) time.Duration { return 0 }
	}
	server, err := app.New(ctx, config, logger, extras)
	if err != nil {
		cancel()
		t.Fatalf("app.New: %v", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	s := &Server{App: server, Endpoint: server.Endpoint(), DataDir: o.DataDir, HTTP: &http.Client{Transport: transport}, log: log}
	s.stop = sync.OnceFunc(func() {
		transport.CloseIdleConnections()
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, faults.ErrInjected) {
			t.Errorf("the server ended with: %v", err)
		}
	})
	t.Cleanup(func() {
		s.stop()
		if t.Failed() {
			t.Logf("the server's log:\n%s", s.Log())
		}
	})
	s.AwaitReady(t)
	return s
}

// Stop shuts the server down and waits for it.
func (s *Server) Stop() { s.stop() }

// Log returns what the server has logged so far, as JSON lines.
func (s *Server) Log() string { return s.log.String() }

// AwaitReady waits until the server says that it is ready.
func (s *Server) AwaitReady(t testing.TB) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if status, _ := s.Get(t, "/-/readyz"); status == http.StatusOK {
			return
		}
	}
	t.Fatal("the server was not ready within a minute")
}

// Get fetches a page of the server.
func (s *Server) Get(t testing.TB, path string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.Endpoint+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := s.HTTP.Do(request)
	if err != nil {
		t.Fatalf("GET %s: %v", path, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("GET %s: %v", path, err)
	}
	return response.StatusCode, string(text)
}

// logBuffer keeps a log; it may be written and read at once.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if os.Getenv("MIMEO_TEST_LOG") != "" {
		_, _ = os.Stderr.Write(p) // for who looks into a failing test
	}
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
