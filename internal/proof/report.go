package proof

import (
	"fmt"
	"slices"
)

// A Finding is one thing that Verify looked at.
type Finding struct {
	What string `json:"what"`
	// Problem says what is wrong; where this and the others are empty, it is as
	// it should be.
	Problem string `json:"problem,omitempty"`
	// Changed says what somebody has changed since who may: it is no damage
	// of the version.
	Changed string `json:"changed,omitempty"`
	// Unchecked says why nobody can tell.
	Unchecked string `json:"unchecked,omitempty"`
}

// A Report is what Verify found, in the order in which it looked.
type Report struct {
	Findings []Finding `json:"findings"`
}

// Sound reports whether nothing is wrong.
func (r *Report) Sound() bool {
	return !slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Problem != "" })
}

// Unchanged reports whether also nothing was changed since by those who may.
func (r *Report) Unchanged() bool {
	return !slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Changed != "" })
}

func (r *Report) good(what string) { r.Findings = append(r.Findings, Finding{What: what}) }

func (r *Report) bad(what, format string, args ...any) {
	r.Findings = append(r.Findings, Finding{What: what, Problem: fmt.Sprintf(format, args...)})
}

func (r *Report) changed(what, format string, args ...any) {
	r.Findings = append(r.Findings, Finding{What: what, Changed: fmt.Sprintf(format, args...)})
}

func (r *Report) unchecked(what, why string) {
	r.Findings = append(r.Findings, Finding{What: what, Unchecked: why})
}

// check notes that something is as the copy record says, or what it is
// instead.
func check[T comparable](r *Report, what string, got, want T) {
	checkBy(r, "the copy record", what, got, want)
}

// checkBy is check by something else than the copy record.
func checkBy[T comparable](r *Report, by, what string, got, want T) {
	if got == want {
		r.good(what)
		return
	}
	r.bad(what, "it is %v, %s says %v", got, by, want)
}
