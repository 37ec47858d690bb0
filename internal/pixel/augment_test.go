package pixel_test

import (
	"image"
	"image/color"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"mimeo/internal/pixel"
)

var everything = pixel.Augmenting{
	Crop: 0.4, Stretch: 4. / 3, Mirror: true, Turn: 12,
	Colour: pixel.Colour{Brightness: 0.3, Contrast: 0.2, Saturation: 0.4}, Erase: 0.5, Mix: 0.4,
}

// TestStream pins what a key draws: a training that goes on with a later
// release sees what it would have seen.
func TestStream(t *testing.T) {
	t.Parallel()
	got := everything.Draw(pixel.Key{Seed: 1, Step: 2, Image: 3})
	want := pixel.Augmentation{
		Crop:   pixel.Rect{Left: 0.16755267648011607, Top: 0.12425742906500076, Width: 0.6232975875920477, Height: 0.6621634983075018},
		Mirror: true,
		Turn:   -0.023806695097705666,
		Colour: pixel.Colour{Brightness: 0.10772789625814114, Contrast: -0.016930316047975635, Saturation: -0.08913477954220071},
		Erase:  pixel.Rect{Left: 0.5709295457548745, Top: 0.21303344825376053, Width: 0.21555746620037383, Height: 0.6878181043395813},
		Mix:    0.004897430918928579, Partner: 0.6999540089445656,
	}
	if d := cmp.Diff(want, got, cmpopts.EquateApprox(0, 1e-12)); d != "" {
		t.Error(d)
	}
	for _, k := range []pixel.Key{{Seed: 2, Step: 2, Image: 3}, {Seed: 1, Step: 3, Image: 3}, {Seed: 1, Step: 2, Image: 4}, {Seed: 1, Step: 3, Image: 2}} {
		if everything.Draw(k) == got {
			t.Errorf("%+v draws the same", k)
		}
	}
}

// TestDrawKeepsLimits draws often: everything is within its limits, uses them,
// and each option leaves the others alone.
func TestDrawKeepsLimits(t *testing.T) {
	t.Parallel()
	const n = 4000
	var least, most pixel.Augmentation
	smallest, largest, mirrored, erased := 1.0, 0.0, 0, 0
	for i := range uint64(n) {
		k := pixel.Key{Seed: 7, Step: i / 100, Image: i % 100}
		a := everything.Draw(k)
		for name, r := range map[string]pixel.Rect{"crop": a.Crop, "erased part": a.Erase} {
			if r.Left < 0 || r.Top < 0 || r.Right() > 1+1e-12 || r.Bottom() > 1+1e-12 {
				t.Fatalf("%+v: %s %v is outside", k, name, r)
			}
		}
		smallest, largest = min(smallest, a.Crop.Area()), max(largest, a.Crop.Area())
		if shape := a.Crop.Width / a.Crop.Height; shape > 4./3+1e-9 || shape < 3./4-1e-9 {
			t.Fatalf("%+v: crop %v", k, a.Crop)
		}
		if a.Mirror {
			mirrored++
		}
		if a.Erase != (pixel.Rect{}) {
			erased++
		}
		least.Turn, most.Turn = min(least.Turn, a.Turn), max(most.Turn, a.Turn)
		least.Mix, most.Mix = min(least.Mix, a.Mix), max(most.Mix, a.Mix)
		least.Colour.Saturation, most.Colour.Saturation = min(least.Colour.Saturation, a.Colour.Saturation), max(most.Colour.Saturation, a.Colour.Saturation)
		if plain := (pixel.Augmenting{Turn: 12}).Draw(k); plain != (pixel.Augmentation{Turn: a.Turn, Partner: a.Partner}) {
			t.Fatalf("%+v: turning alone draws %+v, with all else %+v", k, plain, a)
		}
	}
	limit := 12 * math.Pi / 180
	for name, c := range map[string]struct{ got, from, to float64 }{
		"smallest crop":    {smallest, 0.36, 0.42}, // one that is stretched may be cut at an edge
		"largest crop":     {largest, 0.97, 1},
		"mirrored":         {float64(mirrored) / n, 0.45, 0.55},
		"erased":           {float64(erased) / n, 0.45, 0.55},
		"least turn":       {least.Turn, -limit, -0.99 * limit},
		"most turn":        {most.Turn, 0.99 * limit, limit},
		"least saturation": {least.Colour.Saturation, -0.4, -0.39},
		"most saturation":  {most.Colour.Saturation, 0.39, 0.4},
		"least mix":        {least.Mix, 0, 0.001},
		"most mix":         {most.Mix, 0.49, 0.5},
	} {
		if c.got < c.from || c.got > c.to {
			t.Errorf("%s: %v, want %v to %v", name, c.got, c.from, c.to)
		}
	}
	if a := (pixel.Augmenting{}).Draw(pixel.Key{}); a != (pixel.Augmentation{Partner: a.Partner}) {
		t.Errorf("nothing allowed draws %+v", a)
	}
}

// TestAugmentedBox draws an ellipse, renders it augmented, and finds it where
// Box says.
func TestAugmentedBox(t *testing.T) {
	t.Parallel()
	box := pixel.Rect{Left: 70, Top: 60, Width: 50, Height: 30}
	m := pixel.FromImage(disc(200, 160, box))
	bare := everything
	bare.Colour, bare.Erase = pixel.Colour{}, 0
	whole, cut := 0, 0
	for i := range uint64(300) {
		a := bare.Draw(pixel.Key{Image: i})
		window := m.Bounds()
		if i%2 == 1 {
			window = pixel.Letterbox(window, 128, 96)
		}
		dst := pixel.NewTensor(128, 96)
		a.Render(new(pixel.Renderer), dst, m, window, raw)
		want, share := a.Box(box, window, 128, 96)
		got := bright(dst)
		if share < 1 {
			cut++
			if share > 0.5 && got.Intersect(want).Area() < 0.6*want.Area() {
				t.Errorf("%+v: found at %v, said %v (%.2f)", a, got, want, share)
			}
			continue
		}
		whole++
		if off := max(math.Abs(got.Left-want.Left), math.Abs(got.Top-want.Top), math.Abs(got.Right()-want.Right()), math.Abs(got.Bottom()-want.Bottom())); off > 1.1 {
			t.Errorf("%+v: found at %v, said %v", a, got, want)
		}
	}
	if whole < 100 || cut < 20 {
		t.Errorf("%d whole and %d cut ellipses: the test sees too little", whole, cut)
	}
	if _, share := (pixel.Augmentation{Crop: pixel.Rect{Left: 0.8, Top: 0.8, Width: 0.2, Height: 0.2}}).Box(box, m.Bounds(), 64, 64); share != 0 {
		t.Errorf("a box outside the crop has the share %v", share)
	}
}

// TestColour is the arithmetic by hand.
func TestColour(t *testing.T) {
	t.Parallel()
	src := image.NewRGBA(image.Rect(0, 0, 2, 1))
	src.SetRGBA(0, 0, color.RGBA{100, 100, 100, 255})
	src.SetRGBA(1, 0, color.RGBA{200, 0, 100, 255}) // luma 71.2; the mean of both is 85.6
	m := pixel.FromImage(src)
	for _, c := range []struct {
		name   string
		colour pixel.Colour
		want   []float64
	}{
		{"nothing", pixel.Colour{}, []float64{100, 200, 100, 0, 100, 100}},
		{"brighter", pixel.Colour{Brightness: 0.5}, []float64{150, 255, 150, 0, 150, 150}},
		{"more contrast", pixel.Colour{Contrast: 0.5}, []float64{107.2, 255, 107.2, 0, 107.2, 107.2}},
		{"no contrast", pixel.Colour{Contrast: -1}, []float64{85.6, 85.6, 85.6, 85.6, 85.6, 85.6}},
		{"grey", pixel.Colour{Saturation: -1}, []float64{100, 71.2, 100, 71.2, 100, 71.2}},
		{"all", pixel.Colour{Brightness: -0.5, Contrast: 0.5, Saturation: 0.5}, []float64{53.6, 176.9, 53.6, 0, 53.6, 64.4}}, // 0.75 (luma + 1.5 (v − luma)) − 21.4
	} {
		got := pixel.NewTensor(2, 1)
		pixel.Augmentation{Colour: c.colour}.Render(new(pixel.Renderer), got, m, m.Bounds(), raw)
		for i, v := range got.Data {
			if math.Abs(float64(v)-c.want[i]) > 0.01 {
				t.Errorf("%s: got %v, want %v", c.name, got.Data, c.want)
				break
			}
		}
	}
}

func TestEraseAndMix(t *testing.T) {
	t.Parallel()
	m := pixel.FromImage(grey(8, 8, func(int, int) uint8 { return 100 }))
	got := pixel.NewTensor(8, 8)
	pixel.Augmentation{Erase: pixel.Rect{Left: 0.25, Top: 0.5, Width: 0.5, Height: 0.25}}.Render(new(pixel.Renderer), got, m, m.Bounds(), raw)
	for i, v := range got.Data {
		x, y := i%8, i/8%8
		want := float32(100)
		if x >= 2 && x < 6 && y >= 4 && y < 6 {
			want = 0
		}
		if math.Abs(float64(v-want)) > 1e-3 {
			t.Fatalf("%d, %d: got %v, want %v", x, y, v, want)
		}
	}
	a := pixel.Tensor{Width: 1, Height: 1, Data: []float32{0, 1, 2}}
	a.Mix(pixel.Tensor{Width: 1, Height: 1, Data: []float32{4, 1, -2}}, 0.25)
	if want := []float32{1, 1, 1}; !cmp.Equal(a.Data, want) {
		t.Errorf("mixed: %v, want %v", a.Data, want)
	}
}
