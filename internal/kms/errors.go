package kms

import (
	"fmt"

	"mimeo/internal/arn"
	"mimeo/internal/fault"
)

// The exceptions of the KMS API, and two that AWS answers although the
// service model does not name them.
const (
	AccessDenied            fault.Code = "AccessDeniedException"
	AlreadyExists           fault.Code = "AlreadyExistsException"
	Disabled                fault.Code = "DisabledException"
	DryRun                  fault.Code = "DryRunOperationException"
	IncorrectKey            fault.Code = "IncorrectKeyException"
	InvalidAliasName        fault.Code = "InvalidAliasNameException"
	InvalidArn              fault.Code = "InvalidArnException"
	InvalidCiphertext       fault.Code = "InvalidCiphertextException"
	InvalidGrantID          fault.Code = "InvalidGrantIdException"
	InvalidGrantToken       fault.Code = "InvalidGrantTokenException"
	InvalidKeyUsage         fault.Code = "InvalidKeyUsageException"
	InvalidMarker           fault.Code = "InvalidMarkerException"
	InvalidSignature        fault.Code = "KMSInvalidSignatureException"
	InvalidState            fault.Code = "KMSInvalidStateException"
	LimitExceeded           fault.Code = "LimitExceededException"
	MalformedPolicyDocument fault.Code = "MalformedPolicyDocumentException"
	NotFound                fault.Code = "NotFoundException"
	Tag                     fault.Code = "TagException"
	Unsupported             fault.Code = "UnsupportedOperationException"
	Validation              fault.Code = "ValidationException"
)

func invalid(format string, args ...any) *fault.Error {
	return fault.New(Validation, format, args...)
}

// NotSupported is the refusal of a request that asks for a feature of KMS
// that is not here; what names it.
func NotSupported(what string) *fault.Error {
	return fault.New(Unsupported, "%s is not supported: keys here are SYMMETRIC_DEFAULT for ENCRYPT_DECRYPT or ECC_NIST_P256 for SIGN_VERIFY, of one Region, and their material is made by the service.", what)
}

// WrongAlgorithm is the refusal of an algorithm that keys of a spec do not have.
func WrongAlgorithm(algorithm string, s Spec) *fault.Error {
	return fault.New(InvalidKeyUsage, "Algorithm %.60s is incompatible with key spec %s.", algorithm, s)
}

// wrongUsage is the refusal of what a key of another usage can do.
func wrongUsage(k Key, op Operation) *fault.Error {
	if op == GetPublicKeyOperation {
		return fault.New(Unsupported, "%s is a symmetric key: it has no public key.", k.ARN)
	}
	return fault.New(InvalidKeyUsage, "%s key usage is %s which is not valid for %s.", k.ARN, k.Spec.Usage(), string(op))
}

func invalidSignature(k arn.Key) *fault.Error {
	return fault.New(InvalidSignature, "The signature is not one of the message with %s.", k)
}

func keyNotFound(k fmt.Stringer) *fault.Error {
	return fault.New(NotFound, "Key '%s' does not exist", k)
}

func aliasNotFound(a Alias) *fault.Error {
	return fault.New(NotFound, "Alias %s is not found.", a.ARN())
}

// denied is a refusal about a key of the caller's own account.
func denied(caller arn.Caller, action string, resource fmt.Stringer, reason string) *fault.Error {
	return fault.New(AccessDenied, "User: %s is not authorized to perform: %s on resource: %s because %s", caller.Principal, action, resource, reason)
}

// deniedAbroad is the one refusal about another account's keys. It says the
// same whether or not the key exists.
func deniedAbroad(caller arn.Caller, action string) *fault.Error {
	return fault.New(AccessDenied, "User: %s is not authorized to perform: %s on this resource because the resource does not exist in this Region, "+
		"no resource-based policies allow access, or a resource-based policy explicitly denies access", caller.Principal, action)
}

// unreadable is the one refusal to use the key that a ciphertext names.
func unreadable() *fault.Error {
	return fault.New(AccessDenied, "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.")
}

func dryRun() *fault.Error {
	return fault.New(DryRun, "The request would have succeeded, but the DryRun option is set.")
}
