package awsjson

import (
	"math"
	"regexp"
)

// A Shape is the constraints of a member, and of what is inside it. The zero
// Shape constrains nothing.
type Shape struct {
	Required bool     // the member must not be absent or null
	Length   *Range   // characters of a string, decoded bytes of a blob, entries of a list or map
	Value    *Range   // of a number
	Pattern  *Pattern // of a string
	Enum     []string // of a string, in the order of the message
	Blob     bool     // the string is base64

	Members map[string]Shape // of a structure, by wire name
	Item    *Shape           // of a list
	Key     *Shape           // of a map
	Entry   *Shape           // values of a map
}

// A Range has inclusive bounds.
type Range struct{ Min, Max float64 }

// Between is a range with both bounds.
func Between(low, high float64) *Range { return &Range{low, high} }

// AtLeast is a range without an upper bound.
func AtLeast(low float64) *Range { return &Range{low, math.Inf(1)} }

// AtMost is a range without a lower bound.
func AtMost(high float64) *Range { return &Range{math.Inf(-1), high} }

// A Pattern is a regular expression of a service model. It must match the
// whole string, even where the model has no anchors.
type Pattern struct {
	text    string
	matches func(string) bool
}

// MustPattern compiles a pattern that Go's regular expressions can express.
// It panics on any other: patterns are constants of the program.
func MustPattern(text string) *Pattern {
	re := regexp.MustCompile(`\A(?:` + text + `)\z`)
	return &Pattern{text: text, matches: re.MatchString}
}

// PatternFunc is a pattern that they cannot: look-ahead, counts above 1000,
// \u escapes. text is what the message shows.
func PatternFunc(text string, matches func(string) bool) *Pattern {
	return &Pattern{text: text, matches: matches}
}
