package rekapi_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
)

const (
	projectPattern = `(^arn:[a-z\d-]+:rekognition:[a-z\d-]+:\d{12}:project\/[a-zA-Z0-9_.\-]{1,255}\/[0-9]+$)`
	versionPattern = `(^arn:[a-z\d-]+:rekognition:[a-z\d-]+:\d{12}:project\/[a-zA-Z0-9_.\-]{1,255}\/version\/[a-zA-Z0-9_.\-]{1,255}\/[0-9]+$)`
	datasetPattern = `(^arn:[a-z\d-]+:rekognition:[a-z\d-]+:\d{12}:project\/[a-zA-Z0-9_.\-]{1,255}\/dataset\/(train|test)\/[0-9]+$)`
	namePattern    = `[a-zA-Z0-9_.\-]+`

	projectOf = "arn:aws:rekognition:us-east-1:111122223333:project/p/1700000000000"
	versionOf = "arn:aws:rekognition:us-east-1:111122223333:project/p/version/v/1700000000000"
	datasetOf = "arn:aws:rekognition:us-east-1:111122223333:project/p/dataset/train/1700000000000"
	testOf    = "arn:aws:rekognition:us-east-1:111122223333:project/p/dataset/test/1700000000000"
)

type object = map[string]any

// valid has, for every operation, a body that breaks no constraint.
var valid = map[string]object{
	"CopyProjectVersion": {"SourceProjectArn": projectOf, "SourceProjectVersionArn": versionOf, "DestinationProjectArn": projectOf,
		"VersionName": "v", "OutputConfig": object{"S3Bucket": "bucket"}},
	"CreateDataset":            {"ProjectArn": projectOf, "DatasetType": "TRAIN"},
	"CreateProject":            {"ProjectName": "p"},
	"CreateProjectVersion":     {"ProjectArn": projectOf, "VersionName": "v", "OutputConfig": object{"S3Bucket": "bucket"}},
	"DeleteDataset":            {"DatasetArn": datasetOf},
	"DeleteProject":            {"ProjectArn": projectOf},
	"DeleteProjectPolicy":      {"ProjectArn": projectOf, "PolicyName": "policy"},
	"DeleteProjectVersion":     {"ProjectVersionArn": versionOf},
	"DescribeDataset":          {"DatasetArn": datasetOf},
	"DescribeProjects":         {},
	"DescribeProjectVersions":  {"ProjectArn": projectOf},
	"DetectCustomLabels":       {"ProjectVersionArn": versionOf, "Image": object{"Bytes": "aGk="}},
	"DistributeDatasetEntries": {"Datasets": []object{{"Arn": datasetOf}, {"Arn": testOf}}},
	"ListDatasetEntries":       {"DatasetArn": datasetOf},
	"ListDatasetLabels":        {"DatasetArn": datasetOf},
	"ListProjectPolicies":      {"ProjectArn": projectOf},
	"ListTagsForResource":      {"ResourceArn": projectOf},
	"PutProjectPolicy":         {"ProjectArn": projectOf, "PolicyName": "policy", "PolicyDocument": "{}"},
	"StartProjectVersion":      {"ProjectVersionArn": versionOf, "MinInferenceUnits": 1},
	"StopProjectVersion":       {"ProjectVersionArn": versionOf},
	"TagResource":              {"ResourceArn": projectOf, "Tags": object{"k": "v"}},
	"UntagResource":            {"ResourceArn": projectOf, "TagKeys": []string{"k"}},
	"UpdateDatasetEntries":     {"DatasetArn": datasetOf, "Changes": object{"GroundTruth": "e30="}},
}

func body(t *testing.T, o object) string {
	t.Helper()
	b, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// with is an operation's valid body with one member set, or without it where
// v is nil.
func with(operation, member string, v any) object {
	o := maps.Clone(valid[operation])
	if v == nil {
		delete(o, member)
	} else {
		o[member] = v
	}
	return o
}

// shown is a value as a message shows it: Java's text of it, cut where it is
// long.
func shown(v any) string {
	text := fmt.Sprint(v)
	if len(text) > 2048 {
		text = text[:2048] + "..."
	}
	return "'" + text + "'"
}

func broken(v, at, rule string) string {
	return "Value " + v + " at '" + at + "' failed to satisfy constraint: " + rule
}

func one(violation string) string { return "1 validation error detected: " + violation }

func two(first, second string) string {
	return "2 validation errors detected: " + first + "; " + second
}

const notNull = "Member must not be null"

func atMost(n string) string  { return "Member must have length less than or equal to " + n }
func atLeast(n string) string { return "Member must have length greater than or equal to " + n }
func pattern(p string) string { return "Member must satisfy regular expression pattern: " + p }

// TestRequiredMembers leaves out every required member of every operation.
func TestRequiredMembers(t *testing.T) {
	t.Parallel()
	c := serve(t).caller(mine)
	for operation, members := range valid {
		for member := range members {
			at := strings.ToLower(member[:1]) + member[1:]
			for _, o := range []object{with(operation, member, nil), with(operation, member, json.RawMessage("null"))} {
				c.refused(operation, body(t, o), "ValidationException", one(broken("null", at, notNull)))
			}
		}
	}
	c.refused("UpdateDatasetEntries", body(t, with("UpdateDatasetEntries", "Changes", object{})), "ValidationException", one(broken("null", "changes.groundTruth", notNull)))
	c.refused("DistributeDatasetEntries", body(t, with("DistributeDatasetEntries", "Datasets", []object{{}, {"Arn": testOf}})), "ValidationException",
		one(broken("null", "datasets.1.member.arn", notNull)))
}

// TestConstraints breaks every other constraint of every operation.
func TestConstraints(t *testing.T) {
	t.Parallel()
	c := serve(t).caller(mine)
	refused := func(operation, member string, v any, message string) {
		t.Helper()
		c.refused(operation, body(t, with(operation, member, v)), "ValidationException", message)
	}
	arns := map[string]string{
		"ProjectArn": projectPattern, "SourceProjectArn": projectPattern, "DestinationProjectArn": projectPattern,
		"ProjectVersionArn": versionPattern, "SourceProjectVersionArn": versionPattern, "DatasetArn": datasetPattern,
	}
	names := map[string]int{"ProjectName": 255, "VersionName": 255, "PolicyName": 128}
	for operation, members := range valid {
		for member := range members {
			at := strings.ToLower(member[:1]) + member[1:]
			if p, ok := arns[member]; ok {
				for _, ill := range []string{"arn:aws:s3:::a-bucket-not-here", projectOf + "x", " " + versionOf, strings.Replace(datasetOf, "train", "TRAIN", 1), strings.Replace(projectOf, "1111", "11a1", 1)} {
					refused(operation, member, ill, one(broken(shown(ill), at, pattern(p))))
				}
				long := projectOf + strings.Repeat("x", 2048)
				refused(operation, member, long, two(broken(shown(long), at, atMost("2048")), broken(shown(long), at, pattern(p))))
				refused(operation, member, "x", two(broken("'x'", at, atLeast("20")), broken("'x'", at, pattern(p))))
			}
			if n, ok := names[member]; ok {
				long := strings.Repeat("x", n+1)
				refused(operation, member, long, one(broken(shown(long), at, atMost(fmt.Sprint(n)))))
				refused(operation, member, "a b", one(broken("'a b'", at, pattern(namePattern))))
				refused(operation, member, "", two(broken("''", at, atLeast("1")), broken("''", at, pattern(namePattern))))
			}
		}
	}
	for _, operation := range []string{"DescribeProjects", "DescribeProjectVersions", "ListDatasetEntries", "ListDatasetLabels"} {
		refused(operation, "MaxResults", 101, one(broken("'101'", "maxResults", "Member must have value less than or equal to 100")))
		refused(operation, "MaxResults", 0, one(broken("'0'", "maxResults", "Member must have value greater than or equal to 1")))
		long := strings.Repeat("t", 1025)
		refused(operation, "NextToken", long, one(broken(shown(long), "nextToken", atMost("1024"))))
	}
	refused("ListProjectPolicies", "MaxResults", 6, one(broken("'6'", "maxResults", "Member must have value less than or equal to 5")))
	for _, operation := range []string{"TagResource", "UntagResource", "ListTagsForResource"} {
		refused(operation, "ResourceArn", "short", one(broken("'short'", "resourceArn", atLeast("20"))))
		long := strings.Repeat("r", 2049)
		refused(operation, "ResourceArn", long, one(broken(shown(long), "resourceArn", atMost("2048"))))
	}
	for _, operation := range []string{"CopyProjectVersion", "CreateProjectVersion"} {
		refused(operation, "OutputConfig", object{"S3Bucket": "b"}, one(broken("'b'", "outputConfig.s3Bucket", atLeast("3"))))
		refused(operation, "OutputConfig", object{"S3Bucket": "b/c"}, one(broken("'b/c'", "outputConfig.s3Bucket", pattern(`[0-9A-Za-z\.\-_]*`))))
		long := strings.Repeat("p", 1025)
		refused(operation, "OutputConfig", object{"S3KeyPrefix": long}, one(broken(shown(long), "outputConfig.s3KeyPrefix", atMost("1024"))))
		refused(operation, "KmsKeyId", ":key", one(broken("':key'", "kmsKeyId", pattern(`^[A-Za-z0-9][A-Za-z0-9:_/+=,@.-]{0,2048}$`))))
		long = strings.Repeat("k", 2049)
		refused(operation, "KmsKeyId", long, one(broken(shown(long), "kmsKeyId", atMost("2048"))))
	}
	const keyRules = `Map keys must satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: ^(?!aws:)[\p{L}\p{Z}\p{N}_.:/=+\-@]*$]`
	const valueRules = `Map value must satisfy constraint: [Member must have length less than or equal to 256, Member must have length greater than or equal to 0, Member must satisfy regular expression pattern: ^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$]`
	for _, operation := range []string{"CopyProjectVersion", "CreateDataset", "CreateProject", "CreateProjectVersion", "TagResource"} {
		refused(operation, "Tags", object{"aws:x": "v"}, one(broken("'{aws:x=v}'", "tags", keyRules)))
		refused(operation, "Tags", object{"k": "<"}, one(broken("'{k=<}'", "tags", valueRules)))
		refused(operation, "Tags", object{"": "v"}, one(broken("'{=v}'", "tags", keyRules)))
		many := object{}
		for i := range 201 {
			many[fmt.Sprintf("k%03d", i)] = ""
		}
		_, members := c.call(operation, body(t, with(operation, "Tags", many)))
		if text, _ := members["message"].(string); members["__type"] != "ValidationException" || !strings.HasSuffix(text, "' at 'tags' failed to satisfy constraint: Member must have length less than or equal to 200") {
			t.Errorf("%s with 201 tags: %v", operation, members)
		}
	}
	refused("CreateDataset", "DatasetType", "train", one(broken("'train'", "datasetType", "Member must satisfy enum value set: [TRAIN, TEST]")))
	refused("CreateDataset", "DatasetSource", object{"DatasetArn": projectOf}, one(broken(shown(projectOf), "datasetSource.datasetArn", pattern(datasetPattern))))
	refused("CreateDataset", "DatasetSource", object{"GroundTruthManifest": object{"S3Object": object{"Name": ""}}}, one(broken("''", "datasetSource.groundTruthManifest.s3Object.name", atLeast("1"))))
	refused("CreateProject", "Feature", "FACES", one(broken("'FACES'", "feature", "Member must satisfy enum value set: [CONTENT_MODERATION, CUSTOM_LABELS]")))
	refused("CreateProject", "AutoUpdate", "ON", one(broken("'ON'", "autoUpdate", "Member must satisfy enum value set: [ENABLED, DISABLED]")))
	refused("CreateProjectVersion", "VersionDescription", "a/b", one(broken("'a/b'", "versionDescription", pattern(`[a-zA-Z0-9-_. ()':,;?]+`))))
	refused("CreateProjectVersion", "FeatureConfig", object{"ContentModeration": object{"ConfidenceThreshold": 100.5}},
		one(broken("'100.5'", "featureConfig.contentModeration.confidenceThreshold", "Member must have value less than or equal to 100")))
	refused("CreateProjectVersion", "TrainingData", object{"Assets": []object{{"GroundTruthManifest": object{"S3Object": object{"Bucket": "b"}}}}},
		one(broken("'b'", "trainingData.assets.1.member.groundTruthManifest.s3Object.bucket", atLeast("3"))))
	refused("DescribeProjects", "ProjectNames", []string{}, one(broken("'[]'", "projectNames", atLeast("1"))))
	refused("DescribeProjects", "Features", []string{"X"}, one(broken("'[X]'", "features", "Member must satisfy constraint: [Member must satisfy enum value set: [CONTENT_MODERATION, CUSTOM_LABELS]]")))
	refused("DescribeProjectVersions", "VersionNames", []string{"a", "b c"}, one(broken("'[a, b c]'", "versionNames",
		"Member must satisfy constraint: [Member must have length less than or equal to 255, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: "+namePattern+"]")))
	refused("DescribeProjectVersions", "VersionNames", strings.Split("a b c d e f g h i j k", " "), one(broken("'[a, b, c, d, e, f, g, h, i, j, k]'", "versionNames", atMost("10"))))
	refused("DetectCustomLabels", "MaxResults", -1, one(broken("'-1'", "maxResults", "Member must have value greater than or equal to 0")))
	refused("DetectCustomLabels", "MinConfidence", 101, one(broken("'101'", "minConfidence", "Member must have value less than or equal to 100")))
	refused("DetectCustomLabels", "Image", object{"Bytes": ""}, one(broken("'java.nio.HeapByteBuffer[pos=0 lim=0 cap=0]'", "image.bytes", atLeast("1"))))
	large := base64.StdEncoding.EncodeToString(make([]byte, 5242881))
	refused("DetectCustomLabels", "Image", object{"Bytes": large}, one(broken("'java.nio.HeapByteBuffer[pos=0 lim=5242881 cap=5242881]'", "image.bytes", atMost("5242880"))))
	refused("UpdateDatasetEntries", "Changes", object{"GroundTruth": large}, one(broken("'java.nio.HeapByteBuffer[pos=0 lim=5242881 cap=5242881]'", "changes.groundTruth", atMost("5242880"))))
	c.refused("DistributeDatasetEntries", `{"Datasets":[]}`, "ValidationException", one(broken("'[]'", "datasets", atLeast("2"))))
	refused("DistributeDatasetEntries", "Datasets", []object{{"Arn": projectOf}, {"Arn": testOf}}, one(broken(shown(projectOf), "datasets.1.member.arn", pattern(datasetPattern))))
	refused("ListDatasetEntries", "SourceRefContains", "  ", one(broken("'  '", "sourceRefContains", pattern(`.*\S.*`))))
	refused("ListDatasetEntries", "ContainsLabels", []string{}, one(broken("'[]'", "containsLabels", atLeast("1"))))
	refused("PutProjectPolicy", "PolicyDocument", "{Ā}", one(broken("'{Ā}'", "policyDocument", pattern(`[\u0009\u000A\u000D\u0020-\u00FF]+`))))
	long := strings.Repeat("d", 2001)
	refused("PutProjectPolicy", "PolicyDocument", long, one(broken(shown(long), "policyDocument", atMost("2000"))))
	for _, operation := range []string{"PutProjectPolicy", "DeleteProjectPolicy"} {
		refused(operation, "PolicyRevisionId", "xyz", one(broken("'xyz'", "policyRevisionId", pattern(`[0-9A-Fa-f]+`))))
		long := strings.Repeat("0", 65)
		refused(operation, "PolicyRevisionId", long, one(broken(shown(long), "policyRevisionId", atMost("64"))))
	}
	refused("StartProjectVersion", "MinInferenceUnits", 0, one(broken("'0'", "minInferenceUnits", "Member must have value greater than or equal to 1")))
	refused("StartProjectVersion", "MaxInferenceUnits", 0, one(broken("'0'", "maxInferenceUnits", "Member must have value greater than or equal to 1")))
	refused("UntagResource", "TagKeys", []string{"aws:x"}, one(broken("'[aws:x]'", "tagKeys",
		`Member must satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: ^(?!aws:)[\p{L}\p{Z}\p{N}_.:/=+\-@]*$]`)))
}
