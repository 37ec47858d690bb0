package rekapi_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the answers in testdata/wire")

// What differs from one run to the next: ids, creation times in ARNs, times.
var masks = []struct {
	re   *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`), "ID"},
	{regexp.MustCompile(`tf-custom/[0-9]+`), "tf-custom/STAMP"},
	{regexp.MustCompile(`Timestamp":[0-9.E+]+`), `Timestamp":TIME`},
}

// TestRecorded answers what recorded clients sent, signed again, byte for
// byte as testdata/wire/OPERATION/CLIENT.txt has it: status line, the headers
// that clients look at, body.
func TestRecorded(t *testing.T) {
	t.Parallel()
	requests := recorded(t)
	if len(requests) < 30 {
		t.Fatalf("only %d recorded requests to Rekognition", len(requests))
	}
	servers := map[string]*server{}
	project := regexp.MustCompile(`tf-custom/[0-9]+`)
	made := ""
	// In the order of their names, so that Terraform's tell their story.
	for _, name := range slices.Sorted(maps.Keys(requests)) {
		client, _, _ := strings.Cut(name, ".")
		if servers[client] == nil {
			servers[client] = serve(t)
		}
		s, q := servers[client], requests[name]
		if made != "" {
			q.Body = project.ReplaceAll(q.Body, []byte(made))
		}
		resp, body := s.send(q, s.key(mine))
		if found := project.Find(body); found != nil {
			made = string(found)
		}
		if resp.Header.Get("Date") == "" || resp.Header.Get("X-Amzn-Requestid") == "" {
			t.Errorf("%s: headers %v", name, resp.Header)
		}
		got := fmt.Sprintf("%d\nContent-Type: %s\nX-Amzn-Errortype: %s\n\n%s\n", resp.StatusCode, resp.Header.Get("Content-Type"), resp.Header.Get("X-Amzn-Errortype"), body)
		for _, m := range masks {
			got = m.re.ReplaceAllString(got, m.with)
		}
		operation := strings.TrimPrefix(q.Get("X-Amz-Target"), "RekognitionService.")
		golden(t, filepath.Join("testdata", "wire", operation, name+".txt"), got)
		if operation == "DeleteProject" { // what comes next is asked when it is gone
			c := s.Client(t, mine).Rekognition
			await(t, "deletion", func() bool {
				out, err := c.DescribeProjects(t.Context(), &rekognition.DescribeProjectsInput{})
				return err == nil && len(out.ProjectDescriptions) == 0
			})
		}
		// One byte of the body changed after signing.
		q.Body[len(q.Body)-1] = ']'
		if resp, body, err := q.Send(strings.TrimPrefix(s.Endpoint, "http://")); err != nil || resp.Header.Get("X-Amzn-Errortype") != "InvalidSignatureException" {
			t.Errorf("%s with a byte changed: %v, %s", name, err, body)
		}
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v: run with -update and review", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}
