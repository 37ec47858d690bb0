package policy

import (
	"encoding/base64"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// A compiler reads one value of a condition. What is wrong finishes the
// sentence "In …, the text …".
type compiler func(text string, x syntax) (m matcher, wrong string)

// operators are the operators that are not negated, without IfExists and
// quantifier.
var operators = map[string]compiler{
	"StringEquals":             compileString(stringEquals, false),
	"StringEqualsIgnoreCase":   compileString(strings.EqualFold, false),
	"StringLike":               compileString(glob, true),
	"NumericEquals":            compileNumber(func(c int) bool { return c == 0 }),
	"NumericLessThan":          compileNumber(func(c int) bool { return c < 0 }),
	"NumericLessThanEquals":    compileNumber(func(c int) bool { return c <= 0 }),
	"NumericGreaterThan":       compileNumber(func(c int) bool { return c > 0 }),
	"NumericGreaterThanEquals": compileNumber(func(c int) bool { return c >= 0 }),
	"DateEquals":               compileDate(func(c int) bool { return c == 0 }),
	"DateLessThan":             compileDate(func(c int) bool { return c < 0 }),
	"DateLessThanEquals":       compileDate(func(c int) bool { return c <= 0 }),
	"DateGreaterThan":          compileDate(func(c int) bool { return c > 0 }),
	"DateGreaterThanEquals":    compileDate(func(c int) bool { return c >= 0 }),
	"Bool":                     compileBool,
	"BinaryEquals":             compileBinary,
	"IpAddress":                compileAddress,
	"ArnEquals":                compileARN,
	"ArnLike":                  compileARN,
	"Null":                     compileNull,
}

// negations are the operators that are true where another is not.
var negations = map[string]string{
	"StringNotEquals":           "StringEquals",
	"StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
	"StringNotLike":             "StringLike",
	"NumericNotEquals":          "NumericEquals",
	"DateNotEquals":             "DateEquals",
	"NotIpAddress":              "IpAddress",
	"ArnNotEquals":              "ArnEquals",
	"ArnNotLike":                "ArnLike",
}

// parseOperator reads the name of an operator into a condition that lacks its
// key and values.
func parseOperator(name string) (c condition, compile compiler, ok bool) {
	if rest, found := strings.CutPrefix(name, "ForAllValues:"); found {
		name, c.of = rest, forAll
	} else if rest, found := strings.CutPrefix(name, "ForAnyValue:"); found {
		name, c.of = rest, forAny
	}
	name, c.ifExists = strings.CutSuffix(name, "IfExists")
	if positive, found := negations[name]; found {
		name, c.negated = positive, true
	}
	compile, ok = operators[name]
	if name == "Null" && (c.ifExists || c.of != single) {
		return c, nil, false // it asks for the key itself
	}
	return c, compile, ok
}

// text is a value of a String operator.
type text struct {
	pattern
	is func(want, got string) bool
}

func stringEquals(want, got string) bool { return want == got }

func compileString(is func(want, got string) bool, wildcards bool) compiler {
	return func(s string, x syntax) (matcher, string) {
		x.wildcards = wildcards
		p, wrong := x.compile(s)
		return &text{pattern: p, is: is}, wrong
	}
}

func (t *text) matches(got string, q *question) answer {
	want, ok := t.in(q)
	if !ok {
		return unknown
	}
	return answerIf(t.is(want, got))
}

// number is a value of a Numeric operator.
type number struct {
	n  float64
	is func(compared int) bool
}

func compileNumber(is func(int) bool) compiler {
	return func(s string, _ syntax) (matcher, string) {
		n, ok := parseNumber(s)
		if !ok {
			return nil, "is not a number of up to 15 digits"
		}
		return number{n, is}, ""
	}
}

// parseNumber reads a decimal number that a float64 holds exactly enough to
// be printed again.
func parseNumber(s string) (float64, bool) {
	if strings.Trim(s, "0123456789.-") != "" || len(s)-strings.Count(s, ".")-strings.Count(s, "-") > 15 {
		return 0, false
	}
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil
}

func (n number) matches(got string, _ *question) answer {
	m, ok := parseNumber(got)
	switch {
	case !ok:
		return unknown
	case m < n.n:
		return answerIf(n.is(-1))
	case m > n.n:
		return answerIf(n.is(1))
	default:
		return answerIf(n.is(0))
	}
}

// date is a value of a Date operator.
type date struct {
	t  time.Time
	is func(compared int) bool
}

func compileDate(is func(int) bool) compiler {
	return func(s string, _ syntax) (matcher, string) {
		t, ok := parseDate(s)
		if !ok {
			return nil, "is neither a date such as 2026-01-31T00:00:00Z nor seconds of the Unix epoch"
		}
		return date{t, is}, ""
	}
}

// dateLayouts are the forms of a date that the W3C's note on ISO 8601 has.
var dateLayouts = []string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02", "2006-01", "2006"}

// parseDate reads a date, or seconds since 1970 of more than four digits.
func parseDate(s string) (time.Time, bool) {
	for _, layout := range dateLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	const last = 253402300799 // the end of the year 9999
	return time.Unix(n, 0), err == nil && n >= 0 && n <= last
}

func (d date) matches(got string, _ *question) answer {
	t, ok := parseDate(got)
	if !ok {
		return unknown
	}
	return answerIf(d.is(t.Compare(d.t)))
}

// truth is a value of the operator Bool.
type truth bool

func compileBool(s string, _ syntax) (matcher, string) {
	t, ok := parseBool(s)
	if !ok {
		return nil, `is neither "true" nor "false"`
	}
	return truth(t), ""
}

func parseBool(s string) (value, ok bool) {
	value = strings.EqualFold(s, "true")
	return value, value || strings.EqualFold(s, "false")
}

func (t truth) matches(got string, _ *question) answer {
	b, ok := parseBool(got)
	if !ok {
		return unknown
	}
	return answerIf(b == bool(t))
}

// nullity is a value of the operator Null: whether the key shall be absent.
// Its condition asks for the key, not for its values.
type nullity bool

func compileNull(s string, x syntax) (matcher, string) {
	t, wrong := compileBool(s, x)
	if wrong != "" {
		return nil, wrong
	}
	return nullity(t.(truth)), ""
}

func (nullity) matches(string, *question) answer { return unknown }

// binary is a value of the operator BinaryEquals: bytes, which the policy and
// the key hold in base64.
type binary string

func compileBinary(s string, _ syntax) (matcher, string) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil, "is not base64"
	}
	return binary(b), ""
}

func (b binary) matches(got string, _ *question) answer {
	decoded, err := base64.StdEncoding.DecodeString(got)
	if err != nil {
		return unknown
	}
	return answerIf(string(decoded) == string(b))
}

// addresses is a value of the operator IpAddress.
type addresses netip.Prefix

func compileAddress(s string, _ syntax) (matcher, string) {
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		a = a.Unmap()
		return addresses(netip.PrefixFrom(a, a.BitLen())), ""
	}
	p, err := netip.ParsePrefix(s)
	if err != nil || p.Addr().Is4In6() {
		return nil, "is neither an IP address nor a range in CIDR notation"
	}
	return addresses(p), ""
}

func (p addresses) matches(got string, _ *question) answer {
	a, err := netip.ParseAddr(got)
	if err != nil {
		return unknown
	}
	return answerIf(netip.Prefix(p).Contains(a.Unmap().WithZone("")))
}

// compileARN reads a value of an Arn operator. ArnEquals and ArnLike are one:
// every segment may have wildcards.
func compileARN(s string, x syntax) (matcher, string) {
	x.wildcards = true
	r, wrong := parseResource(s, x)
	return &r, wrong
}

func (r *resource) matches(got string, q *question) answer {
	segments, ok := split(got)
	switch {
	case r.any:
		return yes
	case !ok || segments[0] != "arn": // no ARN
		return unknown
	default:
		return r.match(&segments, q)
	}
}
