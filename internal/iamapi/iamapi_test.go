package iamapi_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go"

	"mimeo/internal/awsquery"
	"mimeo/internal/envelope"
	"mimeo/internal/iam"
	"mimeo/internal/iamapi"
	"mimeo/internal/identity"
	"mimeo/internal/sigv4"
	"mimeo/internal/sqlstore/sqlstoretest"
)

const trust = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}}`

const allowAll = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`

// serve returns a client of an account's root.
func serve(t *testing.T) *sdk.Client {
	t.Helper()
	db := sqlstoretest.Open(t)
	who, err := identity.New(db.Identity(), envelope.NewKey(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	key, err := who.CreateAccount(t.Context(), "111122223333")
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(awsquery.NewServer(iamapi.New(iam.New(db.IAM(), who, time.Now)), sigv4.New("iam", who, time.Now)))
	t.Cleanup(s.Close)
	return sdk.New(sdk.Options{
		Region: "us-east-1", BaseEndpoint: &s.URL, HTTPClient: s.Client(), Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(key.ID, key.Secret.Reveal(), ""),
	})
}

func wantCode(t *testing.T, name string, err error, code string) {
	t.Helper()
	var e smithy.APIError
	if !errors.As(err, &e) || e.ErrorCode() != code || e.ErrorMessage() == "" {
		t.Errorf("%s: %v, want %s with a message", name, err, code)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	c, ctx := serve(t), t.Context()
	ann := aws.String("ann")
	if _, err := c.CreateUser(ctx, &sdk.CreateUserInput{UserName: ann}); err != nil {
		t.Fatal(err)
	}
	user := func(in sdk.CreateUserInput) error {
		_, err := c.CreateUser(ctx, &in)
		return err
	}
	role := func(trust string, seconds *int32) error {
		_, err := c.CreateRole(ctx, &sdk.CreateRoleInput{RoleName: aws.String("r"), AssumeRolePolicyDocument: &trust, MaxSessionDuration: seconds})
		return err
	}
	inline := func(document string) error {
		_, err := c.PutUserPolicy(ctx, &sdk.PutUserPolicyInput{UserName: ann, PolicyName: aws.String("p"), PolicyDocument: &document})
		return err
	}
	tags := func(pairs ...string) (all []types.Tag) {
		for i := 0; i < len(pairs); i += 2 {
			all = append(all, types.Tag{Key: &pairs[i], Value: &pairs[i+1]})
		}
		return all
	}
	bea := aws.String("bea")
	for name, c := range map[string]struct {
		err  error
		code string
	}{
		"a name in another case":   {user(sdk.CreateUserInput{UserName: aws.String("ANN")}), "EntityAlreadyExists"},
		"a name with a slash":      {user(sdk.CreateUserInput{UserName: aws.String("a/b")}), "ValidationError"},
		"no name":                  {user(sdk.CreateUserInput{UserName: aws.String("")}), "ValidationError"},
		"a path without an end":    {user(sdk.CreateUserInput{UserName: bea, Path: aws.String("/x")}), "ValidationError"},
		"a path of two slashes":    {user(sdk.CreateUserInput{UserName: bea, Path: aws.String("//")}), "ValidationError"},
		"a boundary of nobody":     {user(sdk.CreateUserInput{UserName: bea, PermissionsBoundary: aws.String("arn:aws:iam::111122223333:policy/x")}), "NoSuchEntity"},
		"another's boundary":       {user(sdk.CreateUserInput{UserName: bea, PermissionsBoundary: aws.String("arn:aws:iam::555555555555:policy/x")}), "NoSuchEntity"},
		"a boundary of no form":    {user(sdk.CreateUserInput{UserName: bea, PermissionsBoundary: aws.String("x")}), "ValidationError"},
		"a tag twice":              {user(sdk.CreateUserInput{UserName: bea, Tags: tags("a", "1", "A", "2")}), "InvalidInput"},
		"a reserved tag":           {user(sdk.CreateUserInput{UserName: bea, Tags: tags("aws:a", "1")}), "ValidationError"},
		"a trust that is none":     {role(allowAll, nil), "MalformedPolicyDocument"},
		"a session of half a day+": {role(trust, aws.Int32(43201)), "ValidationError"},
		"a session of no time":     {role(trust, aws.Int32(0)), "ValidationError"},
		"a long trust":             {role(strings.Replace(trust, `{"Effect"`, `{"Sid":"`+strings.Repeat("x", 2000)+`","Effect"`, 1), nil), "LimitExceeded"},
		"an inline with principal": {inline(trust), "MalformedPolicyDocument"},
		"an inline that is long":   {inline(strings.Replace(allowAll, `"*"`, `["s3:`+strings.Repeat("x", 2100)+`"]`, 1)), "LimitExceeded"},
		"white space counts not":   {inline(allowAll + strings.Repeat(" ", 4000)), ""},
	} {
		if c.code == "" && c.err != nil {
			t.Errorf("%s: %v", name, c.err)
		} else if c.code != "" {
			wantCode(t, name, c.err, c.code)
		}
	}
	_, err := c.DeleteUser(ctx, &sdk.DeleteUserInput{UserName: ann})
	wantCode(t, "deleting a user with policies", err, "DeleteConflict")
	_, err = c.GetRole(ctx, &sdk.GetRoleInput{RoleName: bea})
	wantCode(t, "a role that is not there", err, "NoSuchEntity")
	_, err = c.GetLoginProfile(ctx, &sdk.GetLoginProfileInput{UserName: ann})
	wantCode(t, "a password", err, "NoSuchEntity")
}

// TestPages lists users two by two, and only below a path.
func TestPages(t *testing.T) {
	t.Parallel()
	c, ctx := serve(t), t.Context()
	for name, path := range map[string]string{"Ann": "/", "bea": "/x/", "Cid": "/", "dan": "/x/y/", "eve": "/"} {
		if _, err := c.CreateUser(ctx, &sdk.CreateUserInput{UserName: &name, Path: &path}); err != nil {
			t.Fatal(err)
		}
	}
	for prefix, want := range map[string]string{"/": "Ann bea Cid dan eve", "/x": "bea dan", "/x/y/": "dan", "/z/": ""} {
		var got []string
		pages := sdk.NewListUsersPaginator(c, &sdk.ListUsersInput{MaxItems: aws.Int32(2), PathPrefix: &prefix})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if len(page.Users) > 2 {
				t.Errorf("a page of %d", len(page.Users))
			}
			for _, u := range page.Users {
				got = append(got, *u.UserName)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("below %s: %s, want %s", prefix, got, want)
		}
	}
	for name, in := range map[string]sdk.ListUsersInput{
		"a marker of nobody's": {Marker: aws.String("%")}, "no items": {MaxItems: aws.Int32(0)}, "too many": {MaxItems: aws.Int32(1001)},
	} {
		_, err := c.ListUsers(ctx, &in)
		wantCode(t, name, err, "ValidationError")
	}
}
