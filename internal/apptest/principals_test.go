package apptest_test

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"

	"mimeo/internal/apptest"
)

// A household makes users and roles of one account.
type household struct {
	t    testing.TB
	root *apptest.Client
}

// user makes a user and returns a client that signs as it.
func (h household) user(name string, policies ...string) *apptest.Client {
	h.t.Helper()
	_, err := h.root.IAM.CreateUser(h.t.Context(), &iam.CreateUserInput{UserName: &name})
	if err != nil {
		h.t.Fatalf("CreateUser: %v", err)
	}
	for _, policy := range policies {
		if _, err := h.root.IAM.AttachUserPolicy(h.t.Context(), &iam.AttachUserPolicyInput{UserName: &name, PolicyArn: &policy}); err != nil {
			h.t.Fatalf("AttachUserPolicy: %v", err)
		}
	}
	return h.key(name)
}

func (h household) key(user string) *apptest.Client {
	h.t.Helper()
	key, err := h.root.IAM.CreateAccessKey(h.t.Context(), &iam.CreateAccessKeyInput{UserName: &user})
	if err != nil {
		h.t.Fatalf("CreateAccessKey: %v", err)
	}
	return h.root.With(*key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey, "")
}

func (h household) inline(user, name, document string) {
	h.t.Helper()
	_, err := h.root.IAM.PutUserPolicy(h.t.Context(), &iam.PutUserPolicyInput{UserName: &user, PolicyName: &name, PolicyDocument: &document})
	if err != nil {
		h.t.Fatalf("PutUserPolicy: %v", err)
	}
}

// role makes a role that trusts as the statement says.
func (h household) role(name, trust string, policies ...string) string {
	h.t.Helper()
	document := policyOf(trust)
	out, err := h.root.IAM.CreateRole(h.t.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &document})
	if err != nil {
		h.t.Fatalf("CreateRole: %v", err)
	}
	for _, policy := range policies {
		if _, err := h.root.IAM.AttachRolePolicy(h.t.Context(), &iam.AttachRolePolicyInput{RoleName: &name, PolicyArn: &policy}); err != nil {
			h.t.Fatalf("AttachRolePolicy: %v", err)
		}
	}
	return *out.Role.Arn
}

func policyOf(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

func trusts(principal, condition string) string {
	s := `{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":["sts:AssumeRole","sts:TagSession"]`
	if condition != "" {
		s += `,"Condition":` + condition
	}
	return s + "}"
}

func managed(name string) string { return "arn:aws:iam::aws:policy/" + name }

// assume returns a client of the session.
func assume(t testing.TB, as *apptest.Client, in *sts.AssumeRoleInput) *apptest.Client {
	t.Helper()
	out, err := as.STS.AssumeRole(t.Context(), in)
	if err != nil {
		t.Fatalf("AssumeRole: %v", err)
	}
	c := out.Credentials
	return as.With(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken)
}

// TestUsersAndRolesCopy promotes a model as a user and as a session of a role
// that another account's user assumes; who lacks a permission is refused.
func TestUsersAndRolesCopy(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Options{Families: light})
	a := newSide(t, s, trusting, "trusting-custom-labels", "parts")
	source := trainSmall(a)
	allow(t, a, trusted)
	b := newSide(t, s, trusted, "trusted-custom-labels", "production")
	home := household{t, b.Client}
	key := b.newKey()
	withKeys := home.user("eve", managed("AmazonRekognitionCustomLabelsFullAccess"))
	home.inline("eve", "keys", policyOf(`{"Effect":"Allow","Action":["kms:DescribeKey","kms:CreateGrant","kms:GenerateDataKey","kms:Decrypt"],"Resource":"*"}`))
	copyAs := func(c *apptest.Client, name string, key *string) error {
		_, err := c.Rekognition.CopyProjectVersion(t.Context(), &rekognition.CopyProjectVersionInput{
			KmsKeyId:         key,
			SourceProjectArn: &a.project, SourceProjectVersionArn: &source, DestinationProjectArn: &b.project, VersionName: &name,
			OutputConfig: &types.OutputConfig{S3Bucket: &b.bucket, S3KeyPrefix: aws.String(name)},
		})
		return err
	}
	full := managed("AmazonRekognitionCustomLabelsFullAccess")
	for name, c := range map[string]struct {
		as   *apptest.Client
		key  *string
		code string
	}{
		"of custom labels": {home.user("ann", full), nil, ""},
		"with a key":       {withKeys, &key, ""},
		"without the key":  {home.user("fay", full), &key, "AccessDeniedException"},
		"who only reads":   {home.user("bea", managed("AmazonRekognitionReadOnlyAccess")), nil, "AccessDeniedException"},
		"without policies": {home.user("cid"), nil, "AccessDeniedException"},
		"of the session": {assume(t, household{t, a.Client}.user("dan", managed("AdministratorAccess")), &sts.AssumeRoleInput{
			RoleArn:         aws.String(home.role("promoter", trusts(trusting, ""), full)),
			RoleSessionName: aws.String("promotion"),
		}), nil, ""},
	} {
		err := copyAs(c.as, strings.ReplaceAll(name, " ", "-"), c.key)
		if c.code != "" {
			wantCode(t, "a copy as one "+name, err, c.code)
		} else if err != nil {
			t.Errorf("a copy as one %s: %v", name, err)
		} else {
			b.reach(strings.ReplaceAll(name, " ", "-"), types.ProjectVersionStatusCopyingCompleted)
		}
	}
	if !strings.Contains(s.Log(), "assumed-role/promoter/promotion") {
		t.Error("the log does not say that the session asked")
	}
}

// TestIdentities asks everyone who they are.
func TestIdentities(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Options{})
	home := household{t, s.Client(t, trusting)}
	ann := home.user("ann")
	home.inline("ann", "assume", policyOf(`{"Effect":"Allow","Action":"sts:*","Resource":"*"}`))
	role := home.role("tester", trusts("arn:aws:iam::"+trusting+":user/ann", ""))
	session := assume(t, ann, &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("s1")})
	token, err := ann.STS.GetSessionToken(t.Context(), &sts.GetSessionTokenInput{})
	if err != nil {
		t.Fatal(err)
	}
	own := ann.With(*token.Credentials.AccessKeyId, *token.Credentials.SecretAccessKey, *token.Credentials.SessionToken)
	for name, c := range map[string]struct {
		as      *apptest.Client
		arn, id string
	}{
		"root":          {home.root, "arn:aws:iam::111122223333:root", `^111122223333$`},
		"user":          {ann, "arn:aws:iam::111122223333:user/ann", `^AIDA[A-Z2-7]{16}$`},
		"role":          {session, "arn:aws:sts::111122223333:assumed-role/tester/s1", `^AROA[A-Z2-7]{16}:s1$`},
		"session token": {own, "arn:aws:iam::111122223333:user/ann", `^AIDA[A-Z2-7]{16}$`},
	} {
		id, err := c.as.STS.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if *id.Arn != c.arn || !regexp.MustCompile(c.id).MatchString(*id.UserId) || *id.Account != trusting {
			t.Errorf("%s is %s, %s, %s; want %s, %s", name, *id.Arn, *id.UserId, *id.Account, c.arn, c.id)
		}
	}
	_, err = own.STS.GetSessionToken(t.Context(), &sts.GetSessionTokenInput{})
	wantCode(t, "a session of a session", err, "AccessDenied")

	wrong := ann.With(*token.Credentials.AccessKeyId, *token.Credentials.SecretAccessKey, "x"+*token.Credentials.SessionToken)
	_, err = wrong.STS.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	wantCode(t, "a wrong token", err, "InvalidClientTokenId")
	bare := ann.With(*token.Credentials.AccessKeyId, *token.Credentials.SecretAccessKey, "")
	_, err = bare.STS.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	wantCode(t, "no token", err, "InvalidClientTokenId")

	if _, err := home.root.IAM.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: aws.String("tester")}); err != nil {
		t.Fatal(err)
	}
	_, err = session.STS.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	wantCode(t, "a session of a deleted role", err, "InvalidClientTokenId")
	for _, secret := range []string{*token.Credentials.SecretAccessKey, *token.Credentials.SessionToken} {
		if strings.Contains(s.Log(), secret) {
			t.Error("the log holds a secret")
		}
	}
}

// TestAssumeRoleRefused has everyone assume roles who may not.
func TestAssumeRoleRefused(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Options{})
	home, away := household{t, s.Client(t, trusting)}, household{t, s.Client(t, trusted)}
	external := `{"StringEquals":{"sts:ExternalId":"the-id"}}`
	admin := managed("AdministratorAccess")
	ann, bob, cid := home.user("ann", admin), away.user("bob", admin), away.user("cid")
	inner, outer := home.role("inner", trusts(trusting, "")), home.role("outer", trusts(trusted, external))
	id := aws.String("the-id")
	for name, c := range map[string]struct {
		as   *apptest.Client
		in   sts.AssumeRoleInput
		code string
	}{
		"of the account":            {ann, sts.AssumeRoleInput{RoleArn: &inner}, ""},
		"of another account":        {bob, sts.AssumeRoleInput{RoleArn: &outer, ExternalId: id}, ""},
		"by root":                   {home.root, sts.AssumeRoleInput{RoleArn: &inner}, "AccessDenied"},
		"not trusted":               {bob, sts.AssumeRoleInput{RoleArn: &inner}, "AccessDenied"},
		"trusted, not permitted":    {cid, sts.AssumeRoleInput{RoleArn: &outer, ExternalId: id}, "AccessDenied"},
		"without the external id":   {bob, sts.AssumeRoleInput{RoleArn: &outer}, "AccessDenied"},
		"with another external id":  {bob, sts.AssumeRoleInput{RoleArn: &outer, ExternalId: aws.String("other")}, "AccessDenied"},
		"that is not there":         {bob, sts.AssumeRoleInput{RoleArn: aws.String(outer + "x"), ExternalId: id}, "AccessDenied"},
		"for longer than it allows": {ann, sts.AssumeRoleInput{RoleArn: &inner, DurationSeconds: aws.Int32(7200)}, "ValidationError"},
		"for a moment":              {ann, sts.AssumeRoleInput{RoleArn: &inner, DurationSeconds: aws.Int32(1)}, "ValidationError"},
		"a user":                    {ann, sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::111122223333:user/ann")}, "ValidationError"},
		"with a broken policy":      {ann, sts.AssumeRoleInput{RoleArn: &inner, Policy: aws.String("{}")}, "MalformedPolicyDocument"},
		"with a long policy": {ann, sts.AssumeRoleInput{RoleArn: &inner, Policy: aws.String(
			policyOf(`{"Effect":"Allow","Action":"*","Resource":"*"}`) + strings.Repeat(" ", 3000))}, "PackedPolicyTooLarge"},
		"with a device": {ann, sts.AssumeRoleInput{RoleArn: &inner, SerialNumber: aws.String("arn:aws:iam::111122223333:mfa/x"), TokenCode: aws.String("123456")}, "AccessDenied"},
	} {
		c.in.RoleSessionName = aws.String("s1")
		_, err := c.as.STS.AssumeRole(t.Context(), &c.in)
		if c.code != "" {
			wantCode(t, "a role "+name, err, c.code)
		} else if err != nil {
			t.Errorf("a role %s: %v", name, err)
		}
	}
	_, absent := bob.STS.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String(strings.Replace(inner, "inner", "inneR", 1)), RoleSessionName: id})
	_, present := bob.STS.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &inner, RoleSessionName: id})
	if a, b := message(absent), message(present); !strings.EqualFold(a, b) || a == "" {
		t.Errorf("a role that is there is refused as %q, one that is not as %q", b, a)
	}
}

func message(err error) string {
	var e smithy.APIError
	if !errors.As(err, &e) {
		return ""
	}
	return e.ErrorMessage()
}

// TestSessionsAreBounded: a session does what its role, its own policies and
// the boundary of the role allow, and tags reach the conditions.
func TestSessionsAreBounded(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Options{})
	home := household{t, s.Client(t, trusting)}
	ann := home.user("ann", managed("AdministratorAccess"))
	role := home.role("worker", trusts(trusting, ""), managed("AdministratorAccess"))
	aliases := policyOf(`{"Effect":"Allow","Action":"kms:ListAliases","Resource":"*"}`)
	tagged := home.role("tagged", trusts(trusting, ""))
	byTag := policyOf(`{"Effect":"Allow","Action":"kms:ListKeys","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"vision"}}}`)
	if _, err := home.root.IAM.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: aws.String("tagged"), PolicyName: aws.String("p"), PolicyDocument: &byTag}); err != nil {
		t.Fatal(err)
	}
	team := func(value string) []ststypes.Tag {
		return []ststypes.Tag{{Key: aws.String("Team"), Value: &value}}
	}
	for name, c := range map[string]struct {
		in            sts.AssumeRoleInput
		keys, aliases bool
	}{
		"free":                  {sts.AssumeRoleInput{RoleArn: &role}, true, true},
		"with a policy":         {sts.AssumeRoleInput{RoleArn: &role, Policy: &aliases}, false, true},
		"with a managed":        {sts.AssumeRoleInput{RoleArn: &role, PolicyArns: []ststypes.PolicyDescriptorType{{Arn: aws.String(managed("AWSKeyManagementServicePowerUser"))}}}, true, true},
		"with one that is gone": {sts.AssumeRoleInput{RoleArn: &role, PolicyArns: []ststypes.PolicyDescriptorType{{Arn: aws.String(managed("Nothing"))}}}, false, false},
		"with the tag":          {sts.AssumeRoleInput{RoleArn: &tagged, Tags: team("vision")}, true, false},
		"with another tag":      {sts.AssumeRoleInput{RoleArn: &tagged, Tags: team("sound")}, false, false},
		"without a tag":         {sts.AssumeRoleInput{RoleArn: &tagged}, false, false},
	} {
		c.in.RoleSessionName = aws.String("s1")
		session := assume(t, ann, &c.in)
		checkKMS(t, name, session, c.keys, c.aliases)
	}
	bounded := policyOf(`{"Effect":"Allow","Action":"kms:ListKeys","Resource":"*"}`)
	policy, err := home.root.IAM.CreatePolicy(t.Context(), &iam.CreatePolicyInput{PolicyName: aws.String("bound"), PolicyDocument: &bounded})
	if err == nil {
		_, err = home.root.IAM.PutUserPermissionsBoundary(t.Context(), &iam.PutUserPermissionsBoundaryInput{UserName: aws.String("ann"), PermissionsBoundary: policy.Policy.Arn})
	}
	if err != nil {
		t.Fatal(err)
	}
	checkKMS(t, "a user within a boundary", ann, true, false)
	_, err = home.root.IAM.DeletePolicy(t.Context(), &iam.DeletePolicyInput{PolicyArn: policy.Policy.Arn})
	wantCode(t, "deleting a boundary", err, "DeleteConflict")
}

func checkKMS(t *testing.T, name string, c *apptest.Client, keys, aliases bool) {
	t.Helper()
	_, err := c.KMS.ListKeys(t.Context(), &kms.ListKeysInput{})
	if (err == nil) != keys {
		t.Errorf("%s: ListKeys: %v, want allowed: %t", name, err, keys)
	}
	_, err = c.KMS.ListAliases(t.Context(), &kms.ListAliasesInput{})
	if (err == nil) != aliases {
		t.Errorf("%s: ListAliases: %v, want allowed: %t", name, err, aliases)
	}
}

// TestDenialsAreExplained opens what a refusal carries, for who may.
func TestDenialsAreExplained(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Options{})
	home := household{t, s.Client(t, trusting)}
	ann := home.user("ann")
	home.inline("ann", "no-aliases", policyOf(`{"Sid":"NoAliases","Effect":"Deny","Action":"kms:ListAliases","Resource":"*"}`))
	role := home.role("closed", trusts("arn:aws:iam::"+trusting+":root", ""))
	const marker = "Encoded authorization failure message: "
	for name, c := range map[string]struct {
		try        func() error
		explicit   bool
		want, code string
	}{
		"of KMS": {func() error {
			_, err := ann.KMS.ListAliases(t.Context(), &kms.ListAliasesInput{})
			return err
		}, true, "NoAliases", "AccessDeniedException"},
		"of IAM": {func() error {
			_, err := ann.IAM.ListUsers(t.Context(), &iam.ListUsersInput{})
			return err
		}, false, "iam:ListUsers", "AccessDenied"},
		"of Rekognition": {func() error {
			_, err := ann.Rekognition.CreateProject(t.Context(), &rekognition.CreateProjectInput{ProjectName: aws.String("parts")})
			return err
		}, false, "rekognition:CreateProject", "AccessDeniedException"},
		"of STS": {func() error {
			_, err := ann.STS.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("nightly")})
			return err
		}, false, "sts:AssumeRole", "AccessDenied"},
	} {
		err := c.try()
		wantCode(t, "a refusal "+name, err, c.code)
		_, encoded, ok := strings.Cut(message(err), marker)
		if !ok {
			t.Errorf("a refusal %s carries no message: %v", name, err)
			continue
		}
		out, err := home.root.STS.DecodeAuthorizationMessage(t.Context(), &sts.DecodeAuthorizationMessageInput{EncodedMessage: &encoded})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var opened struct {
			Allowed, ExplicitDeny bool
			Context               struct{ Action string }
		}
		if err := json.Unmarshal([]byte(*out.DecodedMessage), &opened); err != nil || opened.Allowed || opened.ExplicitDeny != c.explicit || !strings.Contains(*out.DecodedMessage, c.want) {
			t.Errorf("%s: %v in %s, want %s", name, err, *out.DecodedMessage, c.want)
		}
		_, err = ann.STS.DecodeAuthorizationMessage(t.Context(), &sts.DecodeAuthorizationMessageInput{EncodedMessage: &encoded})
		wantCode(t, "opened without the permission", err, "AccessDenied")
		_, err = s.Client(t, trusted).STS.DecodeAuthorizationMessage(t.Context(), &sts.DecodeAuthorizationMessageInput{EncodedMessage: &encoded})
		wantCode(t, "opened in another account", err, "InvalidAuthorizationMessageException")
	}
}

// what a proxy says of it does not.
func TestConditionsOfTheRequest(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		o       apptest.Options
		aliases bool
	}{"http": {}, "https": {apptest.Options{TLS: true}, true}} {
		s := apptest.Start(t, c.o)
		home := household{t, s.Client(t, trusting)}
		ann := home.user("ann")
		home.inline("ann", "p", policyOf(
			`{"Effect":"Allow","Action":"kms:ListKeys","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"127.0.0.0/8"},"StringEquals":{"aws:username":"ann","aws:RequestedRegion":"us-east-1"}}}`,
			`{"Effect":"Allow","Action":"kms:ListAliases","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"},"DateGreaterThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}}}`))
		checkKMS(t, name, ann, true, c.aliases)
		home.inline("ann", "p", policyOf(
			`{"Effect":"Allow","Action":"kms:List*","Resource":"*","Condition":{"NotIpAddress":{"aws:SourceIp":"127.0.0.0/8"}}}`))
		checkKMS(t, name+" from here", ann, false, false)
	}
}
