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
	set(keys, "s3:x-amz-content-sha256", caller.ContentSHA256)
	set(keys, "s3:tlsversion", caller.TLS)
	return keys
}

// Asked is what a request to write asks for and gets in any case: each of
// these headers has the values that change nothing here. Policies can ask for
// them all the same.
type Asked struct {
	ACL               string `json:",omitempty"`
	StorageClass      string `json:",omitempty"`
	MetadataDirective string `json:",omitempty"`
}

// An intent is what policies can ask of a request of s3:PutObject.
type intent struct {
	sealing Sealing
	asked   Asked
	source  string // "BUCKET/KEY" of what a copy takes
	cond    Condition
	creates bool // an object, and not an upload or a part of one
}

// keys are those of s3:PutObject. What the request does not say is absent.
func (i intent) keys() policy.Keys {
	keys := i.cond.keys()
	keys["s3:objectcreationoperation"] = []string{strconv.FormatBool(i.creates)}
	switch {
	case i.sealing.KMS:
		keys["s3:x-amz-server-side-encryption"] = []string{"aws:kms"}
	case i.sealing.Named:
		keys["s3:x-amz-server-side-encryption"] = []string{"AES256"}
	}
	if i.sealing.KMS {
		set(keys, "s3:x-amz-server-side-encryption-aws-kms-key-id", i.sealing.Key)
	}
	set(keys, "s3:x-amz-acl", i.asked.ACL)
	set(keys, "s3:x-amz-storage-class", i.asked.StorageClass)
	set(keys, "s3:x-amz-metadata-directive", i.asked.MetadataDirective)
	set(keys, "s3:x-amz-copy-source", i.source)
	return keys
}

// keys are those of a condition on the object that is there.
func (c Condition) keys() policy.Keys {
	keys := policy.Keys{}
	set(keys, "s3:if-match", c.Match)
	set(keys, "s3:if-none-match", c.NoneMatch)
	return keys
}

// ofVersion is an access to an object, or to the version of it that a request
// names: that is another action.
func ofVersion(action, bucket, key, version string, keys policy.Keys) access {
	if version != "" {
		action += "Version"
		set(keys, "s3:versionid", version)
	}
	return access{action: action, bucket: bucket, key: key, keys: keys}
}

// set fills a key, unless with nothing.
func set(keys policy.Keys, name, value string) {
	if value != "" {
		keys[name] = []string{value}
	}
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
	set(keys, "s3:delimiter", r.Delimiter)
	return keys
}

// keys are those of s3:CreateBucket.
func (n NewBucket) keys() policy.Keys {
	keys := policy.Keys{}
	set(keys, "s3:locationconstraint", n.Location)
	set(keys, "s3:x-amz-acl", n.ACL)
	set(keys, "s3:x-amz-object-ownership", n.Ownership)
	return keys
}
