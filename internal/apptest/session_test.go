package apptest_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"mimeo/internal/apptest"
)

// token returns a client of a session that is the client's own.
func token(t testing.TB, of *apptest.Client) *apptest.Client {
	t.Helper()
	out, err := of.STS.GetSessionToken(t.Context(), &sts.GetSessionTokenInput{})
	if err != nil {
		t.Fatalf("GetSessionToken: %v", err)
	}
	return of.With(*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken)
}

// TestSessionTokensMayNotUseIAM, whoever asked for them: but all else, and the
// roles that they may assume.
func TestSessionTokensMayNotUseIAM(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Options{})
	home := household{t, s.Client(t, trusting)}
	ann := home.user("ann", managed("AdministratorAccess"))
	role := home.role("admin", trusts(trusting, ""), managed("AdministratorAccess"))
	for name, c := range map[string]*apptest.Client{"a user's": token(t, ann), "the root's": token(t, home.root)} {
		for operation, call := range map[string]func() error{
			"ListUsers": func() error { _, err := c.IAM.ListUsers(t.Context(), &iam.ListUsersInput{}); return err },
			"GetUser":   func() error { _, err := c.IAM.GetUser(t.Context(), &iam.GetUserInput{}); return err },
			"CreateUser": func() error {
				_, err := c.IAM.CreateUser(t.Context(), &iam.CreateUserInput{UserName: aws.String("eve")})
				return err
			},
			"DeleteRole": func() error {
				_, err := c.IAM.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: aws.String("admin")})
				return err
			},
			"GetAccessKeyInfo": func() error {
				_, err := c.STS.GetAccessKeyInfo(t.Context(), &sts.GetAccessKeyInfoInput{AccessKeyId: aws.String("AKIAIOSFODNN7EXAMPLE")})
				return err
			},
			"DecodeAuthorizationMessage": func() error {
				_, err := c.STS.DecodeAuthorizationMessage(t.Context(), &sts.DecodeAuthorizationMessageInput{EncodedMessage: aws.String("x")})
				return err
			},
		} {
			err := call()
			wantCode(t, operation+" by "+name+" token", err, "AccessDenied")
			if !strings.Contains(message(err), "the rule for credentials of GetSessionToken") {
				t.Errorf("%s by %s token is refused with %q", operation, name, message(err))
			}
		}
		checkKMS(t, name+" token", c, true, true)
		if _, err := c.S3.ListBuckets(t.Context(), &s3.ListBucketsInput{}); err != nil {
			t.Errorf("ListBuckets by %s token: %v", name, err)
		}
	}
	session := assume(t, token(t, ann), &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("s1")})
	if _, err := session.IAM.ListUsers(t.Context(), &iam.ListUsersInput{}); err != nil {
		t.Errorf("ListUsers by a role that a token has assumed: %v", err)
	}
}
