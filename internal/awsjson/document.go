package awsjson

import (
	"errors"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"mimeo/internal/fault"
)

// maxDepth is how deep a document may nest.
const maxDepth = 64

// A document is a parsed request body: a JSON object whose values are
// string, number, bool, []any and map[string]any. Members that were null are
// not there; of members that came twice the last counts.
type document map[string]any

// A number is a JSON number as it was written.
type number string

// parse reads a document that ends with r. An empty body is an empty document.
func parse(r io.Reader) (document, error) {
	dec := jsontext.NewDecoder(r, jsontext.AllowDuplicateNames(true))
	v, err := value(dec)
	if errors.Is(err, io.EOF) && dec.InputOffset() == 0 {
		return document{}, nil
	}
	if err == nil {
		if _, end := dec.ReadToken(); !errors.Is(end, io.EOF) {
			err = end
			if end == nil {
				err = malformed("The request body must be one JSON object.")
			}
		}
	}
	if err != nil {
		return nil, parseError(err)
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, malformed("The request body must be a JSON object.")
	}
	return object, nil
}

// parseError makes a syntax error visible to the caller; an error of the body
// itself keeps its own code.
func parseError(err error) error {
	if f := (*fault.Error)(nil); errors.As(err, &f) {
		return f
	}
	return malformed("The request body is not valid JSON: %v", err).Because(err)
}

func malformed(format string, args ...any) *fault.Error {
	return fault.New(serialization, format, args...)
}

// value reads the next JSON value; nil is null.
func value(dec *jsontext.Decoder) (any, error) {
	if dec.StackDepth() >= maxDepth && (dec.PeekKind() == '{' || dec.PeekKind() == '[') {
		return nil, malformed("The request body nests deeper than %d levels.", maxDepth)
	}
	switch dec.PeekKind() {
	case '{':
		return object(dec)
	case '[':
		return array(dec)
	case '0':
		v, err := dec.ReadValue()
		return number(v), err
	default:
		token, err := dec.ReadToken()
		if err != nil {
			return nil, err
		}
		switch token.Kind() {
		case '"':
			return token.String(), nil
		case 't', 'f':
			return token.Bool(), nil
		default:
			return nil, nil
		}
	}
}

func object(dec *jsontext.Decoder) (any, error) {
	members := map[string]any{}
	if _, err := dec.ReadToken(); err != nil {
		return nil, err
	}
	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil {
			return nil, err
		}
		key := name.String()
		v, err := value(dec)
		if err != nil {
			return nil, err
		}
		delete(members, key)
		if v != nil {
			members[key] = v
		}
	}
	_, err := dec.ReadToken()
	return members, err
}

func array(dec *jsontext.Decoder) (any, error) {
	items := []any{}
	if _, err := dec.ReadToken(); err != nil {
		return nil, err
	}
	for dec.PeekKind() != ']' {
		v, err := value(dec)
		if err != nil {
			return nil, err
		}
		items = append(items, v)
	}
	_, err := dec.ReadToken()
	return items, err
}
