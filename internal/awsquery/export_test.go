package awsquery

import (
	"net/http"
	"reflect"

	"mimeo/internal/fault"
)

// Answer is the wire shape of an error.
func Answer(s Service, err error) (code fault.Code, status int, message string) {
	a := s.faultAnswer(err)
	return a.code, a.status, a.message
}

// FrameworkCodes are those that every service has.
func FrameworkCodes() []fault.Code {
	var codes []fault.Code
	for code := range framework {
		codes = append(codes, code)
	}
	return codes
}

// Decode reads the form of a request into an SDK's input type.
func Decode(r *http.Request, into any) error {
	p, err := read(r)
	if err != nil {
		return err
	}
	return p.into(reflect.ValueOf(into).Elem())
}
