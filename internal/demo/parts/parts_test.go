package parts_test

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"slices"
	"sync"
	"testing"

	"mimeo/internal/demo/parts"
)

// The demo's set: what it trains on and what it holds back.
const (
	seed      = 1
	trainEach = 40
	testEach  = 10
)

// drawn holds the set, drawn once for all tests.
var drawn = sync.OnceValues(func() (set [2][]parts.Image, err error) {
	if set[0], err = parts.Set(context.Background(), seed, 0, trainEach); err != nil {
		return set, err
	}
	set[1], err = parts.Set(context.Background(), seed, trainEach, testEach)
	return set, err
})

func draw(t *testing.T) (train, test []parts.Image) {
	t.Helper()
	set, err := drawn()
	if err != nil {
		t.Fatalf("draw the set: %v", err)
	}
	return set[0], set[1]
}

func decode(t *testing.T, p parts.Image) image.Image {
	t.Helper()
	img, err := jpeg.Decode(bytes.NewReader(p.JPEG))
	if err != nil {
		t.Fatalf("decode %s: %v", p.Name, err)
	}
	return img
}

func TestDrawDependsOnItsArgumentsAlone(t *testing.T) {
	t.Parallel()
	for _, kind := range parts.Kinds() {
		first, err := parts.Draw(seed, kind, 3)
		if err != nil {
			t.Fatal(err)
		}
		again, err := parts.Draw(seed, kind, 3)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first.JPEG, again.JPEG) {
			t.Errorf("%s: two drawings of one seed differ", kind)
		}
		other, err := parts.Draw(seed+1, kind, 3)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(first.JPEG, other.JPEG) {
			t.Errorf("%s: seeds %d and %d give the same drawing", kind, seed, seed+1)
		}
	}
}

// TestNoTwoAlike compares 16×16 grey thumbnails of the whole set.
func TestNoTwoAlike(t *testing.T) {
	t.Parallel()
	const apart = 4.0 // mean difference of grey levels, of 255
	set := slices.Concat(draw(t))
	names := make(map[string]bool)
	thumbs := make([][]float64, len(set))
	for i, p := range set {
		if names[p.Name] {
			t.Errorf("two images are named %s", p.Name)
		}
		names[p.Name] = true
		thumbs[i] = thumbnail(decode(t, p))
	}
	for i := range set {
		for j := range i {
			if d := distance(thumbs[i], thumbs[j]); d < apart {
				t.Errorf("%s and %s differ by %.1f grey levels, want at least %.1f", set[i].Name, set[j].Name, d, apart)
			}
		}
	}
}

func thumbnail(img image.Image) []float64 {
	const side = 16
	b := img.Bounds()
	sums, counts := make([]float64, side*side), make([]float64, side*side)
	for y := range b.Dy() {
		for x := range b.Dx() {
			r, g, bl, _ := img.At(b.Min.X+x, b.Min.Y+y).RGBA()
			cell := y*side/b.Dy()*side + x*side/b.Dx()
			sums[cell] += float64(r+g+bl) / (3 * 257)
			counts[cell]++
		}
	}
	for i := range sums {
		sums[i] /= counts[i]
	}
	return sums
}

func distance(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += max(a[i]-b[i], b[i]-a[i])
	}
	return sum / float64(len(a))
}

func BenchmarkDraw(b *testing.B) {
	kinds := parts.Kinds()
	for n := 0; b.Loop(); n++ {
		if _, err := parts.Draw(seed, kinds[n%len(kinds)], n); err != nil {
			b.Fatal(err)
		}
	}
}
