package policy

import (
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A condition is one key of a Condition element under its operator. All
// conditions of a statement must hold.
type condition struct {
	key      string // in lower case
	values   []matcher
	negated  bool
	ifExists bool
	of       quantifier
}

// A quantifier says of how many of a key's values a condition must be true.
type quantifier int

const (
	single quantifier = iota // the key has one value
	forAll
	forAny
)

// An answer is whether a value matches; unknown is that of a value which
// cannot be compared, such as a variable that stands for nothing.
type answer int

const (
	no answer = iota
	yes
	unknown
)

func answerIf(ok bool) answer {
	if ok {
		return yes
	}
	return no
}

// A matcher is one value of a condition.
type matcher interface {
	matches(got string, q *question) answer
}

// holds reports whether c is true of q, in a statement that denies or allows.
//
// A key that is absent makes a condition false, or true where the operator is
// negated or ends in IfExists, or ForAllValues is asked: so AWS has it. Where
// AWS does not say, what is unknown allows nothing and lifts no denial: a key
// with several values under an operator for one must match with all of them
// to allow, and with one to deny.
func (c *condition) holds(q *question, deny bool) bool {
	got := q.values(c.key)
	if _, ok := c.values[0].(nullity); ok {
		return slices.Contains(c.values, matcher(nullity(len(got) == 0)))
	}
	if len(got) == 0 {
		return c.ifExists || c.of == forAll || c.negated && c.of == single
	}
	every := c.of == forAll || c.of == single && !deny
	for _, v := range got {
		if c.admits(v, q, deny) != every {
			return !every
		}
	}
	return every
}

// admits reports whether one of a key's values passes: it matches one of c's,
// or, negated, none.
func (c *condition) admits(got string, q *question, deny bool) bool {
	unsure := false
	for _, v := range c.values {
		switch v.matches(got, q) {
		case yes:
			return !c.negated
		case unknown:
			unsure = true
		case no:
		}
	}
	if c.negated && unsure {
		return deny
	}
	return c.negated
}

// conditions reads a Condition element.
func conditions(v jsontext.Value, at string, x syntax, d *dialect) ([]condition, error) {
	operators, err := object(v, "In "+at+", the value")
	if err != nil {
		return nil, err
	}
	var all []condition
	for _, name := range slices.Sorted(maps.Keys(operators)) {
		c, compile, ok := parseOperator(name)
		if !ok {
			return nil, malformed("In %s, %.60q is not a condition operator, such as StringEquals or ForAnyValue:StringLikeIfExists.", at, name)
		}
		keys, err := object(operators[name], "In "+at+"."+name+", the value")
		if err != nil {
			return nil, err
		}
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			if c.key = strings.ToLower(key); !isKey(c.key) {
				return nil, malformed("In %s.%s, %.100q is not a condition key, such as aws:PrincipalArn.", at, name, key)
			}
			if d.key != nil {
				if err := d.key(at+"."+name, key); err != nil {
					return nil, err
				}
			}
			if c.values, err = matchers(keys[key], at+"."+name+"."+key, x, compile); err != nil {
				return nil, err
			}
			all = append(all, c)
		}
	}
	return all, nil
}

func matchers(v jsontext.Value, at string, x syntax, compile compiler) ([]matcher, error) {
	list := []jsontext.Value{v}
	if v.Kind() == '[' {
		if json.Unmarshal(v, &list) != nil || len(list) == 0 {
			return nil, malformed("In %s, the list is empty.", at)
		}
	}
	all := make([]matcher, len(list))
	for i, v := range list {
		text, err := scalar(v, at)
		if err != nil {
			return nil, err
		}
		m, wrong := compile(text, x)
		if wrong != "" {
			return nil, malformed("In %s, %.100q %s.", at, text, wrong)
		}
		all[i] = m
	}
	return all, nil
}

// scalar returns a string, or the text of a number or boolean.
func scalar(v jsontext.Value, at string) (string, *SyntaxError) {
	switch v.Kind() {
	case '"':
		return text1(v, at)
	case '0', 't', 'f':
		return v.String(), nil
	default:
		return "", malformed("In %s, a string is expected.", at)
	}
}
