package bucket

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/google/uuid"

	"mimeo/internal/arn"
	"mimeo/internal/blob"
	"mimeo/internal/digest"
	"mimeo/internal/envelope"
	"mimeo/internal/fault"
)

// maxMetadata bounds the names and values of an object's metadata, in bytes.
const maxMetadata = 2 << 10

// A PutRequest writes an object.
type PutRequest struct {
	Bucket, Key string
	Body        Body
	Headers     Headers
	Sealing     Sealing
	Source      string    // "BUCKET/KEY" of what a copy takes; empty: the body is the sender's
	If          Condition // of the object that is there
}

// PutObject writes an object in place of what is there. When it returns
// without an error the object is durable; when it fails nothing has changed.
func (s *Service) PutObject(ctx context.Context, caller arn.Caller, req PutRequest) (Object, error) {
	o, err := s.draft(ctx, caller, access{bucket: req.Bucket, key: req.Key, keys: writeKeys(req.Sealing, req.Source)}, req.Headers)
	if err != nil {
		return Object{}, err
	}
	if err := s.checkWritable(ctx, o.Name, req.If); err != nil {
		return Object{}, err
	}
	key, encryption, err := s.newKey(ctx, caller, o.Name, req.Sealing)
	if err != nil {
		return Object{}, err
	}
	o.Encryption = encryption
	algorithm := req.Body.Algorithm
	if algorithm == "" {
		algorithm = CRC64NVME
	}
	in, err := newIntake(req.Body, algorithm)
	if err != nil {
		return Object{}, err
	}
	part, err := s.seal(ctx, in, key, o.ID, 1)
	if err != nil {
		return Object{}, err
	}
	o.Size, o.ETag, o.Checksum, o.ModifiedAt = part.Size, part.ETag, in.checksum(algorithm), part.ModifiedAt
	return o, said(s.store.InsertObject(ctx, o, []Part{part}, req.If))
}

// draft begins an object that the caller may write.
func (s *Service) draft(ctx context.Context, caller arn.Caller, a access, h Headers) (Object, error) {
	if err := checkKey(a.key); err != nil {
		return Object{}, err
	}
	a.action = "s3:PutObject"
	b, err := s.open(ctx, caller, a)
	if err != nil {
		return Object{}, err
	}
	size := 0
	for name, value := range h.Metadata {
		size += len(name) + len(value)
	}
	if size > maxMetadata {
		return Object{}, fault.New(MetadataTooLarge, "Your metadata headers exceed the maximum allowed metadata size")
	}
	return Object{
		Name:       Name{Partition: b.Partition, Bucket: b.Name, Key: a.key},
		ID:         uuid.NewString(),
		ModifiedAt: s.now(),
		Headers:    h,
	}, nil
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

// A DeleteRequest names an object to delete.
type DeleteRequest struct {
	Bucket, Key, Version string
	If                   Condition
}

// DeleteObject deletes an object. One that is not there is no error.
func (s *Service) DeleteObject(ctx context.Context, caller arn.Caller, req DeleteRequest) error {
	if err := checkKey(req.Key); err != nil {
		return err
	}
	if err := checkVersion(req.Version); err != nil {
		return err
	}
	b, err := s.open(ctx, caller, access{action: "s3:DeleteObject", bucket: req.Bucket, key: req.Key})
	if err != nil {
		return err
	}
	return said(s.store.DeleteObject(ctx, Name{Partition: b.Partition, Bucket: b.Name, Key: req.Key}, req.If))
}

// checkVersion refuses versions other than the one that an object in a bucket
// without versioning has.
func checkVersion(version string) error {
	if version != "" && version != "null" {
		return fault.New(NoSuchVersion, "The specified version does not exist.")
	}
	return nil
}
