package sigv4

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// A pair is one query parameter, decoded.
type pair struct{ key, value string }

func has(query []pair, key string) bool {
	return slices.ContainsFunc(query, func(p pair) bool { return p.key == key })
}

func value(query []pair, key string) string {
	if i := slices.IndexFunc(query, func(p pair) bool { return p.key == key }); i >= 0 {
		return query[i].value
	}
	return ""
}

// Target returns path and query exactly as the request line had them. It is
// what a signature covers: who acts on a request reads its path and query from
// here too, or acts on another one than was signed. r.URL is no substitute:
// parsing loses "//", "/?" and the escapes used.
func Target(r *http.Request) (path, query string) {
	path, query, _ = strings.Cut(r.RequestURI, "?")
	if scheme, rest, absolute := strings.Cut(path, "://"); absolute && !strings.Contains(scheme, "/") {
		_, path, _ = strings.Cut(rest, "/") // as sent to a proxy
		path = "/" + path
	}
	if path == "" {
		path = "/"
	}
	return path, query
}

// parseQuery keeps order, empty values and repeated keys.
func parseQuery(raw string) ([]pair, error) {
	var pairs []pair
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		key, value, _ := strings.Cut(part, "=")
		k, err := url.QueryUnescape(key)
		if err != nil {
			return nil, err
		}
		v, err := url.QueryUnescape(value)
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, pair{k, v})
	}
	return pairs, nil
}

// canonicalRequests builds what the client must have signed: AWS General
// Reference, "Create a signed AWS API request", step 1. There is one for each
// canonical form of the path; none if a signed header did not arrive.
func canonicalRequests(r *http.Request, c *claim, payload string) []string {
	headers, ok := canonicalHeaders(r, c.signed)
	if !ok {
		return nil
	}
	path, _ := Target(r)
	paths := canonicalPaths(path, c.scope.Service)
	requests := make([]string, len(paths))
	for i, p := range paths {
		requests[i] = strings.Join([]string{r.Method, p, canonicalQuery(c), headers, strings.Join(c.signed, ";"), payload}, "\n")
	}
	return requests
}

// canonicalPaths encodes the path once for S3 and once more, on top of the
// encoding it has on the wire, for every other service. Nothing is cleaned.
// For S3 some clients (curl, the Go SDK's bare signer) sign the path as they
// send it, with more or fewer characters encoded than the canonical form has:
// such a signature covers the very bytes that arrived, so it is as good.
func canonicalPaths(raw, service string) []string {
	if service != serviceS3 {
		return []string{escape(raw, '/')}
	}
	decoded, err := url.PathUnescape(raw)
	if err != nil {
		return []string{raw}
	}
	if encoded := escape(decoded, '/'); encoded != raw {
		return []string{encoded, raw}
	}
	return []string{raw}
}

func canonicalQuery(c *claim) string {
	pairs := make([]pair, 0, len(c.query))
	for _, p := range c.query {
		if c.presigned && p.key == "X-Amz-Signature" {
			continue
		}
		pairs = append(pairs, pair{escape(p.key, 0), escape(p.value, 0)})
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		return cmp.Or(strings.Compare(a.key, b.key), strings.Compare(a.value, b.value))
	})
	var b strings.Builder
	for i, p := range pairs {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(p.key + "=" + p.value)
	}
	return b.String()
}

// canonicalHeaders returns one line per signed header. ok is false when a
// signed header did not arrive.
func canonicalHeaders(r *http.Request, signed []string) (lines string, ok bool) {
	var b strings.Builder
	for _, name := range signed {
		values := headerValues(r, name)
		if len(values) == 0 {
			return "", false
		}
		b.WriteString(name)
		for i, v := range values {
			b.WriteByte(":,"[min(i, 1)])
			b.WriteString(collapse(v))
		}
		b.WriteByte('\n')
	}
	return b.String(), true
}

// headerValues returns a header as received; net/http keeps three of them
// outside of r.Header.
func headerValues(r *http.Request, name string) []string {
	switch values := r.Header.Values(name); {
	case name == "host":
		return []string{r.Host}
	case len(values) > 0:
		return values
	case name == "content-length" && r.ContentLength >= 0:
		return []string{strconv.FormatInt(r.ContentLength, 10)}
	case name == "transfer-encoding" && len(r.TransferEncoding) > 0:
		return []string{strings.Join(r.TransferEncoding, ", ")}
	default:
		return nil
	}
}

// collapse trims blanks and makes every run of them one.
func collapse(s string) string {
	s = strings.Trim(s, " \t")
	if !strings.Contains(s, "  ") {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		if s[i] != ' ' || s[i-1] != ' ' { // s does not start with a blank
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// escape percent-encodes all but the unreserved characters of RFC 3986 and
// the byte keep.
func escape(s string, keep byte) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9',
			c == '-', c == '_', c == '.', c == '~', c == keep && keep != 0:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
		}
	}
	return b.String()
}
