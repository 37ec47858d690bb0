package bucket

import (
	"strings"
	"time"

	"mimeo/internal/fault"
)

// A Condition is what a request demands of the object that is there. The zero
// value demands nothing. Match and NoneMatch are lists of ETags as the headers
// carry them, or "*".
type Condition struct {
	ID                             string // of the one object that is meant; no header says it
	Match, NoneMatch               string
	ModifiedSince, UnmodifiedSince time.Time
}

// holdsFor decides in the order of RFC 9110, section 13.2.2; times are
// compared in seconds, as their headers tell them.
func (c Condition) holdsFor(o Object) error {
	modified := o.ModifiedAt.Truncate(time.Second)
	switch {
	case c.Match != "" && !matches(c.Match, o.ETag):
		return preconditionFailed()
	case c.Match == "" && !c.UnmodifiedSince.IsZero() && modified.After(c.UnmodifiedSince):
		return preconditionFailed()
	case c.NoneMatch != "" && matches(c.NoneMatch, o.ETag):
		return fault.New(NotModified, "Not Modified")
	case c.NoneMatch == "" && !c.ModifiedSince.IsZero() && !modified.After(c.ModifiedSince):
		return fault.New(NotModified, "Not Modified")
	}
	return nil
}

// HoldsFor reports whether an object may be written where there is another,
// or none, which has no id. A store asks in the transaction that writes it,
// and returns the bare code.
func (c Condition) HoldsFor(id, etag string) error {
	exists := id != ""
	switch {
	case c.ID != "" && c.ID != id:
		return PreconditionFailed
	case c.Match != "" && !exists:
		return NoSuchKey
	case c.Match != "" && !matches(c.Match, etag):
		return PreconditionFailed
	case c.NoneMatch != "" && exists && matches(c.NoneMatch, etag):
		return PreconditionFailed
	}
	return nil
}

// matches reports whether an ETag is in a list, quoted or not, weak or not.
func matches(list, etag string) bool {
	for one := range strings.SplitSeq(list, ",") {
		one = strings.TrimPrefix(strings.TrimSpace(one), "W/")
		if one == "*" || strings.Trim(one, `"`) == etag {
			return true
		}
	}
	return false
}
