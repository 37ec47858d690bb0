package sigv4

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"mimeo/internal/fault"
)

const (
	maxLine     = 4 << 10 // longest chunk header or trailer line
	maxTrailers = 16
	emptySHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

	trailerSignature = "x-amz-trailer-signature"
)

// A chunked body decodes aws-chunked: hexadecimal size, extension, data, and
// trailers after the empty chunk. Source: Amazon S3 API Reference, "Signature
// Calculations for the Authorization Header: Transferring Payload in Multiple
// Chunks", and the same "Including Trailing Headers".
//
// Data is handed on while its chunk is being read; a wrong signature fails
// the read that completes the chunk. Only io.EOF says that all was signed.
type chunked struct {
	src       *bufio.Reader
	closer    io.Closer
	key       signingKey // nil: chunks are not signed
	prefix    string     // time and scope, as chunks sign them
	previous  string     // signature that the next chunk continues
	announced []string   // lower-case trailer names of x-amz-trailer
	signedEnd bool       // trailers are signed
	trailer   http.Header

	inChunk   bool
	left      int64 // of the current chunk
	remaining int64 // of the announced length
	signature string
	sum       hash.Hash
	err       error // sticky
}

func newChunked(r *http.Request, c *claim, form string, key signingKey, length int64, trailer http.Header) *chunked {
	b := &chunked{
		src: bufio.NewReaderSize(r.Body, 32<<10), closer: r.Body, trailer: trailer, remaining: length,
		prefix: c.when.Format(timeFormat) + "\n" + c.scope.String(), previous: c.signature, sum: sha256.New(),
	}
	if form != streamUnsigned {
		b.key = key
	}
	if form != streamSigned {
		b.signedEnd = form == streamSignedMore
		for _, list := range r.Header.Values("X-Amz-Trailer") {
			for name := range strings.SplitSeq(list, ",") {
				if name = strings.ToLower(strings.TrimSpace(name)); name != "" {
					b.announced = append(b.announced, name)
				}
			}
		}
	}
	return b
}

// Close closes the request's own body.
func (b *chunked) Close() error { return b.closer.Close() }

func (b *chunked) Read(p []byte) (int, error) {
	if b.err != nil || len(p) == 0 {
		return 0, b.err
	}
	n, err := b.read(p)
	b.err = err
	return n, err
}

func (b *chunked) read(p []byte) (int, error) {
	if !b.inChunk {
		if err := b.begin(); err != nil {
			return 0, err
		}
		if b.left == 0 {
			if err := b.finish(); err != nil {
				return 0, err
			}
			return 0, io.EOF
		}
	}
	n, err := b.src.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	b.remaining -= int64(n)
	if b.key != nil {
		b.sum.Write(p[:n])
	}
	if err != nil && b.left > 0 {
		return n, b.incomplete(err)
	}
	if b.left == 0 {
		return n, b.end()
	}
	return n, nil
}

// begin reads the header of a chunk.
func (b *chunked) begin() error {
	line, err := b.line()
	if err != nil {
		return unended(err)
	}
	size, extension, _ := strings.Cut(line, ";")
	n, err := strconv.ParseUint(size, 16, 40)
	if err != nil || len(size) > 10 {
		return fault.New(MalformedChunk, "The size of a chunk cannot be read.")
	}
	if int64(n) > b.remaining {
		return fault.New(IncompleteBody, "The body is longer than x-amz-decoded-content-length says.")
	}
	b.left, b.inChunk, b.signature = int64(n), true, ""
	if b.key != nil {
		signature, ok := strings.CutPrefix(extension, "chunk-signature=")
		if !ok {
			return fault.New(MalformedChunk, "A chunk has no chunk-signature.")
		}
		b.signature = signature
		b.sum.Reset()
	} else if extension != "" {
		return fault.New(MalformedChunk, "A chunk has an extension that is not known.")
	}
	return nil
}

// end finishes a chunk that had data.
func (b *chunked) end() error {
	b.inChunk = false
	switch line, err := b.line(); {
	case err != nil:
		return unended(err)
	case line != "":
		return fault.New(MalformedChunk, "A chunk is longer than its size says.")
	}
	return b.checkChunk()
}

func (b *chunked) checkChunk() error {
	if b.key == nil {
		return nil
	}
	text := "AWS4-HMAC-SHA256-PAYLOAD\n" + b.prefix + "\n" + b.previous + "\n" + emptySHA256 + "\n" + hex.EncodeToString(b.sum.Sum(nil))
	if !b.key.matches(text, b.signature) {
		return mismatch()
	}
	b.previous = b.signature
	return nil
}

// finish reads what follows the empty chunk and checks that all of it came.
func (b *chunked) finish() error {
	if err := b.checkChunk(); err != nil {
		return err
	}
	if b.remaining != 0 {
		return fault.New(IncompleteBody, "The body is shorter than x-amz-decoded-content-length says.")
	}
	if err := b.readTrailers(); err != nil {
		return err
	}
	for _, name := range b.announced {
		if len(b.trailer.Values(name)) != 1 {
			return fault.New(MalformedTrailer, "The trailer '%.100s' was announced and did not come exactly once.", name)
		}
	}
	return nil
}

// readTrailers reads trailer lines to the end of the body. minio-go ends a
// line with a bare newline and puts an empty one before the signature, so
// empty lines end nothing; the end of the body does.
func (b *chunked) readTrailers() error {
	var lines strings.Builder
	signature := ""
	for count := 0; ; count++ {
		line, err := b.line()
		if errors.Is(err, io.EOF) {
			break
		}
		switch {
		case err != nil:
			return err
		case count >= 2*maxTrailers:
			return fault.New(MalformedTrailer, "The body has too many trailers.")
		case line == "":
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)
		switch {
		case !ok || signature != "":
			return fault.New(MalformedTrailer, "The body goes on after its end.")
		case name == trailerSignature && b.signedEnd:
			signature = value
		case !slices.Contains(b.announced, name):
			return fault.New(MalformedTrailer, "The trailer '%.100s' was not announced by x-amz-trailer.", name)
		default:
			b.trailer.Add(name, value)
			lines.WriteString(name + ":" + value + "\n")
		}
	}
	if !b.signedEnd {
		return nil
	}
	text := "AWS4-HMAC-SHA256-TRAILER\n" + b.prefix + "\n" + b.previous + "\n" + hexSHA256([]byte(lines.String()))
	if !b.key.matches(text, signature) {
		return mismatch()
	}
	return nil
}

// unended makes the end of a body that must go on a refusal.
func unended(err error) error {
	if errors.Is(err, io.EOF) {
		return fault.New(IncompleteBody, "The body ends before its last chunk.")
	}
	return err
}

// line reads a line without its end, or io.EOF if there is no line any more.
func (b *chunked) line() (string, error) {
	line, err := b.src.ReadSlice('\n')
	switch {
	case errors.Is(err, io.EOF) && len(line) == 0:
		return "", io.EOF
	case errors.Is(err, bufio.ErrBufferFull) || len(line) > maxLine:
		return "", fault.New(MalformedChunk, "A line between two chunks is too long.")
	case err != nil:
		return "", b.incomplete(err)
	}
	return strings.TrimSuffix(string(line[:len(line)-1]), "\r"), nil
}

func (b *chunked) incomplete(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return cutShort(err)
}
