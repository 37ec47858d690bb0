package policy

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The bounds of every document. The longest that AWS takes is a key policy
// of 32768 bytes.
const (
	maxBytes = 32 << 10
	maxDepth = 10
)

// The versions of the policy language. A document without Version has the
// older one, in which "${" is not special.
const (
	version2008 = "2008-10-17"
	version2012 = "2012-10-17"
)

// Parse reads an identity, resource, key or bucket policy. Its error is a
// *SyntaxError that says which element of which statement is wrong.
func Parse(text string) (*Document, error) { return parse(text, &general) }

// ParseIdentity reads a policy that speaks of the identity that it is attached
// to: an identity policy, a permissions boundary or a session policy. Its
// error is a *SyntaxError.
func ParseIdentity(text string) (*Document, error) { return parse(text, &identityPolicy) }

// ParseTrust reads the trust policy of a role. Its error is a *SyntaxError.
func ParseTrust(text string) (*Document, error) { return parse(text, &trustPolicy) }

// A dialect is what the documents of one kind may hold beyond the grammar.
type dialect struct {
	required   []string          // elements that every statement must have, or their negation
	forbidden  map[string]string // elements, with why
	effectFold bool              // ALLOW and DENY are accepted too
	action     func(where, action string) *SyntaxError
	resource   func(where, resource string) *SyntaxError
	key        func(where, key string) *SyntaxError
	oneAction  bool
}

// general is the dialect of everything that has no narrower one.
var general = dialect{required: []string{"Effect", "Action"}}

// identityPolicy is the dialect of policies without principals.
var identityPolicy = dialect{
	required: []string{"Effect", "Action", "Resource"},
	forbidden: map[string]string{
		"Principal":    "is not allowed in a policy of an identity: the identity is the principal",
		"NotPrincipal": "is not allowed in a policy of an identity: the identity is the principal",
	},
}

// trustPolicy is the dialect of trust policies.
var trustPolicy = dialect{
	required: []string{"Effect", "Principal", "Action"},
	forbidden: map[string]string{
		"Resource":    "is not allowed in a trust policy: the role is the resource",
		"NotResource": "is not allowed in a trust policy: the role is the resource",
	},
	action: func(at, action string) *SyntaxError {
		if len(action) < 4 || !strings.EqualFold(action[:4], "sts:") {
			return malformed("In %s, %.100q is not allowed in a trust policy: its actions are those of sts.", at, action)
		}
		return nil
	},
}

func parse(text string, d *dialect) (*Document, error) {
	if err := checkText(text); err != nil {
		return nil, err
	}
	elements, err := object(jsontext.Value(text), "The policy document")
	if err != nil {
		return nil, err
	}
	doc := &Document{version: version2008}
	var statements jsontext.Value
	for _, name := range slices.Sorted(maps.Keys(elements)) {
		var err *SyntaxError
		switch v := elements[name]; name {
		case "Version":
			if doc.version, err = text1(v, "Version"); err == nil && doc.version != version2012 && doc.version != version2008 {
				err = malformed("Version must be %q or %q, not %.40q.", version2012, version2008, doc.version)
			}
		case "Id":
			_, err = text1(v, "Id") // it names the document to its author alone
		case "Statement":
			statements = v
		default:
			err = malformed("The policy document has an unknown element %.60q.", name)
		}
		if err != nil {
			return nil, err
		}
	}
	if statements == nil {
		return nil, malformed("The policy document has no Statement.")
	}
	if err := doc.parseStatements(statements, d); err != nil {
		return nil, err
	}
	doc.findKeys()
	return doc, nil
}

// checkText refuses what is no JSON text of bounded size and depth. Names
// that occur twice in an object are refused here too, at every depth.
func checkText(text string) error {
	switch {
	case len(text) > maxBytes:
		return malformed("The policy document has %d bytes; the limit is %d.", len(text), maxBytes)
	case strings.HasPrefix(text, "\ufeff"):
		return malformed("The policy document begins with a byte order mark.")
	case !utf8.ValidString(text):
		return malformed("The policy document is not valid UTF-8.")
	}
	decoder := jsontext.NewDecoder(strings.NewReader(text))
	for values := 0; ; {
		_, err := decoder.ReadToken()
		if errors.Is(err, io.EOF) && values == 1 {
			return nil
		}
		if errors.Is(err, io.EOF) {
			return malformed("The policy document is not one JSON object.")
		}
		if err != nil {
			return malformed("The policy document is not valid JSON: %s", strings.TrimPrefix(err.Error(), "jsontext: "))
		}
		if decoder.StackDepth() > maxDepth {
			return malformed("The policy document is nested deeper than %d levels.", maxDepth)
		}
		if decoder.StackDepth() == 0 {
			values++
		}
	}
}

func (doc *Document) parseStatements(v jsontext.Value, d *dialect) error {
	list := []jsontext.Value{v}
	if v.Kind() == '[' {
		if err := json.Unmarshal(v, &list); err != nil {
			return malformed("Statement is not valid: %v", err)
		}
	}
	if len(list) == 0 {
		return malformed("Statement is empty.")
	}
	sids := map[string]bool{}
	for i, v := range list {
		s, err := doc.parseStatement(v, "statement "+strconv.Itoa(i+1), d)
		if err != nil {
			return err
		}
		if s.sid != "" && sids[s.sid] {
			return malformed("Two statements have the Sid %.60q.", s.sid)
		}
		sids[s.sid] = true
		doc.statements = append(doc.statements, s)
	}
	return nil
}

func (doc *Document) parseStatement(v jsontext.Value, where string, d *dialect) (statement, error) {
	s := statement{name: where}
	elements, err := object(v, "In the policy document, "+where)
	if err != nil {
		return s, err
	}
	for _, name := range slices.Sorted(maps.Keys(elements)) {
		if err := s.element(doc, name, elements[name], where, d); err != nil {
			var syntax *SyntaxError
			if errors.As(err, &syntax) {
				syntax.Element = name
			}
			return s, err
		}
	}
	if err := checkElements(elements, where, d); err != nil {
		return s, err
	}
	if s.notPrincipal && !s.deny {
		return s, malformed("In %s, NotPrincipal is allowed with the Effect Deny only: to allow everyone but some, allow \"*\" and deny those.", where)
	}
	if s.sid != "" {
		s.name = "statement " + strconv.Quote(s.sid)
	}
	return s, nil
}

// checkElements checks that each required element is there, and none together
// with its negation.
func checkElements(elements map[string]jsontext.Value, where string, d *dialect) error {
	for _, name := range []string{"Principal", "Action", "Resource"} {
		if elements[name] != nil && elements["Not"+name] != nil {
			return malformed("In %s, both %s and Not%s are given.", where, name, name)
		}
	}
	for _, name := range d.required {
		if elements[name] == nil && elements["Not"+name] == nil {
			err := malformed("In %s, the element %s is missing.", where, name)
			err.Element, err.Missing = name, true
			return err
		}
	}
	return nil
}

func (s *statement) element(doc *Document, name string, v jsontext.Value, where string, d *dialect) (err error) {
	if why, ok := d.forbidden[name]; ok {
		return malformed("In %s, the element %s %s.", where, name, why)
	}
	at := where + ", " + name
	x := syntax{variables: doc.version == version2012, wildcards: true}
	switch name {
	case "Sid":
		s.sid, err = sid(v, at)
	case "Effect":
		s.deny, err = effect(v, at, d.effectFold)
	case "Principal", "NotPrincipal":
		s.notPrincipal = s.notPrincipal || name == "NotPrincipal"
		s.principals, err = principals(v, at)
	case "Action", "NotAction":
		s.notAction = s.notAction || name == "NotAction"
		s.actions, err = actions(v, at, d)
	case "Resource", "NotResource":
		s.notResource = s.notResource || name == "NotResource"
		s.resources, err = resources(v, at, x, d)
	case "Condition":
		s.conditions, err = conditions(v, at, x, d)
	default:
		return malformed("In %s, there is an unknown element %.60q.", where, name)
	}
	return err
}

// findKeys notes the condition keys that doc mentions.
func (doc *Document) findKeys() {
	found := map[string]bool{}
	add := func(key string) { found[key] = true }
	for _, s := range doc.statements {
		for _, r := range s.resources {
			r.keys(add)
		}
		for _, c := range s.conditions {
			add(c.key)
			for _, v := range c.values {
				if m, ok := v.(interface{ keys(add func(string)) }); ok {
					m.keys(add)
				}
			}
		}
	}
	doc.keys = slices.Sorted(maps.Keys(found))
}

// object returns the members of a JSON object.
func object(v jsontext.Value, what string) (map[string]jsontext.Value, error) {
	if jsontext.Value(bytes.TrimSpace(v)).Kind() != '{' {
		return nil, malformed("%s is not a JSON object.", what)
	}
	var members map[string]jsontext.Value
	if err := json.Unmarshal(v, &members); err != nil {
		return nil, malformed("%s is not valid: %v", what, err)
	}
	return members, nil
}

// text1 returns a JSON string.
func text1(v jsontext.Value, at string) (string, *SyntaxError) {
	var s string
	if v.Kind() != '"' || json.Unmarshal(v, &s) != nil {
		return "", malformed("In %s, a string is expected.", at)
	}
	return s, nil
}

// texts returns a JSON string or a list of them, which may not be empty.
func texts(v jsontext.Value, at string) ([]string, *SyntaxError) {
	if v.Kind() != '[' {
		s, err := text1(v, at)
		return []string{s}, err
	}
	var list []jsontext.Value
	if json.Unmarshal(v, &list) != nil || len(list) == 0 {
		return nil, malformed("In %s, the list is empty.", at)
	}
	all := make([]string, len(list))
	for i, v := range list {
		var err *SyntaxError
		if all[i], err = text1(v, at); err != nil {
			return nil, err
		}
	}
	return all, nil
}
