package sigv4

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"

	"mimeo/internal/fault"
)

// The values of x-amz-content-sha256 that are not a hash.
const (
	unsignedPayload  = "UNSIGNED-PAYLOAD"
	streamSigned     = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	streamSignedMore = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	streamUnsigned   = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
)

// A payload is how a request's body is bound to its signature.
type payload struct {
	claimed string // last line of the canonical request
	hash    string // the SHA-256 that a body still unread must have; empty: none is signed
	body    []byte // the whole body, if it was read already
}

// readPayload finds out how the body is bound. The body of a service other
// than S3 is read, so that its hash is known whether or not a header has it.
func (v *Verifier) readPayload(r *http.Request, c *claim) (payload, error) {
	claimed, err := single(r, "X-Amz-Content-Sha256")
	if err != nil {
		return payload{}, err
	}
	if v.service != serviceS3 {
		return v.readWhole(r, claimed)
	}
	if claimed == "" && c.presigned {
		claimed = value(c.query, "X-Amz-Content-Sha256")
		if claimed == "" {
			claimed = unsignedPayload
		}
	}
	switch claimed {
	case "":
		return payload{}, fault.New(InvalidContentHash, "Missing required header for this request: x-amz-content-sha256")
	case unsignedPayload, streamSigned, streamSignedMore, streamUnsigned:
		return payload{claimed: claimed}, nil
	}
	if sum, err := hex.DecodeString(claimed); err != nil || len(sum) != sha256.Size {
		return payload{}, fault.New(InvalidContentHash, "x-amz-content-sha256 must be %s, %s, %s, %s, or a valid sha256 value.",
			unsignedPayload, streamUnsigned, streamSigned, streamSignedMore)
	}
	return payload{claimed: claimed, hash: strings.ToLower(claimed)}, nil
}

func (v *Verifier) readWhole(r *http.Request, claimed string) (payload, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, v.maxBody+1))
	if err != nil {
		return payload{}, cutShort(err)
	}
	if int64(len(body)) > v.maxBody {
		return payload{}, tooLarge(v.maxBody)
	}
	sum := hexSHA256(body)
	if claimed == "" {
		claimed = sum
	}
	if !strings.EqualFold(claimed, sum) {
		return payload{}, fault.New(ContentMismatch, "The provided 'x-amz-content-sha256' header does not match what was computed.")
	}
	return payload{claimed: claimed, body: body}, nil
}

// replaceBody puts the verifying reader in the body's place.
func (v *Verifier) replaceBody(r *http.Request, c *claim, p payload, key signingKey, trailer http.Header) error {
	switch {
	case v.service != serviceS3:
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(p.body)), int64(len(p.body))
		return nil
	case r.ContentLength > v.maxBody:
		return tooLarge(v.maxBody)
	case p.claimed == unsignedPayload:
		r.Body = &bounded{src: r.Body, left: v.maxBody, limit: v.maxBody}
		return nil
	case p.hash != "":
		body := &bounded{src: r.Body, left: v.maxBody, limit: v.maxBody, sum: sha256.New(), want: p.hash}
		r.Body = body
		if r.ContentLength == 0 { // nobody reads the body of such a request
			return body.verify()
		}
		return nil
	}
	length, err := decodedLength(r)
	if err != nil {
		return err
	}
	if length > v.maxBody {
		return tooLarge(v.maxBody)
	}
	r.Body, r.ContentLength = newChunked(r, c, p.claimed, key, length, trailer), length
	return nil
}

func decodedLength(r *http.Request) (int64, error) {
	text, err := single(r, "X-Amz-Decoded-Content-Length")
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || text[0] == '+' {
		return 0, fault.New(MissingLength, "You must provide the x-amz-decoded-content-length HTTP header.")
	}
	return n, nil
}

func tooLarge(limit int64) *fault.Error {
	return fault.New(TooLarge, "Your request is larger than the maximum allowed size of %d bytes.", limit)
}

// cutShort tells a client that went away from a disk that failed: a body
// comes from the client only, so every error of its reader is the client's.
func cutShort(err error) error {
	if f := (*fault.Error)(nil); errors.As(err, &f) {
		return err
	}
	return fault.New(IncompleteBody, "You did not provide the number of bytes specified by the Content-Length HTTP header.").
		Because(fmt.Errorf("read request body: %w", err))
}

// A bounded body refuses to be longer than limit and, where a hash was
// signed, to end with another.
type bounded struct {
	src         io.ReadCloser
	left, limit int64
	sum         hash.Hash // nil: nothing to compare
	want        string
	err         error // sticky
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.src.Read(p)
	if b.left -= int64(n); b.left < 0 {
		b.err = tooLarge(b.limit)
		return 0, b.err
	}
	if b.sum != nil {
		b.sum.Write(p[:n])
	}
	if errors.Is(err, io.EOF) {
		if err = b.verify(); err == nil {
			err = io.EOF
		}
	} else if err != nil {
		err = cutShort(err)
	}
	b.err = err
	return n, err
}

func (b *bounded) verify() error {
	if b.sum != nil && hex.EncodeToString(b.sum.Sum(nil)) != b.want {
		return fault.New(ContentMismatch, "The provided 'x-amz-content-sha256' header does not match what was computed.")
	}
	return nil
}

// Close closes the request's own body.
func (b *bounded) Close() error { return b.src.Close() }
