package detector_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"image"
	"image/png"
	"io"
	"testing"

	"mimeo/internal/family"
	"mimeo/internal/family/detector"
	"mimeo/internal/family/familytest"
)

func TestDetector(t *testing.T) {
	t.Parallel()
	familytest.Run(t, func(workers int) family.Family { return detector.Small(3, 48, workers) })
}

// FuzzLoad feeds the loader bytes with a right checksum, so that what lies
// behind it is reached.
func FuzzLoad(f *testing.F) {
	var weights bytes.Buffer
	example := family.Example{
		Open: func() (io.ReadCloser, error) {
			var file bytes.Buffer
			err := png.Encode(&file, image.NewGray(image.Rect(0, 0, 64, 64)))
			return io.NopCloser(&file), err
		},
		Boxes: []family.Box{{Label: 0, Left: 0.25, Top: 0.25, Width: 0.5, Height: 0.5}},
	}
	req := family.TrainRequest{Labels: []string{"a", "b"}, Task: family.Boxes, Examples: []family.Example{example}}
	d := detector.Small(1, 16, 1)
	if err := d.Train(context.Background(), req, &weights); err != nil {
		f.Fatal(err)
	}
	f.Add(weights.Bytes()[:weights.Len()-sha256.Size])
	f.Add([]byte("mimeo detector\x01\xff\xff\xff\xff{}"))
	f.Add([]byte("mimeo detector\x01\x4e\x00\x00\x00" + `{"Labels":["a"],"Width":1048576,"Height":1048576,"Stride":4,"Channels":16}    `))
	f.Fuzz(func(t *testing.T, body []byte) {
		if _, p := familytest.LoadOrRefuse(t, d, body); len(p.Objects) > family.MaxObjects {
			t.Errorf("%d objects", len(p.Objects))
		}
	})
}
