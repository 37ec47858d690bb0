package awsjson_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"mimeo/internal/arn"
	"mimeo/internal/awsjson"
	"mimeo/internal/fault"
	"mimeo/internal/reqlog"
	"mimeo/internal/sigv4"
	"mimeo/internal/sigv4/sigv4test"
)

const (
	keyID   = "AKIAIOSFODNN7EXAMPLE"
	secret  = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	account = "111122223333"
)

type oneKey struct{}

func (oneKey) Credential(_ context.Context, id, token string) (string, arn.Caller, bool, error) {
	return secret, arn.Caller{Principal: arn.Root("", account)}, id == keyID && token == "", nil
}

func (oneKey) Used(context.Context, string, string, string) {}

func TestClientOfTheSDK(t *testing.T) {
	t.Parallel()
	created := time.UnixMilli(1700000000123).UTC()
	var seen *rekognition.DescribeProjectsInput
	var caller arn.Caller
	srv := httptest.NewServer(awsjson.NewServer(awsjson.Service{
		SigningName: "rekognition", TargetPrefix: "RekognitionService",
		Operations: map[string]awsjson.Operation{
			"DescribeProjects": awsjson.Bind(func(_ context.Context, c arn.Caller, in *rekognition.DescribeProjectsInput) (*rekognition.DescribeProjectsOutput, error) {
				seen, caller = in, c
				return &rekognition.DescribeProjectsOutput{ProjectDescriptions: []types.ProjectDescription{{
					CreationTimestamp: &created, Status: types.ProjectStatusCreated, Datasets: []types.DatasetMetadata{},
				}}}, nil
			}),
		},
	}, sigv4.New("rekognition", oneKey{}, time.Now)))
	defer srv.Close()
	client := rekognition.New(rekognition.Options{Region: "cn-north-1", BaseEndpoint: &srv.URL,
		Credentials: credentials.NewStaticCredentialsProvider(keyID, secret, "")})
	out, err := client.DescribeProjects(t.Context(), &rekognition.DescribeProjectsInput{MaxResults: aws.Int32(7), ProjectNames: []string{"ä"}})
	if err != nil {
		t.Fatal(err)
	}
	if *seen.MaxResults != 7 || seen.ProjectNames[0] != "ä" {
		t.Errorf("the operation saw %+v", seen)
	}
	want := arn.Caller{Principal: arn.Root("aws-cn", account), Region: "cn-north-1", SourceIP: "127.0.0.1"}
	if !strings.HasPrefix(caller.UserAgent, "aws-sdk-go-v2/") {
		t.Errorf("the client calls itself %q", caller.UserAgent)
	}
	caller.UserAgent = ""
	if diff := cmp.Diff(want, caller); diff != "" {
		t.Errorf("caller (-want +got):\n%s", diff)
	}
	if got := out.ProjectDescriptions[0]; !got.CreationTimestamp.Equal(created) || got.Status != types.ProjectStatusCreated {
		t.Errorf("the client saw %+v", got)
	}
}

// projects is a service with one operation, which fails as its input says.
func projects() awsjson.Service {
	type input struct{ Name, NextToken *string }
	type output struct{ Hello *string }
	s := faulty(true)
	s.SigningName, s.TargetPrefix = "rekognition", "RekognitionService"
	s.Constraints = map[string]awsjson.Shape{"Greet": {Members: map[string]awsjson.Shape{"Name": {Required: true}}}}
	s.Operations = map[string]awsjson.Operation{"Greet": awsjson.Bind(func(_ context.Context, _ arn.Caller, in *input) (*output, error) {
		switch *in.Name {
		case "broken":
			return nil, errors.New("disk /dev/sda is on fire")
		case "gone":
			return nil, fault.New(notFoundCode, "No project of this name.")
		case "nothing":
			return nil, nil
		}
		return &output{Hello: in.Name}, nil
	})}
	return s
}

// greet is a request to it, changed and then signed.
func greet(t *testing.T, body string, change func(q *sigv4test.Request)) *sigv4test.Request {
	t.Helper()
	q, err := sigv4test.Parse("greet", []byte("POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Target: RekognitionService.Greet\r\n"+
		"Authorization: AWS4-HMAC-SHA256 Credential=x/x/us-east-1/rekognition/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=x\r\n\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	q.Body = []byte(body)
	q.Set("Content-Length", strconv.Itoa(len(body)))
	if change != nil {
		change(q)
	}
	if strings.Contains(q.Get("Authorization"), "Credential=x") {
		q.Sign(sigv4test.Key{ID: keyID, Secret: secret}, time.Now())
	}
	return q
}

func TestProtocol(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	srv := httptest.NewServer(reqlog.Handler(awsjson.NewServer(projects(), sigv4.New("rekognition", oneKey{}, time.Now)),
		slog.New(slog.NewTextHandler(&log, nil)), time.Now))
	defer srv.Close()
	set := func(name, value string) func(*sigv4test.Request) {
		return func(q *sigv4test.Request) { q.Set(name, value) }
	}
	anonymous := func(q *sigv4test.Request) { q.Set("Authorization", "") }
	for _, test := range []struct {
		name, body string
		change     func(*sigv4test.Request)
		status     int
		code, text string
	}{
		{"answer", `{"Name":"x"}`, nil, 200, "", `{"Hello":"x"}`},
		{"nil output", `{"Name":"nothing"}`, nil, 200, "", `{}`},
		{"charset in the content type", `{"Name":"x"}`, set("Content-Type", "application/x-amz-json-1.1; charset=utf-8"), 200, "", "x"},
		{"path of Dart", `{"Name":"x"}`, func(q *sigv4test.Request) { q.Target = "/?" }, 200, "", "x"},
		{"double path of Dart", `{"Name":"x"}`, func(q *sigv4test.Request) { q.Target = "//" }, 200, "", "x"},
		{"another path", `{"Name":"x"}`, func(q *sigv4test.Request) { q.Target = "/projects" }, 404, "UnknownOperationException", "POST /"},
		{"another method", `{"Name":"x"}`, func(q *sigv4test.Request) { q.Method = "PUT" }, 404, "UnknownOperationException", "POST /"},
		{"another content type", `{"Name":"x"}`, set("Content-Type", "application/json"), 400, "UnknownOperationException", "content type"},
		{"no target", `{"Name":"x"}`, set("X-Amz-Target", ""), 400, "UnknownOperationException", "not an operation"},
		{"unknown operation", `{"Name":"x"}`, set("X-Amz-Target", "RekognitionService.DetectFaces"), 400, "UnknownOperationException", "RekognitionService.DetectFaces"},
		{"target of another service", `{"Name":"x"}`, set("X-Amz-Target", "TrentService.Greet"), 400, "UnknownOperationException", ""},
		{"the target is looked at before the signature", `{`, func(q *sigv4test.Request) { anonymous(q); q.Set("X-Amz-Target", "RekognitionService.X") }, 400, "UnknownOperationException", ""},
		{"the signature before the body", `{`, func(q *sigv4test.Request) {
			q.Del("Authorization")
			q.Set("Authorization", "AWS4-HMAC-SHA256 Credential=y")
		}, 400, "IncompleteSignatureException", "'SignedHeaders'"},
		{"the body before the constraints", `{`, nil, 400, "SerializationException", "JSON"},
		{"the constraints before the members' types", `{"NextToken":1}`, nil, 400, "ValidationException", "1 validation error detected: Value null at 'name'"},
		{"the types before the operation", `{"Name":"gone","NextToken":1}`, nil, 400, "SerializationException", "'nextToken'"},
		{"fault of the service", `{"Name":"gone"}`, nil, 400, "ResourceNotFoundException", `"Message":"No project of this name."`},
		{"internal error", `{"Name":"broken"}`, nil, 500, "InternalServerError", `"Message":"Internal server error"`},
		{"more than 8 MiB", strings.Repeat(" ", 8<<20+1), nil, 413, "RequestEntityTooLargeException", ""},
	} {
		q := greet(t, test.body, test.change)
		resp, body, err := q.Send(srv.Listener.Addr().String())
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if resp.StatusCode != test.status || resp.Header.Get("X-Amzn-Errortype") != test.code || !strings.Contains(string(body), test.text) {
			t.Errorf("%s: answered %d %s %s; want %d %s with %q", test.name, resp.StatusCode, resp.Header.Get("X-Amzn-Errortype"), body, test.status, test.code, test.text)
		}
		if test.code != "" && !strings.Contains(string(body), `"__type":"`+test.code+`"`) {
			t.Errorf("%s: body %s", test.name, body)
		}
		checkHeaders(t, test.name, resp)
	}
	srv.Close() // waits for the last record
	if text := log.String(); !strings.Contains(text, "disk /dev/sda is on fire") || !strings.Contains(text, "operation=Greet") ||
		!strings.Contains(text, "caller=arn:aws:iam::111122223333:root") || !strings.Contains(text, "code=ResourceNotFoundException") {
		t.Errorf("the log lacks something:\n%s", text)
	}
}

// checkHeaders: clients need Date to see skew, and the Dart client takes a
// header of a member's name for the member.
func checkHeaders(t *testing.T, name string, resp *http.Response) {
	t.Helper()
	if resp.Header.Get("Content-Type") != "application/x-amz-json-1.1" || resp.Header.Get("Date") == "" || resp.ContentLength < 0 {
		t.Errorf("%s: headers %v", name, resp.Header)
	}
	if _, err := uuid.Parse(resp.Header.Get("X-Amzn-Requestid")); err != nil {
		t.Errorf("%s: request id: %v", name, err)
	}
	known := []string{"Content-Type", "Content-Length", "Date", "X-Amzn-Requestid", "X-Amzn-Errortype", "Connection"}
	for header := range resp.Header {
		if !slices.Contains(known, header) {
			t.Errorf("%s: the header %s may be taken for a member", name, header)
		}
	}
}
