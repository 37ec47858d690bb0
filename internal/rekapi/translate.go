package rekapi

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/objects"
)

// parsed reads the ARN in a member. The model's pattern lets through some
// that are none.
func parsed[T any](parse func(string) (T, error), member string, value *string) (T, error) {
	v, err := parse(aws.ToString(value))
	if err != nil {
		return v, customlabels.Invalid("The value of %s is not a valid ARN: %s", member, aws.ToString(value)).Because(err)
	}
	return v, nil
}

func project(member string, value *string) (arn.Project, error) {
	return parsed(arn.ParseProject, member, value)
}

// ProjectVersion reads the ARN of a version, for mimeo's own operations too.
func ProjectVersion(member string, value *string) (arn.ProjectVersion, error) {
	return version(member, value)
}

func version(member string, value *string) (arn.ProjectVersion, error) {
	return parsed(arn.ParseProjectVersion, member, value)
}

func dataset(member string, value *string) (arn.Dataset, error) {
	return parsed(arn.ParseDataset, member, value)
}

// object is the object that a member names; nil where it names none.
func object(o *types.S3Object) *objects.Ref {
	if o == nil {
		return nil
	}
	return &objects.Ref{Bucket: aws.ToString(o.Bucket), Key: aws.ToString(o.Name), Version: aws.ToString(o.Version)}
}

func outputConfig(c *types.OutputConfig) customlabels.OutputConfig {
	return customlabels.OutputConfig{Bucket: aws.ToString(c.S3Bucket), Prefix: aws.ToString(c.S3KeyPrefix)}
}

// size is a MaxResults; 0 where none is given.
func size(n *int32) int { return int(aws.ToInt32(n)) }

// token is a NextToken to answer; none behind the last page.
func token(s string) *string { return unlessEmpty(s) }

// unlessEmpty is a member that is absent rather than empty.
func unlessEmpty(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// unlessZero is a time that is absent rather than zero.
func unlessZero(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// listOf translates the items of a list. The result is never nil: a list
// without items is answered as [].
func listOf[From, To any](from []From, translate func(From) To) []To {
	to := make([]To, len(from))
	for i, v := range from {
		to[i] = translate(v)
	}
	return to
}
