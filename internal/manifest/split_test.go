package manifest_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mimeo/internal/customlabels"
	"mimeo/internal/manifest"
)

func entries(n int, labels ...string) []customlabels.Entry {
	var all []customlabels.Entry
	for i := range n {
		e := customlabels.Entry{SourceRef: fmt.Sprintf("s3://b/%v/%d", labels, i)}
		for _, l := range labels {
			e.Labels = append(e.Labels, customlabels.EntryLabel{Name: l})
		}
		all = append(all, e)
	}
	return all
}

func TestSplit(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		entries []customlabels.Entry
		want    int
	}{
		"even":      {slices.Concat(entries(30, "a"), entries(30, "b")), 12},
		"uneven":    {slices.Concat(entries(100, "a"), entries(3, "b")), 21},
		"pairs":     {slices.Concat(entries(2, "a"), entries(2, "b")), 2},
		"unlabeled": {slices.Concat(entries(10, "a"), entries(10)), 4},
		"two each":  {slices.Concat(entries(20, "a", "b"), entries(20, "b", "c")), 8},
		"very many": {slices.Concat(entries(5100, "a"), entries(10, "b")), 1002}, // a fifth were 1020
	}
	for name, c := range cases {
		got, err := manifest.Split(c.entries, standard.TestImagesPerLabel, "seed")
		if err != nil || len(got) != c.want {
			t.Errorf("%s: %d of %d chosen, %v, want %d", name, len(got), len(c.entries), err, c.want)
		}
	}
	for name, few := range map[string][]customlabels.Entry{
		"none": nil, "no labels": entries(10), "a single one": slices.Concat(entries(10, "a"), entries(1, "b")),
	} {
		if got, err := manifest.Split(few, standard.TestImagesPerLabel, "seed"); !errors.Is(err, manifest.TooFewPerLabel) {
			t.Errorf("%s: %v, %v, want TooFewPerLabel", name, got, err)
		}
	}
}

// TestSplitProperties: for single labels the shares are exact; the choice does
// not depend on the order; no label is missing on a side.
func TestSplitProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var all []customlabels.Entry
		counts := rapid.SliceOfN(rapid.IntRange(2, 40), 1, 6).Draw(t, "counts")
		for i, n := range counts {
			all = append(all, entries(n, fmt.Sprint("l", i))...)
		}
		chosen := choose(t, all)
		for i, n := range counts {
			in := 0
			for ref := range chosen {
				if strings.HasPrefix(ref, fmt.Sprintf("s3://b/[l%d]/", i)) {
					in++
				}
			}
			if want := max(1, (2*n+5)/10); in != want || in == n {
				t.Fatalf("label %d: %d of %d chosen, want %d", i, in, n, want)
			}
		}
		shuffled := rapid.Permutation(all).Draw(t, "order")
		for ref := range choose(t, shuffled) {
			if !chosen[ref] {
				t.Fatalf("%s is chosen in another order only", ref)
			}
		}
	})
}

func choose(t *rapid.T, all []customlabels.Entry) map[string]bool {
	indices, err := manifest.Split(all, standard.TestImagesPerLabel, "seed")
	if err != nil {
		t.Fatal(err)
	}
	chosen := map[string]bool{}
	for _, i := range indices {
		chosen[all[i].SourceRef] = true
	}
	return chosen
}

// TestSplitLeavesNoLabelOnOneSide, however labels stand in each other's way.
func TestSplitLeavesNoLabelOnOneSide(t *testing.T) {
	t.Parallel()
	split := false
	rapid.Check(t, func(t *rapid.T) {
		one := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 1, 4, rapid.ID)
		var all []customlabels.Entry
		for i, labels := range rapid.SliceOfN(one, 1, 60).Draw(t, "images") {
			e := entries(1, labels...)[0]
			e.SourceRef = fmt.Sprint("s3://b/", i)
			all = append(all, e)
		}
		test, err := manifest.Split(all, standard.TestImagesPerLabel, "seed")
		if errors.Is(err, manifest.TooFewPerLabel) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		split = true
		sides := map[string]map[bool]bool{}
		for i, e := range all {
			_, in := slices.BinarySearch(test, i)
			for _, l := range e.Labels {
				if sides[l.Name] == nil {
					sides[l.Name] = map[bool]bool{}
				}
				sides[l.Name][in] = true
			}
		}
		for label, of := range sides {
			if len(of) != 2 {
				t.Fatalf("%s is on one side only: in the test set %v", label, of[true])
			}
		}
	})
	if !split {
		t.Error("nothing was split at all")
	}
}
