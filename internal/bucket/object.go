package bucket

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"mimeo/internal/arn"
	"mimeo/internal/blob"
	"mimeo/internal/digest"
	"mimeo/internal/envelope"
	"mimeo/internal/fault"
)

// maxMetadata bounds the names and values of an object's metadata, in bytes.
const maxMetadata = 2 << 10

// A NewObject is what is to be written under a key.
type NewObject struct {
	Key     string
	Body    Body
	Headers Headers
	If      Condition // of the object that is there
}

// A PutRequest writes an object.
type PutRequest struct {
	Bucket string
	NewObject
	Sealing Sealing
	Asked   Asked
	Source  string // "BUCKET/KEY" of what a copy takes; empty: the body is the sender's
}

// PutObject writes an object in place of what is there. When it returns
// without an error the object is durable; when it fails nothing has changed.
func (s *Service) PutObject(ctx context.Context, caller arn.Caller, req PutRequest) (Object, error) {
	i := intent{sealing: req.Sealing, asked: req.Asked, source: req.Source, cond: req.If, creates: true}
	b, err := s.openToWrite(ctx, caller, access{bucket: req.Bucket, key: req.Key, keys: i.keys()})
	if err != nil {
		return Object{}, err
	}
	written, err := s.put(ctx, caller, b, req.Sealing, req.NewObject)
	if err != nil {
		return Object{}, err
	}
	return written[0], nil
}

// openToWrite returns a bucket in which the caller may write objects.
func (s *Service) openToWrite(ctx context.Context, caller arn.Caller, a access) (Bucket, error) {
	for _, key := range append([]string{a.key}, a.others...) {
		if err := checkKey(key); err != nil {
			return Bucket{}, err
		}
	}
	a.action = "s3:PutObject"
	return s.open(ctx, caller, a)
}

// put writes objects to a bucket, sealed alike: all of them or none.
func (s *Service) put(ctx context.Context, caller arn.Caller, b Bucket, sealing Sealing, list ...NewObject) ([]Object, error) {
	drafts := make([]*Object, len(list))
	for i, n := range list {
		var err error
		if drafts[i], err = s.draft(b, n.Key, n.Headers); err != nil {
			return nil, err
		}
		if err := s.checkWritable(ctx, drafts[i].Name, n.If); err != nil {
			return nil, err
		}
	}
	keys, err := s.newKeys(ctx, caller, sealing, drafts...)
	if err != nil {
		return nil, err
	}
	writes := make([]Write, len(list))
	group, sealCtx := errgroup.WithContext(ctx)
	for i, n := range list {
		group.Go(func() error {
			part, err := s.fill(sealCtx, drafts[i], keys[i], n.Body)
			writes[i] = Write{Object: *drafts[i], Parts: []Part{part}, If: n.If}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	written := make([]Object, len(writes))
	for i, w := range writes {
		written[i] = b.told(w.Object)
	}
	return written, said(s.store.InsertObjects(ctx, writes...))
}

// draft begins an object.
func (s *Service) draft(b Bucket, key string, h Headers) (*Object, error) {
	size := 0
	for name, value := range h.Metadata {
		size += len(name) + len(value)
	}
	if size > maxMetadata {
		return nil, fault.New(MetadataTooLarge, "Your metadata headers exceed the maximum allowed metadata size")
	}
	id := uuid.NewString()
	return &Object{
		Name:       Name{Partition: b.Partition, Bucket: b.Name, Key: key},
		ID:         id,
		Version:    b.versionOf(id),
		ModifiedAt: s.now(),
		Headers:    h,
	}, nil
}

// fill seals the body of an object as its one part.
func (s *Service) fill(ctx context.Context, o *Object, key envelope.Key, body Body) (Part, error) {
	algorithm := body.Algorithm
	if algorithm == "" {
		algorithm = CRC64NVME
	}
	in, err := newIntake(body, algorithm)
	if err != nil {
		return Part{}, err
	}
	part, err := s.seal(ctx, in, key, o.ID, 1)
	if err != nil {
		return Part{}, err
	}
	o.Size, o.ETag, o.Checksum, o.ModifiedAt = part.Size, part.ETag, in.checksum(algorithm), part.ModifiedAt
	return part, nil
}

// checkWritable refuses early what the store would refuse after the bytes.
func (s *Service) checkWritable(ctx context.Context, n Name, cond Condition) error {
	if cond == (Condition{}) {
		return nil
	}
	there, err := s.there(ctx, n)
	if err != nil {
		return err
	}
	return said(cond.HoldsFor(there.ID, there.ETag))
}

// maxInRow bounds the sealed bytes that lie beside the part's row: a file of
// their own would cost two syncs of the disk more.
const maxInRow = 64 << 10

// seal seals the bytes of an intake under a fresh data key that is wrapped
// with the object's. Those that are too many for a row become a blob.
func (s *Service) seal(ctx context.Context, in *intake, key envelope.Key, id string, number int) (Part, error) {
	dataKey := envelope.NewKey()
	wrapped, err := envelope.Wrap(key, dataKey, partContext(id, number))
	if err != nil {
		return Part{}, fmt.Errorf("wrap key of part %d of %s: %w", number, id, err)
	}
	sealed, err := envelope.Seal(in, dataKey)
	if err != nil {
		return Part{}, fmt.Errorf("seal part %d of %s: %w", number, id, err)
	}
	small, err := io.ReadAll(io.LimitReader(blob.WithContext(ctx, sealed), maxInRow+1))
	if err != nil {
		return Part{}, fmt.Errorf("read part %d of %s: %w", number, id, err)
	}
	name := digest.Of(small)
	if len(small) > maxInRow {
		if name, _, err = s.blobs.Put(ctx, io.MultiReader(bytes.NewReader(small), sealed)); err != nil {
			return Part{}, fmt.Errorf("store part %d of %s: %w", number, id, err)
		}
		small = nil
	}
	return Part{
		Number:     number,
		Size:       in.size,
		ETag:       hex.EncodeToString(in.md5.Sum(nil)),
		ModifiedAt: s.now(),
		Checksums:  in.sums(),
		Digest:     name,
		Sealed:     small,
		WrappedKey: wrapped,
	}, nil
}

// A DeleteRequest names an object to delete, or a version of one.
type DeleteRequest struct {
	Bucket, Key, Version string
	If                   Condition
}

// DeleteObject deletes an object, which in a bucket that keeps versions means
// that a delete marker hides it, or a version for good. What is not there is no
// error.
func (s *Service) DeleteObject(ctx context.Context, caller arn.Caller, req DeleteRequest) (Deleted, error) {
	if err := checkKey(req.Key); err != nil {
		return Deleted{}, err
	}
	b, err := s.open(ctx, caller, ofVersion("s3:DeleteObject", req.Bucket, req.Key, req.Version, req.If.keys()))
	if err != nil {
		return Deleted{}, err
	}
	if err := checkVersion(req.Version); err != nil {
		return Deleted{}, err
	}
	name := Name{Partition: b.Partition, Bucket: b.Name, Key: req.Key}
	if req.Version == "" {
		done, err := s.remove(ctx, b, name, req.If)
		return done, said(err)
	}
	marker, err := s.store.DeleteVersion(ctx, name, req.Version, req.If)
	return Deleted{Version: b.told(Object{Version: req.Version}).Version, Marker: marker}, said(err)
}
