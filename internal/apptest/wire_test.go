package apptest_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"

	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"mimeo/internal/apptest"
	"mimeo/internal/sigv4/sigv4test"
)

// keyOf returns the access key of an account's root.
func keyOf(t *testing.T, s *apptest.Server, account string) sigv4test.Key {
	t.Helper()
	c, err := s.Client(t, account).Config.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return sigv4test.Key{ID: c.AccessKeyID, Secret: c.SecretAccessKey}
}

// A replayer sends recorded requests to a whole server, signed again.
type replayer struct {
	address string
	keys    map[string]sigv4test.Key // by the recorded key id
	project string                   // ARN of the project that Terraform made
}

func newReplayer(t *testing.T) *replayer {
	s := apptest.Start(t, apptest.Options{})
	return &replayer{
		address: strings.TrimPrefix(s.Endpoint, "http://"),
		keys: map[string]sigv4test.Key{
			"AKIAAAAAAAAAAAAAAAAA": keyOf(t, s, "111122223333"), "AKIABBBBBBBBBBBBBBBB": keyOf(t, s, "555555555555"),
		},
	}
}

var (
	recordedKeyID   = regexp.MustCompile(`Credential=([A-Z]+)/`)
	recordedProject = regexp.MustCompile(`arn:aws:rekognition:us-east-1:111122223333:project/tf-custom/[0-9]+`)
)

// send signs q with the key that stands for the one it was recorded with,
// and sends it. break, if it is not nil, changes it after it was signed.
func (p *replayer) send(t *testing.T, q *sigv4test.Request, breaking func(*sigv4test.Request)) (*http.Response, []byte) {
	t.Helper()
	q = q.Clone()
	if p.project != "" {
		q.Body = recordedProject.ReplaceAll(q.Body, []byte(p.project))
		if q.Get("Content-Length") != "" {
			q.Set("Content-Length", strconv.Itoa(len(q.Body)))
		}
	}
	q.Sign(p.keys[recordedKeyID.FindStringSubmatch(q.Get("Authorization"))[1]], time.Now())
	if breaking != nil {
		breaking(q)
	}
	resp, body, err := q.Send(p.address)
	if err != nil {
		t.Fatalf("%s: %v", q.Name, err)
	}
	return resp, body
}

// oneByte changes the last byte of the body, or of the target.
func oneByte(q *sigv4test.Request) {
	if len(q.Body) == 0 {
		q.Target += "x"
		return
	}
	q.Body = bytes.Clone(q.Body)
	q.Body[len(q.Body)-1] ^= 1
}

// expected is what a whole server answers to an operation of a recording, when
// nothing has been trained: success, or the refusal that reveals nothing.
var expected = map[string]struct {
	status int
	code   string
}{
	"CopyProjectVersion":       {400, "ValidationException"}, // the recorded tags hold & and <, which AWS refuses
	"repaired":                 {400, "AccessDeniedException"},
	"DetectCustomLabels-bytes": {400, "AccessDeniedException"},
	"DescribeProjects-empty":   {200, ""},
	"GetCallerIdentity":        {200, ""},
	"AssumeRole":               {400, "ValidationError"}, // the recorded external id holds a space, which AWS refuses
}

// TestRecordedRequests sends what each recorded client sent to Rekognition and
// STS, each of which must be answered in a form that the client decodes, and
// be refused with one byte changed.
func TestRecordedRequests(t *testing.T) {
	t.Parallel()
	all, err := sigv4test.Recorded()
	if err != nil {
		t.Fatal(err)
	}
	p := newReplayer(t)
	answered := 0
	for _, q := range slices.Clone(all) {
		if strings.Contains(string(q.Body), "DestinationProject") {
			all = append(all, repaired(q))
		}
	}
	for _, q := range all {
		name := strings.TrimSuffix(q.Name, ".01")
		_, operation, _ := strings.Cut(name, ".rek-")
		if operation == "" {
			_, operation, _ = strings.Cut(name, ".sts-")
		}
		if strings.HasPrefix(name, "replay-") {
			operation = "CopyProjectVersion"
		}
		if strings.HasPrefix(name, "repaired ") {
			operation = "repaired"
		}
		want, ok := expected[operation]
		if !ok {
			continue // S3, KMS and Terraform have tests of their own
		}
		answered++
		resp, body := p.send(t, q, nil)
		if code := decoded(t, q, resp, body); resp.StatusCode != want.status || code != want.code {
			t.Errorf("%s: answered %d %s, want %d %s", q.Name, resp.StatusCode, body, want.status, want.code)
		}
		resp, body = p.send(t, q, oneByte)
		if code := decoded(t, q, resp, body); code != "InvalidSignatureException" && code != "SignatureDoesNotMatch" {
			t.Errorf("%s: with one byte changed it is answered %d %s", q.Name, resp.StatusCode, body)
		}
	}
	if want := 6*4 + 12 + 12; answered != want { // six clients' Describe, Detect and STS; the copy of twelve, twice
		t.Errorf("%d requests were answered, want %d", answered, want)
	}
}

// repaired returns a recorded copy with tags that AWS takes.
func repaired(q *sigv4test.Request) *sigv4test.Request {
	q = q.Clone()
	q.Name = "repaired " + q.Name
	q.Body = []byte(strings.NewReplacer(" & co", " co", ` \u0026 co`, " co", "<>", "", `\u003C\u003E`, "").Replace(string(q.Body)))
	q.Set("Content-Length", strconv.Itoa(len(q.Body)))
	return q
}

// decoded reads an answer as strictly as the strictest recorded client does,
// and returns the code of its error.
func decoded(t *testing.T, q *sigv4test.Request, resp *http.Response, body []byte) (code string) {
	t.Helper()
	if resp.Header.Get("Date") == "" || resp.Header.Get("X-Amzn-Requestid") == "" || resp.ContentLength != int64(len(body)) {
		t.Errorf("%s: headers %v", q.Name, resp.Header)
	}
	if strings.Contains(q.Get("Authorization"), "/sts/") {
		var answer struct {
			Code string `xml:"Error>Code"`
		}
		if err := xml.Unmarshal(body, &answer); err != nil {
			t.Errorf("%s: %v in %s", q.Name, err, body)
		}
		return answer.Code
	}
	var members map[string]any
	if err := json.Unmarshal(body, &members); err != nil {
		t.Errorf("%s: %v in %s", q.Name, err, body)
	}
	for member := range members { // Dart merges headers over members
		if resp.Header.Get(member) != "" {
			t.Errorf("%s: a header is named like the member %s", q.Name, member)
		}
	}
	if resp.StatusCode == http.StatusOK {
		return ""
	}
	code, _ = members["__type"].(string) // Dart: as String
	message, hasMessage := members["Message"].(string)
	if !hasMessage {
		message, hasMessage = members["message"].(string)
	}
	if !hasMessage || message == "" || resp.Header.Get("X-Amzn-Errortype") != code {
		t.Errorf("%s: no message, or another code in the header: %v %s", q.Name, resp.Header, body)
	}
	return code
}

// TestRecordedTerraform applies and destroys a project as Terraform did.
func TestRecordedTerraform(t *testing.T) {
	t.Parallel()
	all, err := sigv4test.Recorded()
	if err != nil {
		t.Fatal(err)
	}
	p := newReplayer(t)
	states := []string{}
	for _, q := range all {
		if !strings.HasPrefix(q.Name, "terraform.") {
			continue
		}
		if resp, body := p.send(t, q, oneByte); resp.StatusCode < 400 {
			t.Errorf("%s: with one byte changed it is answered %s", q.Name, body)
		}
		state := p.terraform(t, q)
		for patience := time.Now().Add(time.Minute); q.Name == "terraform.destroy.09" && state == "DELETING" && time.Now().Before(patience); {
			state = p.terraform(t, q)
		}
		if state != "" {
			states = append(states, state)
		}
	}
	if got := strings.Join(states, " "); got != "CREATED CREATED CREATED gone gone" && got != "CREATED CREATED CREATED DELETING gone" {
		t.Errorf("Terraform sees the states %s", got)
	}
}

// terraform sends one request of Terraform's, which must succeed, and returns
// the state of the project if it asked for that.
func (p *replayer) terraform(t *testing.T, q *sigv4test.Request) (state string) {
	t.Helper()
	resp, body := p.send(t, q, nil)
	if code := decoded(t, q, resp, body); code != "" || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: answered %d %s", q.Name, resp.StatusCode, body)
	}
	_, operation, ok := strings.Cut(q.Get("X-Amz-Target"), ".")
	if !ok {
		return ""
	}
	var answer struct {
		ProjectArn          string
		ProjectDescriptions []struct {
			Status            string
			CreationTimestamp float64
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatalf("%s: %v in %s", q.Name, err, body)
	}
	switch {
	case operation == "CreateProject":
		p.project = answer.ProjectArn
	case operation == "DescribeProjects" && len(answer.ProjectDescriptions) == 1:
		return answer.ProjectDescriptions[0].Status
	case operation == "DescribeProjects":
		return "gone"
	}
	return ""
}

// TestRecordedRouting sends every recording to the one port: each reaches its
// service, which finds its operation and its signature good.
func TestRecordedRouting(t *testing.T) {
	t.Parallel()
	all, err := sigv4test.Recorded()
	if err != nil {
		t.Fatal(err)
	}
	p := newReplayer(t)
	for _, q := range all {
		resp, body := p.send(t, q, nil)
		for _, refusal := range []string{
			"UnknownOperation", "NotImplemented", "Signature", "Token", "Authorization", "InvalidAccessKey", "SHA256", "Serialization", "Internal", "Malformed", "Chunk", "Trailer", "BadDigest",
		} {
			if resp.StatusCode >= 400 && (strings.Contains(string(body), "<Code>"+refusal) || strings.Contains(string(body), `"__type":"`+refusal)) || resp.StatusCode >= 500 {
				t.Errorf("%s: answered %d %s", q.Name, resp.StatusCode, body)
				break
			}
		}
	}
	if len(all) != 180 {
		t.Errorf("%d requests were sent", len(all))
	}
}
