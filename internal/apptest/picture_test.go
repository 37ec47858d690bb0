package apptest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"testing"
	"time"
)

// Two classes that a machine must look at: stripes and discs, in random
// colours, at random places.
var classes = []string{"stripes", "discs"}

// picture draws one picture of a class from a seed, as PNG.
func picture(t testing.TB, class string, seed uint64) []byte {
	t.Helper()
	const size = 80
	r := rand.New(rand.NewPCG(seed, 7))
	some := func() color.NRGBA {
		return color.NRGBA{uint8(r.IntN(256)), uint8(r.IntN(256)), uint8(r.IntN(256)), 255}
	}
	front, back := some(), some()
	for abs(int(front.R)+int(front.G)+int(front.B)-int(back.R)-int(back.G)-int(back.B)) < 200 {
		front, back = some(), some()
	}
	width, offset := 4+r.IntN(5), r.IntN(8)
	img := image.NewNRGBA(image.Rect(0, 0, size, size))
	for y := range size {
		for x := range size {
			in := (x+offset)/width%2 == 0
			if class == "discs" {
				cell := 2*width + 8
				dx, dy := (x+offset)%cell-cell/2, (y+offset)%cell-cell/2
				in = dx*dx+dy*dy < width*width
			}
			c := back
			if in {
				c = front
			}
			c.R ^= uint8(r.IntN(16))
			img.SetNRGBA(x, y, c)
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func abs(n int) int { return max(n, -n) }

// groundTruth is the manifest line of a picture, as Ground Truth writes it.
func groundTruth(t testing.TB, bucket, key string, class int) []byte {
	t.Helper()
	line, err := json.Marshal(map[string]any{
		"source-ref": fmt.Sprintf("s3://%s/%s", bucket, key),
		"kind":       class,
		"kind-metadata": map[string]any{
			"class-name": classes[class], "confidence": 1, "type": "groundtruth/image-classification",
			"job-name": "labeling-job/kind", "human-annotated": "yes",
			"creation-date": time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Format("2006-01-02T15:04:05.000000"),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return append(line, '\n')
}
