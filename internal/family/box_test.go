package family_test

import (
	"math"
	"testing"

	"mimeo/internal/family"
	"mimeo/internal/pixel"
)

func TestIoU(t *testing.T) {
	t.Parallel()
	a := family.Box{Left: 0.2, Top: 0.2, Width: 0.4, Height: 0.2}
	for name, c := range map[string]struct {
		b    family.Box
		want float64
	}{
		"itself":        {a, 1},
		"another label": {family.Box{Label: 1, Left: 0.2, Top: 0.2, Width: 0.4, Height: 0.2}, 1},
		"half beside":   {family.Box{Left: 0.4, Top: 0.2, Width: 0.4, Height: 0.2}, 1.0 / 3},
		"half of it":    {family.Box{Left: 0.2, Top: 0.2, Width: 0.2, Height: 0.2}, 0.5},
		"around it":     {family.Box{Left: -1, Top: -1, Width: 3, Height: 3}, 0.08 / 9},
		"touching":      {family.Box{Left: 0.6, Top: 0.2, Width: 0.4, Height: 0.2}, 0},
		"elsewhere":     {family.Box{Left: 0.7, Top: 0.7, Width: 0.1, Height: 0.1}, 0},
		"empty":         {family.Box{Left: 0.3, Top: 0.3}, 0},
		"no number":     {family.Box{Left: math.NaN(), Top: 0.2, Width: 0.4, Height: 0.2}, 0},
	} {
		if got, back := a.IoU(c.b), c.b.IoU(a); math.Abs(got-c.want) > 1e-12 || got != back {
			t.Errorf("%s: %v and %v, want %v", name, got, back, c.want)
		}
	}
}

// TestStoredAndUpright: a box goes to the stored image and back, for each of
// the eight orientations; pixel's tests say where it goes.
func TestStoredAndUpright(t *testing.T) {
	t.Parallel()
	b := family.Box{Label: 3, Left: 0.125, Top: 0.25, Width: 0.5, Height: 0.0625}
	for o := pixel.Upright; o <= pixel.Rotate270; o++ {
		stored := b.Stored(o)
		if back := stored.Upright(o); back != b {
			t.Errorf("orientation %d: %+v comes back as %+v", o, b, back)
		}
		if (stored == b) != (o == pixel.Upright) || stored.Label != b.Label || stored.Width*stored.Height != b.Width*b.Height {
			t.Errorf("orientation %d: %+v is stored as %+v", o, b, stored)
		}
	}
}
