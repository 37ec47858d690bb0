package bucket

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"mimeo/internal/arn"
	"mimeo/internal/blob"
	"mimeo/internal/envelope"
	"mimeo/internal/fault"
	"mimeo/internal/policy"
)

// A GetRequest names an object and the bytes of it that are wanted.
type GetRequest struct {
	Bucket, Key, Version string
	Range                string // the header; empty: all
	IfRange              string // the ETag for which Range counts; empty: any
	PartNumber           int    // the part that is wanted; zero: none in particular
	If                   Condition
}

// A Download is an object, or the bytes of it that are wanted.
type Download struct {
	Object
	Span    Span
	Partial bool // Span is not all of the object
	Parts   int  // of the object; zero where no part was asked for
	// Body returns the bytes of Span. It fails before its end where the
	// stored bytes are damaged. Nil after HeadObject.
	Body io.ReadCloser
}

// HeadObject describes what GetObject would return. An error that is
// [NotModified] comes with the object, and one that is due to a delete marker
// with the marker.
func (s *Service) HeadObject(ctx context.Context, caller arn.Caller, req GetRequest) (Download, error) {
	d, _, err := s.look(ctx, caller, req)
	return d, err
}

// GetObject opens an object. Errors come with what they do of [Service.HeadObject].
func (s *Service) GetObject(ctx context.Context, caller arn.Caller, req GetRequest) (Download, error) {
	d, parts, err := s.look(ctx, caller, req)
	if err != nil {
		return d, err
	}
	d.Body, err = s.read(ctx, caller, d.Object, parts, d.Span)
	return d, err
}

// read opens a span of an object.
func (s *Service) read(ctx context.Context, caller arn.Caller, o Object, parts []Part, span Span) (io.ReadCloser, error) {
	key, err := s.key(ctx, caller, o)
	if err != nil {
		return nil, err
	}
	r := &reader{ctx: ctx, blobs: s.blobs, id: o.ID, key: key, parts: parts, span: span}
	if err := r.next(); err != nil { // a blob that is not there is told before the first byte
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// look finds an object that the caller may read, and its parts.
func (s *Service) look(ctx context.Context, caller arn.Caller, req GetRequest) (Download, []Part, error) {
	o, parts, err := s.readable(ctx, caller, req.Bucket, req.Key, req.Version)
	if err != nil {
		return Download{Object: o}, nil, err
	}
	d := Download{Object: o, Span: Span{Length: o.Size}}
	if err := req.If.holdsFor(o); err != nil {
		return d, nil, err
	}
	switch {
	case req.PartNumber != 0 && req.Range != "":
		return Download{}, nil, invalidRequest("Cannot specify both Range header and partNumber query parameter")
	case req.PartNumber != 0:
		d.Parts, d.Partial = len(parts), true
		d.Span, err = partSpan(parts, req.PartNumber)
	case req.Range != "" && (req.IfRange == "" || matches(req.IfRange, o.ETag)):
		var span Span
		if span, d.Partial, err = parseSpan(req.Range, o.Size); d.Partial {
			d.Span = span
		}
	}
	return d, parts, err
}

// readable returns an object that the caller may read. Who may not list the
// bucket is not told whether an object is there. A delete marker comes with the
// error.
func (s *Service) readable(ctx context.Context, caller arn.Caller, bucket, key, version string) (Object, []Part, error) {
	if err := checkKey(key); err != nil {
		return Object{}, nil, err
	}
	b, err := s.open(ctx, caller, ofVersion("s3:GetObject", bucket, key, version, policy.Keys{}))
	if err != nil {
		return Object{}, nil, err
	}
	if err := checkVersion(version); err != nil {
		return Object{}, nil, err
	}
	o, parts, err := s.store.Content(ctx, Name{Partition: b.Partition, Bucket: b.Name, Key: key}, version)
	if errors.Is(err, NoSuchKey) || errors.Is(err, NoSuchVersion) {
		if _, err := s.allow(ctx, caller, access{action: "s3:ListBucket"}, b); err != nil {
			return Object{}, nil, err
		}
	}
	if err == nil && o.Marker {
		err = MethodNotAllowed
	}
	return b.told(o), parts, said(err)
}

// there returns the object of a name, or the zero Object.
func (s *Service) there(ctx context.Context, n Name) (Object, error) {
	o, err := s.store.Object(ctx, n)
	if errors.Is(err, NoSuchKey) {
		return Object{}, nil
	}
	return o, err
}

func partSpan(parts []Part, number int) (Span, error) {
	if number < 1 || number > len(parts) {
		return Span{}, fault.New(InvalidPartNumber, "The requested partnumber is not satisfiable")
	}
	var span Span
	for _, p := range parts[:number] {
		span = Span{Offset: span.Offset + span.Length, Length: p.Size}
	}
	return span, nil
}

// A reader reads the bytes of a span, part after part. A part of which all is
// wanted is read through its digest.
type reader struct {
	ctx   context.Context //nolint:containedctx // of the request that reads
	blobs blob.Store
	id    string
	key   envelope.Key
	parts []Part // those not yet opened
	span  Span   // what is wanted of them, from the first one's start

	open io.Reader // the bytes wanted of the current part
	file blob.Blob // that holds them
}

// next opens the next part of which bytes are wanted. Where that fails it is
// the next one still: no part is ever passed over.
func (r *reader) next() error {
	for len(r.parts) > 0 && r.span.Offset >= r.parts[0].Size && r.span.Length > 0 {
		r.span.Offset -= r.parts[0].Size
		r.parts = r.parts[1:]
	}
	if len(r.parts) == 0 || r.span.Length == 0 && r.parts[0].Size > 0 {
		return io.EOF
	}
	p := r.parts[0]
	wanted := Span{Offset: r.span.Offset, Length: min(r.span.Length, p.Size-r.span.Offset)}
	if err := r.openPart(p, wanted); err != nil {
		return errors.Join(fmt.Errorf("open part %d of object %s: %w", p.Number, r.id, err), r.Close())
	}
	r.parts, r.span = r.parts[1:], Span{Length: r.span.Length - wanted.Length}
	return nil
}

func (r *reader) openPart(p Part, wanted Span) error {
	key, err := envelope.Unwrap(r.key, p.WrappedKey, partContext(r.id, p.Number))
	if err != nil {
		return err
	}
	if p.Sealed != nil {
		r.file = inRow{bytes.NewReader(p.Sealed)}
	} else if r.file, err = r.blobs.Open(r.ctx, p.Digest); err != nil {
		return err
	}
	if wanted == (Span{Length: p.Size}) {
		r.open, err = envelope.OpenStream(blob.Verified(r.file, p.Digest), key)
		return err
	}
	plain, err := envelope.Open(r.file, r.file.Size(), key)
	if err != nil {
		return err
	}
	r.open = plain.Range(wanted.Offset, wanted.Length)
	return nil
}

// inRow is a part that lies in its row.
type inRow struct{ *bytes.Reader }

func (inRow) Close() error { return nil }

func (r *reader) Read(b []byte) (int, error) {
	for {
		if err := r.ctx.Err(); err != nil {
			return 0, err
		}
		if r.open != nil {
			n, err := r.open.Read(b)
			if err == nil || !errors.Is(err, io.EOF) {
				return n, err
			}
			if err := r.Close(); err != nil {
				return n, err
			}
			if n > 0 {
				return n, nil
			}
		}
		if err := r.next(); err != nil {
			return 0, err
		}
	}
}

// Close closes what is open. It may be called again.
func (r *reader) Close() error {
	r.open = nil
	if r.file == nil {
		return nil
	}
	file := r.file
	r.file = nil
	return file.Close()
}
