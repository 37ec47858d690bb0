package customlabels

import (
	"mimeo/internal/arn"
	"mimeo/internal/fault"
)

// The exceptions of the service model, and ValidationException, which AWS
// answers although the model does not name it.
const (
	AccessDenied                  fault.Code = "AccessDeniedException"
	ImageTooLarge                 fault.Code = "ImageTooLargeException"
	InternalServerError           fault.Code = "InternalServerError"
	InvalidImageFormat            fault.Code = "InvalidImageFormatException"
	InvalidPaginationToken        fault.Code = "InvalidPaginationTokenException"
	InvalidParameter              fault.Code = "InvalidParameterException"
	InvalidPolicyRevisionID       fault.Code = "InvalidPolicyRevisionIdException"
	InvalidS3Object               fault.Code = "InvalidS3ObjectException"
	LimitExceeded                 fault.Code = "LimitExceededException"
	MalformedPolicyDocument       fault.Code = "MalformedPolicyDocumentException"
	ProvisionedThroughputExceeded fault.Code = "ProvisionedThroughputExceededException"
	ResourceAlreadyExists         fault.Code = "ResourceAlreadyExistsException"
	ResourceInUse                 fault.Code = "ResourceInUseException"
	ResourceNotFound              fault.Code = "ResourceNotFoundException"
	ResourceNotReady              fault.Code = "ResourceNotReadyException"
	ServiceQuotaExceeded          fault.Code = "ServiceQuotaExceededException"
	Throttling                    fault.Code = "ThrottlingException"
	Validation                    fault.Code = "ValidationException"
)

// Invalid is a request that is well formed and means nothing sensible.
func Invalid(format string, args ...any) *fault.Error {
	return fault.New(InvalidParameter, format, args...)
}

// InUse is a resource whose state, or a name whose owner, forbids the request.
func InUse(format string, args ...any) *fault.Error {
	return fault.New(ResourceInUse, format, args...)
}

// NotFound is a resource of the caller's own account that does not exist.
func NotFound(resource interface{ String() string }) *fault.Error {
	return fault.New(ResourceNotFound, "The resource %s does not exist.", resource)
}

// Denied is AWS's sentence for a principal that lacks a permission. reason
// says which check decided, where that reveals nothing about another account;
// it may be empty.
func Denied(who arn.Principal, action, resource, reason string) *fault.Error {
	if reason != "" {
		reason = " because " + reason
	}
	return fault.New(AccessDenied, "User: %s is not authorized to perform: %s on resource: %s%s", who, action, resource, reason)
}
