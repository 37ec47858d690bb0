package policy

import (
	"iter"
	"slices"
	"strings"
	"unicode/utf8"
)

// glob reports whether s matches a compiled pattern. The pieces between its
// stars are looked for one after the other, each from where the one before it
// ended. That is one pass over s; with "?" it is one for each 64 runes of the
// piece.
func glob(pattern, s string) bool {
	const star = "\xfe" // anyText
	head, rest, starred := strings.Cut(pattern, star)
	end, ok := prefix(head, s)
	if !ok || !starred {
		return ok && end == len(s)
	}
	s = s[end:]
	middle, tail := "", rest
	if i := strings.LastIndexByte(rest, anyText); i >= 0 {
		middle, tail = rest[:i], rest[i+1:]
	}
	start, ok := suffix(tail, s)
	if !ok {
		return false
	}
	s = s[:start]
	for piece := range strings.SplitSeq(middle, star) {
		end, ok := find(piece, s)
		if !ok {
			return false
		}
		s = s[end:]
	}
	return true
}

// prefix returns where the beginning of s ends that matches a piece.
func prefix(piece, s string) (end int, ok bool) {
	for p := range len(piece) {
		switch {
		case end == len(s):
			return 0, false
		case piece[p] == anyRune:
			_, size := utf8.DecodeRuneInString(s[end:])
			end += size
		case piece[p] == s[end]:
			end++
		default:
			return 0, false
		}
	}
	return end, true
}

// suffix returns where the end of s begins that matches a piece.
func suffix(piece, s string) (start int, ok bool) {
	start = len(s)
	for range utf8.RuneCountInString(piece) {
		_, size := utf8.DecodeLastRuneInString(s[:start]) // 0 where nothing is left
		start -= size
	}
	end, ok := prefix(piece, s[start:])
	return start, ok && start+end == len(s)
}

// find returns where the first part of s ends that matches a piece.
func find(piece, s string) (end int, ok bool) {
	if strings.IndexByte(piece, anyRune) >= 0 {
		return findRunes(piece, s)
	}
	i := strings.Index(s, piece)
	return i + len(piece), i >= 0
}

// findRunes is find for a piece with "?". Bit p of the state says that the
// runes up to here match the piece up to its rune p, so that one step takes a
// rune of s 64 runes of the piece further: it is the algorithm Shift-And.
//
// Baeza-Yates and Gonnet, A new approach to text searching, 1992:
// https://doi.org/10.1145/135239.135243
func findRunes(piece, s string) (end int, ok bool) {
	n := utf8.RuneCountInString(piece)
	if n > len(s) {
		return 0, false
	}
	m := masksOf(piece, n)
	state := make([]uint64, len(m.others))
	last, bit := (n-1)/64, uint64(1)<<((n-1)%64)
	for end < len(s) {
		mask, size := m.next(s[end:])
		carry := uint64(1) // the piece may begin here
		for w := range state {
			state[w], carry = (state[w]<<1|carry)&mask[w], state[w]>>63
		}
		end += size
		if state[last]&bit != 0 {
			return end, true
		}
	}
	return 0, false
}

// masks say where in a piece a rune may stand, as bits. Runes are kept as
// their bytes, for text that is no UTF-8 has bytes that are no runes.
type masks struct {
	of     map[string][]uint64
	ascii  [utf8.RuneSelf][]uint64 // the same, and others, for those that texts are made of
	others []uint64                // of runes that the piece does not have: where it has "?"
}

// masksOf returns the masks of a piece of n runes.
func masksOf(piece string, n int) *masks {
	m := &masks{of: map[string][]uint64{}, others: make([]uint64, (n+63)/64)}
	for p, r := range runes(piece) {
		if r[0] == anyRune {
			m.others[p/64] |= 1 << (p % 64)
		}
	}
	for p, r := range runes(piece) {
		if r[0] == anyRune {
			continue
		}
		if m.of[r] == nil {
			m.of[r] = slices.Clone(m.others)
		}
		m.of[r][p/64] |= 1 << (p % 64)
	}
	for c := range m.ascii {
		m.ascii[c] = m.others
	}
	for r, mask := range m.of {
		if r[0] < utf8.RuneSelf {
			m.ascii[r[0]] = mask
		}
	}
	return m
}

// next returns the mask of the first rune of s, and its size.
func (m *masks) next(s string) (mask []uint64, size int) {
	if c := s[0]; c < utf8.RuneSelf {
		return m.ascii[c], 1
	}
	_, size = utf8.DecodeRuneInString(s)
	if mask, ok := m.of[s[:size]]; ok {
		return mask, size
	}
	return m.others, size
}

// runes are the runes of s, as their bytes, with their places.
func runes(s string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		for p := 0; s != ""; p++ {
			_, size := utf8.DecodeRuneInString(s)
			if !yield(p, s[:size]) {
				return
			}
			s = s[size:]
		}
	}
}
