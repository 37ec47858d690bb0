package apptest_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"mimeo/internal/apptest"
)

// What a user may create is bounded by what the request asks for, also where
// that is what every bucket has.
func TestConditionsOfCreateBucket(t *testing.T) {
	t.Parallel()
	home := household{t, apptest.Start(t, apptest.Options{}).Client(t, trusting)}
	ann := home.user("ann")
	home.inline("ann", "p", policyOf(
		`{"Effect":"Allow","Action":"s3:CreateBucket","Resource":"*","Condition":{"StringEquals":{"s3:x-amz-object-ownership":"BucketOwnerEnforced"}}}`,
		`{"Effect":"Deny","Action":"s3:CreateBucket","Resource":"*","Condition":{"StringEquals":{"s3:x-amz-acl":"private"}}}`))
	create := func(in s3.CreateBucketInput) error {
		in.Bucket = aws.String("bucket-of-ann")
		_, err := ann.S3.CreateBucket(t.Context(), &in)
		return err
	}
	wantCode(t, "says nothing", create(s3.CreateBucketInput{}), "AccessDenied")
	wantCode(t, "an ACL", create(s3.CreateBucketInput{ObjectOwnership: "BucketOwnerEnforced", ACL: "private"}), "AccessDenied")
	if err := create(s3.CreateBucketInput{ObjectOwnership: "BucketOwnerEnforced"}); err != nil {
		t.Errorf("as it must be: %v", err)
	}
}
