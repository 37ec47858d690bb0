package awsjson_test

import (
	"context"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"

	"mimeo/internal/arn"
	"mimeo/internal/awsjson"
	"mimeo/internal/fault"
	"mimeo/internal/sigv4"
)

// TestAdmit: a request is admitted once its caller is known and before any
// work is done, and is done when it was answered, also with a fault.
func TestAdmit(t *testing.T) {
	t.Parallel()
	var steps []string
	srv := httptest.NewServer(awsjson.NewServer(awsjson.Service{
		SigningName: "rekognition", TargetPrefix: "RekognitionService", Faults: map[fault.Code]int{"Busy": 400},
		Operations: map[string]awsjson.Operation{
			"DescribeProjects": awsjson.Bind(func(_ context.Context, _ arn.Caller, in *rekognition.DescribeProjectsInput) (*rekognition.DescribeProjectsOutput, error) {
				steps = append(steps, "work")
				if in.NextToken != nil {
					return nil, fault.New("Busy", "busy")
				}
				return nil, nil
			}),
		},
		Admit: func(_ context.Context, caller arn.Caller, operation string) (func(), error) {
			steps = append(steps, "admit "+operation+" "+caller.Region)
			if caller.Region == "eu-central-1" {
				return nil, fault.New("Busy", "busy")
			}
			return func() { steps = append(steps, "done") }, nil
		},
	}, sigv4.New("rekognition", oneKey{}, time.Now)))
	defer srv.Close()
	for name, test := range map[string]struct {
		key, region string
		token       *string
		want        []string
	}{
		"an answer":         {keyID, "us-east-1", nil, []string{"admit DescribeProjects us-east-1", "work", "done"}},
		"a fault":           {keyID, "us-east-1", aws.String("x"), []string{"admit DescribeProjects us-east-1", "work", "done"}},
		"a refusal":         {keyID, "eu-central-1", nil, []string{"admit DescribeProjects eu-central-1"}},
		"an unknown caller": {"AKIANOBODYNOBODYNOBO", "us-east-1", nil, nil},
	} {
		steps = nil
		client := rekognition.New(rekognition.Options{
			Region: test.region, BaseEndpoint: &srv.URL, Retryer: aws.NopRetryer{},
			Credentials: credentials.NewStaticCredentialsProvider(test.key, secret, ""),
		})
		_, err := client.DescribeProjects(t.Context(), &rekognition.DescribeProjectsInput{NextToken: test.token})
		if (err == nil) != (name == "an answer") || !slices.Equal(steps, test.want) {
			t.Errorf("%s: %q, %v; want %q", name, steps, err, test.want)
		}
	}
}
