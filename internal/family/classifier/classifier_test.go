package classifier_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"image"
	"image/png"
	"io"
	"math/rand/v2"
	"testing"

	"mimeo/internal/family"
	"mimeo/internal/family/classifier"
	"mimeo/internal/family/familytest"
)

func TestClassifier(t *testing.T) {
	t.Parallel()
	familytest.Run(t, func(workers int) family.Family { return classifier.WithSmallNetworks(workers) })
}

// FuzzLoad feeds the loader bytes with a right checksum, so that what lies
// behind it is reached.
func FuzzLoad(f *testing.F) {
	random := rand.New(rand.NewPCG(1, 1))
	examples := make([]family.Example, 2)
	for i := range examples {
		noise := image.NewGray(image.Rect(0, 0, 64, 64))
		for p := range noise.Pix {
			noise.Pix[p] = uint8(random.IntN(256))
		}
		var file bytes.Buffer
		if err := png.Encode(&file, noise); err != nil {
			f.Fatal(err)
		}
		examples[i] = family.Example{
			Open:   func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(file.Bytes())), nil },
			Labels: []int{i},
		}
	}
	var c classifier.Classifier
	for _, task := range []family.Task{family.SingleLabel, family.MultiLabel} {
		var weights bytes.Buffer
		req := family.TrainRequest{Labels: []string{"a", "b"}, Task: task, Examples: examples}
		if err := c.Train(context.Background(), req, &weights); err != nil {
			f.Fatal(err)
		}
		f.Add(weights.Bytes()[:weights.Len()-sha256.Size])
		networks := classifier.NetworksAlone(task)
		f.Add(networks[:len(networks)-sha256.Size])
	}
	f.Add(version1[:len(version1)-sha256.Size])
	f.Add([]byte("mimeo classifier\x01\x00\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, body []byte) {
		if m, p := familytest.LoadOrRefuse(t, &c, body); m != nil && len(p.Probabilities) != len(m.Labels()) {
			t.Errorf("%d probabilities for %d labels", len(p.Probabilities), len(m.Labels()))
		}
	})
}
