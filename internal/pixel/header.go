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

// A Header is what the head of an image file tells.
type Header struct {
	Format      Format
	Width       int // pixels, as stored: before Orientation is applied
	Height      int
	Orientation Orientation
}

// Check says whether the image is within the limits; if not, the error wraps
// ErrTooLarge, ErrTooSmall or ErrTooLong.
func (h Header) Check(l Limits) error {
	l = l.orDefault()
	long, short := max(h.Width, h.Height), min(h.Width, h.Height)
	switch {
	case long > l.MaxSide:
		return fmt.Errorf("%w: %d×%d pixels, at most %d a side", ErrTooLarge, h.Width, h.Height, l.MaxSide)
	case short < l.MinSide:
		return fmt.Errorf("%w: %d×%d pixels, at least %d a side", ErrTooSmall, h.Width, h.Height, l.MinSide)
	case long > l.Aspect*short:
		return fmt.Errorf("%w: %d×%d pixels, at most %d:1", ErrTooLong, h.Width, h.Height, l.Aspect)
	}
	return nil
}

// Upright maps a rectangle of the image as it is stored, such as a box of a
// manifest, to the upright image. Both are in pixels.
func (h Header) Upright(r Rect) Rect {
	return h.Orientation.UprightRect(r, float64(h.Width), float64(h.Height))
}

// Stored is the inverse of Upright: it maps a rectangle of the upright image,
// such as a detection, to the image as it is stored.
func (h Header) Stored(r Rect) Rect {
	return h.Orientation.StoredRect(r, float64(h.Width), float64(h.Height))
}

// firstRead is where the header of nearly every file ends.
const firstRead = 64 << 10

// ReadHeader reads as much of an image file as its header needs, and no pixel.
// It checks no limit but that of bytes; [Header.Check] checks the others. An
// error wraps ErrFormat, ErrCorrupt or ErrTooManyBytes, or is the reader's own.
func ReadHeader(r io.Reader, l Limits) (Header, error) {
	limit := l.orDefault().Bytes
	var head bytes.Buffer
	for want := int64(firstRead); ; want *= 2 {
		_, err := io.CopyN(&head, r, min(want, limit+1)-int64(head.Len()))
		if err != nil && !errors.Is(err, io.EOF) {
			return Header{}, fmt.Errorf("read image: %w", err)
		}
		h, incomplete := inspect(head.Bytes())
		switch {
		case err != nil, !errors.Is(incomplete, ErrTruncated) && wholeHeader(head.Bytes()):
			return h, incomplete
		case int64(head.Len()) > limit:
			return Header{}, fmt.Errorf("%w: at most %d", ErrTooManyBytes, limit)
		}
	}
}

// inspect reads the head of an image and no pixel. It checks no limits; it
// fails with ErrFormat or ErrCorrupt.
func inspect(file []byte) (Header, error) {
	var c image.Config
	var err error
	format := sniff(file)
	switch format {
	case JPEG:
		c, err = jpeg.DecodeConfig(bytes.NewReader(file))
	case PNG:
		c, err = png.DecodeConfig(bytes.NewReader(file))
	default:
		return Header{}, ErrFormat
	}
	if err != nil {
		return Header{}, refusal(err)
	}
	h := Header{Format: format, Width: c.Width, Height: c.Height, Orientation: Upright}
	if h.Width < 1 || h.Height < 1 {
		return Header{}, fmt.Errorf("%w: it has no pixels", ErrCorrupt)
	}
	if format == JPEG {
		h.Orientation = jpegOrientation(file)
	}
	return h, nil
}

// wholeHeader reports whether what follows in the file cannot change what
// inspect finds.
func wholeHeader(file []byte) bool {
	if sniff(file) != JPEG {
		return true
	}
	for marker := range segments(file) {
		if marker == markerStartOfScan {
			return true
		}
	}
	return false
}

func sniff(file []byte) Format {
	switch {
	case bytes.HasPrefix(file, []byte("\xff\xd8\xff")):
		return JPEG
	case bytes.HasPrefix(file, []byte("\x89PNG\r\n\x1a\n")):
		return PNG
	}
	return ""
}
