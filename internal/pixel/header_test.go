package pixel_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"mimeo/internal/pixel"
)

var byteOrder = binary.LittleEndian

// withComment inserts a comment of so many bytes after the start of a JPEG.
func withComment(file []byte, n int) []byte {
	out := bytes.Clone(file[:2])
	for n > 0 {
		size := min(n, 65_000)
		out = append(out, 0xff, 0xfe)
		out = binary.BigEndian.AppendUint16(out, uint16(size+2))
		out = append(out, make([]byte, size)...)
		n -= size
	}
	return append(out, file[2:]...)
}

func TestReadHeader(t *testing.T) {
	t.Parallel()
	photo := asJPEG(t, quarters(96, 64))
	turned := withOrientation(photo, byteOrder, 6)
	for _, c := range []struct {
		name string
		file []byte
		want pixel.Header
	}{
		{"jpeg", photo, pixel.Header{Format: pixel.JPEG, Width: 96, Height: 64, Orientation: pixel.Upright}},
		{"turned", turned, pixel.Header{Format: pixel.JPEG, Width: 96, Height: 64, Orientation: pixel.Rotate90}},
		{"behind much metadata", withComment(turned, 300_000), pixel.Header{Format: pixel.JPEG, Width: 96, Height: 64, Orientation: pixel.Rotate90}},
		{"png", asPNG(t, quarters(70, 80)), pixel.Header{Format: pixel.PNG, Width: 70, Height: 80, Orientation: pixel.Upright}},
		{"cmyk", testdata(t, "cmyk.jpg"), pixel.Header{Format: pixel.JPEG, Width: 80, Height: 64, Orientation: pixel.Upright}},
	} {
		r := bytes.NewReader(append(bytes.Clone(c.file), make([]byte, 2<<20)...))
		got, err := pixel.ReadHeader(r, pixel.Limits{})
		if err != nil || got != c.want {
			t.Errorf("%s: got %+v, %v, want %+v", c.name, got, err, c.want)
		}
		if read, most := r.Size()-int64(r.Len()), int64(2*len(c.file)+64<<10); read > most {
			t.Errorf("%s: %d bytes were read of a file of %d", c.name, read, len(c.file))
		}
		if m, err := pixel.Decode(bytes.NewReader(c.file), pixel.Limits{}); err != nil || m.Header() != got {
			t.Errorf("%s: Decode tells another header: %v", c.name, err)
		}
	}
}

func TestReadHeaderRefusals(t *testing.T) {
	t.Parallel()
	photo := asJPEG(t, quarters(64, 64))
	for _, c := range []struct {
		name string
		r    io.Reader
		want error
	}{
		{"nothing", bytes.NewReader(nil), pixel.ErrFormat},
		{"text", bytes.NewReader([]byte("hello")), pixel.ErrFormat},
		{"cut", bytes.NewReader(photo[:20]), pixel.ErrTruncated},
		{"metadata without end", bytes.NewReader(withComment(photo, 16<<20)), pixel.ErrTooManyBytes},
		{"broken", iotest.TimeoutReader(iotest.OneByteReader(bytes.NewReader(photo))), iotest.ErrTimeout},
	} {
		if _, err := pixel.ReadHeader(c.r, pixel.Limits{}); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

// FuzzReadHeader holds ReadHeader to Decode: of an image that can be decoded it
// tells the same header.
func FuzzReadHeader(f *testing.F) {
	f.Add(asJPEG(f, quarters(16, 16)))
	f.Add(asPNG(f, quarters(16, 16)))
	f.Add(withOrientation(asJPEG(f, quarters(8, 8)), byteOrder, 6))
	f.Add(withComment(withOrientation(asJPEG(f, quarters(8, 8)), byteOrder, 3), 70_000))
	f.Add(testdata(f, "progressive.jpg"))
	limits := pixel.Limits{Bytes: 1 << 17, MinSide: 1, MaxSide: 256, Aspect: 256}
	f.Fuzz(func(t *testing.T, file []byte) {
		h, err := pixel.ReadHeader(bytes.NewReader(file), limits)
		m, failed := pixel.Decode(bytes.NewReader(file), limits)
		if failed != nil {
			return
		}
		if err != nil || m.Header() != h {
			t.Errorf("header %+v, %v; decoded it is %+v", h, err, m.Header())
		}
	})
}
