package policy

import "strings"

// ParseBucketPolicy reads the policy of a bucket, which speaks of that bucket
// and its objects only. Its error is a *SyntaxError whose text belongs in a
// MalformedPolicy.
func ParseBucketPolicy(text, bucketARN string) (*Document, error) {
	return parse(text, &dialect{
		required: []string{"Effect", "Principal", "Action", "Resource"},
		action: func(at, action string) *SyntaxError {
			if service, _, _ := strings.Cut(action, ":"); action != "*" && !strings.EqualFold(service, "s3") {
				return malformed("In %s, %.100q is not allowed in a bucket policy: its actions are those of s3.", at, action)
			}
			return nil
		},
		resource: func(at, name string) *SyntaxError {
			if name != "*" && name != bucketARN && !strings.HasPrefix(name, bucketARN+"/") {
				return malformed("In %s, %.100q is neither the bucket %s nor objects in it.", at, name, bucketARN)
			}
			return nil
		},
	})
}
