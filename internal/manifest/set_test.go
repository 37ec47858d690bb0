package manifest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mimeo/internal/customlabels"
	"mimeo/internal/manifest"
)

// texts are AWS's messages, as the guide has them.
var texts = map[string]string{
	"ERROR_MISSING_SOURCE_REF":                      "The source-ref key is missing.",
	"ERROR_INVALID_SOURCE_REF_FORMAT":               "The format of the source-ref value is invalid.",
	"ERROR_NO_LABEL_ATTRIBUTES":                     "No label attributes found.",
	"ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT":          "The format of the label attribute {} is invalid.",
	"ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT": "The format of the label attribute metadata is invalid.",
	"ERROR_NO_VALID_LABEL_ATTRIBUTES":               "No valid label attributes found.",
	"ERROR_MISSING_BOUNDING_BOX_CONFIDENCE":         "One or more bounding boxes has a missing confidence value.",
	"ERROR_MISSING_CLASS_MAP_ID":                    "One of more class ids is missing from the class map.",
	"ERROR_INVALID_JSON_LINE":                       "The JSON Line has an invalid format.",
	"ERROR_INVALID_IMAGE":                           "The image is invalid. Check S3 path and/or image properties.",
	"ERROR_INVALID_IMAGE_DIMENSION":                 "The image dimension(s) do not conform to allowed dimensions.",
	"ERROR_INVALID_BOUNDING_BOX":                    "The bounding box has off frame values.",
	"ERROR_BOUNDING_BOX_TOO_SMALL":                  "The height and width of the bounding box is too small.",
	"ERROR_TOO_MANY_BOUNDING_BOXES":                 "There are more bounding boxes than the allowed maximum.",
	"ERROR_NO_VALID_ANNOTATIONS":                    "No valid annotations found.",
	"ERROR_UNSUPPORTED_USE_CASE_TYPE":               "The use case type of the {} label attribute metadata is unsupported. Check the type field.",
	"WARNING_UNANNOTATED_RECORD":                    "Record is unannotated.",
	"WARNING_NO_ANNOTATIONS":                        "No annotations were found.",
	"WARNING_NO_ATTRIBUTE_ANNOTATIONS":              "No attribute annotations were found.",
	// AWS has no text for these.
	"ERROR_INVALID_LABEL_NAME_LENGTH": "The length of the label name is invalid.",
	"ERROR_MANIFEST_TOO_MANY_LABELS":  "The image has more labels than the allowed maximum.",
}

// load reads a manifest as a training does.
func load(t testing.TB, text string, within manifest.Limits) (*manifest.Set, []manifest.Raw) {
	t.Helper()
	s, lines := manifest.NewSet(within), manifest.NewReader(strings.NewReader(text), within)
	var all []manifest.Raw
	for {
		raw, err := lines.Next()
		if errors.Is(err, io.EOF) {
			return s, all
		}
		if err != nil {
			t.Fatal(err)
		}
		s.Add(raw)
		all = append(all, manifest.Raw{Number: raw.Number, Text: slices.Clone(raw.Text), Refused: raw.Refused})
	}
}

// TestManifests has every rule of a manifest's lines: what becomes of them,
// and what the validation manifest and the summary say.
func TestManifests(t *testing.T) {
	t.Parallel()
	cases := slices.Concat(lineCases(), setCases())
	if len(cases) < 120 {
		t.Errorf("there are %d manifests only", len(cases))
	}
	names := map[string]bool{}
	for _, c := range cases {
		if names[c.name] {
			t.Errorf("two manifests are called %q", c.name)
		}
		names[c.name] = true
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, raws := load(t, strings.Join(c.lines, "\n")+"\n", standard)
			s.CheckLines()
			use := s.UseCase()
			s.Settle(use)
			if diff := cmp.Diff(c.want, verdicts(t, s, raws)); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
			summary := manifest.Summarize(s, manifest.NewSet(standard), nil).Statistics.Training
			compareSummary(t, summary, c.want)
			var codes []string
			for _, e := range summary.Errors {
				codes = append(codes, e.Code)
			}
			if got := strings.Join(codes, " "); len(c.lines) > 1 && (got != c.fail || summary.UseCase != c.use) {
				t.Errorf("%s with errors %q, want %s with %q", summary.UseCase, got, c.use, c.fail)
			}
		})
	}
}

// compareSummary compares the counts with what was wanted of the lines.
func compareSummary(t *testing.T, got manifest.Statistics, lines []string) {
	t.Helper()
	want := manifest.Statistics{UseCase: got.UseCase, Errors: got.Errors, TotalJSONLines: len(lines)}
	for i, line := range lines {
		switch verdict, _, _ := strings.Cut(line, " "); verdict {
		case "valid":
			want.ValidJSONLines++
		case "invalid":
			want.InvalidJSONLines++
		case "ignored":
			want.IgnoredJSONLines++
		}
		if strings.Contains(line, "ERROR_") {
			want.ErrorJSONLineIndices = append(want.ErrorJSONLineIndices, i+1)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
}

// verdicts tells of every line whether it is used, and what the validation
// manifest has at it.
func verdicts(t *testing.T, s *manifest.Set, raws []manifest.Raw) (all []string) {
	t.Helper()
	used := map[int]bool{}
	for _, x := range s.Samples() {
		used[x.Number] = true
	}
	for i, raw := range raws {
		shown := s.Show(i+1, raw)
		var value any
		if err := json.Unmarshal([]byte(shown), &value); err != nil || strings.Contains(shown, "\n") {
			t.Fatalf("line %d is shown as %q: %v", i+1, shown, err)
		}
		var found []string
		walk(t, value, "", &found)
		verdict := "ignored"
		switch {
		case used[i+1]:
			verdict = "valid"
		case strings.Contains(strings.Join(found, " "), "ERROR_"):
			verdict = "invalid"
		}
		all = append(all, strings.TrimSpace(verdict+" "+strings.Join(found, ", ")))
	}
	return all
}

// walk finds the arrays of errors and warnings in a line, those of the line
// itself last.
func walk(t *testing.T, value any, place string, found *[]string) {
	switch v := value.(type) {
	case []any:
		for i, item := range v {
			walk(t, item, place+"/"+strconv.Itoa(i), found)
		}
	case map[string]any:
		var names []string
		for name := range v {
			if name != "errors" && name != "warnings" {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		for _, name := range names {
			walk(t, v[name], place+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(name), found)
		}
		for _, kind := range []string{"errors", "warnings"} {
			list, _ := v[kind].([]any)
			for _, item := range list {
				*found = append(*found, describe(t, item, place))
			}
		}
	}
}

func describe(t *testing.T, item any, place string) string {
	e, _ := item.(map[string]any)
	code, message := fmt.Sprint(e["code"]), fmt.Sprint(e["message"])
	before, after, _ := strings.Cut(texts[code], "{}")
	earlier := code == "ERROR_INVALID_SOURCE_REF_FORMAT" && message == "The source-ref value is that of an earlier JSON Line."
	if before == "" || !earlier && (!strings.HasPrefix(message, before) || !strings.HasSuffix(message, after) || after == "" && message != before) {
		t.Errorf("%s says %q", code, message)
	}
	if place == "" {
		place = "/"
	}
	return place + " " + code
}

// TestUnusableImages: images that cannot be used make their lines invalid, and
// count with all other lines that are.
func TestUnusableImages(t *testing.T) {
	t.Parallel()
	s, raws := load(t, strings.Join(append(several(9, func(key string) string { return classAt(key, "cat") }), "x"), "\n"), standard)
	s.CheckLines()
	s.Settle(s.UseCase())
	bad := manifest.InvalidImage.LineError()
	s.Drop(map[int]customlabels.EntryError{2: bad})
	if len(s.Errors()) > 0 || len(s.Samples()) != 8 {
		t.Errorf("a fifth of the lines is invalid: %v, %d samples", s.Errors(), len(s.Samples()))
	}
	s.Drop(map[int]customlabels.EntryError{9: bad})
	s.Drop(map[int]customlabels.EntryError{8: bad})
	if diff := cmp.Diff([]manifest.ContentError{manifest.ErrTooManyInvalidRows}, s.Errors()); diff != "" {
		t.Errorf("more than a fifth (-want +got):\n%s", diff)
	}
	got := manifest.Summarize(s, manifest.NewSet(standard), nil).Statistics.Training
	want := manifest.Statistics{UseCase: "NOT_DETERMINED", TotalJSONLines: 10, ValidJSONLines: 6, InvalidJSONLines: 4,
		ErrorJSONLineIndices: []int{2, 8, 9, 10}, Errors: []manifest.ContentError{manifest.ErrTooManyInvalidRows}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
	if got, want := verdicts(t, s, raws)[1], "invalid / ERROR_INVALID_IMAGE"; got != want {
		t.Errorf("the line of the image is shown with %q, want %q", got, want)
	}
}

func TestCheckLabels(t *testing.T) {
	t.Parallel()
	labelled := func(labels ...string) string {
		var lines []string
		for i, l := range labels {
			lines = append(lines, classAt(fmt.Sprint(l, i), l))
		}
		return strings.Join(lines, "\n")
	}
	boxed := func(labels ...string) string {
		var lines []string
		for i, l := range labels {
			lines = append(lines, at(fmt.Sprint(l, i), detection(boxes(box(0, 1, 1, 9, 9)), confidences(1), fmt.Sprintf(`{"0":%q}`, l))))
		}
		return strings.Join(lines, "\n")
	}
	few := standard
	few.Labels = 3
	for name, c := range map[string]struct {
		train, test string
		drop        []int // lines of the training set whose images cannot be used
		want        string
	}{
		"as it should be":           {labelled("a", "b"), labelled("a", "b"), nil, ""},
		"one label":                 {labelled("a", "a"), labelled("a", "b"), nil, "train ERROR_MANIFEST_TOO_FEW_LABELS"},
		"one label to test":         {labelled("a", "b"), labelled("a", "a"), nil, "test ERROR_MANIFEST_TOO_FEW_LABELS"},
		"one label of boxes":        {boxed("a"), boxed("a"), nil, ""},
		"no label of boxes to test": {boxed("a"), at("x"), nil, "test ERROR_MANIFEST_TOO_FEW_LABELS ERROR_INSUFFICIENT_LABEL_OVERLAP"},
		"as many as may be":         {labelled("a", "b", "c"), labelled("a", "b", "c"), nil, ""},
		"one more":                  {labelled("a", "b", "c", "d"), labelled("a", "b"), nil, "train ERROR_MANIFEST_TOO_MANY_LABELS"},
		"one more to test":          {labelled("a", "b"), labelled("a", "b", "c", "d"), nil, "test ERROR_MANIFEST_TOO_MANY_LABELS"},
		"half in common":            {labelled("a", "b"), labelled("a", "c"), nil, ""},
		"a third in common":         {labelled("a", "b", "c"), labelled("a", "d"), nil, "ERROR_INSUFFICIENT_LABEL_OVERLAP"},
		"none in common":            {labelled("a", "b"), labelled("c", "d"), nil, "ERROR_INSUFFICIENT_LABEL_OVERLAP"},
		"an image gone":             {labelled("a", "a", "a", "a", "b"), labelled("a", "b"), []int{5}, "train ERROR_MANIFEST_TOO_FEW_USABLE_LABELS"},
		"labels of another kind":    {labelled("a", "a", "a") + "\n" + boxed("b"), labelled("a", "b"), nil, "train ERROR_MANIFEST_TOO_FEW_USABLE_LABELS"},
		"a test of another kind":    {labelled("a", "b"), boxed("a", "b"), nil, "test ERROR_MANIFEST_TOO_FEW_USABLE_LABELS ERROR_INSUFFICIENT_USABLE_LABEL_OVERLAP"},
		"boxes tested by labels":    {boxed("a"), labelled("a"), nil, "test ERROR_MANIFEST_TOO_FEW_USABLE_LABELS ERROR_INSUFFICIENT_USABLE_LABEL_OVERLAP"},
	} {
		train, _ := load(t, c.train, few)
		test, _ := load(t, c.test, few)
		use := train.UseCase()
		train.Settle(use)
		test.Settle(use)
		bad := map[int]customlabels.EntryError{}
		for _, n := range c.drop {
			bad[n] = manifest.InvalidImage.LineError()
		}
		train.Drop(bad)
		across := manifest.CheckLabels(train, test)
		var got []string
		for _, e := range train.Errors() {
			got = append(got, "train "+e.Code)
		}
		for _, e := range test.Errors() {
			got = append(got, "test "+e.Code)
		}
		for _, e := range across {
			got = append(got, e.Code)
		}
		if diff := cmp.Diff(c.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestHoldOut(t *testing.T) {
	t.Parallel()
	text := strings.Join(slices.Concat(several(20, boxesAt), several(10, func(key string) string {
		return at("more/"+key, detection(boxes(box(0, 1, 1, 9, 9), box(0, 20, 20, 9, 9)), confidences(2), `{"0":"cow"}`))
	})), "\n")
	held := func(seed string) (keys []string) {
		s, _ := load(t, text, standard)
		s.Settle(s.UseCase())
		test := manifest.NewSet(standard)
		s.HoldOut(test, seed)
		if across := manifest.CheckLabels(s, test); len(across)+len(s.Errors())+len(test.Errors()) > 0 {
			t.Fatalf("seed %s: %v %v %v", seed, across, s.Errors(), test.Errors())
		}
		if n := len(s.Samples()); n != 24 || !slices.Equal(test.Usable(), []string{"cat", "cow", "dog"}) {
			t.Errorf("seed %s: %d are left, the test has %v", seed, n, test.Usable())
		}
		summary := manifest.Summarize(s, test, nil).Statistics
		if summary.Training.ValidJSONLines != 30 || summary.Testing.UseCase != "OBJECT_LOCALIZATION" || summary.Testing.TotalJSONLines != 0 {
			t.Errorf("seed %s: summary %+v", seed, summary)
		}
		for _, x := range test.Samples() {
			keys = append(keys, x.Key)
		}
		return keys
	}
	if first, again, other := held("a"), held("a"), held("b"); !slices.Equal(first, again) || slices.Equal(first, other) || len(first) != 6 {
		t.Errorf("held out: %v, again %v, by another seed %v", first, again, other)
	}
	s, _ := load(t, classAt("a", "cat")+"\n"+classAt("b", "dog"), standard)
	s.Settle(s.UseCase())
	s.HoldOut(manifest.NewSet(standard), "a")
	if diff := cmp.Diff([]manifest.ContentError{manifest.ErrTooFewToSplit}, s.Errors()); diff != "" {
		t.Errorf("one image each (-want +got):\n%s", diff)
	}
}

func TestImagesPerLabel(t *testing.T) {
	t.Parallel()
	within := standard
	within.TestImagesPerLabel = 3
	for n, want := range map[int]int{3: 0, 4: 1} {
		s, _ := load(t, strings.Join(several(n, boxesAt), "\n"), within)
		s.Settle(s.UseCase())
		s.CheckImagesPerLabel()
		if len(s.Errors()) != want || want == 1 && s.Errors()[0] != manifest.ErrTooManyRows {
			t.Errorf("%d images of a label: %v", n, s.Errors())
		}
	}
}

// FuzzManifest: whatever the text, every line is valid, invalid or ignored,
// and the validation manifest is one of as many lines that comes to the same.
func FuzzManifest(f *testing.F) {
	for _, c := range slices.Concat(lineCases(), setCases()) {
		if text := strings.Join(c.lines, "\n"); len(text) < 10_000 {
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 50_000 {
			return // with errors added a line might become too long
		}
		first, shown := both(t, text)
		again, _ := both(t, strings.Join(shown, "\n"))
		if first.ValidJSONLines+first.InvalidJSONLines+first.IgnoredJSONLines != first.TotalJSONLines || first.TotalJSONLines != len(shown) {
			t.Fatalf("the counts do not add up: %+v, %d lines shown", first, len(shown))
		}
		if diff := cmp.Diff(first, again); diff != "" {
			t.Fatalf("fed back in (-first +again):\n%s", diff)
		}
	})
}

// both makes both passes over a manifest.
func both(t *testing.T, text string) (s manifest.Statistics, shown []string) {
	set, raws := load(t, text, standard)
	set.CheckLines()
	set.Settle(set.UseCase())
	for i, raw := range raws {
		line := set.Show(i+1, raw)
		if !json.Valid([]byte(line)) || strings.Contains(line, "\n") {
			t.Fatalf("line %d is shown as %q", i+1, line)
		}
		shown = append(shown, line)
	}
	return manifest.Summarize(set, manifest.NewSet(standard), nil).Statistics.Training, shown
}
