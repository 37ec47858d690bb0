package training

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// testShare is the part of the training images that AutoCreate holds out.
const testShare = 0.2

// split chooses the images that are held out for testing: about a fifth of
// each label's, at least one, and never a label's last. It returns, per
// image, whether it is a test image; ok is false where a label has fewer than
// two images. Rare labels choose first: an image may show several.
func split(labels int, images [][]int, seed uint64) (test []bool, ok bool) {
	test = make([]bool, len(images))
	shown := make([][]int, labels) // the images of each label
	for i, image := range images {
		for _, label := range image {
			shown[label] = append(shown[label], i)
		}
	}
	left := make([]int, labels) // training images of each label
	order := make([]int, 0, labels)
	for label := range labels {
		if left[label] = len(shown[label]); left[label] < 2 {
			return nil, false
		}
		order = append(order, label)
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(len(shown[a]), len(shown[b])) })
	random := rand.New(rand.NewPCG(seed, 0x73706c6974))
	for _, label := range order {
		candidates := shown[label]
		total := len(candidates)
		random.Shuffle(total, func(i, j int) { candidates[i], candidates[j] = candidates[j], candidates[i] })
		want := total - max(1, int(math.Round(testShare*float64(total))))
		for _, i := range candidates {
			if left[label] <= want {
				break
			}
			if test[i] || slices.ContainsFunc(images[i], func(l int) bool { return left[l] < 2 }) {
				continue
			}
			test[i] = true
			for _, l := range images[i] {
				left[l]--
			}
		}
	}
	// Every label is tested: where labels stand in each other's way, as in
	// two images that show the same two labels and others, one may be left
	// without, which is as little to split as a single image is.
	for label := range labels {
		if left[label] == len(shown[label]) {
			return nil, false
		}
	}
	return test, true
}
