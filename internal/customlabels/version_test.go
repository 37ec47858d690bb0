package customlabels_test

import (
	"errors"
	"testing"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/fault"
)

// TestStateMachine is the table of docs/states.md: what each state answers.
func TestStateMachine(t *testing.T) {
	t.Parallel()
	const (
		yes     = fault.Code("")
		inUse   = customlabels.ResourceInUse
		invalid = customlabels.InvalidParameter
	)
	tests := map[customlabels.Status]struct {
		copied, started, stopped, deleted fault.Code
		terminal                          bool
	}{
		customlabels.TrainingInProgress: {inUse, inUse, invalid, inUse, false},
		customlabels.TrainingCompleted:  {yes, yes, invalid, yes, true},
		customlabels.TrainingFailed:     {invalid, invalid, invalid, yes, true},
		customlabels.CopyingInProgress:  {inUse, inUse, invalid, inUse, false},
		customlabels.CopyingCompleted:   {yes, yes, invalid, yes, true},
		customlabels.CopyingFailed:      {invalid, invalid, invalid, yes, true},
		customlabels.Starting:           {yes, inUse, inUse, inUse, false},
		customlabels.Running:            {yes, inUse, yes, inUse, true},
		customlabels.Failed:             {yes, yes, invalid, yes, true},
		customlabels.Stopping:           {yes, inUse, inUse, inUse, false},
		customlabels.Stopped:            {yes, yes, invalid, yes, true},
		customlabels.Deleting:           {inUse, inUse, inUse, inUse, false},
	}
	for status, want := range tests {
		v := customlabels.ProjectVersion{Status: status}
		for _, check := range []struct {
			verb string
			err  error
			want fault.Code
		}{
			{"copy", v.CanCopy(), want.copied},
			{"start", v.CanStart(), want.started},
			{"stop", v.CanStop(), want.stopped},
			{"delete", v.CanDelete(), want.deleted},
		} {
			if check.want == yes && check.err != nil || check.want != yes && !errors.Is(check.err, check.want) {
				t.Errorf("%s a version that is %s: %v, want %q", check.verb, status, check.err, check.want)
			}
		}
		if status.IsTerminal() != want.terminal {
			t.Errorf("%s is terminal: %v, want %v", status, status.IsTerminal(), want.terminal)
		}
	}
}

func TestOutputKeysAreJoinedByOneSlash(t *testing.T) {
	t.Parallel()
	v := arn.Project{Name: "P"}.Version("v1", "2")
	file := customlabels.ResultFile(customlabels.EvaluationSummary, v)
	for prefix, want := range map[string]string{
		"":       "EvaluationResultSummary-P-v1.json",
		"/":      "EvaluationResultSummary-P-v1.json",
		"out":    "out/EvaluationResultSummary-P-v1.json",
		"out/":   "out/EvaluationResultSummary-P-v1.json",
		"a/b///": "a/b/EvaluationResultSummary-P-v1.json",
	} {
		if got := (customlabels.OutputConfig{Bucket: "b", Prefix: prefix}).Key(file); got != want {
			t.Errorf("prefix %q gives %q, want %q", prefix, got, want)
		}
	}
}
