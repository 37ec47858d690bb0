package policy_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"mimeo/internal/policy"
)

// naive is what a pattern means, in as many words: it tries everything.
func naive(pattern, s string) bool {
	switch {
	case pattern == "":
		return s == ""
	case pattern[0] == '*':
		if naive(pattern[1:], s) {
			return true
		}
		_, size := utf8.DecodeRuneInString(s)
		return s != "" && naive(pattern, s[size:])
	case s == "":
		return false
	case pattern[0] == '?':
		_, size := utf8.DecodeRuneInString(s)
		return naive(pattern[1:], s[size:])
	default:
		return pattern[0] == s[0] && naive(pattern[1:], s[1:])
	}
}

// globs are patterns and texts around the edges of the algorithm: empty
// pieces, prefix and suffix that would overlap, runes of several bytes, bytes
// that are no rune, pieces longer than a word of 64 places.
var globs = []struct {
	pattern, s string
	want       bool
}{
	{"", "", true},
	{"", "a", false},
	{"*", "", true},
	{"?", "", false},
	{"**", "a", true},
	{"aba*aba", "aba", false},
	{"aba*aba", "ababa", false},
	{"aba*aba", "abaaba", true},
	{"*?", "", false},
	{"*a?*", "ba", false},
	{"*a?*", "bab", true},
	{"?", "é", true},
	{"*?é", "é", false},
	{"*\ufffd*", "\xff", false},
	{"*\ufffd?*", "\ufffd\xff", true},
	{"a?b", "a\xe4b", true},
	{"*" + strings.Repeat("a?", 70) + "b*", strings.Repeat("a", 300) + "b", true},
	{"*" + strings.Repeat("a?", 70) + "b*", strings.Repeat("a", 300), false},
	{"*" + strings.Repeat("a?", 32) + "*", strings.Repeat("ab", 31) + "a", false},
	{"*" + strings.Repeat("a?", 32) + "*", strings.Repeat("ab", 32), true},
	{"*b" + strings.Repeat("?", 64) + "b*", "bb" + strings.Repeat("a", 63) + "bb", true},
}

func TestGlob(t *testing.T) {
	t.Parallel()
	for _, c := range globs {
		if got := policy.Glob(c.pattern, c.s); got != c.want {
			t.Errorf("does %q match %q? got %t", c.s, c.pattern, got)
		}
	}
}

// TestGlobIsAsNaive compares with the naive matcher on short patterns and
// texts of few letters, where much matches in part.
func TestGlobIsAsNaive(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	some := func(letters []string, most int) string {
		var b strings.Builder
		for range random.IntN(most + 1) {
			b.WriteString(letters[random.IntN(len(letters))])
		}
		return b.String()
	}
	matched := 0
	for range 200_000 {
		pattern := some([]string{"a", "b", "é", "*", "?"}, 7)
		s := some([]string{"a", "a", "b", "é", "\xc3"}, 9)
		want := naive(pattern, s)
		if got := policy.Glob(pattern, s); got != want {
			t.Fatalf("does %q match %q? got %t, want %t", s, pattern, got, want)
		}
		if want {
			matched++
		}
	}
	if matched < 10_000 {
		t.Errorf("only %d pairs match: the texts are too strange", matched)
	}
}

// FuzzGlob compares with the naive matcher where that ends.
func FuzzGlob(f *testing.F) {
	for _, c := range globs {
		f.Add(c.pattern, c.s)
	}
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if !utf8.ValidString(pattern) || len(s) > 50 || strings.Count(pattern, "*") > 3 {
			t.Skip("no pattern of a policy, or too much for the naive matcher")
		}
		if got, want := policy.Glob(pattern, s), naive(pattern, s); got != want {
			t.Fatalf("does %q match %q? got %t, want %t", s, pattern, got, want)
		}
	})
}
