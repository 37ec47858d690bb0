package manifest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mimeo/internal/customlabels"
	"mimeo/internal/manifest"
)

// class is a valid label attribute and its metadata.
func class(name, label string) string {
	return fmt.Sprintf(`%q:0,"%s-metadata":{"confidence":1,"job-name":"j","class-name":%q,"human-annotated":"yes","creation-date":"2020-01-01T00:00:00.000000","type":"groundtruth/image-classification"}`, name, name, label)
}

// detection is an object-detection attribute with its metadata.
func detection(value, objects, classMap string) string {
	return fmt.Sprintf(`"bb":%s,"bb-metadata":{"objects":%s,"class-map":%s,"type":"groundtruth/object-detection","human-annotated":"yes","creation-date":"2020-01-01T00:00:00","job-name":"j"}`, value, objects, classMap)
}

func line(members ...string) string {
	return `{"source-ref":"s3://images/a/b c.jpg",` + strings.Join(members, ",") + "}"
}

const frame = `{"image_size":[{"width":640,"height":480,"depth":3}],"annotations":[%s]}`

func boxes(all ...string) string { return fmt.Sprintf(frame, strings.Join(all, ",")) }

func box(class, left, top, width, height int) string {
	return fmt.Sprintf(`{"class_id":%d,"left":%d,"top":%d,"width":%d,"height":%d}`, class, left, top, width, height)
}

func confidences(n int) string {
	return "[" + strings.TrimSuffix(strings.Repeat(`{"confidence":1},`, n), ",") + "]"
}

// TestParse: the labels of entries, and how many boxes have them. What is
// wrong with lines is TestManifests'.
func TestParse(t *testing.T) {
	t.Parallel()
	more := strings.ReplaceAll(detection(boxes(box(0, 7, 7, 9, 9)), confidences(1), cats), `"bb`, `"more`)
	label := func(name string, boxes int) customlabels.EntryLabel {
		return customlabels.EntryLabel{Name: name, Boxes: boxes}
	}
	type labels = []customlabels.EntryLabel
	for name, c := range map[string]struct {
		line   string
		labels labels
	}{
		"one label":      {line(class("x", "cat")), labels{label("cat", 0)}},
		"two labels":     {line(class("x", "dog"), class("y", "cat")), labels{label("cat", 0), label("dog", 0)}},
		"a label twice":  {line(class("x", "cat"), class("y", "cat")), labels{label("cat", 0)}},
		"boxes":          {line(detection(boxes(box(0, 0, 0, 640, 480), box(1, 5, 5, 9, 9), box(0, 1, 1, 2, 2)), confidences(3), cats)), labels{label("cat", 2), label("dog", 1)}},
		"boxes in two":   {line(twoBoxes(), more), labels{label("cat", 2), label("dog", 1)}},
		"no boxes":       {line(detection(boxes(), "[]", cats)), nil},
		"both kinds":     {line(class("x", "cow"), class("y", "cat"), detection(boxes(box(0, 5, 5, 9, 9)), confidences(1), cats)), labels{label("cat", 1), label("cow", 0)}},
		"a box is off":   {line(detection(boxes(box(0, 635, 0, 9, 9), box(1, 1, 1, 9, 9)), confidences(2), cats)), labels{label("dog", 1)}},
		"a bad pair":     {line(but(class("x", "cat"), `"x":0`, `"x":[0]`), class("y", "dog")), labels{label("dog", 0)}},
		"spoilt":         {line(but(twoBoxes(), `{"confidence":1},`, ``), class("x", "cow")), nil},
		"unlabeled":      {`{"source-ref":"s3://b/k"}`, nil},
		"49 and 2 boxed": {line(append(numbered(49), twoBoxes())...), nil},
	} {
		got, err := manifest.Parse([]byte(c.line), standard)
		if diff := cmp.Diff(c.labels, got.Entry.Labels); diff != "" || err != nil {
			t.Errorf("%s: labels (-want +got), %v:\n%s", name, err, diff)
		}
	}
}

func TestParseDeclaredLabels(t *testing.T) {
	t.Parallel()
	more := strings.ReplaceAll(detection(boxes(), "[]", `{"0":"cow","9":"elk"}`), `"bb`, `"more`)
	for name, c := range map[string]struct {
		line string
		want []string
	}{
		"all used":     {line(twoBoxes()), nil},
		"one unused":   {line(but(twoBoxes(), cats, `{"0":"cat","1":"dog","2":"cow"}`)), []string{"cow"}},
		"no boxes":     {line(detection(boxes(), "[]", cats)), []string{"cat", "dog"}},
		"two maps":     {line(detection(boxes(), "[]", cats), more, class("x", "elk")), []string{"cat", "cow", "dog"}},
		"a box is off": {line(detection(boxes(box(0, -1, 0, 9, 9), box(1, 1, 1, 9, 9)), confidences(2), cats)), []string{"cat"}},
		"spoilt":       {line(but(twoBoxes(), `{"confidence":1},`, ``)), nil},
	} {
		got, err := manifest.Parse([]byte(c.line), standard)
		if diff := cmp.Diff(c.want, got.Entry.Declared); diff != "" || err != nil {
			t.Errorf("%s: declared (-want +got), %v:\n%s", name, err, diff)
		}
	}
}

func TestTheLimitsOfAnImageAreTheCallers(t *testing.T) {
	t.Parallel()
	two := line(class("x", "cat"), detection(boxes(box(0, 0, 0, 9, 9), box(0, 9, 9, 9, 9)), confidences(2), `{"0":"dog"}`))
	for name, c := range map[string]struct {
		within manifest.Limits
		want   string // the code of the error
	}{
		"both kept":  {manifest.Limits{LabelsPerImage: 2, BoxesPerImage: 2}, ""},
		"one label":  {manifest.Limits{LabelsPerImage: 1, BoxesPerImage: 2}, "ERROR_MANIFEST_TOO_MANY_LABELS"},
		"one box":    {manifest.Limits{LabelsPerImage: 2, BoxesPerImage: 1}, "ERROR_TOO_MANY_BOUNDING_BOXES"},
		"no box":     {manifest.Limits{LabelsPerImage: 2}, "ERROR_TOO_MANY_BOUNDING_BOXES"},
		"not at all": {manifest.Limits{BoxesPerImage: 2}, "ERROR_MANIFEST_TOO_MANY_LABELS"},
	} {
		l, err := manifest.Parse([]byte(two), c.within)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := ""
		for _, e := range l.Entry.Errors {
			got += e.Code
		}
		if got != c.want || (len(l.Attributes) == 2) != (c.want == "") {
			t.Errorf("%s: error %q and %d attributes, want %q", name, got, len(l.Attributes), c.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		line string
		want manifest.Reason
	}{
		"nothing":        {"", manifest.InvalidJSON},
		"null":           {"null", manifest.InvalidJSON},
		"a list":         {`["source-ref"]`, manifest.InvalidJSON},
		"cut":            {`{"source-ref":"s3://a/b"`, manifest.InvalidJSON},
		"two":            {`{"source-ref":"s3://a/b"}{}`, manifest.InvalidJSON},
		"a name twice":   {`{"source-ref":"s3://a/b","source-ref":"s3://a/c"}`, manifest.InvalidJSON},
		"a label twice":  {line(class("x", "cat"), class("x", "dog")), manifest.InvalidJSON},
		"not UTF-8":      {"{\"source-ref\":\"s3://a/\xff\"}", manifest.InvalidJSON},
		"no source-ref":  {`{"x":1}`, manifest.MissingSourceRef},
		"a number":       {`{"source-ref":1}`, manifest.InvalidSourceRef},
		"https":          {`{"source-ref":"https://a/b"}`, manifest.InvalidSourceRef},
		"no bucket":      {`{"source-ref":"s3:///b"}`, manifest.InvalidSourceRef},
		"no key":         {`{"source-ref":"s3://a/"}`, manifest.InvalidSourceRef},
		"no slash":       {`{"source-ref":"s3://a"}`, manifest.InvalidSourceRef},
		"odd bucket":     {`{"source-ref":"s3://a b/c"}`, manifest.InvalidSourceRef},
		"key of 3 KiB":   {`{"source-ref":"s3://a/` + strings.Repeat("k", 3072) + `"}`, manifest.InvalidSourceRef},
		"nested for fun": {strings.Repeat("[", 20_000), manifest.InvalidJSON},
	}
	for name, c := range cases {
		got, err := manifest.Parse([]byte(c.line), standard)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %+v, %v, want %v", name, got, err, c.want)
		}
		if e := c.want.LineError(); e.Code == "" || e.Message == "" || c.want.Describe() == "" {
			t.Errorf("%s: LineError is %+v", name, e)
		}
	}
}

func TestAnnotate(t *testing.T) {
	t.Parallel()
	given := `{ "z":1.50, "source-ref":"s3://images/a.jpg", ` + detection(boxes(box(0, 1, 1, 1, 1), box(0, 700, 1, 9, 9)), confidences(2), `{"0":"cat"}`) + `,"a":[{"cl-errors":[1]},"cl-errors"],"cl-metadata":{"is_labeled":true}}`
	l, err := manifest.Parse([]byte(given), standard)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(l.Entry.Line, "cl-metadata") || strings.Contains(l.Entry.Line, "[1]") {
		t.Errorf("the stored line has the service's own keys: %s", l.Entry.Line)
	}
	want := `{"z":1.50,"source-ref":"s3://images/a.jpg","bb":{"image_size":[{"width":640,"height":480,"depth":3}],"annotations":[` +
		`{"class_id":0,"left":1,"top":1,"width":1,"height":1,"cl-errors":[{"code":"ERROR_BOUNDING_BOX_TOO_SMALL","message":"The height and width of the bounding box is too small."}]},` +
		`{"class_id":0,"left":700,"top":1,"width":9,"height":9,"cl-errors":[{"code":"ERROR_INVALID_BOUNDING_BOX","message":"The bounding box has off frame values."}]}],` +
		`"cl-errors":[{"code":"ERROR_NO_VALID_ANNOTATIONS","message":"No valid annotations found."}]},` +
		`"bb-metadata":{"objects":[{"confidence":1},{"confidence":1}],"class-map":{"0":"cat"},"type":"groundtruth/object-detection","human-annotated":"yes","creation-date":"2020-01-01T00:00:00","job-name":"j"},` +
		`"a":[{},"cl-errors"],"cl-metadata":{"is_labeled":false}}`
	if diff := cmp.Diff(want, manifest.Annotate(l.Entry)); diff != "" {
		t.Errorf("Annotate (-want +got):\n%s", diff)
	}
	at := []customlabels.EntryError{{Code: "C", Message: "m", At: "/z"}}
	if got := manifest.WithErrors(`{"z":1}`, "errors", at); got != `{"z":1,"errors":[{"code":"C","message":"m"}]}` {
		t.Errorf("an error in a place that is no object: %s", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(line(class("x", "cat"), class("y", "dog")))
	f.Add(line(detection(boxes(box(0, 1, 1, 9, 9)), confidences(1), `{"0":"cat"}`)))
	f.Add(`{"source-ref":"s3://a/b","cl-errors":[],"x":1,"x-metadata":{"cl-errors":{}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		l, err := manifest.Parse([]byte(text), standard)
		if err != nil {
			if !errors.As(err, new(manifest.Reason)) {
				t.Fatalf("refused with %v, which is no Reason", err)
			}
			return
		}
		again, err := manifest.Parse([]byte(manifest.Annotate(l.Entry)), standard)
		if err != nil {
			t.Fatalf("what is listed cannot be fed back in: %v", err)
		}
		if diff := cmp.Diff(l.Entry.Labels, again.Entry.Labels); diff != "" || again.Entry.SourceRef != l.Entry.SourceRef {
			t.Fatalf("fed back in it is %q (%q before), labels (-before +after):\n%s", again.Entry.SourceRef, l.Entry.SourceRef, diff)
		}
	})
}

func ExampleParse() {
	text := `{"source-ref":"s3://images/nut.jpg","kind":0,"kind-metadata":{"confidence":1,` +
		`"class-name":"nut","type":"groundtruth/image-classification","human-annotated":"yes","creation-date":"2026-01-01T00:00:00"}}`
	l, err := manifest.Parse([]byte(text), manifest.Limits{LabelsPerImage: 50, BoxesPerImage: 50})
	fmt.Println(l.Image.Key, l.Entry.Labels, err)
	// Output: nut.jpg [{nut 0}] <nil>
}
