package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// Region is where the story plays.
const Region = "us-east-1"

// An account is one side of the story: its clients, and what it owns.
type account struct {
	id, profile string
	rekognition *rekognition.Client
	s3          *s3.Client
	kms         *kms.Client
	bucket      string
	project     string // ARN
	projectName string
}

// A version is a trained or copied model.
type version struct{ arn, name string }

// connect makes the clients of both accounts and checks that the server knows
// them.
func (s *story) connect(ctx context.Context) (err error) {
	if s.trusting, err = s.signIn(ctx, Trusting, TrustingProfile); err != nil {
		return err
	}
	s.trusting.projectName = "hardware"
	if !s.Images.isZero() {
		s.trusting.projectName = "my-images"
	}
	s.trusted, err = s.signIn(ctx, Trusted, TrustedProfile)
	s.trusted.projectName = s.trusting.projectName + "-production"
	return err
}

// signIn makes the clients of one account from its profile.
func (s *story) signIn(ctx context.Context, id, profile string) (account, error) {
	cfg, err := config.LoadDefaultConfig(ctx,
		config.WithRegion(Region),
		config.WithBaseEndpoint(s.Server.Endpoint),
		config.WithSharedConfigProfile(profile),
		config.WithSharedConfigFiles([]string{s.Server.ConfigFile}),
		config.WithSharedCredentialsFiles([]string{s.Server.CredentialsFile}),
	)
	if err != nil {
		return account{}, fmt.Errorf("read the profile %s: %w", profile, err)
	}
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return account{}, fmt.Errorf("ask %s who %s is: %w", s.Server.Endpoint, profile, err)
	}
	if got := aws.ToString(who.Account); got != id {
		return account{}, fmt.Errorf("profile %s signs for account %s, not for %s", profile, got, id)
	}
	return account{
		id: id, profile: profile, bucket: "custom-labels-demo-" + id,
		rekognition: rekognition.NewFromConfig(cfg),
		s3:          s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }),
		kms:         kms.NewFromConfig(cfg),
	}, nil
}

// describe returns what the account's server says about a version.
func (a account) describe(ctx context.Context, v version) (types.ProjectVersionDescription, error) {
	out, err := a.rekognition.DescribeProjectVersions(ctx, &rekognition.DescribeProjectVersionsInput{
		ProjectArn: &a.project, VersionNames: []string{v.name},
	})
	if err != nil {
		return types.ProjectVersionDescription{}, err
	}
	if len(out.ProjectVersionDescriptions) != 1 {
		return types.ProjectVersionDescription{}, fmt.Errorf("the project %s has %d versions named %s, want one", a.project, len(out.ProjectVersionDescriptions), v.name)
	}
	return out.ProjectVersionDescriptions[0], nil
}

// reach polls a version until it has the wanted status, and fails where it
// ends in another one. Whatever the version says on the way goes to say,
// which may be nil.
func (a account) reach(ctx context.Context, v version, want types.ProjectVersionStatus, every time.Duration, say func(string)) (types.ProjectVersionDescription, error) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		d, err := a.describe(ctx, v)
		if err != nil {
			return d, err
		}
		if d.Status == want {
			return d, nil
		}
		switch d.Status {
		case types.ProjectVersionStatusTrainingInProgress, types.ProjectVersionStatusCopyingInProgress,
			types.ProjectVersionStatusStarting, types.ProjectVersionStatusStopping,
			types.ProjectVersionStatusTrainingCompleted, types.ProjectVersionStatusCopyingCompleted:
		default:
			return d, fmt.Errorf("version %s is %s, want %s: %s", v.arn, d.Status, want, aws.ToString(d.StatusMessage))
		}
		if say != nil {
			say(aws.ToString(d.StatusMessage))
		}
		select {
		case <-ctx.Done():
			return d, fmt.Errorf("wait until version %s is %s: %w", v.arn, want, ctx.Err())
		case <-tick.C:
		}
	}
}
