package apptest

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"mimeo/internal/app"
)

// A Client acts as the root of an account, through the SDK, configured by the
// profile that the server wrote. Nothing is retried.
type Client struct {
	Account     string
	Config      aws.Config
	Rekognition *rekognition.Client
	S3          *s3.Client
	KMS         *kms.Client
	STS         *sts.Client
	IAM         *iam.Client
}

// Client returns a client of an account, which is made if it is not there.
func (s *Server) Client(t testing.TB, account string) *Client {
	t.Helper()
	return s.ClientIn(t, account, app.DefaultRegion)
}

// ClientIn returns a client of an account in a region.
func (s *Server) ClientIn(t testing.TB, account, region string) *Client {
	t.Helper()
	profile := s.profileOf(t, account)
	// Not LoadDefaultConfig: the environment of whoever runs the tests must
	// not count.
	shared, err := config.LoadSharedConfigProfile(t.Context(), profile, func(o *config.LoadSharedConfigOptions) {
		o.ConfigFiles = []string{filepath.Join(s.DataDir, "aws", "config")}
		o.CredentialsFiles = []string{filepath.Join(s.DataDir, "aws", "credentials")}
	})
	if err != nil {
		t.Fatalf("load profile %s: %v", profile, err)
	}
	cfg := aws.Config{
		Region:       region,
		BaseEndpoint: &shared.BaseEndpoint,
		Credentials:  credentials.StaticCredentialsProvider{Value: shared.Credentials},
		HTTPClient:   s.HTTP,
		Retryer:      func() aws.Retryer { return aws.NopRetryer{} },
	}
	return newClient(account, cfg)
}

// At returns c as a client of this server, which may be another process on
// the same data directory.
func (s *Server) At(c *Client) *Client {
	cfg := c.Config.Copy()
	cfg.BaseEndpoint, cfg.HTTPClient = &s.Endpoint, s.HTTP
	return newClient(c.Account, cfg)
}

// With returns c as a client that signs with other credentials: those of a
// user or a session.
func (c *Client) With(id, secret, token string) *Client {
	cfg := c.Config.Copy()
	cfg.Credentials = credentials.NewStaticCredentialsProvider(id, secret, token)
	return newClient(c.Account, cfg)
}

func newClient(account string, cfg aws.Config) *Client {
	return &Client{
		Account: account, Config: cfg,
		Rekognition: rekognition.NewFromConfig(cfg),
		S3:          s3.NewFromConfig(cfg),
		KMS:         kms.NewFromConfig(cfg),
		STS:         sts.NewFromConfig(cfg),
		IAM:         iam.NewFromConfig(cfg),
	}
}

func (s *Server) profileOf(t testing.TB, account string) string {
	t.Helper()
	all, err := s.App.Accounts().List(t.Context())
	if err != nil {
		t.Fatalf("list accounts: %v", err)
	}
	if i := slices.IndexFunc(all, func(a app.Account) bool { return a.ID == account }); i >= 0 {
		return all[i].Profiles[0]
	}
	profile := "test-" + account
	if err := s.App.Accounts().Create(t.Context(), app.NewAccount{ID: account, Profile: profile}); err != nil {
		t.Fatalf("create account %s: %v", account, err)
	}
	return profile
}
