package serving_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mimeo/internal/family"
	"mimeo/internal/family/familytest"
	"mimeo/internal/pixel"
	"mimeo/internal/serving"
)

// TestDetectObjects: every object is a label of its own with a box, selected
// as labels of images are; the most confident first, ties by name.
func TestDetectObjects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.running("v1")
	const bright, dark = 0, 1
	object := func(label int, confidence, left float64) family.Object {
		return family.Object{Box: family.Box{Label: label, Left: left, Top: 0.5, Width: 0.25, Height: 0.125}, Confidence: confidence}
	}
	w.family.objects = []family.Object{
		object(dark, 0.875, 0), object(dark, 0.75, 0.25), object(bright, 0.75, 0.5), object(dark, 0.75, 0.625), object(bright, 0.25, -0.125),
	}
	label := func(name string, confidence, left float32) serving.CustomLabel {
		return serving.CustomLabel{Name: name, Confidence: confidence, Box: &serving.BoundingBox{Left: left, Top: 0.5, Width: 0.25, Height: 0.125}}
	}
	all := []serving.CustomLabel{
		label("dark", 87.5, 0), label("bright", 75, 0.5), label("dark", 75, 0.25), label("dark", 75, 0.625), label("bright", 25, -0.125),
	}
	for name, c := range map[string]struct {
		req  serving.DetectRequest
		want []serving.CustomLabel
	}{
		"assumed thresholds": {serving.DetectRequest{}, all[:4]},
		"all":                {serving.DetectRequest{MinConfidence: number[float32](0)}, all},
		"the surest":         {serving.DetectRequest{MinConfidence: number[float32](80)}, all[:1]},
		"two":                {serving.DetectRequest{MaxResults: number(2)}, all[:2]},
		"none sure enough":   {serving.DetectRequest{MinConfidence: number[float32](99)}, []serving.CustomLabel{}},
	} {
		c.req.Version, c.req.Bytes = v, gray(51, 64)
		got, err := w.DetectCustomLabels(t.Context(), w.root, c.req)
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%s (-want +got)\n%s%v", name, diff, err)
		}
	}
}

func blackJPEG() []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 128, 64)), nil); err != nil {
		panic(err) // cannot happen: it writes to memory
	}
	return b.Bytes()
}

// TestBoxesReferToTheImageAsStored: models see images upright.
func TestBoxesReferToTheImageAsStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.running("v1")
	w.family.objects = []family.Object{{Box: family.Box{Left: 0.125, Top: 0.25, Width: 0.0625, Height: 0.5}, Confidence: 1}}
	for orientation, want := range map[pixel.Orientation]serving.BoundingBox{
		pixel.Upright:   {Left: 0.125, Top: 0.25, Width: 0.0625, Height: 0.5},
		pixel.Rotate180: {Left: 0.8125, Top: 0.25, Width: 0.0625, Height: 0.5},
		pixel.Rotate90:  {Left: 0.25, Top: 0.8125, Width: 0.5, Height: 0.0625}, // stored with its left side down
		pixel.Rotate270: {Left: 0.25, Top: 0.125, Width: 0.5, Height: 0.0625},
	} {
		got, err := w.DetectCustomLabels(t.Context(), w.root, serving.DetectRequest{Version: v, Bytes: familytest.Turned(blackJPEG(), orientation)})
		if diff := cmp.Diff([]serving.CustomLabel{{Name: "bright", Confidence: 100, Box: &want}}, got); diff != "" || err != nil {
			t.Errorf("orientation %d (-want +got)\n%s%v", orientation, diff, err)
		}
	}
}
