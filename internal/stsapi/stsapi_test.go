package stsapi_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"mimeo/internal/awsquery"
	"mimeo/internal/envelope"
	"mimeo/internal/identity"
	"mimeo/internal/sigv4"
	"mimeo/internal/sigv4/sigv4test"
	"mimeo/internal/sqlstore/sqlstoretest"
	"mimeo/internal/stsapi"
)

const account = "111122223333"

func serve(t *testing.T, now func() time.Time) (*httptest.Server, identity.AccessKey) {
	t.Helper()
	db := sqlstoretest.Open(t)
	who, err := identity.New(db.Identity(), envelope.NewKey(), now)
	if err != nil {
		t.Fatal(err)
	}
	key, err := who.CreateAccount(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(awsquery.NewServer(stsapi.New(who), sigv4.New("sts", who, now)))
	t.Cleanup(s.Close)
	return s, key
}

func TestGetCallerIdentity(t *testing.T) {
	t.Parallel()
	s, key := serve(t, time.Now)
	for region, want := range map[string]string{
		"us-east-1":     "arn:aws:iam::111122223333:root",
		"cn-north-1":    "arn:aws-cn:iam::111122223333:root",
		"us-gov-west-1": "arn:aws-us-gov:iam::111122223333:root",
	} {
		c := sts.New(sts.Options{Region: region, BaseEndpoint: &s.URL, HTTPClient: s.Client(), Retryer: aws.NopRetryer{},
			Credentials: credentials.NewStaticCredentialsProvider(key.ID, key.Secret.Reveal(), "")})
		out, err := c.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
		if err != nil {
			t.Fatal(err)
		}
		if *out.Account != account || *out.UserId != account || *out.Arn != want {
			t.Errorf("in %s: %s, %s, %s; want %s", region, *out.Account, *out.UserId, *out.Arn, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	s, key := serve(t, time.Now)
	for name, c := range map[string]struct {
		id, secret, token, want string
	}{
		"wrong secret":  {key.ID, "x", "", "SignatureDoesNotMatch"},
		"wrong key":     {"AKIAAAAAAAAAAAAAAAAA", key.Secret.Reveal(), "", "InvalidClientTokenId"},
		"session token": {key.ID, key.Secret.Reveal(), "token", "InvalidClientTokenId"},
		"right":         {key.ID, key.Secret.Reveal(), "", "AccessDenied"},
	} {
		client := sts.New(sts.Options{Region: "us-east-1", BaseEndpoint: &s.URL, HTTPClient: s.Client(), Retryer: aws.NopRetryer{},
			Credentials: credentials.NewStaticCredentialsProvider(c.id, c.secret, c.token)})
		_, err := client.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::111122223333:role/r"), RoleSessionName: aws.String("s1")})
		var e smithy.APIError
		if !errors.As(err, &e) || e.ErrorCode() != c.want || e.ErrorMessage() == "" {
			t.Errorf("%s: %v, want %s with a message", name, err, c.want)
		}
	}
}

// TestRecorded answers what recorded clients sent, signed again.
func TestRecorded(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	s, key := serve(t, func() time.Time { return at })
	all, err := sigv4test.Recorded()
	if err != nil {
		t.Fatal(err)
	}
	answered := 0
	for _, q := range all {
		if !strings.Contains(q.Name, ".sts-") {
			continue
		}
		q.Sign(sigv4test.Key{ID: key.ID, Secret: key.Secret.Reveal()}, at)
		resp, body, err := q.Send(s.Listener.Addr().String())
		if err != nil {
			t.Errorf("%s: %v", q.Name, err)
			continue
		}
		status, want := 200, []string{
			`<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>`,
			"<Account>111122223333</Account>", "<Arn>arn:aws:iam::111122223333:root</Arn>", "<UserId>111122223333</UserId>", "<ResponseMetadata><RequestId>",
		}
		if strings.Contains(q.Name, "AssumeRole") { // its external id has a space, which none may have
			status, want = 400, []string{`<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>ValidationError</Code><Message>The ExternalId must have`}
		}
		if resp.StatusCode != status {
			t.Errorf("%s: status %d, want %d", q.Name, resp.StatusCode, status)
		}
		for _, part := range want {
			if !strings.Contains(string(body), part) {
				t.Errorf("%s: answer %s lacks %s", q.Name, body, part)
			}
		}
		answered++
	}
	if answered != 12 {
		t.Errorf("%d requests are recorded, want 12", answered)
	}
}
