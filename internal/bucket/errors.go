package bucket

import (
	"fmt"

	"mimeo/internal/fault"
	"mimeo/internal/objects"
)

// The error codes of S3 that this service answers, as
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html names
// them.
const (
	AccessDenied                 = objects.AccessDenied
	AuthorizationHeaderMalformed = fault.Code("AuthorizationHeaderMalformed")
	BadDigest                    = fault.Code("BadDigest")
	BucketAlreadyExists          = fault.Code("BucketAlreadyExists")
	BucketAlreadyOwnedByYou      = fault.Code("BucketAlreadyOwnedByYou")
	BucketNotEmpty               = fault.Code("BucketNotEmpty")
	EntityTooLarge               = fault.Code("EntityTooLarge")
	EntityTooSmall               = fault.Code("EntityTooSmall")
	IllegalLocationConstraint    = fault.Code("IllegalLocationConstraintException")
	IncompleteBody               = fault.Code("IncompleteBody")
	InvalidArgument              = fault.Code("InvalidArgument")
	InvalidBucketName            = fault.Code("InvalidBucketName")
	InvalidDigest                = fault.Code("InvalidDigest")
	InvalidLocationConstraint    = fault.Code("InvalidLocationConstraint")
	InvalidPart                  = fault.Code("InvalidPart")
	InvalidPartNumber            = fault.Code("InvalidPartNumber")
	InvalidPartOrder             = fault.Code("InvalidPartOrder")
	InvalidRange                 = fault.Code("InvalidRange")
	InvalidRequest               = fault.Code("InvalidRequest")
	KMSDisabled                  = fault.Code("KMS.DisabledException")
	KMSInvalidKeyUsage           = fault.Code("KMS.InvalidKeyUsageException")
	KMSInvalidState              = fault.Code("KMS.KMSInvalidStateException")
	KMSNotFound                  = fault.Code("KMS.NotFoundException")
	KeyTooLong                   = fault.Code("KeyTooLongError")
	MalformedPolicy              = fault.Code("MalformedPolicy")
	MetadataTooLarge             = fault.Code("MetadataTooLarge")
	MethodNotAllowed             = fault.Code("MethodNotAllowed")
	NoSuchBucket                 = objects.NoSuchBucket
	NoSuchBucketPolicy           = fault.Code("NoSuchBucketPolicy")
	NoSuchKey                    = objects.NoSuchKey
	NoSuchUpload                 = fault.Code("NoSuchUpload")
	NoSuchVersion                = fault.Code("NoSuchVersion")
	NotModified                  = fault.Code("NotModified")
	PreconditionFailed           = fault.Code("PreconditionFailed")
	TooManyBuckets               = fault.Code("TooManyBuckets")
)

// A RegionError says that a bucket lives in another region than the one that
// the request was signed for. Its code is [AuthorizationHeaderMalformed], and
// Region is the one to sign for.
type RegionError struct {
	Region string
	err    *fault.Error
}

func wrongRegion(signed, region string) error {
	return &RegionError{Region: region, err: fault.New(AuthorizationHeaderMalformed,
		"The authorization header is malformed; the region '%s' is wrong; expecting '%s'", signed, region)}
}

func (e *RegionError) Error() string { return e.err.Error() }

// Unwrap returns the fault.
func (e *RegionError) Unwrap() error { return e.err }

func denied(who fmt.Stringer, action, resource, reason string) *fault.Error {
	return fault.New(AccessDenied, "User: %s is not authorized to perform: %s on resource: %q because %s", who, action, resource, reason)
}

// foreign is the one refusal of callers of other accounts than the bucket's.
func foreign() *fault.Error { return fault.New(AccessDenied, "Access Denied") }

func noSuchBucket() error { return fault.New(NoSuchBucket, "The specified bucket does not exist") }

func noSuchKey() error { return fault.New(NoSuchKey, "The specified key does not exist.") }

func noSuchUpload() error {
	return fault.New(NoSuchUpload, "The specified multipart upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.")
}

func invalidPart() error {
	return fault.New(InvalidPart, "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.")
}

func invalidArgument(format string, args ...any) error {
	return fault.New(InvalidArgument, format, args...)
}

func invalidRequest(format string, args ...any) error {
	return fault.New(InvalidRequest, format, args...)
}

func preconditionFailed() error {
	return fault.New(PreconditionFailed, "At least one of the pre-conditions you specified did not hold")
}

func tooLarge() error {
	return fault.New(EntityTooLarge, "Your proposed upload exceeds the maximum allowed size")
}

// sentences are the messages of the codes that a store returns bare.
var sentences = map[fault.Code]func() error{
	NoSuchBucket: noSuchBucket,
	NoSuchKey:    noSuchKey,
	NoSuchUpload: noSuchUpload,
	InvalidPart:  invalidPart,
	BucketNotEmpty: func() error {
		return fault.New(BucketNotEmpty, "The bucket you tried to delete is not empty")
	},
	BucketAlreadyExists: func() error {
		return fault.New(BucketAlreadyExists, "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.")
	},
	NoSuchVersion: func() error {
		return fault.New(NoSuchVersion, "The specified version does not exist.")
	},
	MethodNotAllowed: func() error { // of a delete marker
		return fault.New(MethodNotAllowed, "The specified method is not allowed against this resource.")
	},
	PreconditionFailed: preconditionFailed,
}
