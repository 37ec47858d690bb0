package bucket

import (
	"net/netip"
	"strings"
	"unicode/utf8"

	"mimeo/internal/arn"
	"mimeo/internal/fault"
)

// maxKeyLength is the longest key of an object, in bytes of UTF-8.
const maxKeyLength = 1024

// A Name says where an object is. Bucket names are unique per partition.
type Name struct {
	Partition, Bucket, Key string
}

// ARN returns the object's ARN, or without a key the bucket's.
func (n Name) ARN() string {
	resource := n.Bucket
	if n.Key != "" {
		resource += "/" + n.Key
	}
	return arn.ARN{Partition: n.Partition, Service: "s3", Resource: resource}.String()
}

// The beginnings and ends that S3 keeps for itself.
var (
	reservedPrefixes = []string{"xn--", "sthree-", "amzn-s3-demo-"}
	reservedSuffixes = []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"}
)

// checkBucketName applies the rules for general purpose buckets:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
func checkBucketName(name string) error {
	ok := len(name) >= 3 && len(name) <= 63 && !strings.Contains(name, "..") && isAlphanumeric(name[0]) && isAlphanumeric(name[len(name)-1])
	for i := range len(name) {
		ok = ok && (isAlphanumeric(name[i]) || name[i] == '.' || name[i] == '-')
	}
	if _, err := netip.ParseAddr(name); err == nil {
		ok = false
	}
	for _, p := range reservedPrefixes {
		ok = ok && !strings.HasPrefix(name, p)
	}
	for _, s := range reservedSuffixes {
		ok = ok && !strings.HasSuffix(name, s)
	}
	if !ok {
		return fault.New(InvalidBucketName, "The specified bucket is not valid.")
	}
	return nil
}

func isAlphanumeric(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }

// checkPartOfKey refuses a prefix or a delimiter that no key can have, before
// a policy is asked about it.
func checkPartOfKey(part string) error {
	if len(part) > maxKeyLength {
		return fault.New(KeyTooLong, "Your prefix or delimiter is longer than a key can be, which is %d bytes", maxKeyLength)
	}
	return nil
}

func checkKey(key string) error {
	switch {
	case len(key) > maxKeyLength:
		return fault.New(KeyTooLong, "Your key is too long")
	case key == "" || !utf8.ValidString(key):
		return invalidArgument("An object key is 1 to %d bytes of UTF-8", maxKeyLength)
	}
	return nil
}
