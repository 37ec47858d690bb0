package bucket

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/blob"
	"mimeo/internal/fault"
	"mimeo/internal/policy"
)

// Permissions tells what a caller's own policies say.
type Permissions interface {
	Subject(ctx context.Context, caller arn.Caller) (policy.Subject, error)
	// PrincipalsByID returns a policy as it is stored, PrincipalsByName one
	// as it is shown: identity.Service says why they differ.
	PrincipalsByID(ctx context.Context, document string) (string, error)
	PrincipalsByName(ctx context.Context, document string) (string, error)
}

// A Service answers the operations of S3.
type Service struct {
	store       Store
	blobs       blob.Store
	keys        Keys
	permissions Permissions
	now         func() time.Time
	policies    *policy.Cache
}

// New returns a service that keeps rows in store and bytes in blobs.
func New(store Store, blobs blob.Store, keys Keys, permissions Permissions, now func() time.Time) *Service {
	return &Service{store: store, blobs: blobs, keys: keys, permissions: permissions, now: now, policies: policy.NewCache(policy.Parse)}
}

// access is what a request is about to do: an action on a bucket, or with a
// key on that object, and on the others that are named.
type access struct {
	action, bucket, key string
	others              []string    // keys of more objects
	keys                policy.Keys // the condition keys of the request
}

// open returns a bucket in the caller's region on which the caller has access.
func (s *Service) open(ctx context.Context, caller arn.Caller, a access) (Bucket, error) {
	b, _, err := s.openDecided(ctx, caller, a)
	return b, err
}

// openDecided is open that says what allowed the access.
func (s *Service) openDecided(ctx context.Context, caller arn.Caller, a access) (Bucket, policy.Decision, error) {
	b, decided, err := s.find(ctx, caller, a)
	if err != nil {
		return Bucket{}, policy.Decision{}, err
	}
	if b.Region != caller.Region {
		return Bucket{}, policy.Decision{}, wrongRegion(caller.Region, b.Region)
	}
	return b, decided, nil
}

// find is openDecided for a bucket in any region.
func (s *Service) find(ctx context.Context, caller arn.Caller, a access) (Bucket, policy.Decision, error) {
	b, err := s.named(ctx, caller, a.bucket)
	if err != nil {
		return Bucket{}, policy.Decision{}, err
	}
	decided, err := s.allow(ctx, caller, a, b)
	return b, decided, err
}

// named returns a bucket by its name, whosever it is.
func (s *Service) named(ctx context.Context, caller arn.Caller, name string) (Bucket, error) {
	if err := checkBucketName(name); err != nil {
		return Bucket{}, err
	}
	b, err := s.store.Bucket(ctx, caller.Principal.Partition, name)
	return b, said(err)
}

// allow refuses what the caller's policies and the bucket's do not allow.
func (s *Service) allow(ctx context.Context, caller arn.Caller, a access, b Bucket) (policy.Decision, error) {
	attached, err := s.attached(b)
	if err != nil {
		return policy.Decision{}, err
	}
	return s.decide(ctx, caller, a, b, attached)
}

// decide is allow with the bucket policies that are given. Callers of another
// account than the bucket's learn nothing but yes or no.
func (s *Service) decide(ctx context.Context, caller arn.Caller, a access, b Bucket, attached []policy.Policy) (policy.Decision, error) {
	who, err := s.permissions.Subject(ctx, caller)
	if err != nil {
		return policy.Decision{}, err
	}
	keys := signatureKeys(caller, s.now())
	maps.Copy(keys, a.keys)
	a.keys = keys
	var all []policy.Decision
	for _, a.key = range slices.Concat([]string{a.key}, a.others) {
		decided, err := verdict(who, a, b, attached)
		if err != nil {
			return policy.Decision{}, err
		}
		all = append(all, decided)
	}
	return policy.Together(all...), nil
}

// verdict is decide for one object, or for the bucket.
func verdict(who policy.Subject, a access, b Bucket, attached []policy.Policy) (policy.Decision, error) {
	request := policy.Request{Action: a.action, Resource: Name{Partition: b.Partition, Bucket: b.Name, Key: a.key}.ARN(), Keys: a.keys}
	decision := policy.Authorize(who, request, b.Account, attached)
	abroad := who.Principal.Account != b.Account
	switch {
	case decision.Allowed() && abroad:
		return policy.Decision{Verdict: policy.Allow}, nil
	case decision.Allowed():
		return decision, nil
	}
	why := &policy.DeniedError{Principal: who.Principal, Request: request, Decision: decision, Foreign: abroad}
	if abroad {
		return policy.Decision{}, foreign().Because(why)
	}
	return policy.Decision{}, denied(who.Principal, a.action, request.Resource, decision.Reason()).Because(why)
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
