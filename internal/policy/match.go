package policy

import (
	"strings"

	"mimeo/internal/arn"
)

// A resource is one entry of a Resource element, or a value of an Arn
// operator: anything, or a pattern of six segments. A wildcard does not reach
// over the colon of its segment; the sixth holds all that follows the fifth
// colon.
type resource struct {
	any      bool
	segments [6]pattern
}

// parseResource reads "*" or the pattern of an ARN.
func parseResource(s string, x syntax) (r resource, wrong string) {
	if s == "*" {
		return resource{any: true}, ""
	}
	parts := splitPattern(s, x)
	if len(parts) != 6 || parts[0] != "arn" || parts[1] == "" || parts[2] == "" || parts[5] == "" {
		return resource{}, "is neither an ARN nor \"*\""
	}
	for i, text := range parts {
		if r.segments[i], wrong = x.compile(text); wrong != "" {
			return resource{}, wrong
		}
	}
	return r, ""
}

// splitPattern splits s at its first five colons that are not in a variable.
func splitPattern(s string, x syntax) []string {
	var parts []string
	from := 0
	for i := 0; i < len(s) && len(parts) < 5; i++ {
		if x.variables && strings.HasPrefix(s[i:], "${") {
			name, _, _ := cutVariable(s[i+2:])
			i += 2 + len(name) // where it is not closed, compile says so
			continue
		}
		if s[i] == ':' {
			parts = append(parts, s[from:i])
			from = i + 1
		}
	}
	return append(parts, s[from:])
}

// split splits an ARN into its segments.
func split(s string) (segments [6]string, ok bool) {
	for i := range 5 {
		if segments[i], s, ok = strings.Cut(s, ":"); !ok {
			return segments, false
		}
	}
	segments[5] = s
	return segments, true
}

func (r *resource) match(segments *[6]string, q *question) answer {
	all := yes
	for i := range r.segments {
		want, ok := r.segments[i].in(q)
		switch {
		case !ok:
			all = unknown
		case !glob(want, segments[i]):
			return no
		}
	}
	return all
}

// keys calls add with every condition key that r mentions.
func (r *resource) keys(add func(string)) {
	for i := range r.segments {
		r.segments[i].keys(add)
	}
}

// covers reports whether a permission that was recorded covers a request about
// something of owner's.
func covers(p arn.Permission, req Request, owner string) bool {
	return strings.EqualFold(p.Action, req.Action) && p.Resource == req.Resource && p.Owner == owner
}
