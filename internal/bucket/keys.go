package bucket

import (
	"strconv"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/policy"
)

// The condition keys of S3's actions:
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html

// signatureKeys are those of every action: how the request was signed, and
// sent. Only a presigned one has an age: AWS gives it to no other, and a
// signature in a header is minutes old at most.
func signatureKeys(caller arn.Caller, now time.Time) policy.Keys {
	keys := policy.Keys{"s3:signatureversion": {"AWS4-HMAC-SHA256"}, "s3:authtype": {"REST-HEADER"}}
	if !caller.Presigned.IsZero() {
		age := max(0, now.Sub(caller.Presigned)) // a client's clock may be ahead
		keys["s3:authtype"] = []string{"REST-QUERY-STRING"}
		keys["s3:signatureage"] = []string{strconv.FormatInt(age.Milliseconds(), 10)}
	}
	if caller.ContentSHA256 != "" {
		keys["s3:x-amz-content-sha256"] = []string{caller.ContentSHA256}
	}
	if caller.TLS != "" {
		keys["s3:tlsversion"] = []string{caller.TLS}
	}
	return keys
}

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
