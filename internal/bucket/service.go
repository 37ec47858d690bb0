package bucket

import (
	"context"
	"errors"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/blob"
	"mimeo/internal/fault"
	"mimeo/internal/policy"
)

// Permissions tells what a caller's own policies say.
type Permissions interface {
	Subject(ctx context.Context, caller arn.Caller) (policy.Subject, error)
}

// A Service answers the operations of S3.
type Service struct {
	store       Store
	blobs       blob.Store
	keys        Keys
	permissions Permissions
	now         func() time.Time
}

// New returns a service that keeps rows in store and bytes in blobs.
func New(store Store, blobs blob.Store, keys Keys, permissions Permissions, now func() time.Time) *Service {
	return &Service{store: store, blobs: blobs, keys: keys, permissions: permissions, now: now}
}

// open returns a bucket in the caller's region on which the caller may do
// action, or with a key on that object.
func (s *Service) open(ctx context.Context, caller arn.Caller, action, name, key string) (Bucket, error) {
	b, err := s.find(ctx, caller, action, name, key)
	if err != nil {
		return Bucket{}, err
	}
	if b.Region != caller.Region {
		return Bucket{}, wrongRegion(caller.Region, b.Region)
	}
	return b, nil
}

// find is open for a bucket in any region.
func (s *Service) find(ctx context.Context, caller arn.Caller, action, name, key string) (Bucket, error) {
	if err := checkBucketName(name); err != nil {
		return Bucket{}, err
	}
	b, err := s.store.Bucket(ctx, caller.Principal.Partition, name)
	if err != nil {
		return Bucket{}, said(err)
	}
	return b, s.allow(ctx, caller, action, b, key)
}

// allow refuses what the caller's policies do not allow on a bucket or an
// object in it.
func (s *Service) allow(ctx context.Context, caller arn.Caller, action string, b Bucket, key string) error {
	if caller.Principal.Account != b.Account {
		return foreign()
	}
	who, err := s.permissions.Subject(ctx, caller)
	if err != nil {
		return err
	}
	resource := Name{Partition: b.Partition, Bucket: b.Name, Key: key}.ARN()
	decision := policy.Authorize(who, policy.Request{Action: action, Resource: resource}, b.Account, nil)
	if decision.Allowed() {
		return nil
	}
	return denied(caller.Principal, action, resource, decision.Reason())
}

// said adds the message to a code that the store returned bare.
func said(err error) error {
	var code fault.Code
	if errors.As(err, &code) {
		if sentence, ok := sentences[code]; ok {
			return sentence()
		}
	}
	return err
}
