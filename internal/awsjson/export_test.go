package awsjson

import (
	"reflect"
	"strings"

	"mimeo/internal/fault"
)

// Decode parses and decodes a document into a pointer, as Bind does.
func Decode(text string, into any) error {
	d, err := parse(strings.NewReader(text))
	if err != nil {
		return err
	}
	return d.into(reflect.ValueOf(into).Elem())
}

// Encode is how an output is written.
func Encode(out any) (string, error) {
	b, err := encode(out)
	return string(b), err
}

// Validate parses a document and checks it.
func Validate(s Shape, text string) error {
	d, err := parse(strings.NewReader(text))
	if err != nil {
		return err
	}
	return validate(s, d)
}

// Answer is the wire shape of an error.
func Answer(s Service, err error) (code fault.Code, status int, body map[string]string) {
	a := s.faultAnswer(err, "request-id")
	return a.code, a.status, a.body
}

// FrameworkCodes are those that every service has.
func FrameworkCodes() []fault.Code {
	var codes []fault.Code
	for code := range framework {
		codes = append(codes, code)
	}
	return codes
}
