package policy

import (
	"errors"
	"io"
	"regexp"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// awsPrincipal is where a document has a principal that rename is asked about.
var awsPrincipal = regexp.MustCompile(`^/Statement(/[0-9]+)?/(Not)?Principal/AWS(/[0-9]+)?$`)

// RenamePrincipals returns the text of a document with other names for its AWS
// principals: those that rename returns. All else stays as it is, to the last
// space; so does a text that is no document, which Parse refuses.
func RenamePrincipals(text string, rename func(name string) (string, error)) (string, error) {
	decoder := jsontext.NewDecoder(strings.NewReader(text))
	var renamed strings.Builder
	done := 0 // of text
	for {
		value, err := nextString(decoder)
		switch {
		case errors.Is(err, io.EOF):
			return renamed.String() + text[done:], nil
		case err != nil:
			return text, nil
		case value == nil || !awsPrincipal.MatchString(string(decoder.StackPointer())):
			continue
		}
		var name string
		if err := json.Unmarshal(value, &name); err != nil {
			return text, nil
		}
		other, err := rename(name)
		if err != nil {
			return "", err
		}
		if other != name {
			quoted, _ := jsontext.AppendQuote(nil, other) // fails on invalid UTF-8 alone
			end := int(decoder.InputOffset())
			renamed.WriteString(text[done:end-len(value)] + string(quoted))
			done = end
		}
	}
}

// nextString returns the next token as it is written where it is a string
// value, and nil where it is another or the name of a member.
func nextString(decoder *jsontext.Decoder) (jsontext.Value, error) {
	if decoder.PeekKind() != '"' {
		_, err := decoder.ReadToken()
		return nil, err
	}
	value, err := decoder.ReadValue()
	if kind, n := decoder.StackIndex(decoder.StackDepth()); kind == '{' && n%2 == 1 {
		return nil, err
	}
	return value, err
}
