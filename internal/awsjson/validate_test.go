package awsjson_test

import (
	"errors"
	"strings"
	"testing"

	"mimeo/internal/awsjson"
	"mimeo/internal/fault"
)

// shape has every kind of constraint.
var shape = awsjson.Shape{Members: map[string]awsjson.Shape{
	"ProjectName": {Required: true, Length: awsjson.Between(1, 5), Pattern: awsjson.MustPattern(`[a-zA-Z0-9_.\-]+`)},
	"MaxResults":  {Value: awsjson.AtLeast(1)},
	"Confidence":  {Value: awsjson.Between(0, 100)},
	"Type":        {Enum: []string{"TRAIN", "TEST"}},
	"Image": {Members: map[string]awsjson.Shape{
		"Bytes":    {Blob: true, Length: awsjson.Between(1, 4)},
		"S3Object": {Members: map[string]awsjson.Shape{"Bucket": {Required: true, Length: awsjson.Between(3, 255)}}},
	}},
	"VersionNames": {Length: awsjson.Between(1, 2), Item: &awsjson.Shape{Length: awsjson.Between(1, 3)}},
	"Assets":       {Item: &awsjson.Shape{Members: map[string]awsjson.Shape{"Name": {Required: true}}}},
	"Tags": {Length: awsjson.AtMost(2), Key: &awsjson.Shape{Length: awsjson.Between(1, 128), Pattern: awsjson.PatternFunc("^(?!aws:).*$", func(s string) bool { return !strings.HasPrefix(s, "aws:") })},
		Entry: &awsjson.Shape{Length: awsjson.Between(0, 3)}},
}}

func TestValidationSentences(t *testing.T) {
	t.Parallel()
	const ok = ""
	one := func(violation string) string { return "1 validation error detected: " + violation }
	for text, want := range map[string]string{
		`{"ProjectName":"p"}`:                                ok,
		`{"ProjectName":"p","MaxResults":null,"Unknown":-1}`: ok,
		`{"ProjectName":"p","MaxResults":1,"Confidence":100,"Type":"TEST","VersionNames":["a"],"Tags":{}}`: ok,
		`{}`:                        one(`Value null at 'projectName' failed to satisfy constraint: Member must not be null`),
		`{"ProjectName":null}`:      one(`Value null at 'projectName' failed to satisfy constraint: Member must not be null`),
		`{"ProjectName":"näme"}`:    one(`Value 'näme' at 'projectName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.\-]+`),
		`{"ProjectName":"a\n"}`:     one("Value 'a\n' at 'projectName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.\\-]+"),
		`{"ProjectName":"toolong"}`: one(`Value 'toolong' at 'projectName' failed to satisfy constraint: Member must have length less than or equal to 5`),
		`{"ProjectName":""}`: `2 validation errors detected: Value '' at 'projectName' failed to satisfy constraint: Member must have length greater than or equal to 1; ` +
			`Value '' at 'projectName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.\-]+`,
		`{"ProjectName":"p","MaxResults":0}`:          one(`Value '0' at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 1`),
		`{"ProjectName":"p","Confidence":100.5}`:      one(`Value '100.5' at 'confidence' failed to satisfy constraint: Member must have value less than or equal to 100`),
		`{"ProjectName":"p","Confidence":"Infinity"}`: one(`Value 'Infinity' at 'confidence' failed to satisfy constraint: Member must have value less than or equal to 100`),
		`{"ProjectName":"p","Confidence":"NaN"}`: `2 validation errors detected: Value 'NaN' at 'confidence' failed to satisfy constraint: Member must have value less than or equal to 100; ` +
			`Value 'NaN' at 'confidence' failed to satisfy constraint: Member must have value greater than or equal to 0`,
		`{"ProjectName":"p","Type":"VALIDATE"}`:                   one(`Value 'VALIDATE' at 'type' failed to satisfy constraint: Member must satisfy enum value set: [TRAIN, TEST]`),
		`{"ProjectName":"p","Type":""}`:                           one(`Value '' at 'type' failed to satisfy constraint: Member must satisfy enum value set: [TRAIN, TEST]`),
		`{"ProjectName":"p","Image":{"Bytes":""}}`:                one(`Value 'java.nio.HeapByteBuffer[pos=0 lim=0 cap=0]' at 'image.bytes' failed to satisfy constraint: Member must have length greater than or equal to 1`),
		`{"ProjectName":"p","Image":{"Bytes":"AAAAAAAA"}}`:        one(`Value 'java.nio.HeapByteBuffer[pos=0 lim=6 cap=6]' at 'image.bytes' failed to satisfy constraint: Member must have length less than or equal to 4`),
		`{"ProjectName":"p","Image":{"S3Object":{}}}`:             one(`Value null at 'image.s3Object.bucket' failed to satisfy constraint: Member must not be null`),
		`{"ProjectName":"p","Image":{"S3Object":{"Bucket":"b"}}}`: one(`Value 'b' at 'image.s3Object.bucket' failed to satisfy constraint: Member must have length greater than or equal to 3`),
		`{"ProjectName":"p","VersionNames":[]}`:                   one(`Value '[]' at 'versionNames' failed to satisfy constraint: Member must have length greater than or equal to 1`),
		`{"ProjectName":"p","VersionNames":["a","b","c"]}`:        one(`Value '[a, b, c]' at 'versionNames' failed to satisfy constraint: Member must have length less than or equal to 2`),
		`{"ProjectName":"p","VersionNames":["a","long"]}`: one(`Value '[a, long]' at 'versionNames' failed to satisfy constraint: Member must satisfy constraint: ` +
			`[Member must have length less than or equal to 3, Member must have length greater than or equal to 1]`),
		`{"ProjectName":"p","Assets":[{"Name":"x"},{}]}`: one(`Value null at 'assets.2.member.name' failed to satisfy constraint: Member must not be null`),
		`{"ProjectName":"p","Tags":{"aws:x":"1"}}`: one(`Value '{aws:x=1}' at 'tags' failed to satisfy constraint: Map keys must satisfy constraint: ` +
			`[Member must have length less than or equal to 128, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: ^(?!aws:).*$]`),
		`{"ProjectName":"p","Tags":{"b":"long","a":"1"}}`: one(`Value '{a=1, b=long}' at 'tags' failed to satisfy constraint: Map value must satisfy constraint: ` +
			`[Member must have length less than or equal to 3, Member must have length greater than or equal to 0]`),
		`{"ProjectName":"p","Tags":{"a":"1","b":"2","c":"3"}}`: one(`Value '{a=1, b=2, c=3}' at 'tags' failed to satisfy constraint: Member must have length less than or equal to 2`),
		`{"MaxResults":0}`: `2 validation errors detected: Value '0' at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 1; ` +
			`Value null at 'projectName' failed to satisfy constraint: Member must not be null`,
	} {
		err := awsjson.Validate(shape, text)
		if want == ok {
			if err != nil {
				t.Errorf("%s is answered %v", text, err)
			}
			continue
		}
		var f *fault.Error
		if !errors.As(err, &f) || f.Code != "ValidationException" || f.Message != want {
			t.Errorf("%s\n got %v\nwant %s", text, err, want)
		}
	}
}

// TestValidationEchoIsBounded: a long value is not sent back whole.
func TestValidationEchoIsBounded(t *testing.T) {
	t.Parallel()
	err := awsjson.Validate(shape, `{"ProjectName":"`+strings.Repeat("ä", 1<<20)+`"}`)
	if err == nil || len(err.Error()) > 10000 {
		t.Errorf("the message has %d bytes", len(err.Error()))
	}
}

// TestLongLists has a list in which every item is wrong: the message does not
// outgrow the request by much.
func TestLongLists(t *testing.T) {
	t.Parallel()
	var f *fault.Error
	err := awsjson.Validate(shape, `{"ProjectName":"p","Assets":[{}`+strings.Repeat(",{}", 99_999)+`]}`)
	if !errors.As(err, &f) || !strings.HasPrefix(f.Message, "1000 validation errors detected: ") || len(f.Message) > 300_000 {
		t.Errorf("%.200s", err)
	}
}
