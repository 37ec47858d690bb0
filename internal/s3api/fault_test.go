package s3api_test

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"testing"

	"mimeo/internal/bucket"
	"mimeo/internal/fault"
	"mimeo/internal/s3api"
	"mimeo/internal/sigv4"
)

// wire is how every refusal looks. The codes that the source names are
// compared with it, so that a new one needs a line here.
var wire = map[fault.Code]struct {
	code   fault.Code
	status int
}{
	"AccessDenied":                       {"AccessDenied", 403},
	"AuthorizationHeaderMalformed":       {"AuthorizationHeaderMalformed", 400},
	"BadDigest":                          {"BadDigest", 400},
	"BucketAlreadyExists":                {"BucketAlreadyExists", 409},
	"BucketAlreadyOwnedByYou":            {"BucketAlreadyOwnedByYou", 409},
	"BucketNotEmpty":                     {"BucketNotEmpty", 409},
	"EntityTooLarge":                     {"EntityTooLarge", 400},
	"EntityTooSmall":                     {"EntityTooSmall", 400},
	"IllegalLocationConstraintException": {"IllegalLocationConstraintException", 400},
	"IncompleteBody":                     {"IncompleteBody", 400},
	"InvalidArgument":                    {"InvalidArgument", 400},
	"InvalidBucketName":                  {"InvalidBucketName", 400},
	"InvalidDigest":                      {"InvalidDigest", 400},
	"InvalidLocationConstraint":          {"InvalidLocationConstraint", 400},
	"InvalidPart":                        {"InvalidPart", 400},
	"InvalidPartNumber":                  {"InvalidPartNumber", 416},
	"InvalidPartOrder":                   {"InvalidPartOrder", 400},
	"InvalidRange":                       {"InvalidRange", 416},
	"InvalidRequest":                     {"InvalidRequest", 400},
	"KMS.DisabledException":              {"KMS.DisabledException", 400},
	"KMS.InvalidKeyUsageException":       {"KMS.InvalidKeyUsageException", 400},
	"KMS.KMSInvalidStateException":       {"KMS.KMSInvalidStateException", 400},
	"KMS.NotFoundException":              {"KMS.NotFoundException", 400},
	"KeyTooLongError":                    {"KeyTooLongError", 400},
	"MalformedPolicy":                    {"MalformedPolicy", 400},
	"MetadataTooLarge":                   {"MetadataTooLarge", 400},
	"NoSuchBucket":                       {"NoSuchBucket", 404},
	"NoSuchBucketPolicy":                 {"NoSuchBucketPolicy", 404},
	"NoSuchKey":                          {"NoSuchKey", 404},
	"NoSuchUpload":                       {"NoSuchUpload", 404},
	"NoSuchVersion":                      {"NoSuchVersion", 404},
	"NotModified":                        {"NotModified", 304},
	"PreconditionFailed":                 {"PreconditionFailed", 412},
	"TooManyBuckets":                     {"TooManyBuckets", 400},

	"AccessControlListNotSupported": {"AccessControlListNotSupported", 400},
	"InternalError":                 {"InternalError", 500},
	"InvalidURI":                    {"InvalidURI", 400},
	"MalformedXML":                  {"MalformedXML", 400},
	"MaxMessageLengthExceeded":      {"MaxMessageLengthExceeded", 400},
	"MethodNotAllowed":              {"MethodNotAllowed", 405},
	"MissingContentLength":          {"MissingContentLength", 411},
	"NotImplemented":                {"NotImplemented", 501},
	"RequestTimeout":                {"RequestTimeout", 400},

	"AuthorizationQueryParametersError": {"AuthorizationQueryParametersError", 400},
	"CredentialScopeMismatch":           {"AuthorizationHeaderMalformed", 400},
	"ExpiredToken":                      {"ExpiredToken", 400},
	"IncompleteSignature":               {"AuthorizationHeaderMalformed", 400},
	"InvalidClientTokenId":              {"InvalidAccessKeyId", 403},
	"InvalidContentSHA256":              {"InvalidRequest", 400},
	"MalformedChunk":                    {"InvalidRequest", 400},
	"MalformedTrailerError":             {"MalformedTrailerError", 400},
	"MissingAuthenticationToken":        {"AccessDenied", 403},
	"RequestExpired":                    {"AccessDenied", 403},
	"RequestTimeTooSkewed":              {"RequestTimeTooSkewed", 403},
	"SignatureDoesNotMatch":             {"SignatureDoesNotMatch", 403},
	"SignatureVersion2":                 {"InvalidRequest", 400},
	"UnsignedHeader":                    {"AccessDenied", 403},
	"XAmzContentSHA256Mismatch":         {"XAmzContentSHA256Mismatch", 400},
}

var codeInSource = regexp.MustCompile(`fault\.Code(?:\(| += )"([^"]+)"`)

func TestEveryCodeHasItsWireForm(t *testing.T) {
	t.Parallel()
	named := map[fault.Code]bool{bucket.AccessDenied: true, bucket.NoSuchBucket: true, bucket.NoSuchKey: true}
	for _, c := range sigv4.Codes() {
		named[c] = true
	}
	for _, file := range []string{"../bucket/errors.go", "fault.go"} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range codeInSource.FindAllSubmatch(source, -1) {
			named[fault.Code(m[1])] = true
		}
	}
	for c := range named {
		want, ok := wire[c]
		if !ok {
			t.Errorf("%s has no line in this table", c)
			continue
		}
		code, status := s3api.Render(fmt.Errorf("wrapped: %w", fault.New(c, "text")))
		if code != want.code || status != want.status {
			t.Errorf("%s is answered %s, %d; want %s, %d", c, code, status, want.code, want.status)
		}
	}
	for c := range wire {
		if !named[c] {
			t.Errorf("%s is in this table and nowhere else", c)
		}
	}
}

func TestWhatHasNoFormIsInternal(t *testing.T) {
	t.Parallel()
	for _, err := range []error{errors.New("disk on fire"), fault.New("Unheard", "secret"), bucket.NoSuchKey} {
		if code, status := s3api.Render(err); code != "InternalError" || status != 500 {
			t.Errorf("%v is answered %s, %d; want InternalError, 500", err, code, status)
		}
	}
}
