package envelope

import (
	"errors"
	"fmt"
	"io"

	"github.com/minio/sio"
)

// A Plain is an opened payload with random access. Its methods may be called
// concurrently. What it returns is authentic and at its place; its size is
// authentic too.
type Plain struct {
	src    *io.SectionReader
	key    Key
	opened io.ReaderAt
	size   int64
}

// Open opens the sealed stream of size bytes in src. It reads the first and
// the last package, so that a stream which was cut, extended or sealed under
// another key is refused at once with ErrNotAuthentic.
func Open(src io.ReaderAt, size int64, k Key) (*Plain, error) {
	if k.IsZero() {
		return nil, ErrEmptyKey
	}
	plain, err := sio.DecryptedSize(uint64(max(size, 0)))
	if err != nil || plain == 0 || plain >= 1<<47 {
		return nil, fmt.Errorf("%w: no stream has %d bytes", ErrNotAuthentic, size)
	}
	p := &Plain{src: io.NewSectionReader(src, 0, size), key: k, size: int64(plain) - 1}
	if p.opened, err = sio.DecryptReaderAt(p.src, config(k)); err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	if err := p.checkEnds(); err != nil {
		return nil, err
	}
	return p, nil
}

// checkEnds reads the marker, and the last byte together with the end behind
// it: sio reports the end only after a package that is marked as the last.
func (p *Plain) checkEnds() error {
	var ends [2]byte
	if _, err := p.opened.ReadAt(ends[:1], 0); err != nil && !errors.Is(err, io.EOF) {
		return authentic(err)
	}
	if ends[0] != marker {
		return fmt.Errorf("%w: the stream has format %d", ErrNotAuthentic, ends[0])
	}
	switch n, err := p.opened.ReadAt(ends[:], p.size); {
	case err != nil && !errors.Is(err, io.EOF):
		return authentic(err)
	case n != 1 || err == nil:
		return fmt.Errorf("%w: the stream does not end where it should", ErrNotAuthentic)
	}
	return nil
}

// Size is the number of plain bytes.
func (p *Plain) Size() int64 { return p.size }

// ReadAt reads plain bytes, as io.ReaderAt has it. To read much in order, a
// reader made by [Plain.Range] is several times as fast.
func (p *Plain) ReadAt(b []byte, off int64) (int, error) {
	switch {
	case off < 0:
		return 0, fmt.Errorf("read sealed bytes at the negative offset %d", off)
	case off >= p.size:
		return 0, io.EOF
	case int64(len(b)) <= p.size-off:
		return p.readAt(b, off)
	}
	n, err := p.readAt(b[:p.size-off], off)
	if err == nil {
		err = io.EOF
	}
	return n, err
}

func (p *Plain) readAt(b []byte, off int64) (int, error) {
	n, err := p.opened.ReadAt(b, off+1) // behind the marker
	if err != nil && n == len(b) && errors.Is(err, io.EOF) {
		err = nil
	}
	if err != nil {
		return n, authentic(err)
	}
	return n, nil
}

// Range returns a reader of the n plain bytes from off on, cut at the end of
// the payload, in one pass over the packages that hold them.
func (p *Plain) Range(off, n int64) io.Reader {
	off = min(max(off, 0), p.size)
	n = min(max(n, 0), p.size-off)
	if n == 0 {
		return io.LimitReader(nil, 0)
	}
	return &ranged{plain: p, off: off, left: n}
}

// A ranged reader starts to decrypt when it is first read.
type ranged struct {
	plain     *Plain
	opened    io.Reader
	off, left int64
}

func (r *ranged) Read(b []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	if r.opened == nil {
		if err := r.start(); err != nil {
			return 0, err
		}
	}
	n, err := r.opened.Read(b[:min(int64(len(b)), r.left)])
	r.left -= int64(n)
	switch {
	case errors.Is(err, io.EOF) && r.left > 0:
		return n, authentic(io.ErrUnexpectedEOF)
	case errors.Is(err, io.EOF):
		return n, nil // the next read says that this was the end
	default:
		return n, err
	}
}

func (r *ranged) start() error {
	first := (r.off + 1) / chunkSize // the package of the first byte, behind the marker
	c := config(r.plain.key)
	c.SequenceNumber = uint32(first)
	packages := io.NewSectionReader(r.plain.src, first*sealedSize, r.plain.src.Size()-first*sealedSize)
	opened, err := sio.DecryptReader(packages, c)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	if _, err := io.CopyN(io.Discard, opened, r.off+1-first*chunkSize); err != nil {
		return authentic(err)
	}
	r.opened = &sticky{r: opened}
	return nil
}
