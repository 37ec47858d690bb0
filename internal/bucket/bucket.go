package bucket

import (
	"context"
	"errors"
	"regexp"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/fault"
)

// A Bucket is owned by the account that created it and lives in one region.
type Bucket struct {
	Partition, Name string
	Region, Account string
	CreatedAt       time.Time
	Policy          string // the text of its policy; empty: none
	Versioning      Versioning
}

// maxBuckets is how many buckets an account may have in a partition: the
// default quota of S3.
const maxBuckets = 10_000

// defaultRegion is the region whose buckets have no location constraint.
const defaultRegion = "us-east-1"

var regionName = regexp.MustCompile(`^[a-z]{2,3}(-[a-z]+)+-[0-9]{1,2}$`)

// NewBucket is what CreateBucket makes a bucket from. What ACL and Ownership
// may say changes nothing, as with [Asked].
type NewBucket struct {
	Name           string
	Location       string // the region; empty: the caller's
	ACL, Ownership string
}

// CreateBucket creates a bucket in the caller's region, or from us-east-1 in
// the one that its location names. Creating a bucket again is an error except in
// us-east-1, where S3 has always answered success.
func (s *Service) CreateBucket(ctx context.Context, caller arn.Caller, n NewBucket) (Bucket, error) {
	if err := checkBucketName(n.Name); err != nil {
		return Bucket{}, err
	}
	region, err := placement(caller.Region, n.Location)
	if err != nil {
		return Bucket{}, err
	}
	b := Bucket{Partition: caller.Principal.Partition, Name: n.Name, Region: region, Account: caller.Principal.Account, CreatedAt: s.now()}
	if _, err := s.allow(ctx, caller, access{action: "s3:CreateBucket", keys: n.keys()}, b); err != nil {
		return Bucket{}, err
	}
	owned, err := s.store.Buckets(ctx, b.Partition, b.Account)
	if err != nil {
		return Bucket{}, err
	}
	if len(owned) >= maxBuckets {
		return Bucket{}, fault.New(TooManyBuckets, "You have attempted to create more buckets than allowed")
	}
	err = s.store.InsertBucket(ctx, b)
	if errors.Is(err, BucketAlreadyExists) {
		return s.recreate(ctx, caller, b)
	}
	return b, said(err)
}

// recreate answers a request to create a bucket that is there.
func (s *Service) recreate(ctx context.Context, caller arn.Caller, b Bucket) (Bucket, error) {
	there, err := s.store.Bucket(ctx, b.Partition, b.Name)
	switch {
	case err != nil:
		return Bucket{}, said(err)
	case there.Account != b.Account:
		return Bucket{}, said(BucketAlreadyExists)
	case caller.Region == defaultRegion && there.Region == defaultRegion && b.Region == defaultRegion:
		return there, nil
	}
	return Bucket{}, fault.New(BucketAlreadyOwnedByYou, "Your previous request to create the named bucket succeeded and you already own it.")
}

// placement returns the region that a bucket is created in.
func placement(signed, location string) (string, error) {
	if location == "EU" {
		location = "eu-west-1"
	}
	switch {
	case location == "" && signed == defaultRegion:
		return signed, nil
	case location == "":
		return "", fault.New(IllegalLocationConstraint, "The unspecified location constraint is incompatible for the region specific endpoint this request was sent to.")
	case location == defaultRegion || !regionName.MatchString(location) || arn.PartitionOf(location) != arn.PartitionOf(signed):
		return "", fault.New(InvalidLocationConstraint, "The specified location-constraint is not valid")
	case signed != defaultRegion && location != signed:
		return "", fault.New(IllegalLocationConstraint, "The %s location constraint is incompatible for the region specific endpoint this request was sent to.", location)
	}
	return location, nil
}

// HeadBucket returns a bucket that the caller may list.
func (s *Service) HeadBucket(ctx context.Context, caller arn.Caller, name string) (Bucket, error) {
	return s.open(ctx, caller, access{action: "s3:ListBucket", bucket: name})
}

// GetBucketLocation returns a bucket of the caller in whatever region of the
// caller's partition it lives.
func (s *Service) GetBucketLocation(ctx context.Context, caller arn.Caller, name string) (Bucket, error) {
	b, _, err := s.find(ctx, caller, access{action: "s3:GetBucketLocation", bucket: name})
	return b, err
}

// ListBuckets returns the caller's buckets in all regions of the partition,
// in the order of their names.
func (s *Service) ListBuckets(ctx context.Context, caller arn.Caller) ([]Bucket, error) {
	all := Bucket{Partition: caller.Principal.Partition, Name: "*", Account: caller.Principal.Account}
	if _, err := s.allow(ctx, caller, access{action: "s3:ListAllMyBuckets"}, all); err != nil {
		return nil, err
	}
	return s.store.Buckets(ctx, all.Partition, all.Account)
}

// DeleteBucket deletes an empty bucket, and with it its unfinished uploads.
func (s *Service) DeleteBucket(ctx context.Context, caller arn.Caller, name string) error {
	b, err := s.open(ctx, caller, access{action: "s3:DeleteBucket", bucket: name})
	if err != nil {
		return err
	}
	return said(s.store.DeleteBucket(ctx, b.Partition, b.Name))
}

// Owner returns the account that owns a bucket, whoever asks: it is for the
// rules of other services, not for a caller.
func (s *Service) Owner(ctx context.Context, caller arn.Caller, name string) (string, error) {
	b, err := s.store.Bucket(ctx, caller.Principal.Partition, name)
	return b.Account, said(err)
}
