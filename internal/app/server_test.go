package app

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestStalledClients has clients that announce a body and do not send it: each
// is answered and cut off, also where the handler reads nothing of the body.
func TestStalledClients(t *testing.T) {
	t.Parallel()
	refuse := func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) }
	read := func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			http.Error(w, "no", http.StatusForbidden)
		}
	}
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		length  string
		want    time.Duration
	}{
		{"a body that is read", read, "Content-Length: 1000", 2 * stallTimeout},
		{"a body that is not read", refuse, "Content-Length: 1000", stallTimeout},
		{"a body of unknown length", refuse, "Transfer-Encoding: chunked", stallTimeout},
		{"a body too long to be read to its end", refuse, "Content-Length: 1048576", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				l := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
				ended := make(chan error, 1)
				go func() { ended <- serve(ctx, l, bounded(c.handler), slog.New(slog.DiscardHandler)) }()
				client, server := net.Pipe()
				l.conns <- server
				began := time.Now()
				if _, err := io.WriteString(client, "PUT / HTTP/1.1\r\nHost: h\r\n"+c.length+"\r\n\r\n"); err != nil {
					t.Fatal(err)
				}
				if err := client.SetReadDeadline(began.Add(10 * stallTimeout)); err != nil {
					t.Fatal(err)
				}
				answer := bufio.NewReader(client)
				status, err := answer.ReadString('\n')
				if err != nil || !strings.Contains(status, "403") {
					t.Errorf("answered %q, %v", status, err)
				}
				if took := time.Since(began); took != c.want {
					t.Errorf("answered after %s, want %s", took, c.want)
				}
				if _, err := io.Copy(io.Discard, answer); err != nil {
					t.Errorf("the connection was not closed: %v", err)
				}
				client.Close()
				cancel()
				if err := <-ended; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// pipes is a listener of connections in memory.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	close(p.closed)
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }
