package manifest

import (
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The limits of a line that are no quotas.
const (
	maxLabelLength = 255 // characters
	minSide        = 64  // pixels
	maxSide        = 4096
)

// A pair is a label attribute and its metadata as a line has them.
type pair struct {
	line            *Line
	within          Limits
	name            string
	value, metadata jsontext.Value
	spoilt          bool // an error of this attribute spoils the whole line
}

func (p *pair) attributeAt() jsontext.Pointer { return jsontext.Pointer("").AppendToken(p.name) }

func (p *pair) metadataAt() jsontext.Pointer {
	return jsontext.Pointer("").AppendToken(p.name + metadata)
}

func (p *pair) fail(c Code, at jsontext.Pointer) (Attribute, bool) {
	p.line.add(c, at, p.name)
	return Attribute{}, false
}

// spoil is fail for an error that makes the whole line useless.
func (p *pair) spoil(c Code, at jsontext.Pointer) (Attribute, bool) {
	p.spoilt = true
	return p.fail(c, at)
}

// metadataKeys are the keys of a label attribute's metadata. A pointer tells
// what is missing from what is zero.
type metadataKeys struct {
	HumanAnnotated *string            `json:"human-annotated"`
	CreationDate   *string            `json:"creation-date"`
	Confidence     *float64           `json:"confidence"`
	ClassName      *string            `json:"class-name"`
	ClassMap       map[string]string  `json:"class-map"`
	Objects        []annotationObject `json:"objects"`
}

type annotationObject struct {
	Confidence *float64 `json:"confidence"`
}

// read checks the pair, records what is wrong, and returns the attribute
// where something of it can be used.
func (p *pair) read() (Attribute, bool) {
	var kind struct {
		Type *UseCase `json:"type"`
	}
	if err := json.Unmarshal(p.metadata, &kind); err != nil || kind.Type == nil {
		return p.fail(InvalidMetadataFormat, p.metadataAt())
	}
	if *kind.Type != Classification && *kind.Type != Detection {
		return p.fail(UnsupportedUseCase, p.metadataAt())
	}
	var m metadataKeys
	if err := json.Unmarshal(p.metadata, &m); err != nil || !m.isComplete() {
		return p.fail(InvalidMetadataFormat, p.metadataAt())
	}
	if *kind.Type == Classification {
		return p.classification(m)
	}
	return p.detection(m)
}

func (m metadataKeys) isComplete() bool {
	return m.HumanAnnotated != nil && (*m.HumanAnnotated == "yes" || *m.HumanAnnotated == "no") &&
		m.CreationDate != nil && *m.CreationDate != ""
}

func (p *pair) classification(m metadataKeys) (Attribute, bool) {
	if m.Confidence == nil || *m.Confidence < 0 || *m.Confidence > 1 || m.ClassName == nil {
		return p.fail(InvalidMetadataFormat, p.metadataAt())
	}
	if !isLabel(*m.ClassName) {
		return p.fail(InvalidLabelNameLength, p.metadataAt())
	}
	if _, err := strconv.ParseInt(string(p.value), 10, 64); err != nil {
		return p.fail(InvalidAttributeFormat, p.attributeAt())
	}
	return Attribute{Name: p.name, UseCase: Classification, Label: *m.ClassName}, true
}

func isLabel(s string) bool {
	n := utf8.RuneCountInString(s)
	return n >= 1 && n <= maxLabelLength
}

// detectionKeys are the keys of an object-detection label attribute.
type detectionKeys struct {
	ImageSize []struct {
		Width  *int `json:"width"`
		Height *int `json:"height"`
		Depth  *int `json:"depth"`
	} `json:"image_size"`
	Annotations *[]annotation `json:"annotations"`
}

type annotation struct {
	ClassID *int `json:"class_id"`
	Left    *int `json:"left"`
	Top     *int `json:"top"`
	Width   *int `json:"width"`
	Height  *int `json:"height"`
}

func (d detectionKeys) isComplete() bool {
	if len(d.ImageSize) != 1 || d.Annotations == nil {
		return false
	}
	for _, a := range *d.Annotations {
		if a.ClassID == nil || a.Left == nil || a.Top == nil || a.Width == nil || a.Height == nil {
			return false
		}
	}
	size := d.ImageSize[0]
	return size.Width != nil && size.Height != nil && size.Depth != nil
}

func (p *pair) detection(m metadataKeys) (Attribute, bool) {
	var d detectionKeys
	if err := json.Unmarshal(p.value, &d); err != nil || !d.isComplete() {
		return p.fail(InvalidAttributeFormat, p.attributeAt())
	}
	annotations := *d.Annotations
	switch {
	case m.ClassMap == nil:
		return p.fail(InvalidMetadataFormat, p.metadataAt())
	case p.line.boxes()+len(annotations) > p.within.BoxesPerImage:
		return p.spoil(TooManyBoxes, p.attributeAt())
	case !hasConfidences(m.Objects, len(annotations)):
		return p.spoil(MissingBoxConfidence, p.metadataAt())
	}
	for _, a := range annotations {
		name, ok := m.ClassMap[strconv.Itoa(*a.ClassID)]
		if !ok {
			return p.spoil(MissingClassMapID, p.metadataAt())
		}
		if !isLabel(name) {
			return p.fail(InvalidLabelNameLength, p.metadataAt())
		}
	}
	attribute := Attribute{Name: p.name, UseCase: Detection, Width: *d.ImageSize[0].Width, Height: *d.ImageSize[0].Height}
	if !isSide(attribute.Width) || !isSide(attribute.Height) {
		return p.spoil(InvalidImageDimension, "")
	}
	p.boxes(&attribute, annotations, m.ClassMap)
	if len(annotations) > 0 && len(attribute.Boxes) == 0 {
		return p.fail(NoValidAnnotations, p.attributeAt())
	}
	return attribute, true
}

func hasConfidences(objects []annotationObject, n int) bool {
	if len(objects) < n {
		return false
	}
	for _, o := range objects {
		if o.Confidence == nil {
			return false
		}
	}
	return true
}

func isSide(n int) bool { return n >= minSide && n <= maxSide }

// boxes adds the valid annotations to an attribute.
func (p *pair) boxes(to *Attribute, annotations []annotation, classMap map[string]string) {
	for i, a := range annotations {
		at := p.attributeAt().AppendToken("annotations").AppendToken(strconv.Itoa(i))
		box := Box{Label: classMap[strconv.Itoa(*a.ClassID)], Left: *a.Left, Top: *a.Top, Width: *a.Width, Height: *a.Height}
		switch {
		// Written so that no sum can overflow.
		case box.Left < 0 || box.Top < 0 || box.Width < 0 || box.Height < 0 ||
			box.Width > to.Width || box.Left > to.Width-box.Width ||
			box.Height > to.Height || box.Top > to.Height-box.Height:
			p.line.add(InvalidBox, at, p.name)
		case box.Width <= 1 || box.Height <= 1:
			p.line.add(BoxTooSmall, at, p.name)
		default:
			to.Boxes = append(to.Boxes, box)
		}
	}
}
