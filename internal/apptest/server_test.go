package apptest_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"go.uber.org/goleak"

	"mimeo/internal/apptest"
	"mimeo/internal/sigv4/sigv4test"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(victimDir); dir != "" {
		fmt.Fprintln(os.Stderr, serveVictim(dir)) // it should have been killed
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

func TestOwnPages(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]apptest.Options{"http": {}, "https": {TLS: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := apptest.Start(t, o)
			for path, want := range map[string]string{"/-/healthz": "ok\n", "/-/readyz": "ready\n"} {
				if status, body := s.Get(t, path); status != http.StatusOK || body != want {
					t.Errorf("GET %s: %d %q, want 200 %q", path, status, body, want)
				}
			}
			if got := strings.HasPrefix(s.Endpoint, name+"://127.0.0.1:"); !got {
				t.Errorf("the endpoint is %s, want one of %s", s.Endpoint, name)
			}
		})
	}
}

// TestNoRecordHoldsASecret makes every kind of secret pass through a server
// that logs all that it can.
func TestNoRecordHoldsASecret(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Options{Log: slog.LevelDebug})
	c := s.Client(t, "222222222222") // made through the operator's side
	credentials, err := c.Config.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	created, err := c.KMS.CreateKey(t.Context(), &kms.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	key := created.KeyMetadata.KeyId
	made, err := c.KMS.GenerateDataKey(t.Context(), &kms.GenerateDataKeyInput{KeyId: key, KeySpec: types.DataKeySpecAes256})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.KMS.Encrypt(t.Context(), &kms.EncryptInput{KeyId: key, Plaintext: made.Plaintext}); err != nil {
		t.Fatal(err)
	}
	wrong := map[string]string{"not": "the context"}
	if _, err := c.KMS.Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: made.CiphertextBlob, EncryptionContext: wrong}); err == nil {
		t.Error("a data key was decrypted with another context")
	}
	bucket, object, text := "secrets", "k", "the text of an object"
	if _, err := c.S3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
		t.Fatal(err)
	}
	url, err := s3.NewPresignClient(c.S3).PresignGetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &object})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.S3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &object, Body: strings.NewReader(text)}); err != nil {
		t.Fatal(err)
	}
	if status, body := s.Get(t, strings.TrimPrefix(url.URL, s.Endpoint)); status != http.StatusOK || body != text {
		t.Errorf("the presigned URL answers %d %s", status, body)
	}
	_, signature, _ := strings.Cut(url.URL, "X-Amz-Signature=")
	s.Stop()
	log := s.Log()
	if !strings.Contains(log, "GenerateDataKey") {
		t.Errorf("the log is not whole:\n%s", log)
	}
	for what, secret := range map[string]string{
		"an access key's secret": credentials.SecretAccessKey, "a presigned signature": signature, "an object": text,
		"a data key": base64.StdEncoding.EncodeToString(made.Plaintext), "a data key in hexadecimal": hex.EncodeToString(made.Plaintext),
		"a data key's bytes": fmt.Sprint(made.Plaintext),
	} {
		if secret == "" || strings.Contains(log, secret) {
			t.Errorf("the log holds %s", what)
		}
	}
}

// TestWhatIsNotServed asks for what is not there: each refusal is in the
// protocol that its client speaks.
func TestWhatIsNotServed(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Options{})
	c := s.Client(t, "111122223333")
	credentials, err := c.Config.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	host := strings.TrimPrefix(s.Endpoint, "http://")
	for _, test := range []struct{ service, contentType, target, body, want string }{
		{"iam", "application/x-www-form-urlencoded", "", "Action=CreateGroup&Version=2010-05-08", "<Code>InvalidAction</Code>"},
		{"sts", "application/x-www-form-urlencoded", "", "Action=AssumeRoleWithSAML&Version=2011-06-15", "<Code>InvalidAction</Code>"},
		{"rekognition", "application/x-amz-json-1.1", "RekognitionService.DetectFaces", "{}", `"__type":"UnknownOperationException"`},
		{"kms", "application/x-amz-json-1.1", "TrentService.CreateCustomKeyStore", "{}", `"__type":"UnknownOperationException"`},
		{"dynamodb", "application/x-amz-json-1.0", "DynamoDB_20120810.ListTables", "{}", `"__type":"UnknownOperationException"`},
	} {
		q := &sigv4test.Request{Method: http.MethodPost, Target: "/", Body: []byte(test.body)}
		q.Set("Host", host)
		q.Set("Content-Type", test.contentType)
		q.Set("Content-Length", strconv.Itoa(len(test.body)))
		signed := "content-type;host;x-amz-date"
		if test.target != "" {
			q.Set("X-Amz-Target", test.target)
			signed += ";x-amz-target"
		}
		q.Set("Authorization", "AWS4-HMAC-SHA256 Credential=X/20260101/us-east-1/"+test.service+"/aws4_request, SignedHeaders="+signed+", Signature=0")
		q.Sign(sigv4test.Key{ID: credentials.AccessKeyID, Secret: credentials.SecretAccessKey}, time.Now())
		resp, body, err := q.Send(host)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), test.want) {
			t.Errorf("%s %s: answered %d %s, want 400 %s", test.service, test.target, resp.StatusCode, body, test.want)
		}
	}
}

// TestOneRecordPerRequest counts the records of requests, which must be as
// many as the requests.
func TestOneRecordPerRequest(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Options{})
	before := len(s.Log()) // until it was ready
	s.Get(t, "/-/healthz")
	s.Get(t, "/nobodys-bucket/key?X-Amz-Date=x")
	s.Stop()
	var records int
	for line := range strings.Lines(s.Log()[before:]) {
		var r struct {
			Msg       string `json:"msg"`
			RequestID string `json:"request_id"`
			Status    int    `json:"status"`
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if r.Msg != "request" {
			continue
		}
		records++
		if r.RequestID == "" || r.Status == 0 {
			t.Errorf("record without request id or status: %s", line)
		}
	}
	if records != 2 {
		t.Errorf("two requests left %d records", records)
	}
}
