package bucket

import (
	"context"
	"errors"

	"mimeo/internal/arn"
)

// A Source names the bytes that a copy takes.
type Source struct {
	Bucket, Key, Version string
	Range                string // the header of UploadPartCopy; empty: all
	If                   Condition
}

func (s Source) path() string { return s.Bucket + "/" + s.Key }

// A CopyRequest writes an object with the bytes of another.
type CopyRequest struct {
	Source      Source
	Bucket, Key string
	Headers     *Headers // nil: those of the source
	Sealing     Sealing
	Asked       Asked
	Reseal      bool      // the request names a sealing: a copy onto itself changes something
	Algorithm   Algorithm // of the checksum; empty: the source's
	If          Condition
}

// A Copied is what a copy has written.
type Copied struct {
	Object        // that was written, or the upload of the part
	Part          Part
	SourceVersion string // empty where the source's bucket never kept versions
}

// CopyObject copies an object, with the caller's permissions on both sides. The
// bytes are read, verified and sealed again under a fresh key.
func (s *Service) CopyObject(ctx context.Context, caller arn.Caller, req CopyRequest) (Copied, error) {
	source, err := s.source(ctx, caller, req.Source)
	if err != nil {
		return Copied{}, err
	}
	defer source.close()
	same := req.Source.Bucket == req.Bucket && req.Source.Key == req.Key && req.Source.Version == ""
	if same && req.Headers == nil && !req.Reseal {
		return Copied{}, invalidRequest("This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.")
	}
	put := PutRequest{Bucket: req.Bucket, Sealing: req.Sealing, Asked: req.Asked, Source: req.Source.path()}
	put.Key, put.Headers, put.If = req.Key, source.Headers, req.If
	if req.Headers != nil {
		put.Headers = *req.Headers
	}
	put.Body = Body{Reader: source.Body, Size: source.Size, Algorithm: source.Checksum.Algorithm}
	if req.Algorithm != "" {
		put.Body.Algorithm = req.Algorithm
	}
	o, err := s.PutObject(ctx, caller, put)
	return Copied{Object: o, SourceVersion: source.Version}, err
}

// A PartCopyRequest uploads a part with the bytes of an object.
type PartCopyRequest struct {
	Source                Source
	Bucket, Key, UploadID string
	Number                int
}

// UploadPartCopy stores a part of an upload from bytes of an object.
func (s *Service) UploadPartCopy(ctx context.Context, caller arn.Caller, req PartCopyRequest) (Copied, error) {
	source, err := s.source(ctx, caller, req.Source)
	if err != nil {
		return Copied{}, err
	}
	defer source.close()
	u, p, err := s.UploadPart(ctx, caller, PartRequest{
		Bucket: req.Bucket, Key: req.Key, UploadID: req.UploadID, Number: req.Number,
		Body: Body{Reader: source.Body, Size: source.Span.Length}, Source: req.Source.path(),
	})
	return Copied{Object: u, Part: p, SourceVersion: source.Version}, err
}

// source opens what a copy takes. Any condition that does not hold is refused
// in the same way.
func (s *Service) source(ctx context.Context, caller arn.Caller, src Source) (Download, error) {
	d, err := s.GetObject(ctx, caller, GetRequest{Bucket: src.Bucket, Key: src.Key, Version: src.Version, Range: src.Range, If: src.If})
	switch {
	case errors.Is(err, NotModified):
		return Download{}, preconditionFailed()
	case errors.Is(err, MethodNotAllowed):
		return Download{}, invalidRequest("The source of a copy request may not specifically refer to a delete marker by version id.")
	case err != nil:
		return Download{}, err
	case src.Range != "" && !d.Partial:
		d.close()
		return Download{}, invalidArgument("The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy")
	case d.Span.Length > maxPutSize:
		d.close()
		return Download{}, invalidRequest("The specified copy source is larger than the maximum allowable size for a copy source: %d", maxPutSize)
	}
	return d, nil
}

// close closes the body. What was read is verified by then, so there is
// nothing to learn from it.
func (d Download) close() { _ = d.Body.Close() }
