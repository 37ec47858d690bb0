package bucket

import (
	"context"
	"crypto/md5" //nolint:gosec // the ETag of S3 is one
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"mimeo/internal/arn"
	"mimeo/internal/fault"
)

// Limits of multipart uploads:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
const (
	MaxParts    = 10_000  // of one upload
	minPartSize = 5 << 20 // bytes, of all parts but the last
)

// An UploadRequest begins a multipart upload.
type UploadRequest struct {
	Bucket, Key string
	Headers     Headers
	Sealing     Sealing
	Asked       Asked
	Algorithm   Algorithm // of the checksum; empty: CRC64NVME
	Type        string    // "COMPOSITE", "FULL_OBJECT", or empty: the algorithm's own
}

// CreateMultipartUpload begins an upload; its id is the ID of what it returns.
func (s *Service) CreateMultipartUpload(ctx context.Context, caller arn.Caller, req UploadRequest) (Object, error) {
	b, err := s.openToWrite(ctx, caller, access{bucket: req.Bucket, key: req.Key, keys: intent{sealing: req.Sealing, asked: req.Asked}.keys()})
	if err != nil {
		return Object{}, err
	}
	u, err := s.draft(b, req.Key, req.Headers)
	if err != nil {
		return Object{}, err
	}
	u.Headers.Asked = req.Asked
	if u.Checksum, err = uploadChecksum(req.Algorithm, req.Type); err != nil {
		return Object{}, err
	}
	if _, err := s.newKeys(ctx, caller, req.Sealing, u); err != nil {
		return Object{}, err
	}
	return *u, said(s.store.InsertUpload(ctx, *u))
}

// uploadChecksum decides which checksum the object of an upload will have.
func uploadChecksum(a Algorithm, kind string) (Checksum, error) {
	sum := Checksum{Algorithm: a}
	if a == "" {
		sum.Algorithm = CRC64NVME
	}
	switch {
	case a == "" && kind != "":
		return Checksum{}, invalidRequest("The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.")
	case kind == "COMPOSITE" && sum.Algorithm == CRC64NVME, kind == "FULL_OBJECT" && !sum.Algorithm.isCRC():
		return Checksum{}, invalidRequest("The %s checksum type cannot be used with the %s checksum algorithm.", kind, sum.Algorithm)
	case kind != "" && kind != "COMPOSITE" && kind != "FULL_OBJECT":
		return Checksum{}, invalidRequest("Value for x-amz-checksum-type header is invalid.")
	}
	sum.Composite = kind == "COMPOSITE" || kind == "" && sum.Algorithm != CRC64NVME
	return sum, nil
}

// A PartRequest uploads a part.
type PartRequest struct {
	Bucket, Key, UploadID string
	Number                int
	Body                  Body
	Source                string // as of a PutRequest
}

// UploadPart stores a part in place of the one of its number. It returns the
// upload besides the part.
func (s *Service) UploadPart(ctx context.Context, caller arn.Caller, req PartRequest) (Object, Part, error) {
	u, _, err := s.upload(ctx, caller, access{action: "s3:PutObject", bucket: req.Bucket, key: req.Key}, req.UploadID, intent{source: req.Source})
	if err != nil {
		return Object{}, Part{}, err
	}
	p, err := s.putPart(ctx, caller, u, req.Number, req.Body)
	return u, p, err
}

func (s *Service) putPart(ctx context.Context, caller arn.Caller, u Object, number int, body Body) (Part, error) {
	if number < 1 || number > MaxParts {
		return Part{}, invalidArgument("Part number must be an integer between 1 and %d, inclusive", MaxParts)
	}
	key, err := s.key(ctx, caller, u)
	if err != nil {
		return Part{}, err
	}
	in, err := newIntake(body, u.Checksum.Algorithm)
	if err != nil {
		return Part{}, err
	}
	p, err := s.seal(ctx, in, key, u.ID, number)
	if err != nil {
		return Part{}, err
	}
	return p, said(s.store.InsertPart(ctx, u.ID, p))
}

// upload returns an upload to an object to which the caller has access, and its
// bucket, also where there is no such upload. What
// is written to it is sealed as the upload is, and gets what that asked for:
// policies see it.
func (s *Service) upload(ctx context.Context, caller arn.Caller, a access, id string, i intent) (Object, Bucket, error) {
	if err := checkKey(a.key); err != nil {
		return Object{}, Bucket{}, err
	}
	u, lookup := s.store.Upload(ctx, Name{Partition: caller.Principal.Partition, Bucket: a.bucket, Key: a.key}, id)
	if lookup == nil {
		i.sealing, i.asked = u.Encryption.sealing(), u.Headers.Asked
	}
	a.keys = i.keys()
	b, err := s.open(ctx, caller, a)
	if err != nil {
		return Object{}, Bucket{}, err
	}
	return u, b, said(lookup)
}

// A CompletedPart names a part of the object to be. Checksums are base64.
type CompletedPart struct {
	Number    int
	ETag      string
	Checksums map[Algorithm]string
}

// A CompleteRequest ends an upload.
type CompleteRequest struct {
	Bucket, Key, UploadID string
	Parts                 []CompletedPart
	Checksum              Checksum // of the object, where the sender tells it
	Type                  string   // of the checksum, where the sender tells it
	Size                  *int64   // of the object, where the sender tells it
	If                    Condition
}

// CompleteMultipartUpload makes an object of uploaded parts. No byte moves.
// Completing an upload again is no error while its object is there.
func (s *Service) CompleteMultipartUpload(ctx context.Context, caller arn.Caller, req CompleteRequest) (Object, error) {
	u, b, err := s.upload(ctx, caller, access{action: "s3:PutObject", bucket: req.Bucket, key: req.Key}, req.UploadID, intent{cond: req.If, creates: true})
	if errors.Is(err, NoSuchUpload) {
		there, lookErr := s.there(ctx, Name{Partition: caller.Principal.Partition, Bucket: req.Bucket, Key: req.Key})
		if lookErr == nil && there.ID == req.UploadID {
			return b.told(there), nil
		}
	}
	if err != nil {
		return Object{}, err
	}
	stored, err := s.store.Parts(ctx, u.ID, 0, MaxParts)
	if err != nil {
		return Object{}, err
	}
	parts, err := choose(req.Parts, stored)
	if err != nil {
		return Object{}, err
	}
	o, err := assemble(u, parts, req)
	if err != nil {
		return Object{}, err
	}
	o.Version, o.ModifiedAt = b.versionOf(o.ID), s.now()
	return b.told(o), said(s.store.FinishUpload(ctx, o, parts, req.If))
}

// choose returns those of the stored parts that a request names.
func choose(named []CompletedPart, stored []Part) ([]Part, error) {
	if len(named) == 0 {
		return nil, invalidRequest("You must specify at least one part")
	}
	for i := range named[1:] {
		if named[i+1].Number <= named[i].Number {
			return nil, fault.New(InvalidPartOrder, "The list of parts was not in ascending order. Parts must be ordered by part number.")
		}
	}
	parts := make([]Part, len(named))
	for i, want := range named {
		at, found := slices.BinarySearchFunc(stored, want.Number, func(p Part, number int) int { return p.Number - number })
		if !found || !want.names(stored[at]) {
			return nil, invalidPart()
		}
		parts[i] = stored[at]
	}
	for _, p := range parts[:len(parts)-1] {
		if p.Size < minPartSize {
			return nil, fault.New(EntityTooSmall, "Your proposed upload is smaller than the minimum allowed size")
		}
	}
	return parts, nil
}

// names reports whether all that is said about a part is true.
func (c CompletedPart) names(p Part) bool {
	for a, told := range c.Checksums {
		if base64.StdEncoding.EncodeToString(p.Checksums[a]) != told {
			return false
		}
	}
	return strings.Trim(c.ETag, `"`) == p.ETag
}

// assemble describes the object that parts make, and checks what the request
// says about it.
func assemble(u Object, parts []Part, req CompleteRequest) (Object, error) {
	o := u
	o.Headers.Asked = Asked{}
	sums := md5.New() //nolint:gosec // see the import
	for _, p := range parts {
		raw, err := hex.DecodeString(p.ETag)
		if err != nil {
			return Object{}, fmt.Errorf("ETag of part %d of %s: %w", p.Number, u.ID, err)
		}
		_, _ = sums.Write(raw) // a hash never fails
		o.Size += p.Size
	}
	o.ETag = fmt.Sprintf("%x-%d", sums.Sum(nil), len(parts))
	if o.Checksum.Composite {
		o.Checksum = o.Checksum.Algorithm.composite(parts)
	} else {
		o.Checksum = o.Checksum.Algorithm.whole(parts)
	}
	switch told := req.Checksum; {
	case req.Type != "" && (req.Type == "COMPOSITE") != o.Checksum.Composite:
		return Object{}, invalidRequest("The upload was created using the %s checksum type. The complete request must use the same checksum type.", o.Checksum.Type())
	case told.Algorithm != "" && told.Algorithm != o.Checksum.Algorithm:
		return Object{}, invalidRequest("Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s", o.Checksum.Algorithm, told.Algorithm)
	case told.Algorithm != "" && told.Value != o.Checksum.Value:
		return Object{}, fault.New(BadDigest, "The %s you specified did not match the calculated checksum.", told.Algorithm)
	case req.Size != nil && *req.Size != o.Size:
		return Object{}, invalidRequest("The provided 'x-amz-mp-object-size' header does not match what was computed.")
	}
	return o, nil
}

// Checksum returns one of a part's checksums, or none where it is not known.
func (p Part) Checksum(a Algorithm) Checksum {
	raw, ok := p.Checksums[a]
	if !ok {
		return Checksum{}
	}
	return Checksum{Algorithm: a, Value: base64.StdEncoding.EncodeToString(raw)}
}

// Type returns the checksum's type as S3 names it.
func (c Checksum) Type() string {
	if c.Composite {
		return "COMPOSITE"
	}
	return "FULL_OBJECT"
}

// AbortMultipartUpload drops an upload and its parts.
func (s *Service) AbortMultipartUpload(ctx context.Context, caller arn.Caller, bucket, key, id string) error {
	u, _, err := s.upload(ctx, caller, access{action: "s3:AbortMultipartUpload", bucket: bucket, key: key}, id, intent{})
	if err != nil {
		return err
	}
	return said(s.store.DeleteUpload(ctx, u.Name, id))
}

// A PartPage is a page of an upload's parts.
type PartPage struct {
	Upload    Object
	Parts     []Part
	Truncated bool
}

// ListParts returns up to limit parts of an upload with numbers above after.
func (s *Service) ListParts(ctx context.Context, caller arn.Caller, bucket, key, id string, after, limit int) (PartPage, error) {
	u, _, err := s.upload(ctx, caller, access{action: "s3:ListMultipartUploadParts", bucket: bucket, key: key}, id, intent{})
	if err != nil {
		return PartPage{}, err
	}
	parts, err := s.store.Parts(ctx, u.ID, after, limit+1)
	if err != nil {
		return PartPage{}, err
	}
	return PartPage{Upload: u, Parts: parts[:min(limit, len(parts))], Truncated: len(parts) > limit}, nil
}
