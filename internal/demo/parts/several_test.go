package parts_test

import (
	"bytes"
	"image"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mimeo/internal/demo/parts"
)

func drawScene(t *testing.T, seed uint64, n int) parts.Scene {
	t.Helper()
	s, err := parts.DrawScene(seed, n)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestDrawSceneDependsOnItsArgumentsAlone(t *testing.T) {
	t.Parallel()
	first := drawScene(t, seed, 3)
	if diff := cmp.Diff(first, drawScene(t, seed, 3)); diff != "" {
		t.Errorf("two drawings of one scene differ:\n%s", diff)
	}
	for name, other := range map[string]parts.Scene{"number": drawScene(t, seed, 4), "seed": drawScene(t, seed+1, 3)} {
		if bytes.Equal(first.JPEG, other.JPEG) {
			t.Errorf("another %s gives the same drawing", name)
		}
	}
}

func TestScenes(t *testing.T) {
	t.Parallel()
	const first, count = 10, 12
	scenes, err := parts.Scenes(t.Context(), seed, first, count)
	if err != nil {
		t.Fatal(err)
	}
	if len(scenes) != count {
		t.Fatalf("%d scenes, want %d", len(scenes), count)
	}
	if diff := cmp.Diff(drawScene(t, seed, first), scenes[0]); diff != "" {
		t.Errorf("the first scene of a set is another one than the scene alone:\n%s", diff)
	}
	names, kinds := make(map[string]bool), make(map[parts.Kind]int)
	for _, s := range scenes {
		names[s.Name] = true
		if img := decode(t, parts.Image{Name: s.Name, JPEG: s.JPEG}); img.Bounds() != image.Rect(0, 0, parts.SceneWidth, parts.SceneHeight) {
			t.Errorf("%s has the bounds %v", s.Name, img.Bounds())
		}
		if len(s.Objects) < 3 || len(s.Objects) > 6 {
			t.Errorf("%s shows %d objects, want 3 to 6", s.Name, len(s.Objects))
		}
		for i, o := range s.Objects {
			kinds[o.Kind]++
			checkObject(t, s, o)
			for _, other := range s.Objects[:i] {
				if shared := area(o.Box.Intersect(other.Box)); 3*shared > min(area(o.Box), area(other.Box)) {
					t.Errorf("%s: the boxes %v and %v share %d pixels", s.Name, o, other, shared)
				}
			}
		}
	}
	if len(names) != count || len(kinds) != len(parts.Kinds()) {
		t.Errorf("%d names and the kinds %v, want %d and all", len(names), kinds, count)
	}
}

func area(r image.Rectangle) int { return r.Dx() * r.Dy() }

func checkObject(t *testing.T, s parts.Scene, o parts.Object) {
	t.Helper()
	if !o.Box.In(image.Rect(0, 0, parts.SceneWidth, parts.SceneHeight)) || max(o.Box.Dx(), o.Box.Dy()) < 50 {
		t.Errorf("%s: %v is outside of the picture or too small", s.Name, o)
	}
}

// TestBoxesAreWhereThePartsAre paints one part green after the other and looks
// for the green in the picture.
func TestBoxesAreWhereThePartsAre(t *testing.T) {
	t.Parallel()
	const n, near = 0, 3 // pixels: the blur, and what is in deep shadow
	plain := parts.Uncompressed(seed, n, -1)
	for i, o := range drawScene(t, seed, n).Objects {
		got := greener(parts.Uncompressed(seed, n, i), plain)
		for side, apart := range map[string]int{
			"left": got.Min.X - o.Box.Min.X, "top": got.Min.Y - o.Box.Min.Y,
			"right": got.Max.X - o.Box.Max.X, "bottom": got.Max.Y - o.Box.Max.Y,
		} {
			if apart < -near || apart > near {
				t.Errorf("the box of a %s is %v, its pixels are in %v: %s is %d apart", o.Kind, o.Box, got, side, apart)
			}
		}
	}
}

// greener is the rectangle around the pixels that are much greener in a than
// in b.
func greener(a, b image.Image) image.Rectangle {
	green := func(img image.Image, x, y int) int {
		r, g, b, _ := img.At(x, y).RGBA()
		return int(g>>8) - int(max(r, b)>>8)
	}
	var box image.Rectangle
	for y := range parts.SceneHeight {
		for x := range parts.SceneWidth {
			if green(a, x, y)-green(b, x, y) > 40 {
				box = box.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	return box
}
