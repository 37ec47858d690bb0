package manifest

import (
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
}

// A UseCase is what a label attribute says about an image.
type UseCase string

// The use cases of label attributes, by the type of their metadata.
const (
	Classification UseCase = "groundtruth/image-classification"
	Detection      UseCase = "groundtruth/object-detection"
)

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

// A Box is a bounding box in pixels from the image's top left corner.
type Box struct {
	Label                    string
	Left, Top, Width, Height int
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
	var keys map[string]jsontext.Value
	if err := json.Unmarshal(text, &keys); err != nil || keys == nil {
		return Line{}, InvalidJSON
	}
	source, ok := keys[sourceRef]
	if !ok {
		return Line{}, MissingSourceRef
	}
	var ref string
	if err := json.Unmarshal(source, &ref); err != nil {
		return Line{}, InvalidSourceRef
	}
	image, ok := parseRef(ref)
	if !ok {
		return Line{}, InvalidSourceRef
	}
	line := Line{Image: image, Entry: customlabels.Entry{SourceRef: ref, Line: string(withoutOwn(text))}}
	line.readAttributes(keys, within)
	return line, nil
}

// maxSourceRef is the longest source-ref that ListDatasetEntries can filter
// for, in bytes.
const maxSourceRef = 2048

func parseRef(ref string) (customlabels.S3Location, bool) {
	rest, ok := strings.CutPrefix(ref, "s3://")
	bucket, key, slash := strings.Cut(rest, "/")
	if !ok || !slash || bucket == "" || key == "" || len(ref) > maxSourceRef || strings.ContainsAny(bucket, " \t?#\\") {
		return customlabels.S3Location{}, false
	}
	return customlabels.S3Location{Bucket: bucket, Key: key}, true
}

// readAttributes reads the pairs of a label attribute and its metadata. A
// line with nothing but a source-ref is an image that waits for its labels.
func (l *Line) readAttributes(keys map[string]jsontext.Value, within Limits) {
	var names []string
	others := 0
	for key := range keys {
		if key == sourceRef || slices.Contains(own, key) {
			continue
		}
		others++
		if _, paired := keys[key+metadata]; paired {
			names = append(names, key)
		}
	}
	if len(names) == 0 {
		if others > 0 {
			l.add(NoLabelAttributes, "", "")
		}
		return
	}
	slices.Sort(names)
	spoilt := false
	for _, name := range names {
		p := pair{line: l, within: within, name: name, value: keys[name], metadata: keys[name+metadata]}
		attribute, ok := p.read()
		spoilt = spoilt || p.spoilt
		if ok {
			l.Attributes = append(l.Attributes, attribute)
		}
	}
	switch {
	case spoilt:
		l.Attributes = nil
	case len(l.Attributes) == 0:
		l.add(NoValidLabelAttributes, "", "")
	}
	l.Entry.Labels = labels(l.Attributes)
	if len(l.Entry.Labels) > within.LabelsPerImage {
		l.add(TooManyImageLabels, "", "")
		l.Attributes, l.Entry.Labels = nil, nil
	}
}

// boxes counts those of the attributes that have been read.
func (l *Line) boxes() int {
	n := 0
	for _, a := range l.Attributes {
		n += len(a.Boxes)
	}
	return n
}

// add records an error at a place in the line.
func (l *Line) add(c Code, at jsontext.Pointer, attribute string) {
	l.Entry.Errors = append(l.Entry.Errors, customlabels.EntryError{Code: string(c), Message: c.message(attribute), At: string(at)})
}

// labels returns what the attributes mention, each label once, in the order
// of their names.
func labels(attributes []Attribute) []customlabels.EntryLabel {
	boxes := map[string]int{}
	for _, a := range attributes {
		if a.UseCase == Classification {
			boxes[a.Label] += 0
		}
		for _, box := range a.Boxes {
			boxes[box.Label]++
		}
	}
	var all []customlabels.EntryLabel
	for name, n := range boxes {
		all = append(all, customlabels.EntryLabel{Name: name, Boxes: n})
	}
	slices.SortFunc(all, func(a, b customlabels.EntryLabel) int { return strings.Compare(a.Name, b.Name) })
	return all
}
