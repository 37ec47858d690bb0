// Package sigv4test has what tests of signed requests need: requests of real
// clients, a signer that works on their raw bytes and shares nothing with the
// verifier, and a client that sends them byte for byte.
package sigv4test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"slices"
	"strings"
	"time"
)

// A Header is one header line.
type Header struct{ Name, Value string }

// A Request is a request as it is on the wire.
type Request struct {
	Name           string // of the recording
	Method, Target string
	Headers        []Header // in order, in the client's case
	Body           []byte   // with the framing of Transfer-Encoding
	// CutShort makes Send end its side of the connection after the body, so
	// that the server sees a body end before its announced length.
	CutShort bool
}

// Parse takes a request apart. A body that was cut in the middle is filled up
// again; Parse fails where that does not give what the headers say.
func Parse(name string, raw []byte) (*Request, error) {
	head, body, ok := bytes.Cut(raw, []byte("\r\n\r\n"))
	if !ok {
		return nil, fmt.Errorf("%s: no end of headers", name)
	}
	lines := strings.Split(string(head), "\r\n")
	parts := strings.Split(lines[0], " ")
	if len(parts) != 3 {
		return nil, fmt.Errorf("%s: request line %q", name, lines[0])
	}
	q := &Request{Name: name, Method: parts[0], Target: parts[1]}
	for _, line := range lines[1:] {
		key, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, fmt.Errorf("%s: header line %q", name, line)
		}
		q.Headers = append(q.Headers, Header{key, strings.TrimPrefix(value, " ")})
	}
	var err error
	q.Body, err = q.restore(body)
	return q, err
}

// Clone returns a copy that shares nothing with q.
func (q *Request) Clone() *Request {
	c := *q
	c.Headers, c.Body = slices.Clone(q.Headers), bytes.Clone(q.Body)
	return &c
}

func (q *Request) index(name string) int {
	return slices.IndexFunc(q.Headers, func(h Header) bool { return strings.EqualFold(h.Name, name) })
}

// Get returns the first value of a header, or "".
func (q *Request) Get(name string) string {
	if i := q.index(name); i >= 0 {
		return q.Headers[i].Value
	}
	return ""
}

// Set replaces a header's first value, or adds the header.
func (q *Request) Set(name, value string) {
	if i := q.index(name); i >= 0 {
		q.Headers[i].Value = value
		return
	}
	q.Headers = append(q.Headers, Header{name, value})
}

// Del removes a header.
func (q *Request) Del(name string) {
	q.Headers = slices.DeleteFunc(q.Headers, func(h Header) bool { return strings.EqualFold(h.Name, name) })
}

// Content returns the body without the framing of Transfer-Encoding.
func (q *Request) Content() ([]byte, error) {
	if !strings.EqualFold(q.Get("Transfer-Encoding"), "chunked") {
		return q.Body, nil
	}
	return io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(q.Body)))
}

// Bytes returns the request as it goes on the wire.
func (q *Request) Bytes() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", q.Method, q.Target)
	for _, h := range q.Headers {
		fmt.Fprintf(&b, "%s: %s\r\n", h.Name, h.Value)
	}
	b.WriteString("\r\n")
	b.Write(q.Body)
	return b.Bytes()
}

// Send sends the request over a connection of its own and returns the
// response with its body.
func (q *Request) Send(address string) (*http.Response, []byte, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return nil, nil, err
	}
	// A server that refuses early may close before it has read a long body:
	// writing goes on beside reading, and only reading may fail.
	written := make(chan struct{})
	go func() {
		defer close(written)
		if _, err := conn.Write(q.Bytes()); err == nil && q.CutShort {
			_ = conn.(*net.TCPConn).CloseWrite()
		}
	}()
	resp, body, err := receive(conn, q.Method)
	conn.Close()
	<-written
	return resp, body, err
}

// receive reads a response and passes over "100 Continue".
func receive(conn net.Conn, method string) (*http.Response, []byte, error) {
	r := bufio.NewReader(conn)
	for {
		resp, err := http.ReadResponse(r, &http.Request{Method: method})
		if err != nil {
			return nil, nil, fmt.Errorf("read response: %w", err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusContinue {
			return resp, body, err
		}
	}
}
