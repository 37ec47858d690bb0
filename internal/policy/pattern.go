package policy

import (
	"strings"
	"unicode/utf8"
)

// The wildcards of a compiled pattern are bytes that no text has: what a
// variable stands for, and what ${*} escapes, can then never be a wildcard.
const (
	anyText = '\xfe'
	anyRune = '\xff'
)

var wildcards = strings.NewReplacer("*", string([]byte{anyText}), "?", string([]byte{anyRune}))

// A pattern is a text of a policy, compiled: its wildcards encoded and its
// variables found.
type pattern struct {
	text  string // of a pattern without variables
	parts []part // of one with variables
}

// A part is a text, or a variable with what stands for it where its key is
// absent.
type part struct {
	text, key   string
	hasFallback bool
}

// A syntax is what is special in the texts of an element.
type syntax struct{ variables, wildcards bool }

// compile reads a text. Its error finishes the sentence "In …, the text …".
func (x syntax) compile(text string) (p pattern, wrong string) {
	var literal strings.Builder
	for text != "" {
		before, after, found := text, "", false
		if x.variables {
			before, after, found = strings.Cut(text, "${")
		}
		if x.wildcards {
			before = wildcards.Replace(before)
		}
		literal.WriteString(before)
		if !found {
			break
		}
		name, rest, closed := cutVariable(after)
		if !closed {
			return pattern{}, "has a policy variable without its closing brace"
		}
		text = rest
		if name == "*" || name == "?" || name == "$" {
			literal.WriteString(name)
			continue
		}
		v, ok := parseVariable(name)
		if !ok {
			return pattern{}, "has the policy variable ${" + name + "}, which is not a condition key with or without a default, as in ${aws:username, 'nobody'}"
		}
		p.parts = append(p.parts, part{text: literal.String()}, v)
		literal.Reset()
	}
	if p.parts == nil {
		return pattern{text: literal.String()}, ""
	}
	p.parts = append(p.parts, part{text: literal.String()})
	return p, ""
}

// cutVariable cuts s after the brace that closes a variable: the first one
// outside of a quoted default.
func cutVariable(s string) (name, rest string, ok bool) {
	quoted := false
	for i := range len(s) {
		switch {
		case s[i] == '\'':
			quoted = !quoted
		case s[i] == '}' && !quoted:
			return s[:i], s[i+1:], true
		}
	}
	return "", "", false
}

// parseVariable reads "key" or "key, 'default'".
func parseVariable(s string) (part, bool) {
	key, rest, hasFallback := strings.Cut(s, ",")
	v := part{key: strings.ToLower(strings.TrimSpace(key)), hasFallback: hasFallback}
	if !isKey(v.key) {
		return part{}, false
	}
	if hasFallback {
		rest = strings.TrimSpace(rest)
		if len(rest) < 2 || rest[0] != '\'' || rest[len(rest)-1] != '\'' || strings.Contains(rest[1:len(rest)-1], "'") {
			return part{}, false
		}
		v.text = rest[1 : len(rest)-1]
	}
	return v, true
}

// isKey reports whether s can be the name of a condition key:
// "service:name", and perhaps more after a slash.
func isKey(s string) bool {
	service, name, ok := strings.Cut(s, ":")
	return ok && service != "" && name != "" && !strings.ContainsFunc(service, notIn("-.")) && !strings.ContainsAny(name, "*?${}'")
}

// in returns the text with the values of q. It fails where a variable has no
// value, more than one, or one that could pass for a wildcard.
func (p *pattern) in(q *question) (string, bool) {
	if p.parts == nil {
		return p.text, true
	}
	var b strings.Builder
	for i := range p.parts {
		v := &p.parts[i]
		if v.key == "" {
			b.WriteString(v.text)
			continue
		}
		values := q.values(v.key)
		switch {
		case len(values) == 1 && utf8.ValidString(values[0]):
			b.WriteString(values[0])
		case len(values) == 0 && v.hasFallback:
			b.WriteString(v.text)
		default:
			return "", false
		}
	}
	return b.String(), true
}

// keys calls add with every key that p mentions.
func (p *pattern) keys(add func(string)) {
	for i := range p.parts {
		if p.parts[i].key != "" {
			add(p.parts[i].key)
		}
	}
}

// glob reports whether s matches a compiled pattern. It takes
// len(pattern) × len(s) steps at most.
func glob(pattern, s string) bool {
	if len(pattern) == 1 && pattern[0] == anyText {
		return true
	}
	star, retry := -1, 0
	p, i := 0, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == anyText:
			star, retry = p, i
			p++
		case p < len(pattern) && pattern[p] == anyRune:
			_, size := utf8.DecodeRuneInString(s[i:])
			p++
			i += size
		case p < len(pattern) && pattern[p] == s[i]:
			p++
			i++
		case star >= 0:
			_, skipped := utf8.DecodeRuneInString(s[retry:])
			retry += skipped
			p, i = star+1, retry
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == anyText {
		p++
	}
	return p == len(pattern)
}
