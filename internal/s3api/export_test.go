package s3api

import (
	"mimeo/internal/bucket"
	"mimeo/internal/fault"
)

// Render returns the code and the status that an error has on the wire.
func Render(err error) (fault.Code, int) {
	form := render(err)
	return form.code, form.status
}

// ParseDelete returns how many objects a document names.
func ParseDelete(text []byte) (int, error) {
	wanted, _, err := parseDelete(text)
	return len(wanted), err
}

// The parsers of what clients send.
var (
	ParseComplete   = parseComplete
	ParseLocation   = parseLocation
	ParseVersioning = parseVersioning
	ParseCopySource = func(text string) (bucket.Source, error) { return parseCopySource(text) }
)
