package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"slices"
	"strconv"
	"time"

	"mimeo/internal/demo/parts"
)

// How many scenes are drawn, and what mAP the copy has to reach on those that
// are held back.
const (
	scenesToTrain  = 90
	scenesToTest   = 20
	drawnPrecision = 0.5
)

// detection is the type of a label attribute of bounding boxes.
const detection = "groundtruth/object-detection"

// A box is where an object is, in pixels of the image as it is stored.
type box struct {
	label string
	at    image.Rectangle
}

// An annotation is a box as a manifest has it.
type annotation struct {
	ClassID int `json:"class_id"`
	Left    int `json:"left"`
	Top     int `json:"top"`
	Width   int `json:"width"`
	Height  int `json:"height"`
}

// sceneTruth is what a drawn scene shows.
func sceneTruth(scene parts.Scene) truth {
	boxes := []box{}
	for _, o := range scene.Objects {
		boxes = append(boxes, box{string(o.Kind), o.Box})
	}
	return objectTruth(boxes)
}

func objectTruth(boxes []box) truth {
	t := truth{boxes: boxes}
	for _, b := range boxes {
		t.labels = append(t.labels, b.label)
	}
	slices.Sort(t.labels)
	t.labels = slices.Compact(t.labels)
	return t
}

// newBoxEntry labels a drawn scene as a person would in Ground Truth.
func newBoxEntry(boxes []box, at time.Time) entry {
	classes, annotations := map[string]string{}, []annotation{}
	for i, kind := range parts.Kinds() {
		classes[strconv.Itoa(i)] = string(kind)
	}
	for _, b := range boxes {
		annotations = append(annotations, annotation{
			slices.Index(parts.Kinds(), parts.Kind(b.label)), b.at.Min.X, b.at.Min.Y, b.at.Dx(), b.at.Dy(),
		})
	}
	sure := map[string]float64{"confidence": 1}
	return newEntry("boxes", map[string]any{
		"image_size":  []map[string]int{{"width": parts.SceneWidth, "height": parts.SceneHeight, "depth": 3}},
		"annotations": annotations,
	}, detection, at, map[string]any{"class-map": classes, "objects": slices.Repeat([]any{sure}, len(boxes))})
}

// objects reads the bounding boxes of a line.
func (e entry) objects() (truth, error) {
	boxes, there := []box{}, false
	for value, raw := range e.attributes() {
		var metadata struct {
			Type     string            `json:"type"`
			ClassMap map[string]string `json:"class-map"`
		}
		if json.Unmarshal(raw, &metadata) != nil || metadata.Type != detection {
			continue
		}
		there = true
		var attribute struct {
			Annotations []annotation `json:"annotations"`
		}
		if err := json.Unmarshal(value, &attribute); err != nil {
			return truth{}, fmt.Errorf("read the bounding boxes: %w", err)
		}
		for _, a := range attribute.Annotations {
			label, ok := metadata.ClassMap[strconv.Itoa(a.ClassID)]
			if !ok {
				return truth{}, fmt.Errorf("the class-map does not name the class %d", a.ClassID)
			}
			boxes = append(boxes, box{label, image.Rect(a.Left, a.Top, a.Left+a.Width, a.Top+a.Height)})
		}
	}
	if !there {
		return truth{}, errors.New("there are no bounding boxes")
	}
	return objectTruth(boxes), nil
}
