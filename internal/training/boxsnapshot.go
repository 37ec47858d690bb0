package training

import (
	"slices"
	"strconv"

	"mimeo/internal/manifest"
)

// objectsKey is that of what a detector found; classifications have a number
// behind it.
const objectsKey = "rekognition-custom-labels-evaluation"

// annotations are boxes as a manifest has them.
type annotations struct {
	Annotations []annotation `json:"annotations"`
	ImageSize   []imageSize  `json:"image_size"`
}

type annotation struct {
	ClassID int `json:"class_id"`
	Left    int `json:"left"`
	Top     int `json:"top"`
	Width   int `json:"width"`
	Height  int `json:"height"`
}

type imageSize struct {
	Width  int `json:"width"`
	Height int `json:"height"`
	Depth  int `json:"depth"`
}

type objectsMetadata struct {
	// Confidence is the highest of what was found; zero of nothing.
	Confidence     *float64          `json:"confidence,omitzero"`
	JobName        string            `json:"job-name"`
	ClassMap       map[string]string `json:"class-map"`
	HumanAnnotated string            `json:"human-annotated"`
	Objects        []objectMetadata  `json:"objects"`
	CreationDate   string            `json:"creation-date"`
	Type           manifest.UseCase  `json:"type"`
}

type objectMetadata struct {
	Confidence float64            `json:"confidence"`
	Details    *predictionDetails `json:"rekognition-custom-labels-evaluation-details,omitzero"`
}

// areas returns the boxes of a manifest with indices of labels, and the labels
// that the model does not know, whose indices follow those of the model.
func (p *plan) areas(boxes []manifest.Box) (all []area, others []string) {
	for _, b := range boxes {
		label, known := slices.BinarySearch(p.labels, b.Label)
		if !known {
			label = slices.Index(others, b.Label)
			if label < 0 {
				label, others = len(others), append(others, b.Label)
			}
			label += len(p.labels)
		}
		all = append(all, area{label, int(b.Left), int(b.Top), int(b.Width), int(b.Height)})
	}
	return all, others
}

// known are the boxes of labels that the model knows.
func (p *plan) known(boxes []manifest.Box) []area {
	all, _ := p.areas(boxes)
	return slices.DeleteFunc(all, func(a area) bool { return a.Label >= len(p.labels) })
}

// pairOf makes the value and the metadata of boxes, without what is said of
// each.
func (p *plan) pairOf(all []area, others []string, x manifest.Sample) (annotations, objectsMetadata) {
	value := annotations{Annotations: []annotation{}, ImageSize: []imageSize{{int(x.Width), int(x.Height), 3}}}
	m := objectsMetadata{ClassMap: map[string]string{}, Objects: []objectMetadata{}, Type: manifest.Detection}
	names := slices.Concat(p.labels, others)
	for _, a := range all {
		value.Annotations = append(value.Annotations, annotation{a.Label, a.Left, a.Top, a.Width, a.Height})
		m.ClassMap[strconv.Itoa(a.Label)] = names[a.Label]
	}
	return value, m
}

// trueBoxes adds the ground truth of an image.
func (p *plan) trueBoxes(line *jsonLine, x manifest.Sample, now string) {
	all, others := p.areas(x.Boxes)
	value, m := p.pairOf(all, others, x)
	m.JobName, m.HumanAnnotated, m.CreationDate = truthJob, "yes", now
	for range all {
		m.Objects = append(m.Objects, objectMetadata{Confidence: 1})
	}
	line.pair(truthKey+"0", value, m)
}

// foundBoxes adds what a detector found in an image, each box with its verdict
// at the assumed threshold of its label.
func (p *plan) foundBoxes(line *jsonLine, x manifest.Sample, s sighting, thresholds []float64, now string) {
	all := make([]area, len(s.found))
	highest := 0.0
	for i, f := range s.found {
		all[i] = f.area
		highest = max(highest, percentOf(f.Confidence))
	}
	value, m := p.pairOf(all, nil, x)
	m.Confidence = &highest
	m.JobName, m.HumanAnnotated, m.CreationDate = evaluateJob, "no", now
	for i, f := range s.found {
		details := verdict(counts(f.Confidence, thresholds[f.Label]), s.right[i])
		m.Objects = append(m.Objects, objectMetadata{percentOf(f.Confidence), &details})
	}
	line.pair(objectsKey, value, m)
}
