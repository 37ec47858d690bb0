// Package fault is the error that a caller may see. Everything else is an
// internal error: logged, and answered with a fixed message.
package fault

import "fmt"

// A Code is the wire name of an exception. It is an error itself, so
// errors.Is(err, customlabels.ResourceNotFound) works.
type Code string

func (c Code) Error() string { return string(c) }

// An Error is safe to show to the caller. Cause is for the log only.
type Error struct {
	Code    Code
	Message string
	Cause   error
}

// New returns an error with a formatted message for the caller.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Because returns a copy of e with the cause that the log shall show.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.Cause = cause
	return &c
}

func (e *Error) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("%s: %s (%v)", e.Code, e.Message, e.Cause)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Message)
}

// Sentence returns the message with a full stop, so that another sentence can
// follow.
func (e *Error) Sentence() string {
	if e.Message == "" || e.Message[len(e.Message)-1] == '.' {
		return e.Message
	}
	return e.Message + "."
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Is reports whether target is e's code.
func (e *Error) Is(target error) bool { c, ok := target.(Code); return ok && c == e.Code }
