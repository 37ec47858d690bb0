package awsjson

import (
	"encoding/base64"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"mimeo/internal/fault"
)

// maxEcho is the longest value that a message repeats, in bytes.
const maxEcho = 2048

// maxFound is how many violations are enough to stop looking into a list: a
// message is not to be much longer than the request.
const maxFound = 1000

// validate checks a document against the constraints of its shape and answers
// all violations in AWS's sentence. A value of the wrong JSON type is passed
// over: decoding refuses it.
func validate(s Shape, d document) error {
	var found []string
	checkMembers(s, d, "", &found)
	if len(found) == 0 {
		return nil
	}
	plural := "s"
	if len(found) == 1 {
		plural = ""
	}
	return fault.New(validation, "%d validation error%s detected: %s", len(found), plural, strings.Join(found, "; "))
}

func checkMembers(s Shape, members map[string]any, path string, found *[]string) {
	for _, name := range slices.Sorted(maps.Keys(s.Members)) {
		shape := s.Members[name]
		v, given := members[name]
		switch at := join(path, name); {
		case given:
			check(shape, v, at, found)
		case shape.Required:
			*found = append(*found, violation("null", at, "Member must not be null"))
		}
	}
}

func check(s Shape, v any, path string, found *[]string) {
	for _, rule := range broken(s, v) {
		*found = append(*found, violation(quote(s, v), path, rule))
	}
	switch t := v.(type) {
	case map[string]any:
		checkMembers(s, t, path, found)
		checkMap(s, t, path, found)
	case []any:
		checkList(s, t, path, found)
	}
}

// checkList tells of scalars at the list, and of what is inside structures at
// the member.
func checkList(s Shape, items []any, path string, found *[]string) {
	if s.Item == nil {
		return
	}
	scalar := false
	for i, item := range items {
		if len(*found) >= maxFound {
			break
		}
		switch item.(type) {
		case map[string]any, []any:
			check(*s.Item, item, member(path, i), found)
		default:
			scalar = scalar || len(broken(*s.Item, item)) > 0
		}
	}
	if scalar {
		*found = append(*found, violation(quote(s, items), path, "Member must satisfy constraint: ["+strings.Join(rules(*s.Item), ", ")+"]"))
	}
}

func checkMap(s Shape, entries map[string]any, path string, found *[]string) {
	badKey, badEntry := false, false
	for key, v := range entries {
		badKey = badKey || s.Key != nil && len(broken(*s.Key, key)) > 0
		badEntry = badEntry || s.Entry != nil && len(broken(*s.Entry, v)) > 0
	}
	if badKey {
		*found = append(*found, violation(quote(s, entries), path, "Map keys must satisfy constraint: ["+strings.Join(rules(*s.Key), ", ")+"]"))
	}
	if badEntry {
		*found = append(*found, violation(quote(s, entries), path, "Map value must satisfy constraint: ["+strings.Join(rules(*s.Entry), ", ")+"]"))
	}
}

// broken returns the rules that v itself breaks.
func broken(s Shape, v any) []string {
	var out []string
	if n, ok := length(s, v); ok && s.Length != nil {
		out = append(out, s.Length.broken("length", n)...)
	}
	if n, ok := numeric(v); ok && s.Value != nil {
		out = append(out, s.Value.broken("value", n)...)
	}
	if text, ok := v.(string); ok {
		if s.Pattern != nil && !s.Pattern.matches(text) {
			out = append(out, patternRule(s.Pattern))
		}
		if s.Enum != nil && !slices.Contains(s.Enum, text) {
			out = append(out, enumRule(s.Enum))
		}
	}
	return out
}

// rules returns every rule of a scalar, as messages about lists and maps
// repeat them.
func rules(s Shape) []string {
	var out []string
	if s.Length != nil {
		out = append(out, s.Length.rules("length")...)
	}
	if s.Value != nil {
		out = append(out, s.Value.rules("value")...)
	}
	if s.Pattern != nil {
		out = append(out, patternRule(s.Pattern))
	}
	if s.Enum != nil {
		out = append(out, enumRule(s.Enum))
	}
	return out
}

func patternRule(p *Pattern) string {
	return "Member must satisfy regular expression pattern: " + p.text
}

func enumRule(values []string) string {
	return "Member must satisfy enum value set: [" + strings.Join(values, ", ") + "]"
}

func (r *Range) upper(of string) string {
	return "Member must have " + of + " less than or equal to " + plain(r.Max)
}

func (r *Range) lower(of string) string {
	return "Member must have " + of + " greater than or equal to " + plain(r.Min)
}

// broken returns the bound that n breaks. What is not a number breaks both.
func (r *Range) broken(of string, n float64) []string {
	var out []string
	if !(n <= r.Max) && !math.IsInf(r.Max, 1) {
		out = append(out, r.upper(of))
	}
	if !(n >= r.Min) && !math.IsInf(r.Min, -1) {
		out = append(out, r.lower(of))
	}
	return out
}

func (r *Range) rules(of string) []string {
	var out []string
	if !math.IsInf(r.Max, 1) {
		out = append(out, r.upper(of))
	}
	if !math.IsInf(r.Min, -1) {
		out = append(out, r.lower(of))
	}
	return out
}

func length(s Shape, v any) (float64, bool) {
	switch t := v.(type) {
	case string:
		if s.Blob {
			n, err := base64.StdEncoding.DecodeString(t)
			return float64(len(n)), err == nil
		}
		return float64(utf8.RuneCountInString(t)), true
	case []any:
		return float64(len(t)), true
	case map[string]any:
		return float64(len(t)), true
	default:
		return 0, false
	}
}

// numeric takes a number, and the words that SDKs write for those that JSON
// has not.
func numeric(v any) (float64, bool) {
	switch t := v.(type) {
	case number:
		f, _ := strconv.ParseFloat(string(t), 64) // out of range is ±Inf
		return f, true
	case string:
		f, ok := map[string]float64{"NaN": math.NaN(), "Infinity": math.Inf(1), "-Infinity": math.Inf(-1)}[t]
		return f, ok
	default:
		return 0, false
	}
}

func violation(value, path, rule string) string {
	return "Value " + value + " at '" + path + "' failed to satisfy constraint: " + rule
}

func quote(s Shape, v any) string {
	if text, ok := v.(string); ok && s.Blob {
		n, _ := base64.StdEncoding.DecodeString(text)
		return fmt.Sprintf("'java.nio.HeapByteBuffer[pos=0 lim=%d cap=%d]'", len(n), len(n))
	}
	text := show(v)
	if len(text) > maxEcho {
		text = strings.ToValidUTF8(text[:maxEcho], "") + "..."
	}
	return "'" + text + "'"
}

// show prints a value as Java does, whose text AWS's messages are.
func show(v any) string {
	switch t := v.(type) {
	case []any:
		parts := make([]string, len(t))
		for i, item := range t {
			parts[i] = show(item)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		parts := make([]string, 0, len(t))
		for _, key := range slices.Sorted(maps.Keys(t)) {
			parts = append(parts, key+"="+show(t[key]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case nil:
		return "null"
	default:
		return fmt.Sprint(t)
	}
}

// plain prints a bound without an exponent.
func plain(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// join appends a member's name, in lowerCamel, to a path.
func join(path, name string) string {
	name = strings.ToLower(name[:1]) + name[1:]
	if path == "" {
		return name
	}
	return path + "." + name
}

// member appends a list index, which counts from one.
func member(path string, i int) string { return path + "." + strconv.Itoa(i+1) + ".member" }
