package awsjson_test

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/google/go-cmp/cmp"

	"mimeo/internal/arn"
	"mimeo/internal/awsjson"
	"mimeo/internal/sigv4"
)

const (
	keyID   = "AKIAIOSFODNN7EXAMPLE"
	secret  = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	account = "111122223333"
)

type oneKey struct{}

func (oneKey) Credential(_ context.Context, id, token string) (string, arn.Principal, bool, error) {
	return secret, arn.Root("", account), id == keyID && token == "", nil
}

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
	want := arn.Caller{Principal: arn.Root("aws-cn", account), Region: "cn-north-1"}
	if diff := cmp.Diff(want, caller); diff != "" {
		t.Errorf("caller (-want +got):\n%s", diff)
	}
	if got := out.ProjectDescriptions[0]; !got.CreationTimestamp.Equal(created) || got.Status != types.ProjectStatusCreated {
		t.Errorf("the client saw %+v", got)
	}
}
