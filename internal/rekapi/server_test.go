package rekapi_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"mimeo/internal/apptest"
	"mimeo/internal/sigv4/sigv4test"
)

const (
	mine    = "111122223333"
	foreign = "555555555555"
)

// A server is one under test.
type server struct {
	*apptest.Server
	t *testing.T
}

func serve(t *testing.T) *server {
	t.Helper()
	return &server{apptest.Start(t, apptest.Options{}), t}
}

// key is the root access key of an account.
func (s *server) key(account string) sigv4test.Key {
	s.t.Helper()
	c, err := s.Client(s.t, account).Config.Credentials.Retrieve(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return sigv4test.Key{ID: c.AccessKeyID, Secret: c.SecretAccessKey}
}

// send signs a request again and sends it.
func (s *server) send(q *sigv4test.Request, k sigv4test.Key) (*http.Response, []byte) {
	s.t.Helper()
	if q.Get("Content-Length") != "" {
		q.Set("Content-Length", strconv.Itoa(len(q.Body)))
	}
	q.Sign(k, time.Now())
	resp, body, err := q.Send(strings.TrimPrefix(s.Endpoint, "http://"))
	if err != nil {
		s.t.Fatalf("%s: %v", q.Name, err)
	}
	return resp, body
}

// recorded returns the recorded requests to Rekognition by their names.
func recorded(t *testing.T) map[string]*sigv4test.Request {
	t.Helper()
	all, err := sigv4test.Recorded()
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]*sigv4test.Request{}
	for _, q := range all {
		if strings.HasPrefix(q.Get("X-Amz-Target"), "RekognitionService.") {
			byName[q.Name] = q
		}
	}
	return byName
}

// A caller sends operations with bodies that no SDK would.
type caller struct {
	*server
	key  sigv4test.Key
	base *sigv4test.Request
}

func (s *server) caller(account string) *caller {
	return &caller{s, s.key(account), recorded(s.t)["go.rek-DescribeProjects-empty.01"]}
}

// call returns the status and the members of the answer.
func (c *caller) call(operation, body string) (int, map[string]any) {
	c.t.Helper()
	q := c.base.Clone()
	q.Set("X-Amz-Target", "RekognitionService."+operation)
	q.Body = []byte(body)
	resp, answer := c.send(q, c.key)
	var members map[string]any
	if err := json.Unmarshal(answer, &members); err != nil {
		c.t.Fatalf("%s: %v in %s", operation, err, answer)
	}
	return resp.StatusCode, members
}

// refused checks that an operation is refused with a code and a message.
func (c *caller) refused(operation, body, code, message string) {
	c.t.Helper()
	status, members := c.call(operation, body)
	got, _ := members["message"].(string)
	if got == "" {
		got, _ = members["Message"].(string)
	}
	if status != http.StatusBadRequest || members["__type"] != code || got != message {
		c.t.Errorf("%s %.300s:\ngot  %d %v: %s\nwant 400 %s: %s", operation, body, status, members["__type"], got, code, message)
	}
}

// await waits until done says so.
func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for !done() {
		select {
		case <-poll.C:
		case <-deadline:
			t.Fatalf("%s: not within 30 seconds", what)
		}
	}
}

func str(s string) *string { return aws.String(s) }
