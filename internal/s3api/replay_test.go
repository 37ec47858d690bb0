package s3api_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"mimeo/internal/sigv4/sigv4test"
)

var (
	uploadIDs   = regexp.MustCompile(`uploadId=[0-9a-f]+`)
	newUploadID = regexp.MustCompile(`<UploadId>([^<]+)</UploadId>`)
)

// TestRecordedRequests answers every request to S3 that was recorded from true
// clients, in their order, signed again with a known key. What only the
// recording server knew, the ids of its uploads and its key, is put in.
func TestRecordedRequests(t *testing.T) {
	t.Parallel()
	s := serve(t, plain)
	c := s.client(mine)
	create(t, c, "wire-bkt")
	put(t, c, "wire-bkt", "dir/a b+ü.txt", []byte("hello wire"))
	kmsKey := s.key(t, mine)
	all, err := sigv4test.Recorded()
	if err != nil {
		t.Fatal(err)
	}
	uploads := map[string]string{} // by client and path
	replayed := 0
	for _, q := range all {
		client, name, _ := strings.Cut(q.Name, ".")
		if !strings.HasPrefix(name, "s3") {
			continue
		}
		path, _, _ := strings.Cut(q.Target, "?")
		q.Target = uploadIDs.ReplaceAllLiteralString(q.Target, "uploadId="+uploads[client+path])
		if q.Get("x-amz-server-side-encryption-aws-kms-key-id") != "" {
			q.Set("x-amz-server-side-encryption-aws-kms-key-id", kmsKey)
		}
		k := s.keys[mine]
		q.Sign(sigv4test.Key{ID: k.ID, Secret: k.Secret.Reveal()}, time.Now())
		resp, body, err := q.Send(s.Listener.Addr().String())
		if err != nil {
			t.Errorf("%s: %v", q.Name, err)
			continue
		}
		if resp.StatusCode != 200 {
			t.Errorf("%s: %s %s: %d %s", q.Name, q.Method, q.Target, resp.StatusCode, body)
		}
		if id := newUploadID.FindSubmatch(body); id != nil {
			uploads[client+path] = string(id[1])
		}
		if strings.Contains(name, "GetObject") && string(body) != "hello wire" {
			t.Errorf("%s: got %q", q.Name, body)
		}
		replayed++
	}
	if replayed < 90 {
		t.Errorf("%d requests replayed, want all of the 90 or more", replayed)
	}
}
