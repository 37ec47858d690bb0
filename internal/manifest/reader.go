package manifest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// The limits of a manifest.
const (
	MaxLineLength = 100_000 // characters
	MaxLines      = 250_000
	MaxSize       = 1 << 30 // bytes
	MaxLabels     = 250
)

// A Reader reads the lines of a manifest in bounded memory.
type Reader struct {
	r      *bufio.Reader
	size   int64
	number int
	blank  int  // blank lines that are still to be returned
	held   *Raw // the line after them
	err    error
}

// NewReader returns a Reader of r.
func NewReader(r io.Reader) *Reader { return &Reader{r: bufio.NewReaderSize(r, 64<<10)} }

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
	case r.number >= MaxLines:
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
	case tooLong || utf8.RuneCount(text) > MaxLineLength:
		r.held = &Raw{Text: text, Refused: LineTooLong}
	case len(text) > 0:
		r.held = &Raw{Text: text}
	case r.blank >= MaxLines:
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
		if r.size > MaxSize {
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
