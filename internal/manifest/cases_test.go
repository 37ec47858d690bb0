package manifest_test

import (
	"fmt"
	"slices"
	"strings"
)

// A manifestCase is a manifest and what the checks must say of it.
type manifestCase struct {
	name  string
	lines []string
	// want has one item per line: what becomes of it (valid, invalid or
	// ignored), and the errors and warnings that the validation manifest has,
	// in the order of its text.
	want []string
	use  string // in the summary; empty: not compared
	fail string // the codes of the errors that the lines alone show
}

// one is the case of a manifest of one line.
func one(name, text, want string) manifestCase {
	return manifestCase{name: name, lines: []string{text}, want: []string{want}}
}

// at is a line of an image of its own.
func at(key string, members ...string) string {
	return `{` + strings.Join(append([]string{fmt.Sprintf(`"source-ref":"s3://images/%s"`, key)}, members...), ",") + `}`
}

// classAt is a line of one label, boxesAt one of two boxes.
func classAt(key, label string) string { return at(key, class("kind", label)) }

func boxesAt(key string) string { return at(key, twoBoxes()) }

func twoBoxes() string {
	return detection(boxes(box(0, 10, 10, 50, 40), box(1, 100, 100, 9, 9)), confidences(2), cats)
}

const cats = `{"0":"cat","1":"dog"}`

// but replaces a part of a text, which must be in it.
func but(text, from, to string) string {
	if !strings.Contains(text, from) {
		panic(from + " is not in " + text)
	}
	return strings.Replace(text, from, to, 1)
}

// numbered are n pairs of different labels.
func numbered(n int) []string {
	classes := make([]string, n)
	for i := range classes {
		classes[i] = class(fmt.Sprint("x", i), fmt.Sprintf("%02d", i))
	}
	return classes
}

func several(n int, line func(key string) string) []string {
	var all []string
	for i := range n {
		all = append(all, line(fmt.Sprintf("%03d.jpg", i)))
	}
	return all
}

func repeat(n int, want string) []string { return slices.Repeat([]string{want}, n) }

const (
	metadataInvalid   = "invalid /x-metadata ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT, / ERROR_NO_VALID_LABEL_ATTRIBUTES"
	metadataNowhere   = "invalid / ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT, / ERROR_NO_VALID_LABEL_ATTRIBUTES"
	boxMetaInvalid    = "invalid /bb-metadata ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT, / ERROR_NO_VALID_LABEL_ATTRIBUTES"
	attributeInvalid  = "invalid / ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT, / ERROR_NO_VALID_LABEL_ATTRIBUTES" // a number has no place for it
	boxInvalid        = "invalid /bb ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT, / ERROR_NO_VALID_LABEL_ATTRIBUTES"
	unsupported       = "invalid /x-metadata ERROR_UNSUPPORTED_USE_CASE_TYPE, / ERROR_NO_VALID_LABEL_ATTRIBUTES"
	invalidJSON       = "invalid / ERROR_INVALID_JSON_LINE"
	invalidRef        = "invalid / ERROR_INVALID_SOURCE_REF_FORMAT"
	noLabelAttributes = "invalid / ERROR_NO_LABEL_ATTRIBUTES"
	noAnnotations     = "ignored /bb WARNING_NO_ATTRIBUTE_ANNOTATIONS, / WARNING_NO_ANNOTATIONS"
	unannotated       = "ignored / WARNING_UNANNOTATED_RECORD"
	firstBoxOff       = "valid /bb/annotations/0 ERROR_INVALID_BOUNDING_BOX"
	onlyBoxOff        = "invalid /bb/annotations/0 ERROR_INVALID_BOUNDING_BOX, /bb ERROR_NO_VALID_ANNOTATIONS"
	firstBoxSmall     = "valid /bb/annotations/0 ERROR_BOUNDING_BOX_TOO_SMALL"
	onlyBoxSmall      = "invalid /bb/annotations/0 ERROR_BOUNDING_BOX_TOO_SMALL, /bb ERROR_NO_VALID_ANNOTATIONS"
)

// lineCases are the rules of single lines.
func lineCases() []manifestCase {
	return slices.Concat(sourceRefCases(), metadataCases(), classCases(), boxCases(), boxPlaceCases(), boxCountCases())
}

func sourceRefCases() []manifestCase {
	return []manifestCase{
		one("text", "nonsense", invalidJSON),
		one("null", "null", invalidJSON),
		one("a list", `["source-ref"]`, invalidJSON),
		one("a number", "7", invalidJSON),
		one("cut", `{"source-ref":"s3://a/b"`, invalidJSON),
		one("a comma too many", `{"source-ref":"s3://a/b",}`, invalidJSON),
		one("two objects", `{"source-ref":"s3://a/b"}{}`, invalidJSON),
		one("something after it", `{"source-ref":"s3://a/b"} x`, invalidJSON),
		one("a name twice", `{"source-ref":"s3://a/b","source-ref":"s3://a/c"}`, invalidJSON),
		one("a name twice deep inside", line(but(class("x", "cat"), `"confidence":1`, `"confidence":1,"confidence":1`)), invalidJSON),
		one("not UTF-8", "{\"source-ref\":\"s3://a/\xff\"}", invalidJSON),
		one("single quotes", `{'source-ref':'s3://a/b'}`, invalidJSON),
		one("NaN", line(but(class("x", "cat"), `"confidence":1`, `"confidence":NaN`)), invalidJSON),
		one("32 levels", at("a", class("x", "cat"), `"z":`+strings.Repeat("[", 31)+strings.Repeat("]", 31)), "valid"),
		one("33 levels", at("a", class("x", "cat"), `"z":`+strings.Repeat("[", 32)+strings.Repeat("]", 32)), invalidJSON),
		one("brackets in text", at("a", class("x", "cat"), `"z":"\"`+strings.Repeat("[", 99)+`"`), "valid"),
		one("endless depth", strings.Repeat("[", 50_000), invalidJSON),
		one("too long", at("a", class("x", "cat"), `"z":"`+strings.Repeat("é", 100_000)+`"`), invalidJSON),
		one("long", at("a", class("x", "cat"), `"z":"`+strings.Repeat("é", 99_000)+`"`), "valid"),
		one("no source-ref", `{"x":1}`, "invalid / ERROR_MISSING_SOURCE_REF"),
		one("no members", `{}`, "invalid / ERROR_MISSING_SOURCE_REF"),
		one("another case", `{"Source-Ref":"s3://a/b"}`, "invalid / ERROR_MISSING_SOURCE_REF"),
		one("source-ref null", `{"source-ref":null}`, invalidRef),
		one("source-ref a number", `{"source-ref":1}`, invalidRef),
		one("source-ref a list", `{"source-ref":["s3://a/b"]}`, invalidRef),
		one("source-ref empty", `{"source-ref":""}`, invalidRef),
		one("https", `{"source-ref":"https://a/b"}`, invalidRef),
		one("no bucket", `{"source-ref":"s3:///b"}`, invalidRef),
		one("no key", `{"source-ref":"s3://a/"}`, invalidRef),
		one("no slash", `{"source-ref":"s3://a"}`, invalidRef),
		one("odd bucket", `{"source-ref":"s3://a b/c"}`, invalidRef),
		one("key too long", `{"source-ref":"s3://a/`+strings.Repeat("k", 3072)+`"}`, invalidRef),
		one("odd key", at("ä ?#%/\\\"x.JPG", class("x", "cat")), "valid"),
		one("only source-ref", at("a"), unannotated),
		one("fed back", at("a", `"cl-metadata":{"is_labeled":true}`, `"cl-errors":[{"code":"X"}]`, `"errors":[]`, `"warnings":[]`), unannotated),
		one("fed back in places", at("a", but(class("x", "cat"), `"confidence"`, `"errors":[{"code":"X","message":"m"}],"confidence"`)), "valid"),
		one("value alone", at("a", `"x":0`), noLabelAttributes),
		one("metadata alone", at("a", `"x-metadata":{}`), noLabelAttributes),
		one("names that do not match", at("a", `"x":0`, `"y-metadata":{}`), noLabelAttributes),
		one("more that is no pair", at("a", class("x", "cat"), `"y":7`, `"z-metadata":{}`), "valid"),
	}
}

func metadataCases() []manifestCase {
	with := func(name, from, to, want string) manifestCase {
		return one(name, at("a", but(class("x", "cat"), from, to)), want)
	}
	native := `"x":[0,1],"x-metadata":{"class-map":{"0":"cat","1":"dog"},"confidence-map":{"0":1,"1":0.9},"type":"groundtruth/image-classification-multilabel","human-annotated":"yes","creation-date":"2020-01-01T00:00:00.000000","job-name":"j"}`
	return []manifestCase{
		one("metadata a number", at("a", `"x":0,"x-metadata":7`), metadataNowhere),
		one("metadata null", at("a", `"x":0,"x-metadata":null`), metadataNowhere),
		one("metadata empty", at("a", `"x":0,"x-metadata":{}`), metadataInvalid),
		with("no type", `"type"`, `"tipe"`, metadataInvalid),
		with("type a number", `"groundtruth/image-classification"`, `3`, metadataInvalid),
		with("another type", `groundtruth/image-classification`, `groundtruth/wrongtype`, unsupported),
		with("type in capitals", `groundtruth`, `GroundTruth`, unsupported),
		with("segmentation", `image-classification`, `semantic-segmentation`, unsupported),
		one("native multi-label", at("a", native), unsupported),
		one("native multi-label and a pair", at("a", native, class("y", "cat")), "valid /x-metadata ERROR_UNSUPPORTED_USE_CASE_TYPE"),
		with("another type, all else odd", `"confidence":1,"job-name":"j","class-name":"cat","human-annotated":"yes","creation-date":"2020-01-01T00:00:00.000000","type":"groundtruth/image-classification"`, `"confidence":{},"type":"groundtruth/text"`, unsupported),
		with("not human-annotated", `"yes"`, `"no"`, "valid"),
		with("human-annotated perhaps", `"yes"`, `"perhaps"`, metadataInvalid),
		with("human-annotated true", `"yes"`, `true`, metadataInvalid),
		with("human-annotated missing", `"human-annotated":"yes",`, ``, metadataInvalid),
		with("date missing", `"creation-date":"2020-01-01T00:00:00.000000",`, ``, metadataInvalid),
		with("date empty", `"2020-01-01T00:00:00.000000"`, `""`, metadataInvalid),
		with("date yesterday", `"2020-01-01T00:00:00.000000"`, `"yesterday"`, metadataInvalid),
		with("date of no month", `2020-01-01T`, `2020-13-01T`, metadataInvalid),
		with("date a number", `"2020-01-01T00:00:00.000000"`, `1577836800`, metadataInvalid),
		with("date with a zone", `00.000000`, `00.123Z`, "valid"),
		with("date with an offset", `00.000000`, `00+01:00`, "valid"),
		with("date of SQL", `2020-01-01T00:00:00.000000`, `2013-11-18 02:53:27`, "valid"),
		with("job-name missing", `"job-name":"j",`, ``, "valid"),
		with("more keys", `"job-name":"j"`, `"model":{"a":[1]}`, "valid"),
	}
}

func classCases() []manifestCase {
	with := func(name, from, to, want string) manifestCase {
		return one(name, at("a", but(class("x", "cat"), from, to)), want)
	}
	classes := numbered(51)
	long := strings.Repeat("é", 255)
	return []manifestCase{
		one("one label", classAt("a", "cat"), "valid"),
		one("two labels", at("a", class("x", "cat"), class("y", "dog")), "valid"),
		one("a label twice", at("a", class("x", "cat"), class("y", "cat")), "valid"),
		one("50 labels", at("a", classes[:50]...), "valid"),
		one("50 labels, one again", at("a", append(classes[:50:50], class("again", "00"))...), "valid"),
		one("51 labels", at("a", classes...), "invalid / ERROR_MANIFEST_TOO_MANY_LABELS"),
		with("confidence missing", `"confidence":1,`, ``, metadataInvalid),
		with("confidence null", `"confidence":1`, `"confidence":null`, metadataInvalid),
		with("confidence 0", `"confidence":1`, `"confidence":0`, "valid"),
		with("confidence 0.25", `"confidence":1`, `"confidence":2.5e-1`, "valid"),
		with("confidence below 0", `"confidence":1`, `"confidence":-0.1`, metadataInvalid),
		with("confidence above 1", `"confidence":1`, `"confidence":1.01`, metadataInvalid),
		with("confidence text", `"confidence":1`, `"confidence":"1"`, metadataInvalid),
		with("class-name missing", `"class-name":"cat",`, ``, metadataInvalid),
		with("class-name a number", `"class-name":"cat"`, `"class-name":1`, metadataInvalid),
		with("class-name empty", `"class-name":"cat"`, `"class-name":""`, "invalid /x-metadata ERROR_INVALID_LABEL_NAME_LENGTH"),
		with("class-name of 255", `"class-name":"cat"`, `"class-name":"`+long+`"`, "valid"),
		with("class-name of 256", `"class-name":"cat"`, `"class-name":"`+long+`e"`, "invalid /x-metadata ERROR_INVALID_LABEL_NAME_LENGTH"),
		one("class-name of 256 and a good one", at("a", class("x", long+"e"), class("y", "cat")), "invalid /x-metadata ERROR_INVALID_LABEL_NAME_LENGTH"),
		with("value 7", `"x":0`, `"x":7`, "valid"),
		with("value below 0", `"x":0`, `"x":-1`, "valid"),
		with("value very large", `"x":0`, `"x":123456789012345678901234567890`, "valid"),
		with("value text", `"x":0`, `"x":"0"`, attributeInvalid),
		with("value no integer", `"x":0`, `"x":0.5`, attributeInvalid),
		with("value null", `"x":0`, `"x":null`, attributeInvalid),
		with("value a list", `"x":0`, `"x":[0]`, attributeInvalid),
		with("value an object", `"x":0`, `"x":{}`, "invalid /x ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT, / ERROR_NO_VALID_LABEL_ATTRIBUTES"),
		one("one of two", at("a", but(class("x", "cat"), `"x":0`, `"x":[0]`), class("y", "dog")), "valid / ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT"),
		one("two wrong", at("a", but(class("x", "cat"), `"confidence":1`, `"c":1`), but(class("y", "dog"), `"yes"`, `"y"`)),
			"invalid /x-metadata ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT, /y-metadata ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT, / ERROR_NO_VALID_LABEL_ATTRIBUTES"),
		one("a name that is escaped", at("a", but(class("a~/b", "cat"), `"confidence":1`, `"c":1`)), "invalid /a~0~1b-metadata ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT, / ERROR_NO_VALID_LABEL_ATTRIBUTES"),
	}
}

func boxCases() []manifestCase {
	with := func(name, from, to, want string) manifestCase {
		return one(name, at("a", but(twoBoxes(), from, to)), want)
	}
	return []manifestCase{
		one("boxes", boxesAt("a"), "valid"),
		one("no boxes", at("a", detection(boxes(), "[]", "{}")), noAnnotations),
		one("no boxes, a class map", at("a", detection(boxes(), "[]", cats)), noAnnotations),
		one("no boxes, a label", at("a", detection(boxes(), "[]", cats), class("x", "cat")), "valid /bb WARNING_NO_ATTRIBUTE_ANNOTATIONS"),
		one("boxes and a label", at("a", twoBoxes(), class("x", "cat")), "valid"),
		with("no image_size", `"image_size"`, `"imagesize"`, boxInvalid),
		with("two image_sizes", `"image_size":[`, `"image_size":[{"width":640,"height":480,"depth":3},`, boxInvalid),
		with("no image_size in it", `[{"width":640,"height":480,"depth":3}]`, `[]`, boxInvalid),
		with("image_size an object", `[{"width":640,"height":480,"depth":3}]`, `{"width":640,"height":480,"depth":3}`, boxInvalid),
		with("no width", `"width":640`, `"wide":640`, boxInvalid),
		with("no height", `"height":480`, `"high":480`, boxInvalid),
		with("no depth", `"depth":3`, `"deep":3`, boxInvalid),
		with("depth 1", `"depth":3`, `"depth":1`, "valid"),
		with("width text", `"width":640`, `"width":"640"`, boxInvalid),
		with("no annotations", `"annotations"`, `"notes"`, boxInvalid),
		with("annotations null", `"annotations":[`, `"annotations":null,"notes":[`, boxInvalid),
		with("no class_id", `"class_id":0`, `"class":0`, boxInvalid),
		with("class_id text", `"class_id":0`, `"class_id":"0"`, boxInvalid),
		with("no left", `"left":10,`, ``, boxInvalid),
		with("no top", `"top":10,`, ``, boxInvalid),
		with("a side missing", `"width":50,`, ``, boxInvalid),
		with("half a pixel", `"left":10`, `"left":10.5`, boxInvalid),
		with("left null", `"left":10`, `"left":null`, boxInvalid),
		one("value a number", at("a", but(twoBoxes(), `"bb":{`, `"bb":7,"cc":{`)), attributeInvalid),
		with("a key more in a box", `"class_id":0`, `"score":0.5,"class_id":0`, "valid"),
		with("no class-map", `"class-map":{"0":"cat","1":"dog"},`, ``, boxMetaInvalid),
		with("class-map null", cats, `null`, boxMetaInvalid),
		with("class-map a list", cats, `["cat","dog"]`, boxMetaInvalid),
		with("class-map of numbers", `"cat"`, `1`, boxMetaInvalid),
		with("class_id unknown", `"class_id":1`, `"class_id":7`, "invalid /bb-metadata ERROR_MISSING_CLASS_MAP_ID"),
		with("class-map empty", cats, `{}`, "invalid /bb-metadata ERROR_MISSING_CLASS_MAP_ID"),
		with("a label more in the map", cats, `{"0":"cat","1":"dog","2":"cow"}`, "valid"),
		with("a label of no name", `"cat"`, `""`, "invalid /bb-metadata ERROR_INVALID_LABEL_NAME_LENGTH"),
		with("a label of 256", `"cat"`, `"`+strings.Repeat("é", 256)+`"`, "invalid /bb-metadata ERROR_INVALID_LABEL_NAME_LENGTH"),
		with("no objects", `"objects"`, `"object"`, boxMetaInvalid),
		with("objects no list", `[{"confidence":1},{"confidence":1}]`, `{}`, boxMetaInvalid),
		with("too few objects", `[{"confidence":1},{"confidence":1}]`, `[{"confidence":1}]`, "invalid /bb-metadata ERROR_MISSING_BOUNDING_BOX_CONFIDENCE"),
		with("no objects in it", `[{"confidence":1},{"confidence":1}]`, `[]`, "invalid /bb-metadata ERROR_MISSING_BOUNDING_BOX_CONFIDENCE"),
		with("confidence of a box missing", `{"confidence":1},`, `{},`, "invalid /bb-metadata ERROR_MISSING_BOUNDING_BOX_CONFIDENCE"),
		with("confidence of a box null", `{"confidence":1},`, `{"confidence":null},`, "invalid /bb-metadata ERROR_MISSING_BOUNDING_BOX_CONFIDENCE"),
		with("confidence of a box unused", `{"confidence":1},`, `{"confidence":"high"},`, "valid"),
		with("more objects", `[{"confidence":1},`, `[{"confidence":1},{"confidence":1},`, "valid"),
		one("confidence of a box missing, a label", at("a", but(twoBoxes(), `{"confidence":1},`, `{},`), class("x", "cow")), "invalid /bb-metadata ERROR_MISSING_BOUNDING_BOX_CONFIDENCE"),
		with("boxes of no human", `"yes"`, `"maybe"`, boxMetaInvalid),
		with("boxes of no date", `"creation-date"`, `"date"`, boxMetaInvalid),
	}
}

func boxPlaceCases() []manifestCase {
	sized := func(name string, width, height int, want string, all ...string) manifestCase {
		value := but(but(boxes(all...), "640", fmt.Sprint(width)), "480", fmt.Sprint(height))
		return one(name, at("a", detection(value, confidences(len(all)), cats)), want)
	}
	good := box(1, 1, 1, 30, 30)
	return []manifestCase{
		sized("the whole image", 640, 480, "valid", box(0, 0, 0, 640, 480)),
		sized("right of it", 640, 480, firstBoxOff, box(0, 632, 0, 9, 9), good),
		sized("below it", 640, 480, firstBoxOff, box(0, 0, 472, 9, 9), good),
		sized("left of it", 640, 480, firstBoxOff, box(0, -1, 0, 9, 9), good),
		sized("above it", 640, 480, firstBoxOff, box(0, 0, -1, 9, 9), good),
		sized("wider than it", 640, 480, firstBoxOff, box(0, 0, 0, 641, 9), good),
		sized("of width below 0", 640, 480, firstBoxOff, box(0, 50, 0, -9, 9), good),
		sized("beyond all numbers", 640, 480, firstBoxOff, box(0, 1<<62, 1<<62, 1<<62, 1<<62), good),
		sized("only one, off", 640, 480, onlyBoxOff, box(0, 632, 0, 9, 9)),
		sized("2 pixels", 640, 480, "valid", box(0, 0, 0, 2, 2)),
		sized("1 pixel wide", 640, 480, firstBoxSmall, box(0, 0, 0, 1, 9), good),
		sized("0 pixels high", 640, 480, firstBoxSmall, box(0, 0, 0, 9, 0), good),
		sized("only one, small", 640, 480, onlyBoxSmall, box(0, 0, 0, 1, 1)),
		sized("2 pixels of 1280", 1280, 720, "valid", box(0, 0, 0, 2, 2)),
		sized("2 pixels of 2559", 2559, 720, "valid", box(0, 0, 0, 2, 2)),
		sized("2 pixels of 2560", 2560, 720, onlyBoxSmall, box(0, 0, 0, 2, 2)),
		sized("3 pixels of 4096 high", 720, 4096, onlyBoxSmall, box(0, 0, 0, 3, 3)),
		sized("4 pixels of 4096 high", 720, 4096, "valid", box(0, 0, 0, 4, 4)),
		sized("off and small", 640, 480, "invalid /bb/annotations/0 ERROR_INVALID_BOUNDING_BOX, /bb/annotations/1 ERROR_BOUNDING_BOX_TOO_SMALL, /bb ERROR_NO_VALID_ANNOTATIONS", box(0, -1, 0, 9, 9), box(0, 0, 0, 1, 1)),
		sized("64 pixels a side", 64, 64, "valid", good),
		sized("63 pixels wide", 63, 64, "invalid / ERROR_INVALID_IMAGE_DIMENSION", good),
		sized("63 pixels high", 64, 63, "invalid / ERROR_INVALID_IMAGE_DIMENSION", good),
		sized("4096 pixels a side", 4096, 4096, "valid", good),
		sized("4097 pixels wide", 4097, 4096, "invalid / ERROR_INVALID_IMAGE_DIMENSION", good),
		sized("0 pixels", 0, 0, "invalid / ERROR_INVALID_IMAGE_DIMENSION", good),
	}
}

func boxCountCases() []manifestCase {
	many := make([]string, 51)
	for i := range many {
		many[i] = box(0, i, 0, 9, 9)
	}
	of := func(n int) string { return detection(boxes(many[:n]...), confidences(n), cats) }
	more := func(text string) string { return strings.ReplaceAll(text, `"bb`, `"more`) }
	return []manifestCase{
		one("50 boxes", at("a", of(50)), "valid"),
		one("51 boxes", at("a", of(51)), "invalid /bb ERROR_TOO_MANY_BOUNDING_BOXES"),
		one("50 boxes in two", at("a", of(25), more(of(25))), "valid"),
		one("51 boxes in two", at("a", of(25), more(of(26))), "invalid /more ERROR_TOO_MANY_BOUNDING_BOXES"),
		one("51 boxes, a label", at("a", of(51), class("x", "cat")), "invalid /bb ERROR_TOO_MANY_BOUNDING_BOXES"),
		one("two sizes of one image", at("a", of(2), but(more(of(2)), "640", "320")), "valid /more ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT"),
	}
}

// setCases are the rules of lines together.
func setCases() []manifestCase {
	cat := func(key string) string { return classAt(key, "cat") }
	return []manifestCase{
		{name: "labels", lines: several(3, cat), want: repeat(3, "valid"), use: "IMAGE_LEVEL_LABELS"},
		{name: "boxes everywhere", lines: several(3, boxesAt), want: repeat(3, "valid"), use: "OBJECT_LOCALIZATION"},
		{name: "more labels", lines: append(several(3, cat), boxesAt("b"), boxesAt("c")),
			want: append(repeat(3, "valid"), repeat(2, "ignored / WARNING_UNANNOTATED_RECORD")...), use: "IMAGE_LEVEL_LABELS"},
		{name: "more boxes", lines: append(several(3, boxesAt), classAt("b", "cat")),
			want: append(repeat(3, "valid"), "ignored / WARNING_NO_ANNOTATIONS"), use: "OBJECT_LOCALIZATION"},
		{name: "both on each", lines: several(2, func(key string) string { return at(key, class("x", "cat"), twoBoxes()) }),
			want: repeat(2, "valid"), use: "OBJECT_LOCALIZATION"},
		{name: "as many of both", lines: []string{boxesAt("a"), classAt("b", "cat")},
			want: []string{"valid", "ignored / WARNING_NO_ANNOTATIONS"}, use: "OBJECT_LOCALIZATION"},
		{name: "nothing labelled", lines: several(2, func(key string) string { return at(key) }), want: repeat(2, unannotated), use: "NOT_DETERMINED"},
		{name: "a fifth invalid", lines: append(several(4, cat), "x"), want: append(repeat(4, "valid"), invalidJSON), use: "IMAGE_LEVEL_LABELS"},
		{name: "more than a fifth", lines: append(several(3, cat), "x"), want: append(repeat(3, "valid"), invalidJSON), use: "NOT_DETERMINED",
			fail: "ERROR_TOO_MANY_INVALID_ROWS_IN_MANIFEST ERROR_TOO_MANY_RECORDS_IN_ERROR"},
		{name: "a fifth of three kinds", lines: append(several(12, cat), "x", `{}`, at("z", `"x":0`)),
			want: append(repeat(12, "valid"), invalidJSON, "invalid / ERROR_MISSING_SOURCE_REF", noLabelAttributes), use: "IMAGE_LEVEL_LABELS"},
		{name: "more than a fifth of three kinds", lines: append(several(11, cat), "x", `{}`, at("z", `"x":0`)),
			want: append(repeat(11, "valid"), invalidJSON, "invalid / ERROR_MISSING_SOURCE_REF", noLabelAttributes), use: "NOT_DETERMINED",
			fail: "ERROR_TOO_MANY_INVALID_ROWS_IN_MANIFEST"},
		{name: "warnings do not count", lines: append(several(2, cat), at("x"), at("y"), at("z", detection(boxes(), "[]", "{}"))),
			want: append(repeat(2, "valid"), unannotated, unannotated, noAnnotations), use: "IMAGE_LEVEL_LABELS"},
		{name: "boxes that are off do not count", lines: []string{at("a", detection(boxes(box(0, -1, 0, 9, 9), box(1, 1, 1, 9, 9)), confidences(2), cats))},
			want: []string{firstBoxOff}, use: "OBJECT_LOCALIZATION"},
		{name: "an image twice", lines: append(several(5, cat), classAt("004.jpg", "dog")), want: append(repeat(5, "valid"), invalidRef), use: "IMAGE_LEVEL_LABELS"},
		{name: "blank lines between", lines: append([]string{"", "  "}, several(8, cat)...), want: append(repeat(2, invalidJSON), repeat(8, "valid")...), use: "IMAGE_LEVEL_LABELS"},
		{name: "two buckets", lines: append(several(5, cat), but(classAt("a", "cat"), "s3://images", "s3://others")), want: repeat(6, "valid"),
			use: "IMAGE_LEVEL_LABELS", fail: "ERROR_IMAGES_IN_MULTIPLE_S3_BUCKETS"},
		{name: "two buckets, too many invalid", lines: []string{classAt("a", "cat"), but(classAt("a", "cat"), "s3://images", "s3://others"), "x"},
			want: []string{"valid", "valid", invalidJSON}, use: "NOT_DETERMINED", fail: "ERROR_IMAGES_IN_MULTIPLE_S3_BUCKETS ERROR_TOO_MANY_INVALID_ROWS_IN_MANIFEST ERROR_TOO_MANY_RECORDS_IN_ERROR"},
	}
}
