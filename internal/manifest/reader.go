package manifest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// MaxLineLength bounds a line, in characters.
const MaxLineLength = 100_000

// Limits bound a manifest, and the dataset that is made of it. A Reader knows
// no labels: it keeps to the first two.
type Limits struct {
	Size               int64 // bytes
	Lines              int
	Labels             int // different ones
	LabelsPerImage     int // different ones
	BoxesPerImage      int
	TestImagesPerLabel int
}

// A Reader reads the lines of a manifest in bounded memory.
type Reader struct {
	r      *bufio.Reader
	within Limits
	size   int64
	number int
	blank  int  // blank lines that are still to be returned
	held   *Raw // the line after them
	err    error
}

// NewReader returns a Reader of r.
func NewReader(r io.Reader, within Limits) *Reader {
	return &Reader{r: bufio.NewReaderSize(r, 64<<10), within: within}
}

// A Raw is one line as it was read, without its end. Where Refused is not
// empty it is no line of a manifest and Text may be cut short.
type Raw struct {
	Number  int // from 1
	Text    []byte
	Refused Reason
}

// Next returns the next line, or io.EOF behind the last one. Blank lines at
// the end of the file are no lines. Next fails with a FileError where the
// manifest is too large or has too many lines.
func (r *Reader) Next() (Raw, error) {
	for r.held == nil && r.err == nil {
		r.fill()
	}
	switch {
	case r.held == nil:
		return Raw{}, r.err
	case r.number >= r.within.Lines:
		return Raw{}, TooManyRows
	}
	r.number++
	if r.blank > 0 {
		r.blank--
		return Raw{Number: r.number, Refused: BlankLine}, nil
	}
	line := *r.held
	line.Number, r.held = r.number, nil
	return line, nil
}

// fill reads one line and holds it, or counts it where it is blank.
func (r *Reader) fill() {
	first := r.size == 0
	text, tooLong, err := r.line()
	if err != nil {
		r.err = err
		return
	}
	if first {
		text = bytes.TrimPrefix(text, []byte("\ufeff"))
	}
	text = bytes.TrimSpace(text)
	switch {
	case tooLong || len(text) > MaxLineLength && utf8.RuneCount(text) > MaxLineLength:
		r.held = &Raw{Text: text, Refused: LineTooLong}
	case len(text) > 0:
		r.held = &Raw{Text: text}
	case r.blank >= r.within.Lines:
		r.err = TooManyRows
	default:
		r.blank++
	}
}

// line reads up to the next line feed, and says where the line is longer than
// any that can be valid.
func (r *Reader) line() (text []byte, tooLong bool, err error) {
	for {
		part, err := r.r.ReadSlice('\n')
		r.size += int64(len(part))
		if r.size > r.within.Size {
			return nil, false, TooLarge
		}
		if len(text)+len(part) > MaxLineLength*utf8.UTFMax+2 {
			tooLong = true
		} else {
			text = append(text, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && (len(text) > 0 || tooLong):
			return text, tooLong, nil
		case errors.Is(err, io.EOF):
			return nil, false, io.EOF
		case err != nil:
			return nil, false, fmt.Errorf("read manifest: %w", err)
		default:
			return text, tooLong, nil
		}
	}
}
