package main

import (
	"errors"
	"strings"
	"testing"

	"mimeo/internal/proof"
)

// TestAReportIsToldWithItsVerdict: damage ends with another sentence than what
// others may change, and both with an error.
func TestAReportIsToldWithItsVerdict(t *testing.T) {
	t.Parallel()
	good, open := proof.Finding{What: "blob"}, proof.Finding{What: "key", Unchecked: "it is disabled"}
	changed, wrong := proof.Finding{What: "file", Changed: "it was removed"}, proof.Finding{What: "row", Problem: "it is another"}
	for name, c := range map[string]struct {
		findings []proof.Finding
		want     error
		told     string
	}{
		"sound":   {[]proof.Finding{good, open}, nil, "ok         blob\nunchecked  key: it is disabled\n"},
		"changed": {[]proof.Finding{changed, good}, errChanged, "CHANGED    file: it was removed\nok         blob\n"},
		"wrong":   {[]proof.Finding{changed, wrong}, errDamaged, "CHANGED    file: it was removed\nWRONG      row: it is another\n"},
	} {
		var out strings.Builder
		if err := tell(&out, &proof.Report{Findings: c.findings}); !errors.Is(err, c.want) || out.String() != c.told {
			t.Errorf("%s: %v and\n%s\nwant %v and\n%s", name, err, &out, c.want, c.told)
		}
	}
}
