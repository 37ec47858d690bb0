package training_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"mimeo/internal/training"
)

func TestSplitHoldsOutAFifthOfEachLabel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		counts := rapid.SliceOfN(rapid.IntRange(2, 60), 1, 8).Draw(t, "images per label")
		var images [][]int
		for label, n := range counts {
			for range n {
				images = append(images, []int{label})
			}
		}
		images = rapid.Permutation(images).Draw(t, "order")
		test, ok := training.Split(len(counts), images, 7)
		if !ok {
			t.Fatal("refused")
		}
		again, _ := training.Split(len(counts), images, 7)
		if !slices.Equal(test, again) {
			t.Fatal("the same seed gives another split")
		}
		held := make([]int, len(counts))
		for i, is := range test {
			if is {
				held[images[i][0]]++
			}
		}
		for label, n := range counts {
			if want := max(1, (2*n+5)/10); held[label] != want {
				t.Errorf("of %d images %d are held out, want %d", n, held[label], want)
			}
		}
	})
}

func TestSplitKeepsEveryLabelInBothSets(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		const labels = 4
		one := rapid.SliceOfNDistinct(rapid.IntRange(0, labels-1), 1, labels, rapid.ID)
		images := rapid.SliceOfN(one, 1, 60).Draw(t, "images")
		test, ok := training.Split(labels, images, 7)
		var train, tested [labels]int
		for i, image := range images {
			for _, l := range image {
				if ok && test[i] {
					tested[l]++
				} else {
					train[l]++
				}
			}
		}
		for l := range labels {
			if ok && (train[l] == 0 || tested[l] == 0) {
				t.Fatalf("label %d has %d training and %d test images", l, train[l], tested[l])
			}
		}
	})
}

func TestSplitRefusesALabelWithOneImage(t *testing.T) {
	t.Parallel()
	if _, ok := training.Split(2, [][]int{{0}, {0}, {1}}, 7); ok {
		t.Error("a label of one image was split")
	}
	if _, ok := training.Split(2, [][]int{{0, 1}, {0, 1}}, 7); !ok {
		t.Error("two labels on two images each were not split")
	}
}
