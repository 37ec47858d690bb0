package app

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"mimeo/internal/sigv4"
)

// routes is the whole HTTP surface: one port for all services and mimeo's own
// pages. Paths are never cleaned or redirected, for signatures cover them as
// they were sent.
type routes struct {
	services map[string]http.Handler // by signing name; S3 is one of them
	own      map[string]http.Handler // by path; no bucket's name starts with "-"
}

// targets tells the service of an unsigned request from its X-Amz-Target,
// up to the dot.
var targets = map[string]string{
	"RekognitionService": "rekognition",
	"TrentService":       "kms",
	"Mimeo":              mimeo,
}

// mimeo is the service of our own operations, which are signed for
// Rekognition and told apart from it by their target.
const mimeo = "mimeo"

// actions tells the service of an unsigned request of the Query protocol.
var actions = map[string]string{
	"2011-06-15": "sts",
	"2010-05-08": "iam",
}

// ServeHTTP gives a request to its service. One that is signed is never for a
// page: below a bucket's host, a key may be named like it.
func (s *routes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if page, ok := s.own[r.URL.Path]; ok {
		if _, signed := sigv4.ScopeOf(r); !signed {
			page.ServeHTTP(w, r)
			return
		}
	}
	s.services[s.serviceOf(r)].ServeHTTP(w, r)
}

// serviceOf is the service in whose name a request is signed. One that is not
// signed, or for a service that is not here, is told by its target, then by
// its action, else it is S3's; a refusal then comes from that service. A
// target that nobody has is Rekognition's to refuse: its client reads JSON.
func (s *routes) serviceOf(r *http.Request) string {
	target, _, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	target, _, _ = strings.Cut(target, "_") // a version may follow
	scope, signed := sigv4.ScopeOf(r)
	if signed && scope.Service == "rekognition" && targets[target] == mimeo {
		return mimeo
	}
	if signed && s.services[scope.Service] != nil && scope.Service != mimeo {
		return scope.Service
	}
	if r.Header.Get("X-Amz-Target") != "" {
		return cmp.Or(targets[target], "rekognition")
	}
	if service := actions[version(r)]; s.services[service] != nil {
		return service
	}
	return "s3"
}

// version is the version of the Query API that a request with an Action is
// for: from the query, or from the beginning of a form, which stays unread.
func version(r *http.Request) string {
	values := r.URL.Query()
	if !values.Has("Action") && r.Method == http.MethodPost &&
		strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		const enough = 4096
		head, err := io.ReadAll(io.LimitReader(r.Body, enough))
		r.Body = rewound{io.MultiReader(bytes.NewReader(head), &tail{r.Body, err}), r.Body}
		values, _ = url.ParseQuery(string(head)) // what can be read of it
	}
	if !values.Has("Action") {
		return ""
	}
	return values.Get("Version")
}

// rewound is a body whose beginning was read and put back.
type rewound struct {
	io.Reader
	io.Closer
}

// tail is the rest of a body, which may have failed already.
type tail struct {
	rest io.Reader
	err  error
}

func (t *tail) Read(p []byte) (int, error) {
	if t.err != nil {
		return 0, t.err
	}
	return t.rest.Read(p)
}

// ownPages are mimeo's own.
func ownPages(ready func(context.Context) error) map[string]http.Handler {
	return map[string]http.Handler{
		"/-/healthz": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "ok\n")
		}),
		"/-/readyz": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := ready(r.Context()); err != nil {
				http.Error(w, "not ready", http.StatusServiceUnavailable)
				return
			}
			_, _ = io.WriteString(w, "ready\n")
		}),
	}
}

// bounded cuts off a client whose body, or whose reading of the answer,
// stands still. What the handler leaves of a body net/http reads before it
// answers; the request is copied, so that net/http finds its own body in its
// own request and sees when that is too long to be read to its end.
func bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, own *http.Request) {
		control := http.NewResponseController(w)
		_ = control.SetWriteDeadline(time.Time{}) // the last request's
		r := own.WithContext(own.Context())
		r.Body = &moving{ReadCloser: own.Body, control: control}
		next.ServeHTTP(&movingWriter{ResponseWriter: w, control: control}, r)
		_ = control.SetReadDeadline(time.Now().Add(stallTimeout))
		_ = control.SetWriteDeadline(time.Now().Add(2 * stallTimeout)) // the answer may wait for the body's end
	})
}

type moving struct {
	io.ReadCloser
	control *http.ResponseController
}

func (m *moving) Read(p []byte) (int, error) {
	_ = m.control.SetReadDeadline(time.Now().Add(stallTimeout)) // a recorder in a test has no deadline
	n, err := m.ReadCloser.Read(p)
	_ = m.control.SetReadDeadline(time.Time{})
	return n, err
}

type movingWriter struct {
	http.ResponseWriter
	control *http.ResponseController
}

func (m *movingWriter) Write(p []byte) (int, error) {
	_ = m.control.SetWriteDeadline(time.Now().Add(stallTimeout)) // likewise
	return m.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (m *movingWriter) Unwrap() http.ResponseWriter { return m.ResponseWriter }
