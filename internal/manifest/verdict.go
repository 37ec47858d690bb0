package manifest

import (
	"slices"

	"mimeo/internal/customlabels"
)

// A verdict is what the checks say of one line, whatever its neighbours and
// the use case.
type verdict struct {
	line Line // zero where the text is no line of a manifest

	refused Reason // why the text is no line of a manifest
	text    string // as a validation manifest shows it, without errors
	errors  []customlabels.EntryError
}

// check reads and checks one line. It is a pure function of the line and the
// limits, so that every pass over a manifest sees the same.
func check(raw Raw, within Limits) verdict {
	if raw.Refused != "" {
		return verdict{refused: raw.Refused, text: "{}", errors: []customlabels.EntryError{raw.Refused.LineError()}}
	}
	line, err := Parse(raw.Text, within)
	if err == nil {
		return verdict{line: line, text: line.Entry.Line, errors: line.Entry.Errors}
	}
	reason, _ := err.(Reason) //nolint:errorlint // Parse returns it bare
	v := verdict{refused: reason, text: "{}", errors: []customlabels.EntryError{reason.LineError()}}
	if reason != InvalidJSON {
		v.text = string(withoutOwn(raw.Text))
	}
	return v
}

// has reports whether a line has something to learn from for a use case.
func (v *verdict) has(u UseCase) bool {
	return slices.ContainsFunc(v.line.Attributes, func(a Attribute) bool {
		return a.UseCase == u && (u == Classification || len(a.Boxes) > 0)
	})
}

// isUsable reports whether the line has something to learn from.
func (v *verdict) isUsable() bool { return len(v.line.Entry.Labels) > 0 }

// isInvalid reports whether errors leave nothing of the line.
func (v *verdict) isInvalid() bool { return !v.isUsable() && len(v.errors) > 0 }

// show returns the line as a validation manifest has it, for a use case and
// with an error that was found later, if code is not empty.
func (v *verdict) show(u UseCase, later customlabels.EntryError) string {
	errs := v.errors
	if later.Code != "" && !slices.Contains(errs, later) {
		errs = append(slices.Clone(errs), later)
	}
	return WithErrors(WithErrors(v.text, "errors", errs), "warnings", v.warnings(u))
}

// warnings are those of the line, and that it has nothing to learn from for a
// use case, although it has for another.
func (v *verdict) warnings(u UseCase) []customlabels.EntryError {
	switch {
	case !v.isUsable() || u == "" || v.has(u):
		return v.line.warnings
	case u == Detection:
		return append(slices.Clone(v.line.warnings), NoAnnotations.LineError())
	default:
		return append(slices.Clone(v.line.warnings), UnannotatedRecord.LineError())
	}
}
