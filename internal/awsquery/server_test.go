package awsquery_test

import (
	"context"
	"encoding/xml"
	"errors"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"mimeo/internal/arn"
	"mimeo/internal/awsquery"
	"mimeo/internal/fault"
	"mimeo/internal/sigv4"
	"mimeo/internal/sigv4/sigv4test"
)

var key = sigv4test.Key{ID: "AKIAIOSFODNN7EXAMPLE", Secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}

type oneKey struct{}

func (oneKey) Credential(_ context.Context, id, token string) (string, arn.Caller, bool, error) {
	return key.Secret, arn.Caller{Principal: arn.Root("", "111122223333")}, id == key.ID && token == "", nil
}

func (oneKey) Used(context.Context, string, string, string) {}

// tokens serves two operations of STS; AssumeRole fails as its role says.
func tokens(t *testing.T, seen *sts.AssumeRoleInput) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(awsquery.NewServer(awsquery.Service{
		SigningName: "sts", Version: "2011-06-15", Namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
		Faults: map[fault.Code]int{deniedCode: 403},
		Operations: map[string]awsquery.Operation{
			"GetCallerIdentity": awsquery.Bind(func(_ context.Context, c arn.Caller, _ *sts.GetCallerIdentityInput) (*sts.GetCallerIdentityOutput, error) {
				return &sts.GetCallerIdentityOutput{Account: &c.Principal.Account, Arn: aws.String(c.Principal.String()), UserId: aws.String("<&>")}, nil
			}),
			"AssumeRole": awsquery.Bind(func(_ context.Context, _ arn.Caller, in *sts.AssumeRoleInput) (*sts.AssumeRoleOutput, error) {
				*seen = *in
				switch *in.RoleArn {
				case "denied":
					return nil, fault.New(deniedCode, "User: x is not authorized & never was")
				case "broken":
					return nil, errors.New("disk on fire")
				}
				expires := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
				return &sts.AssumeRoleOutput{PackedPolicySize: aws.Int32(6), Credentials: &types.Credentials{
					AccessKeyId: aws.String("ASIA"), SecretAccessKey: aws.String("s"), SessionToken: aws.String("t"), Expiration: &expires}}, nil
			}),
		},
	}, sigv4.New("sts", oneKey{}, time.Now)))
	t.Cleanup(srv.Close)
	return srv
}

func TestClientOfTheSDK(t *testing.T) {
	t.Parallel()
	var seen sts.AssumeRoleInput
	srv := tokens(t, &seen)
	client := sts.New(sts.Options{Region: "us-gov-west-1", BaseEndpoint: &srv.URL, Credentials: credentials.NewStaticCredentialsProvider(key.ID, key.Secret, "")})
	who, err := client.GetCallerIdentity(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if *who.Arn != "arn:aws-us-gov:iam::111122223333:root" || *who.Account != "111122223333" || *who.UserId != "<&>" {
		t.Errorf("the client saw %s, %s, %s", *who.Arn, *who.Account, *who.UserId)
	}
	in := &sts.AssumeRoleInput{
		RoleArn: aws.String("role"), RoleSessionName: aws.String("a b+ü"), DurationSeconds: aws.Int32(900),
		Tags: []types.Tag{{Key: aws.String("k1"), Value: aws.String("v1")}, {Key: aws.String("k2"), Value: aws.String("")}}, TransitiveTagKeys: []string{"k1"},
	}
	out, err := client.AssumeRole(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(*in, seen, cmpopts.IgnoreUnexported(sts.AssumeRoleInput{}, types.Tag{})); diff != "" {
		t.Errorf("the operation saw (-want +got):\n%s", diff)
	}
	if out.Credentials.Expiration.Year() != 2026 || *out.PackedPolicySize != 6 {
		t.Errorf("the client saw %+v", out)
	}
	in.RoleArn = aws.String("denied")
	_, err = client.AssumeRole(t.Context(), in)
	if e := smithy.APIError(nil); !errors.As(err, &e) || e.ErrorCode() != "AccessDenied" || e.ErrorMessage() != "User: x is not authorized & never was" {
		t.Errorf("the client saw %v", err)
	}
}

func TestProtocol(t *testing.T) {
	t.Parallel()
	var seen sts.AssumeRoleInput
	address := tokens(t, &seen).Listener.Addr().String()
	const whoami = "Action=GetCallerIdentity&Version=2011-06-15"
	target := func(target string) func(*sigv4test.Request) {
		return func(q *sigv4test.Request) { q.Target = target }
	}
	for _, test := range []struct {
		name, body string
		change     func(*sigv4test.Request)
		status     int
		code       string
	}{
		{"answer", whoami, nil, 200, ""},
		{"no version", "Action=GetCallerIdentity", nil, 200, ""},
		{"GET with a query", "", func(q *sigv4test.Request) { q.Method, q.Target = "GET", "/?"+whoami }, 200, ""},
		{"presigned GET", "", func(q *sigv4test.Request) {
			q.Method, q.Target = "GET", "/?"+whoami
			q.Presign(key, time.Now(), time.Minute)
		}, 200, ""},
		{"presigned POST without a form", "", func(q *sigv4test.Request) { // what boto3 presigns, sent by who knows no form
			q.Target = "/?" + whoami
			q.Presign(key, time.Now(), time.Minute)
			q.Del("Content-Type")
		}, 200, ""},
		{"another version", "Action=GetCallerIdentity&Version=2010-05-08", nil, 400, "InvalidAction"},
		{"unknown action", "Action=GetSessionToken&Version=2011-06-15", nil, 400, "InvalidAction"},
		{"no action", "Version=2011-06-15", nil, 400, "MissingAction"},
		{"no body", "", nil, 400, "MissingAction"},
		{"another path", whoami, target("/sts"), 404, "InvalidAction"},
		{"another method", whoami, func(q *sigv4test.Request) { q.Method = "PUT" }, 404, "InvalidAction"},
		{"parameter twice", whoami + "&Action=AssumeRole", nil, 400, "MalformedQueryString"},
		{"malformed escape", whoami + "&a=%zz", nil, 400, "MalformedQueryString"},
		{"another content type", "{}", func(q *sigv4test.Request) { q.Set("Content-Type", "application/json") }, 400, "MalformedQueryString"},
		{"too many parameters", whoami + strings.Repeat("&a=b", 2000), nil, 400, "MalformedQueryString"},
		{"number that is none", "Action=AssumeRole&RoleArn=x&DurationSeconds=many", nil, 400, "MalformedQueryString"},
		{"structure where a value belongs", "Action=AssumeRole&RoleArn.x=1", nil, 400, "MalformedQueryString"},
		{"fault of the service", "Action=AssumeRole&RoleArn=denied", nil, 403, "AccessDenied"},
		{"internal error", "Action=AssumeRole&RoleArn=broken", nil, 500, "InternalFailure"},
		{"no signature", whoami, func(q *sigv4test.Request) { q.Del("Authorization") }, 403, "MissingAuthenticationToken"},
	} {
		resp, body, err := form(t, test.body, test.change).Send(address)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		var answer struct {
			XMLName   xml.Name
			Code      string `xml:"Error>Code"`
			Type      string `xml:"Error>Type"`
			Message   string `xml:"Error>Message"`
			Account   string `xml:"GetCallerIdentityResult>Account"`
			RequestID string `xml:"RequestId"`
			Inner     string `xml:"ResponseMetadata>RequestId"`
		}
		if err := xml.Unmarshal(body, &answer); err != nil {
			t.Errorf("%s: %v in %s", test.name, err, body)
		}
		if resp.StatusCode != test.status || answer.Code != test.code {
			t.Errorf("%s: answered %d %s, want %d %s", test.name, resp.StatusCode, body, test.status, test.code)
		}
		if answer.RequestID+answer.Inner != resp.Header.Get("X-Amzn-Requestid") || answer.XMLName.Space != "https://sts.amazonaws.com/doc/2011-06-15/" {
			t.Errorf("%s: %s with %v", test.name, body, resp.Header)
		}
		if strings.Contains(string(body), "fire") || test.status == 200 && answer.Account != "111122223333" ||
			test.status == 500 && answer.Type != "Receiver" || test.status == 403 && answer.Type != "Sender" {
			t.Errorf("%s: %s", test.name, body)
		}
	}
}

// form is a signed form; change sees it before it is signed.
func form(t *testing.T, body string, change func(*sigv4test.Request)) *sigv4test.Request {
	t.Helper()
	q, err := sigv4test.Parse("form", []byte("POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-www-form-urlencoded; charset=utf-8\r\n"+
		"Authorization: AWS4-HMAC-SHA256 Credential=x/x/us-east-1/sts/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=x\r\n\r\n"+body))
	if err != nil {
		t.Fatal(err)
	}
	q.Set("Content-Length", strconv.Itoa(len(body)))
	if change != nil {
		change(q)
	}
	if q.Get("Authorization") != "" {
		q.Sign(key, time.Now())
	}
	return q
}
