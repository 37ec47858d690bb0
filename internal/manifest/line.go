package manifest

import (
	"bytes"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"mimeo/internal/customlabels"
)

// A Line is a line of a manifest, understood.
type Line struct {
	Entry      customlabels.Entry
	Image      customlabels.S3Location
	Attributes []Attribute // the valid ones, in the order of their names

	warnings []customlabels.EntryError
	classes  []map[string]string // the class maps
	boxes    int                 // of the attributes read so far, good and bad
	width    int                 // of the image, as the attributes read so far say it
	height   int
}

// A UseCase is what a label attribute says about an image, and what a model
// can learn from it. The zero value is no use case.
type UseCase string

// The use cases of label attributes, by the type of their metadata.
const (
	Classification UseCase = "groundtruth/image-classification"
	Detection      UseCase = "groundtruth/object-detection"
)

// Name returns the use case as the manifest summary names it.
func (u UseCase) Name() string {
	switch u {
	case Classification:
		return "IMAGE_LEVEL_LABELS"
	case Detection:
		return "OBJECT_LOCALIZATION"
	default:
		return "NOT_DETERMINED"
	}
}

// An Attribute is a valid label attribute: a label of the whole image, or
// bounding boxes.
type Attribute struct {
	Name    string
	UseCase UseCase
	Label   string // of a classification
	Width   int    // of the image, in pixels, as a detection says it
	Height  int
	Boxes   []Box // of a detection; the valid ones
}

// A Box is a bounding box in pixels from the top left corner of the image as
// it is stored. It is small: a manifest may have millions of them, and no
// image has a side of more than 4096.
type Box struct {
	Label                    string
	Left, Top, Width, Height int16
}

const (
	sourceRef = "source-ref"
	metadata  = "-metadata"
)

// own are the keys that the service itself adds to lines that it hands out.
var own = []string{"cl-metadata", "cl-errors", "errors", "warnings"}

// Parse reads one line. It fails with a Reason where the line cannot become
// an entry; all other errors are in the entry, also that the image has more
// labels or boxes than the limits say.
func Parse(text []byte, within Limits) (Line, error) {
	all, ok := readMembers(text)
	if !ok {
		return Line{}, InvalidJSON
	}
	source, ok := all.get(sourceRef)
	if !ok {
		return Line{}, MissingSourceRef
	}
	var ref string
	if err := json.Unmarshal(source, &ref); err != nil {
		return Line{}, InvalidSourceRef
	}
	image, ok := ParseRef(ref)
	if !ok {
		return Line{}, InvalidSourceRef
	}
	line := Line{Image: image, Entry: customlabels.Entry{SourceRef: ref, Line: string(withoutOwn(text))}}
	line.readAttributes(all, within)
	line.warn()
	return line, nil
}

// members are those of a JSON object, by their names. Values are parts of the
// text that was read.
type members []member

type member struct {
	name  string
	value jsontext.Value
}

func (m members) get(name string) (jsontext.Value, bool) {
	i, ok := slices.BinarySearchFunc(m, name, func(m member, name string) int { return strings.Compare(m.name, name) })
	if !ok {
		return nil, false
	}
	return m[i].value, true
}

// readMembers reads a text that is one JSON object, not nested too deep, no
// name in it twice.
func readMembers(text []byte) (members, bool) {
	if isTooDeep(text) {
		return nil, false
	}
	dec := jsontext.NewDecoder(bytes.NewBuffer(text))
	if token, err := dec.ReadToken(); err != nil || token.Kind() != '{' {
		return nil, false
	}
	var all members
	for dec.PeekKind() == '"' {
		token, err := dec.ReadToken()
		if err != nil {
			return nil, false
		}
		name := token.String()
		value, err := dec.ReadValue()
		if err != nil {
			return nil, false
		}
		end := dec.InputOffset()
		all = append(all, member{name, text[end-int64(len(value)) : end]})
	}
	if _, err := dec.ReadToken(); err != nil || len(bytes.TrimSpace(text[dec.InputOffset():])) > 0 {
		return nil, false
	}
	slices.SortFunc(all, func(a, b member) int { return strings.Compare(a.name, b.name) })
	return all, true
}

// maxDepth bounds how deep the objects and arrays of a line are nested. A
// valid line needs four levels.
const maxDepth = 32

// isTooDeep looks at a text that may be no JSON at all.
func isTooDeep(text []byte) bool {
	if bytes.Count(text, []byte{'{'})+bytes.Count(text, []byte{'['}) <= maxDepth {
		return false
	}
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\':
			i++
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// maxSourceRef is the longest source-ref that ListDatasetEntries can filter
// for, in bytes.
const maxSourceRef = 2048

// ParseRef returns the object that a source-ref names, s3://BUCKET/KEY.
func ParseRef(ref string) (customlabels.S3Location, bool) {
	rest, ok := strings.CutPrefix(ref, "s3://")
	bucket, key, slash := strings.Cut(rest, "/")
	if !ok || !slash || bucket == "" || key == "" || len(ref) > maxSourceRef || strings.ContainsAny(bucket, " \t?#\\") {
		return customlabels.S3Location{}, false
	}
	return customlabels.S3Location{Bucket: bucket, Key: key}, true
}

// readAttributes reads the pairs of a label attribute and its metadata. A
// line with nothing but a source-ref is an image that waits for its labels.
func (l *Line) readAttributes(all members, within Limits) {
	spoilt, pairs, others := false, 0, 0
	for _, m := range all {
		if m.name == sourceRef || slices.Contains(own, m.name) {
			continue
		}
		others++
		about, paired := all.get(m.name + metadata)
		if !paired {
			continue
		}
		pairs++
		p := pair{line: l, within: within, name: m.name, value: m.value, metadata: about}
		attribute, ok := p.read()
		spoilt = spoilt || p.spoilt
		if ok {
			l.Attributes = append(l.Attributes, attribute)
		}
	}
	switch {
	case pairs == 0 && others > 0:
		l.add(NoLabelAttributes, "", "")
	case spoilt:
		l.Attributes = nil
	case pairs > 0 && len(l.Attributes) == 0:
		l.add(NoValidLabelAttributes, "", "")
	}
	l.Entry.Labels = labels(l.Attributes)
	l.Entry.Declared = l.declared()
	if len(l.Entry.Labels) > within.LabelsPerImage {
		l.add(TooManyImageLabels, "", "")
		l.Attributes, l.Entry.Labels, l.Entry.Declared = nil, nil, nil
	}
}

// declared returns the labels that only class maps name, in order.
func (l *Line) declared() []string {
	if len(l.Attributes) == 0 {
		return nil
	}
	var all []string
	for _, classMap := range l.classes {
		for _, name := range classMap {
			bears := func(used customlabels.EntryLabel) bool { return used.Name == name }
			if !slices.Contains(all, name) && !slices.ContainsFunc(l.Entry.Labels, bears) {
				all = append(all, name)
			}
		}
	}
	slices.Sort(all)
	return all
}

// warn says where a valid line has nothing to learn from.
func (l *Line) warn() {
	empty := false
	for _, a := range l.Attributes {
		if a.UseCase == Detection && len(a.Boxes) == 0 {
			empty = true
			l.warnings = append(l.warnings, atAttribute(NoAttributeAnnotations, a.Name))
		}
	}
	switch {
	case len(l.Entry.Errors) > 0 || len(l.Entry.Labels) > 0:
	case empty:
		l.warnings = append(l.warnings, NoAnnotations.LineError())
	default:
		l.warnings = append(l.warnings, UnannotatedRecord.LineError())
	}
}

// Labels returns the labels of the whole image, each once, in order.
func (l *Line) Labels() []string {
	var all []string
	for _, a := range l.Attributes {
		if a.UseCase == Classification && !slices.Contains(all, a.Label) {
			all = append(all, a.Label)
		}
	}
	slices.Sort(all)
	return all
}

// Boxes returns the bounding boxes of all attributes, and the size of the
// image as they say it.
func (l *Line) Boxes() (boxes []Box, width, height int16) {
	for _, a := range l.Attributes {
		switch {
		case len(a.Boxes) == 0:
		case boxes == nil:
			boxes, width, height = slices.Clip(a.Boxes), int16(a.Width), int16(a.Height)
		default:
			boxes = append(boxes, a.Boxes...)
		}
	}
	return boxes, width, height
}

// add records an error at a place in the line.
func (l *Line) add(c Code, at jsontext.Pointer, attribute string) {
	l.Entry.Errors = append(l.Entry.Errors, customlabels.EntryError{Code: string(c), Message: c.message(attribute), At: string(at)})
}

func atAttribute(c Code, name string) customlabels.EntryError {
	return customlabels.EntryError{Code: string(c), Message: c.message(name), At: string(jsontext.Pointer("").AppendToken(name))}
}

// labels returns what the attributes mention, each label once, in the order
// of their names.
func labels(attributes []Attribute) []customlabels.EntryLabel {
	var all []customlabels.EntryLabel
	of := func(name string) *customlabels.EntryLabel {
		i, found := slices.BinarySearchFunc(all, name, func(l customlabels.EntryLabel, name string) int { return strings.Compare(l.Name, name) })
		if !found {
			all = slices.Insert(all, i, customlabels.EntryLabel{Name: name})
		}
		return &all[i]
	}
	for _, a := range attributes {
		if a.UseCase == Classification {
			of(a.Label)
		}
		for _, box := range a.Boxes {
			of(box.Label).Boxes++
		}
	}
	return all
}
