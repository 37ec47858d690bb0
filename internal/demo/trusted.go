package demo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// policyName is the name of the project policy that allows the copy.
const policyName = "trust-production"

// promotion is the tags of the copy.
var promotion = map[string]string{"stage": "production", "approved-by": "demo"}

// prepare gives the trusted account what a copy needs on its side.
func (s *story) prepare(ctx context.Context) error {
	a := &s.trusted
	if _, err := a.s3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &a.bucket}); err != nil {
		return err
	}
	s.same(*a, "s3 mb s3://%s", a.bucket)
	if err := s.newProject(ctx, a); err != nil {
		return err
	}
	const description = "models in production"
	key, err := a.kms.CreateKey(ctx, &kms.CreateKeyInput{Description: aws.String(description)})
	if err != nil {
		return err
	}
	s.key = aws.ToString(key.KeyMetadata.Arn)
	s.say("%s", s.key)
	s.same(*a, "kms create-key --description '%s'", description)
	return nil
}

// request is the copy, the same before and after the policy.
func (s *story) request() *rekognition.CopyProjectVersionInput {
	return &rekognition.CopyProjectVersionInput{
		SourceProjectArn:        &s.trusting.project,
		SourceProjectVersionArn: &s.source.arn,
		DestinationProjectArn:   &s.trusted.project,
		VersionName:             aws.String("v1-production"),
		OutputConfig:            &types.OutputConfig{S3Bucket: &s.trusted.bucket, S3KeyPrefix: aws.String(resultPrefix)},
		Tags:                    promotion,
		KmsKeyId:                &s.key,
	}
}

func (s *story) sameCopy() {
	var tags []string
	for _, name := range slices.Sorted(maps.Keys(promotion)) {
		tags = append(tags, name+"="+promotion[name])
	}
	r := s.request()
	s.same(s.trusted, "rekognition copy-project-version --source-project-arn %s --source-project-version-arn %s --destination-project-arn %s --version-name %s --output-config S3Bucket=%s,S3KeyPrefix=%s --tags %s --kms-key-id %s",
		*r.SourceProjectArn, *r.SourceProjectVersionArn, *r.DestinationProjectArn, *r.VersionName, *r.OutputConfig.S3Bucket, *r.OutputConfig.S3KeyPrefix, strings.Join(tags, ","), *r.KmsKeyId)
}

// copyWithoutPolicy shows that nobody copies a model without its owner's
// consent.
func (s *story) copyWithoutPolicy(ctx context.Context) error {
	s.sameCopy()
	_, err := s.trusted.rekognition.CopyProjectVersion(ctx, s.request())
	var refusal smithy.APIError
	switch {
	case err == nil:
		return errors.New("the copy was not refused")
	case !errors.As(err, &refusal) || refusal.ErrorCode() != "AccessDeniedException":
		return fmt.Errorf("want AccessDeniedException, got %w", err)
	}
	s.report.DeniedWithoutPolicy = Denial{Code: refusal.ErrorCode(), Message: refusal.ErrorMessage()}
	s.say("refused, as it should be: %s", refusal.ErrorCode())
	s.say("%s", refusal.ErrorMessage())
	return nil
}

// allow attaches the project policy to the source project.
func (s *story) allow(ctx context.Context) error {
	a := s.trusting
	versions := a.project[:strings.LastIndex(a.project, "/")] + "/version/*"
	document := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::%s:root"},"Action":"rekognition:CopyProjectVersion","Resource":"%s"}]}`, Trusted, versions)
	_, err := a.rekognition.PutProjectPolicy(ctx, &rekognition.PutProjectPolicyInput{
		ProjectArn: &a.project, PolicyName: aws.String(policyName), PolicyDocument: &document,
	})
	s.say("%s", document)
	s.same(a, "rekognition put-project-policy --project-arn %s --policy-name %s --policy-document '%s'", a.project, policyName, document)
	return err
}

// copy promotes the version and measures how long that takes.
func (s *story) copy(ctx context.Context) error {
	a := s.trusted
	s.sameCopy()
	began := s.now()
	out, err := a.rekognition.CopyProjectVersion(ctx, s.request())
	if err != nil {
		return err
	}
	s.copied = version{arn: aws.ToString(out.ProjectVersionArn), name: *s.request().VersionName}
	s.report.ProjectVersionARN.Copy = s.copied.arn
	d, err := a.reach(ctx, s.copied, types.ProjectVersionStatusCopyingCompleted, time.Millisecond, nil)
	if err != nil {
		return err
	}
	took := s.now().Sub(began)
	s.report.CopyMilliseconds = float64(took.Microseconds()) / 1000
	s.same(a, "rekognition describe-project-versions --project-arn %s --version-names %s", a.project, s.copied.name)
	s.say("%s", s.copied.arn)
	s.say("%s after %s", d.Status, round(took))
	if got := aws.ToString(d.SourceProjectVersionArn); got != s.source.arn {
		return fmt.Errorf("the copy names %q as its source, want %s", got, s.source.arn)
	}
	if got := aws.ToString(d.KmsKeyId); got != s.key {
		return fmt.Errorf("the copy names %q as its key, want %s", got, s.key)
	}
	return s.checkTags(ctx)
}

func (s *story) checkTags(ctx context.Context) error {
	out, err := s.trusted.rekognition.ListTagsForResource(ctx, &rekognition.ListTagsForResourceInput{ResourceArn: &s.copied.arn})
	if err != nil {
		return err
	}
	if !maps.Equal(out.Tags, promotion) {
		return fmt.Errorf("the copy has the tags %v, want %v", out.Tags, promotion)
	}
	s.same(s.trusted, "rekognition list-tags-for-resource --resource-arn %s", s.copied.arn)
	return nil
}

// inspect lists the copied results and checks that they are sealed with the
// trusted account's own key.
func (s *story) inspect(ctx context.Context) error {
	a := s.trusted
	s.same(a, "s3 ls --recursive s3://%s/%s", a.bucket, resultPrefix)
	pages := s3.NewListObjectsV2Paginator(a.s3, &s3.ListObjectsV2Input{Bucket: &a.bucket, Prefix: aws.String(resultPrefix)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, object := range page.Contents {
			head, err := a.s3.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &a.bucket, Key: object.Key})
			if err != nil {
				return err
			}
			if head.ServerSideEncryption != s3types.ServerSideEncryptionAwsKms || aws.ToString(head.SSEKMSKeyId) != s.key {
				return fmt.Errorf("%s is encrypted with %q %q, want the key %s", *object.Key, head.ServerSideEncryption, aws.ToString(head.SSEKMSKeyId), s.key)
			}
			uri := "s3://" + a.bucket + "/" + *object.Key
			s.report.CopiedResults = append(s.report.CopiedResults, uri)
			s.say("%s", uri)
		}
	}
	if len(s.report.CopiedResults) == 0 {
		return fmt.Errorf("there are no results in s3://%s/%s", a.bucket, resultPrefix)
	}
	s.say("each is sealed with %s", s.key)
	return nil
}
