package demo

import (
	"image"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"

	"mimeo/internal/demo/parts"
)

// The rules of the story that tests hold to their word.
var (
	Identical = identical
	Right     = right
	Decode    = decode
)

// ServeWith is Serve with families of the test's own.
var ServeWith = serve

// A Box is where an object is.
type Box struct {
	Label string
	At    image.Rectangle
}

// Paint draws boxes and detections, in the colours of labels.
func Paint(canvas *image.RGBA, labels []string, boxes []Box, found []types.CustomLabel) {
	var truth []box
	for _, b := range boxes {
		truth = append(truth, box{b.Label, b.At})
	}
	paint(canvas, labels, truth, found)
}

// SceneLine is the manifest line of a drawn scene.
func SceneLine(scene parts.Scene, uri string, at time.Time) ([]byte, error) {
	return newBoxEntry(sceneTruth(scene).boxes, at).at(uri)
}

// ReadBoxes reads a user's images with boxes.
func (u UserImages) ReadBoxes(seed uint64) (train, test [][]Box, err error) {
	set, err := u.read(seed, entry.objects)
	return boxesOf(set.train), boxesOf(set.test), err
}

func boxesOf(images []labelled) (all [][]Box) {
	for _, image := range images {
		var boxes []Box
		for _, b := range image.boxes {
			boxes = append(boxes, Box{b.label, b.at})
		}
		all = append(all, boxes)
	}
	return all
}

// Found is what reading a user's manifests gave: paths and labels.
type Found struct {
	Path   string
	Labels []string
}

// Read reads a user's images.
func (u UserImages) Read(seed uint64) (train, test []Found, err error) {
	set, err := u.read(seed, entry.imageLabels)
	return found(set.train), found(set.test), err
}

func found(images []labelled) []Found {
	var all []Found
	for _, image := range images {
		all = append(all, Found{image.path, image.labels})
	}
	return all
}
