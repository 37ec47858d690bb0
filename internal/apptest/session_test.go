package apptest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
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

// TestSessionsExpire asks every service with the credentials of a session,
// up to its last second and after it.
func TestSessionsExpire(t *testing.T) {
	t.Parallel()
	clock := &apptest.Clock{}
	s := apptest.Start(t, apptest.Options{Clock: clock})
	home := household{t, s.Client(t, trusting)}
	ann := home.user("ann", managed("AdministratorAccess"))
	role := home.role("admin", trusts(trusting, ""), managed("AdministratorAccess"))
	const length = 15 * time.Minute
	session := assume(t, ann, &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("s1"), DurationSeconds: aws.Int32(int32(length.Seconds()))})
	checkServices(t, "a session", session, "", "")
	clock.Pass(length - time.Minute)
	checkServices(t, "a session in its last minute", session, "", "")
	clock.Pass(time.Minute)
	checkServices(t, "a session that has ended", session, "ExpiredTokenException", "ExpiredToken")
	checkServices(t, "the user who began it", ann, "", "")
}

// checkServices asks each service something harmless. The codes are those of
// the services that speak JSON, and of the others; empty where all is well.
func checkServices(t *testing.T, who string, c *apptest.Client, inJSON, inXML string) {
	t.Helper()
	for service, ask := range map[string]struct {
		call func() error
		code string
	}{
		"Rekognition": {func() error {
			_, err := c.Rekognition.DescribeProjects(t.Context(), &rekognition.DescribeProjectsInput{})
			return err
		}, inJSON},
		"KMS": {func() error { _, err := c.KMS.ListKeys(t.Context(), &kms.ListKeysInput{}); return err }, inJSON},
		"S3":  {func() error { _, err := c.S3.ListBuckets(t.Context(), &s3.ListBucketsInput{}); return err }, inXML},
		"STS": {func() error {
			_, err := c.STS.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
			return err
		}, inXML},
		"IAM": {func() error { _, err := c.IAM.ListUsers(t.Context(), &iam.ListUsersInput{}); return err }, inXML},
	} {
		err := ask.call()
		if ask.code != "" {
			wantCode(t, service+" to "+who, err, ask.code)
		} else if err != nil {
			t.Errorf("%s to %s: %v", service, who, err)
		}
	}
}
