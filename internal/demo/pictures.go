package demo

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
)

// An ink is the colour of a label in pictures.
type ink struct {
	name   string
	colour color.RGBA
}

// inks are taken in turn by the labels in their order.
var inks = []ink{
	{"red", color.RGBA{235, 50, 50, 255}},
	{"green", color.RGBA{60, 220, 70, 255}},
	{"blue", color.RGBA{60, 110, 255, 255}},
	{"yellow", color.RGBA{250, 220, 40, 255}},
	{"magenta", color.RGBA{240, 70, 230, 255}},
	{"cyan", color.RGBA{50, 225, 235, 255}},
	{"orange", color.RGBA{255, 145, 30, 255}},
	{"white", color.RGBA{255, 255, 255, 255}},
}

func inkOf(labels []string, label string) ink {
	return inks[max(slices.Index(labels, label), 0)%len(inks)]
}

// paint writes a PNG of every held-back image with its ground truth and what
// the copy found.
func (s *story) paint(ctx context.Context) error {
	labels := s.images.labels()
	for _, p := range s.outcome {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.paintOne(p, labels); err != nil {
			return fmt.Errorf("draw what was found on %s: %w", p.image.path, err)
		}
	}
	s.report.Pictures = s.Pictures
	var legend []string
	for _, label := range labels {
		legend = append(legend, label+" "+inkOf(labels, label).name)
	}
	s.say("%d pictures are in %s", len(s.outcome), s.Pictures)
	s.say("dashed: the ground truth; solid: what the copy found; %s", strings.Join(legend, ", "))
	return nil
}

func (s *story) paintOne(p prediction, labels []string) error {
	data, err := s.images.bytes(p.image)
	if err != nil {
		return err
	}
	canvas, err := decode(data)
	if err != nil {
		return err
	}
	paint(canvas, labels, p.image.boxes, p.found)
	file := filepath.Join(s.Pictures, filepath.FromSlash(p.image.path)) + ".png"
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	var out bytes.Buffer
	if err := png.Encode(&out, canvas); err != nil {
		return err
	}
	return os.WriteFile(file, out.Bytes(), 0o600)
}

// decode reads an image as it is stored: boxes refer to that, whatever its EXIF
// orientation says. The service has taken it before, so its size is bounded.
func decode(data []byte) (*image.RGBA, error) {
	read := png.Decode
	if bytes.HasPrefix(data, []byte("\xff\xd8")) {
		read = jpeg.Decode
	}
	stored, err := read(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	canvas := image.NewRGBA(image.Rectangle{Max: stored.Bounds().Size()})
	draw.Draw(canvas, canvas.Rect, stored, stored.Bounds().Min, draw.Src)
	return canvas, nil
}

// paint draws detections as solid frames and the ground truth over them as
// dashed ones, of the label's colour and black.
func paint(canvas *image.RGBA, labels []string, boxes []box, found []types.CustomLabel) {
	size := canvas.Rect.Size()
	wide := max(2, max(size.X, size.Y)/250)
	for _, label := range found {
		c := inkOf(labels, aws.ToString(label.Name)).colour
		stroke(canvas, pixels(boxOf(label), size), wide, func(int) color.RGBA { return c })
	}
	for _, b := range boxes {
		c := inkOf(labels, b.label).colour
		stroke(canvas, b.at, wide, func(along int) color.RGBA {
			if along/(4*wide)%2 == 0 {
				return c
			}
			return color.RGBA{A: 255}
		})
	}
}

// pixels turns a box in ratios of an image into pixels.
func pixels(b *types.BoundingBox, size image.Point) image.Rectangle {
	at := func(ratio float32, of int) int { return int(math.Round(float64(ratio) * float64(of))) }
	left, top := aws.ToFloat32(b.Left), aws.ToFloat32(b.Top)
	return image.Rect(at(left, size.X), at(top, size.Y), at(left+aws.ToFloat32(b.Width), size.X), at(top+aws.ToFloat32(b.Height), size.Y))
}

// stroke paints the frame that lies within a rectangle, as far as the canvas
// has it. The colour may change along it.
func stroke(canvas *image.RGBA, frame image.Rectangle, wide int, colour func(along int) color.RGBA) {
	frame = frame.Intersect(canvas.Rect)
	inner := frame.Inset(wide)
	for y := frame.Min.Y; y < frame.Max.Y; y++ {
		for x := frame.Min.X; x < frame.Max.X; x++ {
			if image.Pt(x, y).In(inner) {
				x = inner.Max.X - 1 // on to the right side
				continue
			}
			canvas.SetRGBA(x, y, colour(x+y))
		}
	}
}
