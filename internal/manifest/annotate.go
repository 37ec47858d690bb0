package manifest

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"mimeo/internal/customlabels"
)

// Annotate returns an entry's line as ListDatasetEntries shows it: with
// cl-metadata, and with cl-errors in the places that the errors name.
func Annotate(e customlabels.Entry) string {
	status := jsontext.Value(`{"is_labeled":false}`)
	if len(e.Labels) > 0 {
		status = jsontext.Value(`{"is_labeled":true}`)
	}
	a := annotator{key: "cl-errors", add: map[string]jsontext.Value{"cl-metadata": status}}
	return a.rewrite(e.Line, e.Errors)
}

// WithErrors returns a line with errors in arrays of the name key, in the
// places that they name; without errors the line is as it was. The validation
// files of a training call them "errors".
func WithErrors(line, key string, errs []customlabels.EntryError) string {
	if len(errs) == 0 {
		return line
	}
	a := annotator{key: key}
	return a.rewrite(line, errs)
}

// withoutOwn returns a line without the keys that the service adds.
func withoutOwn(text []byte) []byte {
	if !bytes.Contains(text, []byte(`errors"`)) && !bytes.Contains(text, []byte(`warnings"`)) && !bytes.Contains(text, []byte(`"cl-metadata"`)) {
		return text // the usual case
	}
	a := annotator{drop: own}
	return []byte(a.rewrite(string(text), nil))
}

// An annotator copies a JSON object token by token, which keeps the order of
// its members and the spelling of its numbers.
type annotator struct {
	key  string                    // of the arrays of errors
	add  map[string]jsontext.Value // members to add to the line itself
	drop []string                  // names of members to leave out

	places map[jsontext.Pointer][]customlabels.EntryError
	in     *jsontext.Decoder
	out    *jsontext.Encoder
	open   []jsontext.Pointer // the objects and arrays around the next token
}

// rewrite copies a line. One that is no JSON object, which no entry is, comes
// back as it is.
func (a *annotator) rewrite(line string, errs []customlabels.EntryError) string {
	a.place(line, errs)
	var b bytes.Buffer
	a.in = jsontext.NewDecoder(strings.NewReader(line))
	a.out = jsontext.NewEncoder(&b)
	for {
		err := a.token()
		if errors.Is(err, io.EOF) {
			return strings.TrimSuffix(b.String(), "\n")
		}
		if err != nil {
			return line
		}
	}
}

// place groups the errors by the object that they go into: the one that At
// names, or the nearest one around it.
func (a *annotator) place(line string, errs []customlabels.EntryError) {
	if len(errs) == 0 {
		return
	}
	objects := map[jsontext.Pointer]bool{}
	dec := jsontext.NewDecoder(strings.NewReader(line))
	for {
		token, err := dec.ReadToken()
		if err != nil {
			break
		}
		if token.Kind() == '{' {
			objects[dec.StackPointer()] = true
		}
	}
	a.places = map[jsontext.Pointer][]customlabels.EntryError{}
	for _, e := range errs {
		at := jsontext.Pointer(e.At)
		for at != "" && !objects[at] {
			at = at.Parent()
		}
		a.places[at] = append(a.places[at], customlabels.EntryError{Code: e.Code, Message: e.Message})
	}
}

// token copies one token, or leaves one member out.
func (a *annotator) token() error {
	if a.in.PeekKind() == '}' && len(a.open) > 0 {
		if err := a.closing(); err != nil {
			return err
		}
	}
	token, err := a.in.ReadToken()
	if err != nil {
		return err
	}
	if around, length := a.in.StackIndex(a.in.StackDepth()); token.Kind() == '"' && around == '{' && length%2 == 1 &&
		slices.Contains(a.drop, token.String()) {
		return a.in.SkipValue()
	}
	switch token.Kind() {
	case '{', '[':
		a.open = append(a.open, a.in.StackPointer())
	case '}', ']':
		a.open = a.open[:len(a.open)-1]
	}
	return a.out.WriteToken(token)
}

// closing writes the members that are added to the object which ends next.
func (a *annotator) closing() error {
	if len(a.open) == 1 {
		for _, name := range slices.Sorted(maps.Keys(a.add)) {
			if err := a.member(name, a.add[name]); err != nil {
				return err
			}
		}
	}
	errs := a.places[a.open[len(a.open)-1]]
	if len(errs) == 0 {
		return nil
	}
	value, err := json.Marshal(errs)
	if err != nil {
		return err
	}
	return a.member(a.key, value)
}

func (a *annotator) member(name string, value jsontext.Value) error {
	if err := a.out.WriteToken(jsontext.String(name)); err != nil {
		return err
	}
	return a.out.WriteValue(value)
}
