package classifier_test

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"errors"
	"image"
	"image/color"
	"math"
	"testing"

	"mimeo/internal/family"
	"mimeo/internal/family/classifier"
	"mimeo/internal/pixel"
)

// version1 are weights of format 1, of a model that tells upright stripes from
// lying ones.
//
//go:embed testdata/version1.weights
var version1 []byte

func stripes(kind, n int) *pixel.Image {
	m := image.NewRGBA(image.Rect(0, 0, 64, 64))
	for y := range 64 {
		for x := range 64 {
			v := uint8((x*(1-kind) + y*kind + 3*n) * 16)
			m.SetRGBA(x, y, color.RGBA{v, v / 2, uint8(x * y), 255})
		}
	}
	return pixel.FromImage(m)
}

// TestVersion1 asks a model that an older program has trained; the answers are
// those that it gave.
func TestVersion1(t *testing.T) {
	t.Parallel()
	m, err := new(classifier.Classifier).Load(t.Context(), bytes.NewReader(version1))
	if err != nil {
		t.Fatal(err)
	}
	for kind, want := range [][]float64{
		{0.9943005162259944, 0.005699483774005552},
		{0.05992204296848917, 0.9400779570315109},
	} {
		got, err := m.Predict(t.Context(), stripes(kind, 50))
		if err != nil {
			t.Fatal(err)
		}
		for l, p := range got.Probabilities {
			if math.Abs(p-want[l]) > 1e-9 {
				t.Errorf("stripes %d: %v, want %v", kind, got.Probabilities, want)
			}
		}
	}
}

// TestNetworksAreBounded changes what weights say of networks.
func TestNetworksAreBounded(t *testing.T) {
	t.Parallel()
	weights := classifier.NetworksAlone(family.SingleLabel)
	const share = 16 + 2 + 4 + 2*(4+1)
	const algorithm, members, stages, width, side = share + 8, share + 9, share + 10, share + 11, share + 12
	var c classifier.Classifier
	if _, err := c.Load(t.Context(), bytes.NewReader(weights)); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]struct {
		at    int
		value byte
	}{
		"unknown algorithm":   {algorithm, 2},
		"no networks":         {members, 0},
		"many networks":       {members, 6},
		"one network more":    {members, 3},
		"one network less":    {members, 1},
		"no stages":           {stages, 0},
		"many stages":         {stages, 6},
		"one stage more":      {stages, 3},
		"no channels":         {width, 0},
		"many channels":       {width, 33},
		"small":               {side, 15},
		"large":               {side + 1, 2},
		"huge":                {side + 3, 1},
		"a share beyond":      {share + 6, 0xf8},
		"a negative share":    {share + 7, 0xbf},
		"a share that is NaN": {share + 7, 0x7f},
	} {
		body := bytes.Clone(weights[:len(weights)-sha256.Size])
		body[change.at] = change.value
		sum := sha256.Sum256(body)
		if _, err := c.Load(t.Context(), bytes.NewReader(append(body, sum[:]...))); !errors.Is(err, family.ErrWeights) {
			t.Errorf("%s: got %v, want ErrWeights", name, err)
		}
	}
}
