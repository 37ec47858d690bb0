package pixel

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
)

// Why an image is refused. Errors of this package wrap one of these; any other
// error is the reader's own.
var (
	// ErrFormat: the bytes are neither JPEG nor PNG, or a kind of these that
	// cannot be decoded (arithmetic coding, 12-bit samples).
	ErrFormat = errors.New("not a JPEG or PNG image that can be decoded")
	// ErrCorrupt: the bytes begin as an image and break off or contradict
	// themselves.
	ErrCorrupt = errors.New("the image is damaged")
	// ErrTruncated is the ErrCorrupt of an image that ends too early.
	ErrTruncated = fmt.Errorf("%w: it ends too early", ErrCorrupt)
	// ErrTooManyBytes: the file is larger than Limits.Bytes.
	ErrTooManyBytes = errors.New("the image has too many bytes")
	// ErrTooLarge: a side is longer than Limits.MaxSide.
	ErrTooLarge = errors.New("the image is too large")
	// ErrTooSmall: a side is shorter than Limits.MinSide.
	ErrTooSmall = errors.New("the image is too small")
	// ErrTooLong: one side is more than Limits.Aspect times the other.
	ErrTooLong = errors.New("the image is too long for its width")
)

// A Format is a kind of image file.
type Format string

// The formats that Rekognition Custom Labels takes.
const (
	JPEG Format = "JPEG"
	PNG  Format = "PNG"
)

// Limits bound an image. The zero value of a field means the limit of Amazon
// Rekognition Custom Labels for training images:
// https://docs.aws.amazon.com/rekognition/latest/customlabels-dg/limits.html
type Limits struct {
	Bytes   int64 // 15 MB
	MinSide int   // 64 pixels
	MaxSide int   // 4096 pixels
	Aspect  int   // 20: the longer side at most so many times the shorter
}

func (l Limits) orDefault() Limits {
	if l.Bytes == 0 {
		l.Bytes = 15 << 20
	}
	if l.MinSide == 0 {
		l.MinSide = 64
	}
	if l.MaxSide == 0 {
		l.MaxSide = 4096
	}
	if l.Aspect == 0 {
		l.Aspect = 20
	}
	return l
}

// Decode reads one image. Bytes and dimensions are checked against the limits
// before pixels are decoded, so that a small file cannot claim much memory. Of
// an animated PNG it takes the default image.
//
// An error wraps one of this package's errors, or is the reader's own.
func Decode(r io.Reader, l Limits) (*Image, error) {
	l = l.orDefault()
	data, err := io.ReadAll(io.LimitReader(r, l.Bytes+1))
	if err != nil {
		return nil, fmt.Errorf("read image: %w", err)
	}
	if int64(len(data)) > l.Bytes {
		return nil, fmt.Errorf("%w: at most %d", ErrTooManyBytes, l.Bytes)
	}
	h, err := inspect(data)
	if err != nil {
		return nil, err
	}
	if err := h.Check(l); err != nil {
		return nil, err
	}
	if h.Format == JPEG && tooManyScans(data) {
		return nil, fmt.Errorf("%w: more than %d scans", ErrCorrupt, maxScans)
	}
	decoded, err := decodePixels(h.Format, data)
	if err != nil {
		return nil, refusal(err)
	}
	m := newImage(decoded)
	m.header = h
	return m, nil
}

func decodePixels(f Format, file []byte) (image.Image, error) {
	if f == PNG {
		return png.Decode(bytes.NewReader(file))
	}
	return jpeg.Decode(withAdobe(file))
}

// refusal names a decoder's error.
func refusal(err error) error {
	var jpegKind jpeg.UnsupportedError
	var pngKind png.UnsupportedError
	switch {
	case errors.As(err, &jpegKind), errors.As(err, &pngKind):
		return fmt.Errorf("%w: %v", ErrFormat, err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return ErrTruncated
	}
	return fmt.Errorf("%w: %v", ErrCorrupt, err)
}
