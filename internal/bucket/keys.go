package bucket

import (
	"strconv"

	"mimeo/internal/arn"
	"mimeo/internal/policy"
)

// The condition keys of S3's actions:
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html

// writeKeys are those of s3:PutObject. A sealing that the request does not
// name, and a source that it does not have, are absent.
func writeKeys(sealing Sealing, source string) policy.Keys {
	keys := policy.Keys{}
	switch {
	case sealing.KMS:
		keys["s3:x-amz-server-side-encryption"] = []string{"aws:kms"}
	case sealing.Named:
		keys["s3:x-amz-server-side-encryption"] = []string{"AES256"}
	}
	if sealing.KMS && sealing.Key != "" {
		keys["s3:x-amz-server-side-encryption-aws-kms-key-id"] = []string{sealing.Key}
	}
	if source != "" {
		keys["s3:x-amz-copy-source"] = []string{source}
	}
	return keys
}

// sealing is what the request said that sealed as e is. A request that began
// an upload may not have named SSE-S3, but it was asked then.
func (e Encryption) sealing() Sealing {
	if e.Key == (arn.Key{}) {
		return Sealing{Named: true}
	}
	return Sealing{KMS: true, Key: e.Key.String()}
}

// keys are those of s3:ListBucket.
func (r ListRequest) keys() policy.Keys {
	keys := policy.Keys{"s3:prefix": {r.Prefix}, "s3:max-keys": {strconv.Itoa(r.MaxKeys)}}
	if r.Delimiter != "" {
		keys["s3:delimiter"] = []string{r.Delimiter}
	}
	return keys
}

// locationKey is that of s3:CreateBucket.
func locationKey(location string) policy.Keys {
	if location == "" {
		return nil
	}
	return policy.Keys{"s3:locationconstraint": {location}}
}
