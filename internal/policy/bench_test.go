package policy_test

import (
	"testing"

	"mimeo/internal/policy"
)

// BenchmarkParse parses a project policy of several statements.
func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := policy.ParseProjectPolicy(good); err != nil {
			b.Fatal(err)
		}
	}
}
