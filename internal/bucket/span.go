package bucket

import (
	"strconv"
	"strings"

	"mimeo/internal/fault"
)

// A Span is Length bytes from Offset on.
type Span struct {
	Offset, Length int64
}

// parseSpan reads a Range header (RFC 9110, section 14) for a text of size
// bytes. What S3 does not understand, such as several ranges, it ignores: ok
// is false, and the whole text is meant. A range that holds no byte of the
// text is refused.
func parseSpan(header string, size int64) (span Span, ok bool, err error) {
	text, found := strings.CutPrefix(header, "bytes=")
	first, last, dash := strings.Cut(strings.TrimSpace(text), "-")
	if !found || !dash {
		return Span{}, false, nil
	}
	from, fromOK := position(first)
	to, toOK := position(last)
	switch {
	case first == "" && toOK: // the last bytes
		span.Length = min(to, size)
		span.Offset = size - span.Length
	case fromOK && last == "":
		span = Span{Offset: from, Length: size - from}
	case fromOK && toOK && from <= to:
		span = Span{Offset: from, Length: min(to, size-1) - from + 1}
	default:
		return Span{}, false, nil
	}
	if span.Length <= 0 {
		return Span{}, false, fault.New(InvalidRange, "The requested range is not satisfiable")
	}
	return span, true, nil
}

// position reads digits; more than fit are as good as the largest number.
func position(s string) (int64, bool) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil && s != "" {
		return 1<<63 - 1, true
	}
	return n, s != ""
}
