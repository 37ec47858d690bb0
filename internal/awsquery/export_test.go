package awsquery

import "mimeo/internal/fault"

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
