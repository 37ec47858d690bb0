package s3api_test

import (
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"mimeo/internal/arn"
	"mimeo/internal/blob"
	"mimeo/internal/blob/mem"
	"mimeo/internal/bucket"
	"mimeo/internal/envelope"
	"mimeo/internal/identity"
	"mimeo/internal/kms"
	"mimeo/internal/s3api"
	"mimeo/internal/sigv4"
	"mimeo/internal/sqlstore"
	"mimeo/internal/sqlstore/sqlstoretest"
)

const (
	mine   = "111122223333"
	theirs = "555555555555"
	region = "us-east-1"
)

// A server is a running S3 with two accounts, a database and real keys.
type server struct {
	*httptest.Server
	dir     string // of the database
	db      *sqlstore.DB
	blobs   blob.Store
	kms     *kms.Service
	buckets *bucket.Service
	keys    map[string]identity.AccessKey // by account
}

// serve runs a server over http, or https where the test says so.
func serve(t testing.TB, start func(*httptest.Server)) *server {
	t.Helper()
	return serveOn(t, mem.New(), start)
}

func plain(s *httptest.Server)  { s.Start() }
func secure(s *httptest.Server) { s.StartTLS() }

func serveOn(t testing.TB, blobs blob.Store, start func(*httptest.Server)) *server {
	t.Helper()
	dir := t.TempDir()
	db := sqlstoretest.OpenIn(t, dir)
	master := envelope.NewKey()
	people, err := identity.New(db.Identity(), master, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{dir: dir, db: db, blobs: blobs, keys: map[string]identity.AccessKey{}}
	for _, account := range []string{mine, theirs} {
		if s.keys[account], err = people.CreateAccount(t.Context(), account); err != nil {
			t.Fatal(err)
		}
	}
	s.kms = kms.New(db.KMS(), master, people, time.Now)
	s.buckets = bucket.New(db.Buckets(), blobs, s.kms, people, time.Now)
	s.Server = httptest.NewUnstartedServer(s3api.New(s.buckets, sigv4.New("s3", people, time.Now)))
	start(s.Server)
	t.Cleanup(s.Close)
	return s
}

// root is the root of an account, in the region of the tests.
func root(account string) arn.Caller {
	return arn.Caller{Principal: arn.Root("aws", account), Region: region}
}

// key creates a KMS key in an account.
func (s *server) key(t testing.TB, account string) string {
	t.Helper()
	k, err := s.kms.CreateKey(t.Context(), root(account), kms.NewKey{})
	if err != nil {
		t.Fatal(err)
	}
	return k.ARN.String()
}

// client returns an SDK client of an account.
func (s *server) client(account string, opts ...func(*s3.Options)) *s3.Client {
	k := s.keys[account]
	return s3.New(s3.Options{
		Region:           region,
		BaseEndpoint:     aws.String(s.URL),
		UsePathStyle:     true,
		Credentials:      credentials.NewStaticCredentialsProvider(k.ID, k.Secret.Reveal(), ""),
		RetryMaxAttempts: 1,
		// What every client gets that loads its configuration.
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
		HTTPClient:                 s.http(),
	}, opts...)
}

func (s *server) http() *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // the test's own certificate
}

// code returns the code of an SDK error.
func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// create creates a bucket.
func create(t testing.TB, c *s3.Client, name string) {
	t.Helper()
	if _, err := c.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &name}); err != nil {
		t.Fatal(err)
	}
}

func in(name, key string) *s3.GetObjectInput { return &s3.GetObjectInput{Bucket: &name, Key: &key} }

func getOf(name, key string) bucket.GetRequest { return bucket.GetRequest{Bucket: name, Key: key} }
