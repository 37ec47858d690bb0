package sigv4

import (
	"time"

	"mimeo/internal/fault"
)

// The refusals of this package. They are names of meanings, not of the wire:
// every protocol has a table that gives each its wire name and status.
const (
	// MissingToken is a request that carries no signature at all.
	MissingToken fault.Code = "MissingAuthenticationToken"
	// Incomplete is a signature of which a part is missing or malformed.
	Incomplete fault.Code = "IncompleteSignature"
	// IncompleteQuery is the same in the query of a presigned request.
	IncompleteQuery fault.Code = "AuthorizationQueryParametersError"
	// OldVersion is a request signed with Signature Version 2.
	OldVersion fault.Code = "SignatureVersion2"
	// WrongScope is a credential scope of another service, date or form.
	WrongScope fault.Code = "CredentialScopeMismatch"
	// Skewed is a request signed too long ago or too far ahead.
	Skewed fault.Code = "RequestTimeTooSkewed"
	// Expired is a presigned request used outside its time.
	Expired fault.Code = "RequestExpired"
	// UnknownKey is an access key id, or a session token, of nobody.
	UnknownKey fault.Code = "InvalidClientTokenId"
	// ExpiredToken is the token of a session that has ended. A Credentials
	// may return it, or an error with this code.
	ExpiredToken fault.Code = "ExpiredToken"
	// Unsigned is a header that the signature must cover and does not.
	Unsigned fault.Code = "UnsignedHeader"
	// Mismatch is a signature that does not belong to the request.
	Mismatch fault.Code = "SignatureDoesNotMatch"
	// ContentMismatch is a body that is not the one that was hashed.
	ContentMismatch fault.Code = "XAmzContentSHA256Mismatch"
	// InvalidContentHash is an x-amz-content-sha256 that says nothing known.
	InvalidContentHash fault.Code = "InvalidContentSHA256"
	// MissingLength is an aws-chunked body without its decoded length.
	MissingLength fault.Code = "MissingContentLength"
	// IncompleteBody is a body that is shorter or longer than announced.
	IncompleteBody fault.Code = "IncompleteBody"
	// MalformedChunk is an aws-chunked framing that cannot be read.
	MalformedChunk fault.Code = "MalformedChunk"
	// MalformedTrailer is a trailer that was not announced, or did not come.
	MalformedTrailer fault.Code = "MalformedTrailerError"
	// TooLarge is a body beyond the verifier's bound.
	TooLarge fault.Code = "EntityTooLarge"
)

// Codes returns every code of this package, for the tables that map them.
func Codes() []fault.Code {
	return []fault.Code{
		MissingToken, Incomplete, IncompleteQuery, OldVersion, WrongScope, Skewed, Expired, UnknownKey, ExpiredToken,
		Unsigned, Mismatch, ContentMismatch, InvalidContentHash, MissingLength, IncompleteBody, MalformedChunk,
		MalformedTrailer, TooLarge,
	}
}

func mismatch() *fault.Error {
	return fault.New(Mismatch, "The request signature we calculated does not match the signature you provided. "+
		"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
}

func oldVersion() *fault.Error {
	return fault.New(OldVersion, "This request is signed with Signature Version 2, which is not supported. "+
		"Please use AWS4-HMAC-SHA256: in boto3 and botocore set signature_version='s3v4' (AWS CLI: aws configure set default.s3.signature_version s3v4).")
}

func unsigned(header string) *fault.Error {
	return fault.New(Unsigned, "There were headers present in the request which were not signed: '%s' must be a 'SignedHeader' in the AWS Authorization.", header)
}

// skewed says on which side of the window a request was signed, in the
// sentence that AWS's SDKs know.
func skewed(signed, now time.Time, window time.Duration) *fault.Error {
	minutes := int(window / time.Minute)
	if edge := now.Add(-window); signed.Before(edge) {
		return fault.New(Skewed, "Signature expired: %s is now earlier than %s (%s - %d min.)",
			signed.Format(timeFormat), edge.Format(timeFormat), now.Format(timeFormat), minutes)
	}
	return fault.New(Skewed, "Signature not yet current: %s is still later than %s (%s + %d min.)",
		signed.Format(timeFormat), now.Add(window).Format(timeFormat), now.Format(timeFormat), minutes)
}
