package rekapi

import (
	"maps"
	"regexp"
	"strings"

	"mimeo/internal/awsjson"
)

// The constraints of the service model, API version 2016-06-27. Shapes have
// the model's names.
var (
	projectArn = text(20, 2048, `(^arn:[a-z\d-]+:rekognition:[a-z\d-]+:\d{12}:project\/[a-zA-Z0-9_.\-]{1,255}\/[0-9]+$)`)
	versionArn = text(20, 2048, `(^arn:[a-z\d-]+:rekognition:[a-z\d-]+:\d{12}:project\/[a-zA-Z0-9_.\-]{1,255}\/version\/[a-zA-Z0-9_.\-]{1,255}\/[0-9]+$)`)
	datasetArn = text(20, 2048, `(^arn:[a-z\d-]+:rekognition:[a-z\d-]+:\d{12}:project\/[a-zA-Z0-9_.\-]{1,255}\/dataset\/(train|test)\/[0-9]+$)`)
	resource   = text(20, 2048, "")

	projectName        = text(1, 255, `[a-zA-Z0-9_.\-]+`)
	versionName        = text(1, 255, `[a-zA-Z0-9_.\-]+`)
	policyName         = text(1, 128, `[a-zA-Z0-9_.\-]+`)
	policyRevisionID   = awsjson.Shape{Length: awsjson.AtMost(64), Pattern: awsjson.MustPattern(`[0-9A-Fa-f]+`)}
	policyDocument     = awsjson.Shape{Length: awsjson.Between(1, 2000), Pattern: policyCharacters}
	versionDescription = text(1, 255, `[a-zA-Z0-9-_. ()':,;?]+`)
	datasetLabel       = text(1, 255, `.{1,}`)
	queryString        = text(1, 2048, `.*\S.*`)
	paginationToken    = awsjson.Shape{Length: awsjson.AtMost(1024)}
	kmsKeyID           = awsjson.Shape{Length: awsjson.Between(1, 2048), Pattern: kmsKeyCharacters}

	feature     = enum("CONTENT_MODERATION", "CUSTOM_LABELS")
	autoUpdate  = enum("ENABLED", "DISABLED")
	datasetType = enum("TRAIN", "TEST")

	percent        = awsjson.Shape{Value: awsjson.Between(0, 100)}
	inferenceUnits = awsjson.Shape{Value: awsjson.AtLeast(1)}
	uInteger       = awsjson.Shape{Value: awsjson.AtLeast(0)}
	blob           = awsjson.Shape{Blob: true, Length: awsjson.Between(1, 5242880)}

	s3Bucket = text(3, 255, `[0-9A-Za-z\.\-_]*`)
	s3Object = structure(members{"Bucket": s3Bucket, "Name": text(1, 1024, ""), "Version": text(1, 1024, "")})
	output   = structure(members{"S3Bucket": s3Bucket, "S3KeyPrefix": {Length: awsjson.AtMost(1024)}})
	manifest = structure(members{"S3Object": s3Object})
	assets   = structure(members{"Assets": {Item: ptr(structure(members{"GroundTruthManifest": manifest}))}})
	image    = structure(members{"Bytes": blob, "S3Object": s3Object})

	tagKey = awsjson.Shape{Length: awsjson.Between(1, 128), Pattern: tagKeyCharacters}
	tags   = awsjson.Shape{
		Length: awsjson.Between(0, 200), Key: &tagKey,
		Entry: ptr(text(0, 256, `^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$`)),
	}
)

// Three patterns that Go's regular expressions cannot say as the model does.
var (
	kmsKeyCharacters = awsjson.PatternFunc(`^[A-Za-z0-9][A-Za-z0-9:_/+=,@.-]{0,2048}$`, matching(`^[A-Za-z0-9][A-Za-z0-9:_/+=,@.-]*$`))
	policyCharacters = awsjson.PatternFunc(`[\u0009\u000A\u000D\u0020-\u00FF]+`, matching(`^[\x{09}\x{0A}\x{0D}\x{20}-\x{FF}]+$`))
	tagKeyCharacters = awsjson.PatternFunc(`^(?!aws:)[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`, func(s string) bool {
		return !strings.HasPrefix(s, "aws:") && tagCharacters(s)
	})
	tagCharacters = matching(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)
)

type members = map[string]awsjson.Shape

func matching(pattern string) func(string) bool { return regexp.MustCompile(pattern).MatchString }

func ptr[T any](v T) *T { return &v }

// text is a string of so many characters; an empty pattern is none.
func text(shortest, longest float64, pattern string) awsjson.Shape {
	s := awsjson.Shape{Length: awsjson.Between(shortest, longest)}
	if pattern != "" {
		s.Pattern = awsjson.MustPattern(pattern)
	}
	return s
}

func enum(values ...string) awsjson.Shape { return awsjson.Shape{Enum: values} }

func structure(m members) awsjson.Shape { return awsjson.Shape{Members: m} }

// list is a list of so many items.
func list(fewest, most float64, item awsjson.Shape) awsjson.Shape {
	return awsjson.Shape{Length: awsjson.Between(fewest, most), Item: &item}
}

// required is a shape that must be there.
func required(s awsjson.Shape) awsjson.Shape {
	s.Required = true
	return s
}

// page is the members of an operation that lists, and those of pages.
func page(largest float64, m members) awsjson.Shape {
	m = maps.Clone(m)
	m["MaxResults"] = awsjson.Shape{Value: awsjson.Between(1, largest)}
	m["NextToken"] = paginationToken
	return structure(m)
}

// ConstraintsOf returns the constraints of an operation's input, for another
// operation that takes the same.
func ConstraintsOf(operation string) awsjson.Shape { return constraints[operation] }

// constraints are those of every operation's input.
var constraints = map[string]awsjson.Shape{
	"CopyProjectVersion": structure(members{
		"SourceProjectArn": required(projectArn), "SourceProjectVersionArn": required(versionArn),
		"DestinationProjectArn": required(projectArn), "VersionName": required(versionName),
		"OutputConfig": required(output), "Tags": tags, "KmsKeyId": kmsKeyID,
	}),
	"CreateDataset": structure(members{
		"ProjectArn": required(projectArn), "DatasetType": required(datasetType), "Tags": tags,
		"DatasetSource": structure(members{"GroundTruthManifest": manifest, "DatasetArn": datasetArn}),
	}),
	"CreateProject": structure(members{
		"ProjectName": required(projectName), "Feature": feature, "AutoUpdate": autoUpdate, "Tags": tags,
	}),
	"CreateProjectVersion": structure(members{
		"ProjectArn": required(projectArn), "VersionName": required(versionName), "OutputConfig": required(output),
		"TrainingData": assets, "TestingData": assets, "Tags": tags, "KmsKeyId": kmsKeyID,
		"VersionDescription": versionDescription,
		"FeatureConfig":      structure(members{"ContentModeration": structure(members{"ConfidenceThreshold": percent})}),
	}),
	"DeleteDataset":        structure(members{"DatasetArn": required(datasetArn)}),
	"DeleteProject":        structure(members{"ProjectArn": required(projectArn)}),
	"DeleteProjectPolicy":  structure(members{"ProjectArn": required(projectArn), "PolicyName": required(policyName), "PolicyRevisionId": policyRevisionID}),
	"DeleteProjectVersion": structure(members{"ProjectVersionArn": required(versionArn)}),
	"DescribeDataset":      structure(members{"DatasetArn": required(datasetArn)}),
	"DescribeProjectVersions": page(100, members{
		"ProjectArn": required(projectArn), "VersionNames": list(1, 10, versionName),
	}),
	"DescribeProjects": page(100, members{"ProjectNames": list(1, 10, projectName), "Features": list(1, 2, feature)}),
	"DetectCustomLabels": structure(members{
		"ProjectVersionArn": required(versionArn), "Image": required(image), "MaxResults": uInteger, "MinConfidence": percent,
	}),
	"DistributeDatasetEntries": structure(members{
		"Datasets": required(list(2, 2, structure(members{"Arn": required(datasetArn)}))),
	}),
	"ListDatasetEntries": page(100, members{
		"DatasetArn": required(datasetArn), "ContainsLabels": list(1, 10, datasetLabel), "SourceRefContains": queryString,
	}),
	"ListDatasetLabels":   page(100, members{"DatasetArn": required(datasetArn)}),
	"ListProjectPolicies": page(5, members{"ProjectArn": required(projectArn)}),
	"ListTagsForResource": structure(members{"ResourceArn": required(resource)}),
	"PutProjectPolicy": structure(members{
		"ProjectArn": required(projectArn), "PolicyName": required(policyName),
		"PolicyDocument": required(policyDocument), "PolicyRevisionId": policyRevisionID,
	}),
	"StartProjectVersion": structure(members{
		"ProjectVersionArn": required(versionArn), "MinInferenceUnits": required(inferenceUnits), "MaxInferenceUnits": inferenceUnits,
	}),
	"StopProjectVersion":   structure(members{"ProjectVersionArn": required(versionArn)}),
	"TagResource":          structure(members{"ResourceArn": required(resource), "Tags": required(tags)}),
	"UntagResource":        structure(members{"ResourceArn": required(resource), "TagKeys": required(list(0, 200, tagKey))}),
	"UpdateDatasetEntries": structure(members{"DatasetArn": required(datasetArn), "Changes": required(structure(members{"GroundTruth": required(blob)}))}),
}
