package demo_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/google/go-cmp/cmp"

	"mimeo/internal/demo"
	"mimeo/internal/demo/parts"
)

// sceneLine is a line of an image of some width and height with boxes, each a
// class, left, top, width and height.
func sceneLine(uri string, width, height int, classes []string, boxes [][5]int) string {
	var names, annotations, objects []string
	for i, class := range classes {
		names = append(names, fmt.Sprintf(`"%d":%q`, i, class))
	}
	for _, b := range boxes {
		annotations = append(annotations, fmt.Sprintf(`{"class_id":%d,"left":%d,"top":%d,"width":%d,"height":%d}`, b[0], b[1], b[2], b[3], b[4]))
		objects = append(objects, `{"confidence":1}`)
	}
	return fmt.Sprintf(`{"source-ref":%q,"b":{"image_size":[{"width":%d,"height":%d,"depth":3}],"annotations":[%s]},"b-metadata":{"objects":[%s],"class-map":{%s},"type":"groundtruth/object-detection","human-annotated":"yes","creation-date":"2026-01-01T00:00:00"}}`+"\n",
		uri, width, height, strings.Join(annotations, ","), strings.Join(objects, ","), strings.Join(names, ","))
}

// catLine is the line of an image with boxes of cats.
func catLine(uri string, boxes ...[4]int) string {
	var cats [][5]int
	for _, b := range boxes {
		cats = append(cats, [5]int{0, b[0], b[1], b[2], b[3]})
	}
	return sceneLine(uri, 100, 80, []string{"cat"}, cats)
}

func TestUserBoxes(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, manifest string
		want           [][]demo.Box
		wantErr        string
	}{
		{"boxes", catLine("s3://b/a.jpg", [4]int{1, 2, 30, 40}, [4]int{50, 2, 10, 10}), [][]demo.Box{{{"cat", image.Rect(1, 2, 31, 42)}, {"cat", image.Rect(50, 2, 60, 12)}}}, ""},
		{"an image without objects", catLine("s3://b/a.jpg"), [][]demo.Box{nil}, ""},
		{"an image-level label beside", strings.Replace(catLine("s3://b/a.jpg", [4]int{1, 2, 3, 4}), `{"source`, `{"l":0,"l-metadata":{"class-name":"x","type":"groundtruth/image-classification"},"source`, 1), [][]demo.Box{{{"cat", image.Rect(1, 2, 4, 6)}}}, ""},
		{"image-level labels only", line("s3://b/a.jpg", "x"), nil, "line 1: there are no bounding boxes"},
		{"a class without a name", strings.ReplaceAll(catLine("s3://b/a.jpg", [4]int{1, 2, 3, 4}), `"class_id":0`, `"class_id":7`), nil, "does not name the class 7"},
		{"no numbers", strings.ReplaceAll(catLine("s3://b/a.jpg", [4]int{1, 2, 3, 4}), `"left":1`, `"left":"1"`), nil, "line 1: read the bounding boxes"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			u := write(t, []string{"a.jpg"}, c.manifest)
			u.TestManifest = u.Manifest
			got, _, err := u.ReadBoxes(1)
			if c.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), c.wantErr) {
					t.Fatalf("error %v, want one that says %q", err, c.wantErr)
				}
				return
			}
			if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
				t.Errorf("%v; boxes (-want +got):\n%s", err, diff)
			}
		})
	}
}

// TestAFifthOfAllScenesIsHeldBack: what else an image shows makes it no
// exception.
func TestAFifthOfAllScenesIsHeldBack(t *testing.T) {
	t.Parallel()
	var files []string
	var manifest strings.Builder
	for i := range 15 {
		files = append(files, fmt.Sprintf("%d.jpg", i))
		manifest.WriteString(strings.ReplaceAll(catLine("s3://b/"+files[i], [4]int{1, 2, 3, 4}), "cat", files[i]))
	}
	train, test, err := write(t, files, manifest.String()).ReadBoxes(1)
	if err != nil || len(train) != 12 || len(test) != 3 {
		t.Errorf("%d to train on and %d held back, %v: want 12 and 3", len(train), len(test), err)
	}
}

// TestSceneLine: the line of a drawn scene is read back as the scene.
func TestSceneLine(t *testing.T) {
	t.Parallel()
	scene, err := parts.DrawScene(1, 0)
	if err != nil {
		t.Fatal(err)
	}
	text, err := demo.SceneLine(scene, "s3://b/"+scene.Name, time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	u := write(t, []string{scene.Name}, string(text)+"\n")
	u.TestManifest = u.Manifest
	got, _, err := u.ReadBoxes(1)
	var want []demo.Box
	for _, o := range scene.Objects {
		want = append(want, demo.Box{Label: string(o.Kind), At: o.Box})
	}
	if diff := cmp.Diff([][]demo.Box{want}, got); err != nil || diff != "" {
		t.Errorf("%v; boxes (-drawn +read):\n%s", err, diff)
	}
}

func boxed(name string, left, top, width, height float32) types.CustomLabel {
	l := label(name, 90)
	l.Geometry = &types.Geometry{BoundingBox: &types.BoundingBox{Left: &left, Top: &top, Width: &width, Height: &height}}
	return l
}

func TestIdenticalBoxes(t *testing.T) {
	t.Parallel()
	next := func(v float32) float32 { return math.Nextafter32(v, 1) }
	base := boxed("a", 0.1, 0.2, 0.3, 0.4)
	for name, other := range map[string]types.CustomLabel{
		"left": boxed("a", next(0.1), 0.2, 0.3, 0.4), "top": boxed("a", 0.1, next(0.2), 0.3, 0.4),
		"width": boxed("a", 0.1, 0.2, next(0.3), 0.4), "height": boxed("a", 0.1, 0.2, 0.3, next(0.4)), "no box": label("a", 90),
		"no sides": {Name: aws.String("a"), Confidence: aws.Float32(90), Geometry: &types.Geometry{BoundingBox: &types.BoundingBox{}}},
	} {
		if demo.Identical([]types.CustomLabel{base}, []types.CustomLabel{other}) {
			t.Errorf("%s: a box is identical to another one", name)
		}
	}
	if !demo.Identical([]types.CustomLabel{base}, []types.CustomLabel{boxed("a", 0.1, 0.2, 0.3, 0.4)}) {
		t.Error("a box is not identical to itself")
	}
}

func TestPaint(t *testing.T) {
	t.Parallel()
	canvas := image.NewRGBA(image.Rect(0, 0, 100, 80))
	ground := color.RGBA{9, 9, 9, 255}
	for i := range canvas.Pix {
		canvas.Pix[i] = []uint8{9, 9, 9, 255}[i%4]
	}
	truth := []demo.Box{{"cat", image.Rect(10, 10, 40, 40)}, {"dog", image.Rect(-9, 70, 1<<40, 1<<40)}}
	demo.Paint(canvas, []string{"cat", "dog"}, truth, []types.CustomLabel{boxed("dog", 0.5, 0.25, 0.25, 0.5)})
	red, green, black := color.RGBA{235, 50, 50, 255}, color.RGBA{60, 220, 70, 255}, color.RGBA{0, 0, 0, 255}
	for name, check := range map[string]struct {
		strip image.Rectangle
		want  []color.RGBA
	}{
		"the detection's top is solid":         {image.Rect(50, 20, 75, 22), []color.RGBA{green}},
		"its left side is solid":               {image.Rect(50, 20, 52, 60), []color.RGBA{green}},
		"its right side is solid":              {image.Rect(73, 20, 75, 60), []color.RGBA{green}},
		"its bottom is solid":                  {image.Rect(50, 58, 75, 60), []color.RGBA{green}},
		"within it nothing is drawn":           {image.Rect(52, 22, 73, 58), []color.RGBA{ground}},
		"around it nothing is drawn":           {image.Rect(76, 20, 100, 60), []color.RGBA{ground}},
		"the truth's top is dashed":            {image.Rect(10, 10, 40, 12), []color.RGBA{red, black}},
		"its left side is dashed":              {image.Rect(10, 10, 12, 40), []color.RGBA{red, black}},
		"within it nothing is drawn either":    {image.Rect(12, 12, 38, 38), []color.RGBA{ground}},
		"of an endless box, what is there":     {image.Rect(0, 70, 100, 72), []color.RGBA{green, black}},
		"above an endless box, nothing at all": {image.Rect(0, 62, 100, 70), []color.RGBA{ground}},
	} {
		got := make(map[color.RGBA]bool)
		for y := check.strip.Min.Y; y < check.strip.Max.Y; y++ {
			for x := check.strip.Min.X; x < check.strip.Max.X; x++ {
				got[canvas.RGBAAt(x, y)] = true
			}
		}
		want := make(map[color.RGBA]bool)
		for _, c := range check.want {
			want[c] = true
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: colours (-want +got):\n%s", name, diff)
		}
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	src := image.NewGray(image.Rect(0, 0, 7, 5))
	var asPNG, asJPEG bytes.Buffer
	if err := png.Encode(&asPNG, src); err != nil {
		t.Fatal(err)
	}
	if err := jpeg.Encode(&asJPEG, src, nil); err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string][]byte{"PNG": asPNG.Bytes(), "JPEG": asJPEG.Bytes()} {
		got, err := demo.Decode(file)
		if err != nil || got.Rect != src.Rect {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		if _, err := demo.Decode(file[:len(file)/2]); err == nil {
			t.Errorf("half a %s was read", name)
		}
	}
}
