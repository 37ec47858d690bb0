package bucket

import (
	"context"
	"errors"
	"fmt"

	"mimeo/internal/arn"
	"mimeo/internal/fault"
	"mimeo/internal/policy"
)

// maxPolicy is the longest bucket policy, in bytes.
const maxPolicy = 20 << 10

// The actions on a bucket's policy.
const (
	putPolicy    = "s3:PutBucketPolicy"
	getPolicy    = "s3:GetBucketPolicy"
	deletePolicy = "s3:DeleteBucketPolicy"
)

// attached returns the policies of a bucket.
func (s *Service) attached(b Bucket) ([]policy.Policy, error) {
	if b.Policy == "" {
		return nil, nil
	}
	document, err := s.policies.Parse(b.Policy)
	if err != nil {
		return nil, fmt.Errorf("parse the policy of bucket %s: %w", b.Name, err)
	}
	return []policy.Policy{{Name: "the bucket policy", Document: document}}, nil
}

// PutBucketPolicy gives a bucket a policy in place of the one that it has.
func (s *Service) PutBucketPolicy(ctx context.Context, caller arn.Caller, name, text string) error {
	b, err := s.openPolicy(ctx, caller, putPolicy, name)
	if err != nil {
		return err
	}
	if len(text) > maxPolicy {
		return fault.New(MalformedPolicy, "Normalized policy document exceeds the maximum allowed size of %d bytes.", maxPolicy)
	}
	if _, err := policy.ParseBucketPolicy(text, Name{Partition: b.Partition, Bucket: b.Name}.ARN()); err != nil {
		return malformedPolicy(err)
	}
	if text, err = s.permissions.PrincipalsByID(ctx, text); err != nil {
		return err
	}
	return said(s.store.SetBucketPolicy(ctx, b.Partition, b.Name, text))
}

// GetBucketPolicy returns the text of a bucket's policy.
func (s *Service) GetBucketPolicy(ctx context.Context, caller arn.Caller, name string) (string, error) {
	b, err := s.openPolicy(ctx, caller, getPolicy, name)
	switch {
	case err != nil:
		return "", err
	case b.Policy == "":
		return "", fault.New(NoSuchBucketPolicy, "The bucket policy does not exist")
	default:
		return s.permissions.PrincipalsByName(ctx, b.Policy)
	}
}

// DeleteBucketPolicy takes a bucket's policy away. That it has none is no
// error.
func (s *Service) DeleteBucketPolicy(ctx context.Context, caller arn.Caller, name string) error {
	b, err := s.openPolicy(ctx, caller, deletePolicy, name)
	if err != nil {
		return err
	}
	return said(s.store.SetBucketPolicy(ctx, b.Partition, b.Name, ""))
}

// openPolicy is open for the actions on a bucket's policy, which are the
// account's own. The bucket's policy cannot keep the account's root from
// them, or nobody could mend it.
func (s *Service) openPolicy(ctx context.Context, caller arn.Caller, action, name string) (Bucket, error) {
	b, err := s.named(ctx, caller, name)
	if err != nil {
		return Bucket{}, err
	}
	own := caller.Principal.Account == b.Account
	attached, err := s.attached(b)
	switch {
	case own && caller.Principal.IsRoot():
		attached = nil
	case err != nil:
		return Bucket{}, err
	}
	if _, err := s.decide(ctx, caller, access{action: action}, b, attached); err != nil {
		return Bucket{}, err
	}
	switch {
	case !own:
		return Bucket{}, fault.New(MethodNotAllowed, "The specified method is not allowed against this resource.")
	case b.Region != caller.Region:
		return Bucket{}, wrongRegion(caller.Region, b.Region)
	}
	return b, nil
}

// s3Words are what S3 says of a policy in which an element is wrong.
var s3Words = map[string]string{
	"Principal": "Invalid principal in policy", "NotPrincipal": "Invalid principal in policy",
	"Action": "Policy has invalid action", "NotAction": "Policy has invalid action",
	"Resource": "Policy has invalid resource", "NotResource": "Policy has invalid resource",
	"Condition": "Policy has an invalid condition",
}

// malformedPolicy begins in the words of S3 and goes on in ours.
func malformedPolicy(err error) error {
	var syntax *policy.SyntaxError
	if !errors.As(err, &syntax) {
		return err
	}
	words, ok := s3Words[syntax.Element]
	switch {
	case syntax.Missing:
		words = "Missing required field " + syntax.Element
	case !ok && syntax.Element != "":
		words = "Invalid policy syntax"
	case !ok:
		words = "Policies must be valid JSON and the first byte must be '{'"
	}
	return fault.New(MalformedPolicy, "%s: %s", words, syntax.Message)
}
