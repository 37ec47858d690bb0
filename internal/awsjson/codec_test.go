package awsjson_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"mimeo/internal/awsjson"
	"mimeo/internal/fault"
)

const serialization fault.Code = "SerializationException"

var unexported = cmpopts.IgnoreUnexported(rekognition.DetectCustomLabelsInput{}, rekognition.DescribeProjectsInput{}, types.Image{}, types.S3Object{},
	rekognition.CreateDatasetInput{}, types.DatasetSource{}, types.GroundTruthManifest{}, rekognition.CopyProjectVersionInput{}, types.OutputConfig{},
	rekognition.CreateProjectVersionInput{}, types.TestingData{}, types.Asset{})

// extended is an operation of ours that takes more than AWS's does.
type extended struct {
	rekognition.DescribeProjectsInput
	Mode *string
}

func TestDecode(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text      string
		got, want any
	}{
		"every kind of member": {
			`{"ProjectVersionArn":"a","Image":{"Bytes":"AQID","S3Object":{"Bucket":"b"}},"MaxResults":7,"MinConfidence":70.5}`,
			&rekognition.DetectCustomLabelsInput{},
			&rekognition.DetectCustomLabelsInput{ProjectVersionArn: aws.String("a"), MaxResults: aws.Int32(7), MinConfidence: aws.Float32(70.5),
				Image: &types.Image{Bytes: []byte{1, 2, 3}, S3Object: &types.S3Object{Bucket: aws.String("b")}}},
		},
		"integers written as floats":            {`{"MaxResults":7.0}`, &rekognition.DescribeProjectsInput{}, &rekognition.DescribeProjectsInput{MaxResults: aws.Int32(7)}},
		"null is absent":                        {`{"MaxResults":null,"NextToken":null}`, &rekognition.DescribeProjectsInput{}, &rekognition.DescribeProjectsInput{}},
		"unknown members are ignored":           {`{"Nonsense":{"a":[1]},"NextToken":"t"}`, &rekognition.DescribeProjectsInput{}, &rekognition.DescribeProjectsInput{NextToken: aws.String("t")}},
		"names keep their case":                 {`{"nextToken":"t"}`, &rekognition.DescribeProjectsInput{}, &rekognition.DescribeProjectsInput{}},
		"no body":                               {``, &rekognition.DescribeProjectsInput{}, &rekognition.DescribeProjectsInput{}},
		"the last duplicate wins":               {`{"NextToken":"a","NextToken":"b"}`, &rekognition.DescribeProjectsInput{}, &rekognition.DescribeProjectsInput{NextToken: aws.String("b")}},
		"a duplicate null wins too":             {`{"NextToken":"a","NextToken":null}`, &rekognition.DescribeProjectsInput{}, &rekognition.DescribeProjectsInput{}},
		"duplicates replace, they do not merge": {`{"Image":{"Bytes":"AQID"},"Image":{"S3Object":{}}}`, &rekognition.DetectCustomLabelsInput{}, &rekognition.DetectCustomLabelsInput{Image: &types.Image{S3Object: &types.S3Object{}}}},
		"escapes as .NET writes them":           {`{"Tags":{"na\u00efve \u0026 co":"\u65e5\u672c/\u002B\u003C\u003E"}}`, &rekognition.CopyProjectVersionInput{}, &rekognition.CopyProjectVersionInput{Tags: map[string]string{"naïve & co": "日本/+<>"}}},
		"lists, also empty":                     {`{"ProjectNames":["a","b"],"Features":[]}`, &rekognition.DescribeProjectsInput{}, &rekognition.DescribeProjectsInput{ProjectNames: []string{"a", "b"}, Features: []types.CustomizationFeature{}}},
		"non-pointer bool":                      {`{"TestingData":{"AutoCreate":true,"Assets":[{}]}}`, &rekognition.CreateProjectVersionInput{}, &rekognition.CreateProjectVersionInput{TestingData: &types.TestingData{AutoCreate: true, Assets: []types.Asset{{}}}}},
		"words for what is no number":           {`{"MinConfidence":"-Infinity"}`, &rekognition.DetectCustomLabelsInput{}, &rekognition.DetectCustomLabelsInput{MinConfidence: aws.Float32(float32(math.Inf(-1)))}},
		"enum":                                  {`{"DatasetType":"TRAIN"}`, &rekognition.CreateDatasetInput{}, &rekognition.CreateDatasetInput{DatasetType: types.DatasetTypeTrain}},
		"blanks around":                         {" \n{ } \t", &rekognition.DescribeProjectsInput{}, &rekognition.DescribeProjectsInput{}},
		"an input with more members than the SDK's": {
			`{"NextToken":"t","Mode":"RESEAL"}`, &extended{},
			&extended{DescribeProjectsInput: rekognition.DescribeProjectsInput{NextToken: aws.String("t")}, Mode: aws.String("RESEAL")},
		},
		"the SDK's own bookkeeping is no member": {`{"ResultMetadata":{},"noSmithyDocumentSerde":{}}`, &rekognition.DescribeProjectsInput{}, &rekognition.DescribeProjectsInput{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := awsjson.Decode(test.text, test.got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, test.got, unexported); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.text, diff)
			}
		})
	}
}

func TestDecodeTimes(t *testing.T) {
	t.Parallel()
	var got types.ProjectDescription
	for text, want := range map[string]time.Time{
		"1690556751.958": time.UnixMilli(1690556751958), "1.690556751E9": time.UnixMilli(1690556751000), "-1": time.UnixMilli(-1000),
	} {
		if err := awsjson.Decode(`{"CreationTimestamp":`+text+`}`, &got); err != nil || !got.CreationTimestamp.Equal(want) {
			t.Errorf("%s is read as %v, %v; want %v", text, got.CreationTimestamp, err, want)
		}
	}
}

func TestSerializationException(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"a":`, 65) + "1" + strings.Repeat("}", 65)
	for text, message := range map[string]string{
		`{`:                         "not valid JSON",
		`{"MaxResults":7`:           "not valid JSON",
		`{"MaxResults":7}}`:         "not valid JSON",
		`{}{}`:                      "must be one JSON object",
		`[]`:                        "must be a JSON object",
		`null`:                      "must be a JSON object",
		`"x"`:                       "must be a JSON object",
		`{'NextToken':'t'}`:         "not valid JSON",
		`{"NextToken":"\x"}`:        "not valid JSON",
		"{\"NextToken\":\"\xff\"}":  "not valid JSON",
		`{"NextToken":"\ud800"}`:    "not valid JSON",
		`{"NextToken":01}`:          "not valid JSON",
		`{"NextToken":1}`:           "NUMBER_VALUE can not be converted to a String: 'nextToken'",
		`{"NextToken":true}`:        "TRUE_VALUE can not be converted to a String",
		`{"NextToken":{}}`:          "Start of structure or map found where not expected: 'nextToken'",
		`{"NextToken":[]}`:          "Start of list found where not expected: 'nextToken'",
		`{"MaxResults":"7"}`:        "STRING_VALUE can not be converted to a Integer",
		`{"MaxResults":7.5}`:        "out of range of Integer",
		`{"MaxResults":1e99}`:       "out of range of Integer",
		`{"MaxResults":3000000000}`: "Numeric value (3000000000) out of range of Integer",
		`{"MinConfidence":1e99}`:    "out of range",
		`{"MinConfidence":"many"}`:  "STRING_VALUE can not be converted to a Float",
		`{"ProjectNames":"a"}`:      "Expected list or null: 'projectNames'",
		`{"ProjectNames":[1]}`:      "NUMBER_VALUE can not be converted to a String: 'projectNames.1.member'",
		`{"ProjectNames":[null]}`:   "'projectNames.1.member' must not be null",
		`{"Tags":[]}`:               "Start of list found where not expected: 'tags'",
		`{"Tags":{"a":1}}`:          "NUMBER_VALUE can not be converted to a String: 'tags.a'",
		`{"Image":"x"}`:             "Expected structure, map or null: 'image'",
		`{"Image":{"Bytes":"%"}}`:   "'image.bytes' is not valid base64",
		`{"CreationTimestamp":"2020-01-01T00:00:00Z"}`: "STRING_VALUE can not be converted to a Timestamp",
		`{"CreationTimestamp":1e300}`:                  "not a time",
		`{"AutoCreate":"true"}`:                        "STRING_VALUE can not be converted to a Boolean",
		deep:                                           "deeper than 64 levels",
		strings.Repeat("[", 100000):                    "deeper than 64 levels",
	} {
		var into struct {
			NextToken         *string
			MaxResults        *int32
			MinConfidence     *float32
			ProjectNames      []string
			Tags              map[string]string
			Image             *types.Image
			CreationTimestamp *time.Time
			AutoCreate        bool
		}
		err := awsjson.Decode(text, &into)
		var f *fault.Error
		if !errors.As(err, &f) || f.Code != serialization || !strings.Contains(f.Message, message) {
			t.Errorf("%.60s is answered %v, want %s with %q", text, err, serialization, message)
		}
	}
}

func TestEncode(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1690556751958)
	for name, test := range map[string]struct {
		out  any
		want string
	}{
		"nothing":            {&rekognition.DeleteDatasetOutput{}, `{}`},
		"times are numbers":  {&types.ProjectDescription{CreationTimestamp: &at, Status: types.ProjectStatusCreated}, `{"CreationTimestamp":1690556751.958,"Status":"CREATED"}`},
		"empty lists show":   {&rekognition.DescribeProjectsOutput{ProjectDescriptions: []types.ProjectDescription{}}, `{"ProjectDescriptions":[]}`},
		"float32 is widened": {&types.CustomLabel{Confidence: aws.Float32(67.563995), Name: aws.String("a<b")}, `{"Confidence":67.56399536132812,"Name":"a<b"}`},
		"defaults show":      {&kms.ListKeysOutput{Keys: []kmstypes.KeyListEntry{{KeyId: aws.String("k")}}}, `{"Keys":[{"KeyId":"k"}],"Truncated":false}`},
		"blobs are base64":   {&kms.EncryptOutput{CiphertextBlob: []byte{0xfb, 0xff}}, `{"CiphertextBlob":"+/8="}`},
		"maps are sorted":    {&rekognition.ListTagsForResourceOutput{Tags: map[string]string{"b": "2", "a": "1"}}, `{"Tags":{"a":"1","b":"2"}}`},
		"infinity":           {&types.EvaluationResult{F1Score: aws.Float32(float32(math.Inf(1)))}, `{"F1Score":"Infinity"}`},
	} {
		if got, err := awsjson.Encode(test.out); err != nil || got != test.want {
			t.Errorf("%s: got %s, %v; want %s", name, got, err, test.want)
		}
	}
}

// FuzzDecode: a document of any bytes is decoded, or refused as not
// serialised; what was decoded can be written and read again.
func FuzzDecode(f *testing.F) {
	f.Add(`{"ProjectVersionArn":"a","Image":{"Bytes":"AQID"},"MaxResults":7e0,"MinConfidence":"NaN"}`)
	f.Add(`{"Tags":{"a":"b"},"OutputConfig":null}`)
	f.Fuzz(func(t *testing.T, text string) {
		var in struct {
			Image         *types.Image
			MaxResults    *int32
			MinConfidence *float32
			Tags          map[string]string
			Since         *time.Time
			Rows          []types.Asset
		}
		if err := awsjson.Decode(text, &in); err != nil {
			if !errors.Is(err, serialization) {
				t.Fatalf("%q is answered %v", text, err)
			}
			return
		}
		if _, err := awsjson.Encode(&in); err != nil {
			t.Fatalf("%q was decoded and cannot be encoded: %v", text, err)
		}
	})
}
