package bucket

import (
	"context"
	"errors"
	"io"

	"mimeo/internal/arn"
	"mimeo/internal/objects"
	"mimeo/internal/policy"
)

// The service is what other services need of S3: Rekognition asks it in the
// name of its callers.
var _ objects.Store = (*Service)(nil)

// asks is the service that uses [objects.Store].
const asks = "rekognition"

// Get implements [objects.Store].
func (s *Service) Get(ctx context.Context, caller arn.Caller, ref objects.Ref) (io.ReadCloser, objects.Info, error) {
	d, err := s.GetObject(ctx, caller.Through(asks), GetRequest{Bucket: ref.Bucket, Key: ref.Key, Version: ref.Version})
	if err != nil {
		return nil, objects.Info{}, err
	}
	return d.Body, info(d.Object), nil
}

// Head implements [objects.Store].
func (s *Service) Head(ctx context.Context, caller arn.Caller, ref objects.Ref) (objects.Info, error) {
	d, err := s.HeadObject(ctx, caller.Through(asks), GetRequest{Bucket: ref.Bucket, Key: ref.Key, Version: ref.Version})
	if err != nil {
		return objects.Info{}, err
	}
	return info(d.Object), nil
}

// Put implements [objects.Store]: it writes all files or none.
func (s *Service) Put(ctx context.Context, caller arn.Caller, bucket string, files []objects.File, opts objects.PutOptions) error {
	keys, list := make([]string, len(files)), make([]NewObject, len(files))
	for i, f := range files {
		keys[i] = f.Key
		list[i] = NewObject{
			Key:     f.Key,
			Body:    Body{Reader: f.Body, Size: -1},
			Headers: Headers{ContentType: opts.ContentType, Metadata: marked(opts.Mark)},
		}
	}
	caller = caller.Through(asks)
	sealing := Sealing{KMS: opts.KMSKey != "", Key: opts.KMSKey}
	b, err := s.openToWrite(ctx, caller, access{bucket: bucket, key: keys[0], others: keys[1:], keys: intent{sealing: sealing, creates: true}.keys()})
	if err != nil {
		return err
	}
	_, err = s.put(ctx, caller, b, sealing, list...)
	return err
}

// markName is the metadata, x-amz-meta-…, that holds the mark of an object.
const markName = "mimeo-written-for"

func marked(mark string) map[string]string {
	if mark == "" {
		return nil
	}
	return map[string]string{markName: mark}
}

// DeleteIfMarked implements [objects.Store]. An object that replaces the
// marked one between the look and the deletion stays, also where its bytes are
// the same. In a bucket that keeps versions a delete marker hides the object: to
// delete it for good would take another permission than to write one.
func (s *Service) DeleteIfMarked(ctx context.Context, caller arn.Caller, ref objects.Ref, mark string) error {
	b, err := s.open(ctx, caller.Through(asks), access{action: "s3:DeleteObject", bucket: ref.Bucket, key: ref.Key})
	if err != nil {
		return err
	}
	name := Name{Partition: b.Partition, Bucket: b.Name, Key: ref.Key}
	o, err := s.there(ctx, name)
	if err != nil || o.ID == "" || o.Headers.Metadata[markName] != mark {
		return err
	}
	_, err = s.remove(ctx, b, name, Condition{ID: o.ID})
	if errors.Is(err, PreconditionFailed) {
		return nil
	}
	return err
}

// CanPut implements [objects.Store].
func (s *Service) CanPut(ctx context.Context, caller arn.Caller, key string, refs ...objects.Ref) (policy.Decision, error) {
	return s.can(ctx, caller, access{action: "s3:PutObject", keys: intent{sealing: Sealing{KMS: key != "", Key: key}, creates: true}.keys()}, refs)
}

// CanSeal implements [objects.Store]: it makes a data key, which is dropped at
// once.
func (s *Service) CanSeal(ctx context.Context, caller arn.Caller, key string, ref objects.Ref) error {
	draft := Object{Name: Name{Partition: caller.Principal.Partition, Bucket: ref.Bucket, Key: ref.Key}}
	_, err := s.newKeys(ctx, caller, Sealing{KMS: true, Key: key}, &draft)
	return err
}

// CanDelete implements [objects.Store].
func (s *Service) CanDelete(ctx context.Context, caller arn.Caller, refs ...objects.Ref) error {
	_, err := s.can(ctx, caller, access{action: "s3:DeleteObject"}, refs)
	return err
}

// can asks for each bucket once whether the caller has access to the objects.
func (s *Service) can(ctx context.Context, caller arn.Caller, a access, refs []objects.Ref) (policy.Decision, error) {
	keys := map[string][]string{}
	for _, r := range refs {
		if err := checkKey(r.Key); err != nil {
			return policy.Decision{}, err
		}
		keys[r.Bucket] = append(keys[r.Bucket], r.Key)
	}
	var all []policy.Decision
	for bucket, list := range keys {
		a.bucket, a.key, a.others = bucket, list[0], list[1:]
		_, decided, err := s.openDecided(ctx, caller.Through(asks), a)
		if err != nil {
			return policy.Decision{}, err
		}
		all = append(all, decided)
	}
	return policy.Together(all...), nil
}

func info(o Object) objects.Info {
	return objects.Info{Size: o.Size, ETag: o.ETag, ModifiedAt: o.ModifiedAt}
}
