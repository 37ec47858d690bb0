package manifest

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"slices"

	"mimeo/internal/customlabels"
)

// Split chooses the fifth of entries that tests a model, and returns their
// indices in order. Every label is in the test set with about a fifth of its
// images, at least one, and keeps at least one for training; with more than
// most of them only where other labels bring them along. The choice depends on
// the entries and the seed, not on the order of the entries.
//
// It is iterative stratification (Sechidis, Tsoumakas and Vlahavas, On the
// Stratification of Multi-Label Data, 2011): rare labels choose first, so
// that frequent ones can make up for it. It fails with TooFewPerLabel where
// no image has a label, a label has one image only, or labels stand in each
// other's way so that one would be on one side only.
func Split(entries []customlabels.Entry, most int, seed string) ([]int, error) {
	s := splitter{entries: entries, most: most, of: map[string][]int{}, inTest: make([]bool, len(entries)), decided: make([]bool, len(entries))}
	var unlabeled []int
	for _, i := range s.shuffled(seed) {
		for _, l := range entries[i].Labels {
			s.of[l.Name] = append(s.of[l.Name], i)
		}
		if len(entries[i].Labels) == 0 {
			unlabeled = append(unlabeled, i)
		}
	}
	labels := s.byRarity()
	if len(labels) == 0 || len(s.of[labels[0]]) < 2 {
		return nil, TooFewPerLabel
	}
	for _, label := range labels {
		s.decide(label)
	}
	for _, label := range labels {
		s.mend(label)
	}
	for _, label := range labels {
		if n := s.tested(label); n == 0 || n == len(s.of[label]) {
			return nil, TooFewPerLabel
		}
	}
	for _, i := range unlabeled[:len(unlabeled)/5] {
		s.inTest[i] = true
	}
	var test []int
	for i, in := range s.inTest {
		if in {
			test = append(test, i)
		}
	}
	return test, nil
}

type splitter struct {
	entries         []customlabels.Entry
	most            int              // of one label, in the test set
	of              map[string][]int // the entries of a label
	inTest, decided []bool
}

// shuffled returns the indices of the entries in the order of the hashes of
// the seed and their source-refs, so that neighbours in a manifest part.
func (s *splitter) shuffled(seed string) []int {
	hashes := make([][sha256.Size]byte, len(s.entries))
	order := make([]int, len(s.entries))
	for i, e := range s.entries {
		hashes[i], order[i] = sha256.Sum256([]byte(seed+"\x00"+e.SourceRef)), i
	}
	slices.SortFunc(order, func(a, b int) int { return bytes.Compare(hashes[a][:], hashes[b][:]) })
	return order
}

// byRarity returns the labels, those with the fewest entries first.
func (s *splitter) byRarity() []string {
	var labels []string
	for label := range s.of {
		labels = append(labels, label)
	}
	slices.SortFunc(labels, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(s.of[a]), len(s.of[b])), cmp.Compare(a, b))
	})
	return labels
}

// decide fills the test set's share of a label; the label's other entries
// that are not decided yet are for training.
func (s *splitter) decide(label string) {
	missing := s.share(len(s.of[label])) - s.tested(label)
	for _, i := range s.of[label] {
		if s.decided[i] {
			continue
		}
		s.decided[i] = true
		if missing > 0 {
			s.inTest[i] = true
			missing--
		}
	}
}

// share is how many of n entries are for the test: a fifth, rounded, but not
// more than may be, and at least one.
func (s *splitter) share(n int) int { return max(1, min(s.most, (2*n+5)/10)) }

func (s *splitter) tested(label string) int {
	n := 0
	for _, i := range s.of[label] {
		if s.inTest[i] {
			n++
		}
	}
	return n
}

// mend moves one entry of a label that is missing on one side, if that takes
// no other label's last one.
func (s *splitter) mend(label string) {
	n := s.tested(label)
	if n > 0 && n < len(s.of[label]) {
		return
	}
	for _, i := range s.of[label] {
		if s.canLeave(i, label) {
			s.inTest[i] = !s.inTest[i]
			return
		}
	}
}

func (s *splitter) canLeave(i int, label string) bool {
	for _, l := range s.entries[i].Labels {
		tested := s.tested(l.Name)
		left := tested
		if !s.inTest[i] {
			left = len(s.of[l.Name]) - tested
		}
		if l.Name != label && left < 2 {
			return false
		}
	}
	return true
}

// HoldOut moves a fifth of the samples, as [Split] chooses them, to a set that
// has none, and settles that for the same use case. It records
// ErrTooFewToSplit where that cannot be done.
func (s *Set) HoldOut(to *Set, seed string) {
	entries := make([]customlabels.Entry, len(s.samples))
	for i, x := range s.samples {
		entries[i].SourceRef = x.Key
		for _, l := range x.distinct(s.useCase) {
			entries[i].Labels = append(entries[i].Labels, customlabels.EntryLabel{Name: l})
		}
	}
	held, err := Split(entries, s.within.TestImagesPerLabel, seed)
	if err != nil {
		s.Fail(ErrTooFewToSplit)
		return
	}
	to.Settle(s.useCase)
	to.bucket = s.bucket
	var kept []Sample
	for i, x := range s.samples {
		if len(held) > 0 && held[0] == i {
			to.samples, held = append(to.samples, x), held[1:]
		} else {
			kept = append(kept, x)
		}
	}
	s.samples = kept
	s.recount()
	to.recount()
}

// recount makes the labels of a set those that its samples have.
func (s *Set) recount() {
	s.names = map[string]string{}
	for _, x := range s.samples {
		for _, u := range []UseCase{Classification, Detection} {
			for _, l := range x.distinct(u) {
				s.name(l)
			}
		}
	}
}
