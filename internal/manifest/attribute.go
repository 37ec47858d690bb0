package manifest

import (
	"bytes"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// The limits of a line that are no quotas.
const (
	maxLabelLength = 255 // characters
	minSide        = 64  // pixels
	maxSide        = 4096
	// trainedSide is the longest side that AWS trains with, in pixels: larger
	// images are scaled down to it, and their boxes with them.
	trainedSide = 1280
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

// read checks the pair, records what is wrong, and returns the attribute
// where something of it can be used.
func (p *pair) read() (Attribute, bool) {
	var m metadataKeys
	err := json.Unmarshal(p.metadata, &m, parsed)
	if err != nil {
		m.Type = typeOf(p.metadata)
	}
	switch {
	case m.Type == "":
		return p.fail(InvalidMetadataFormat, p.metadataAt())
	case m.Type != Classification && m.Type != Detection:
		return p.fail(UnsupportedUseCase, p.metadataAt())
	case err != nil || !m.isComplete():
		return p.fail(InvalidMetadataFormat, p.metadataAt())
	case m.Type == Classification:
		return p.classification(m)
	default:
		return p.detection(m)
	}
}

// parsed is for values that were read once, with all checks.
var parsed = jsontext.AllowDuplicateNames(true)

// metadataKeys are the keys of a label attribute's metadata. A pointer tells
// what is missing from what is zero.
type metadataKeys struct {
	Type           UseCase           `json:"type"`
	HumanAnnotated string            `json:"human-annotated"`
	CreationDate   string            `json:"creation-date"`
	Confidence     *float64          `json:"confidence"`
	ClassName      *string           `json:"class-name"`
	ClassMap       map[string]string `json:"class-map"`
	Objects        []object          `json:"objects"`
}

type object struct {
	Confidence presence `json:"confidence"`
}

// typeOf reads the type of metadata whose other keys cannot be read.
func typeOf(metadata jsontext.Value) UseCase {
	var m struct {
		Type UseCase `json:"type"`
	}
	if err := json.Unmarshal(metadata, &m, parsed); err != nil {
		return ""
	}
	return m.Type
}

func (m metadataKeys) isComplete() bool {
	return (m.HumanAnnotated == "yes" || m.HumanAnnotated == "no") && isDate(m.CreationDate)
}

// dates are the forms of a creation-date in AWS's samples and in what
// SageMaker writes. Each takes a fraction of a second.
var dates = []string{"2006-01-02T15:04:05", "2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04"}

func isDate(s string) bool {
	s = strings.Replace(s, " ", "T", 1)
	for _, form := range dates {
		if _, err := time.Parse(form, s); err == nil {
			return true
		}
	}
	return false
}

func (p *pair) classification(m metadataKeys) (Attribute, bool) {
	switch {
	case m.Confidence == nil || *m.Confidence < 0 || *m.Confidence > 1 || m.ClassName == nil:
		return p.fail(InvalidMetadataFormat, p.metadataAt())
	case !isLabel(*m.ClassName):
		return p.spoil(InvalidLabelNameLength, p.metadataAt())
	case !isInteger(p.value):
		return p.fail(InvalidAttributeFormat, p.attributeAt())
	}
	return Attribute{Name: p.name, UseCase: Classification, Label: *m.ClassName}, true
}

// isInteger reports whether a JSON value is an integer, however large.
func isInteger(v jsontext.Value) bool {
	digits := bytes.TrimPrefix(v, []byte("-"))
	return len(digits) > 0 && len(bytes.Trim(digits, "0123456789")) == 0
}

func isLabel(s string) bool {
	n := utf8.RuneCountInString(s)
	return n >= 1 && n <= maxLabelLength
}

// detectionKeys are the keys of an object-detection label attribute.
type detectionKeys struct {
	ImageSize   []size       `json:"image_size"`
	Annotations []annotation `json:"annotations"`
}

type size struct {
	Width  integer `json:"width"`
	Height integer `json:"height"`
	Depth  integer `json:"depth"`
}

type annotation struct {
	ClassID integer `json:"class_id"`
	Left    integer `json:"left"`
	Top     integer `json:"top"`
	Width   integer `json:"width"`
	Height  integer `json:"height"`
}

// An integer is one that may be missing.
type integer struct {
	value   int
	present bool
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (i *integer) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	v, err := dec.ReadValue()
	if err != nil || v.Kind() == 'n' {
		return err
	}
	i.value, err = strconv.Atoi(string(v))
	i.present = true
	return err
}

// A presence tells of a value that is not used whether it is there.
type presence bool

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (p *presence) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*p = dec.PeekKind() != 'n'
	return dec.SkipValue()
}

func (d detectionKeys) isComplete() bool {
	if len(d.ImageSize) != 1 || d.Annotations == nil {
		return false
	}
	for _, a := range d.Annotations {
		if !a.ClassID.present || !a.Left.present || !a.Top.present || !a.Width.present || !a.Height.present {
			return false
		}
	}
	size := d.ImageSize[0]
	return size.Width.present && size.Height.present && size.Depth.present
}

func (p *pair) detection(m metadataKeys) (Attribute, bool) {
	var d detectionKeys
	if err := json.Unmarshal(p.value, &d, parsed); err != nil || !d.isComplete() || !p.line.hasSize(d.ImageSize[0]) {
		return p.fail(InvalidAttributeFormat, p.attributeAt())
	}
	annotations := d.Annotations
	p.line.boxes += len(annotations)
	switch {
	case m.ClassMap == nil || m.Objects == nil:
		return p.fail(InvalidMetadataFormat, p.metadataAt())
	case p.line.boxes > p.within.BoxesPerImage:
		return p.spoil(TooManyBoxes, p.attributeAt())
	case !hasConfidences(m.Objects, len(annotations)):
		return p.spoil(MissingBoxConfidence, p.metadataAt())
	case !hasClasses(m.ClassMap, annotations):
		return p.spoil(MissingClassMapID, p.metadataAt())
	case !hasLabels(m.ClassMap):
		return p.spoil(InvalidLabelNameLength, p.metadataAt())
	case !isSide(p.line.width) || !isSide(p.line.height):
		return p.spoil(InvalidImageDimension, "")
	}
	p.line.classes = append(p.line.classes, m.ClassMap)
	attribute := Attribute{Name: p.name, UseCase: Detection, Width: p.line.width, Height: p.line.height}
	p.boxes(&attribute, annotations, m.ClassMap)
	if len(annotations) > 0 && len(attribute.Boxes) == 0 {
		return p.spoil(NoValidAnnotations, p.attributeAt())
	}
	return attribute, true
}

// hasSize reports whether the image can be of a size, after what an earlier
// attribute said.
func (l *Line) hasSize(s size) bool {
	if l.width == 0 {
		l.width, l.height = s.Width.value, s.Height.value
	}
	return l.width == s.Width.value && l.height == s.Height.value
}

func hasConfidences(objects []object, n int) bool {
	if len(objects) < n {
		return false
	}
	for _, o := range objects {
		if !o.Confidence {
			return false
		}
	}
	return true
}

func hasClasses(classMap map[string]string, annotations []annotation) bool {
	for _, a := range annotations {
		if _, ok := classMap[strconv.Itoa(a.ClassID.value)]; !ok {
			return false
		}
	}
	return true
}

func hasLabels(classMap map[string]string) bool {
	for _, name := range classMap {
		if !isLabel(name) {
			return false
		}
	}
	return true
}

func isSide(n int) bool { return n >= minSide && n <= maxSide }

// boxes adds the valid annotations to an attribute.
func (p *pair) boxes(to *Attribute, annotations []annotation, classMap map[string]string) {
	to.Boxes = make([]Box, 0, len(annotations))
	for i, a := range annotations {
		switch {
		case !a.isInside(to.Width, to.Height):
			p.line.add(InvalidBox, p.annotationAt(i), p.name)
		case a.isTooSmall(to.Width, to.Height):
			p.line.add(BoxTooSmall, p.annotationAt(i), p.name)
		default:
			to.Boxes = append(to.Boxes, Box{
				Label: classMap[strconv.Itoa(a.ClassID.value)], Left: int16(a.Left.value), Top: int16(a.Top.value),
				Width: int16(a.Width.value), Height: int16(a.Height.value),
			})
		}
	}
}

func (p *pair) annotationAt(i int) jsontext.Pointer {
	return p.attributeAt().AppendToken("annotations").AppendToken(strconv.Itoa(i))
}

// isInside is written so that no sum can overflow.
func (a annotation) isInside(width, height int) bool {
	return a.Left.value >= 0 && a.Top.value >= 0 && a.Width.value >= 0 && a.Height.value >= 0 &&
		a.Width.value <= width && a.Left.value <= width-a.Width.value &&
		a.Height.value <= height && a.Top.value <= height-a.Height.value
}

// isTooSmall reports whether a side of the box is not more than a pixel when
// the image has been scaled for training.
func (a annotation) isTooSmall(width, height int) bool {
	short, long := min(a.Width.value, a.Height.value), max(width, height)
	return short <= 1 || short*trainedSide <= long
}
