package s3api

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"mimeo/internal/arn"
	"mimeo/internal/bucket"
	"mimeo/internal/fault"
)

const (
	metadataPrefix     = "x-amz-meta-"
	copySourceHeader   = "x-amz-copy-source"
	directiveHeader    = "x-amz-metadata-directive"
	aclHeader          = "x-amz-acl"
	ownershipHeader    = "x-amz-object-ownership"
	storageClassHeader = "x-amz-storage-class"
)

// headers are the x-amz headers that there are, besides metadata, with the
// values that they may have; nil: any, the operation checks it.
var headers = map[string][]string{
	"x-amz-content-sha256":             nil,
	"x-amz-date":                       nil,
	"x-amz-decoded-content-length":     nil,
	"x-amz-request-payer":              nil, // nobody pays
	"x-amz-sdk-checksum-algorithm":     nil,
	"x-amz-security-token":             nil,
	"x-amz-trailer":                    nil,
	"x-amz-user-agent":                 nil,
	"x-amz-optional-object-attributes": {"RestoreStatus"}, // no object is archived

	"x-amz-checksum-algorithm": nil,
	"x-amz-checksum-crc32":     nil,
	"x-amz-checksum-crc32c":    nil,
	"x-amz-checksum-crc64nvme": nil,
	"x-amz-checksum-mode":      {"ENABLED"},
	"x-amz-checksum-sha1":      nil,
	"x-amz-checksum-sha256":    nil,
	"x-amz-checksum-type":      nil,
	"x-amz-mp-object-size":     nil,

	copySourceHeader:                        nil,
	"x-amz-copy-source-if-match":            nil,
	"x-amz-copy-source-if-modified-since":   nil,
	"x-amz-copy-source-if-none-match":       nil,
	"x-amz-copy-source-if-unmodified-since": nil,
	"x-amz-copy-source-range":               nil,
	"x-amz-expected-bucket-owner":           nil,
	directiveHeader:                         {"COPY", "REPLACE"},
	"x-amz-source-expected-bucket-owner":    nil,
	"x-amz-tagging-directive":               {"COPY"},

	"x-amz-confirm-remove-self-bucket-access": {"true", "false", "True", "False"}, // root cannot be locked out

	aclHeader:                          {"private", "bucket-owner-full-control"},
	"x-amz-bucket-object-lock-enabled": {"false", "False"},
	ownershipHeader:                    {"BucketOwnerEnforced"},
	storageClassHeader:                 {"STANDARD"},

	sseHeader:        {"AES256", "aws:kms"},
	sseKeyHeader:     nil,
	sseContextHeader: nil,
	"x-amz-server-side-encryption-bucket-key-enabled": {"false", "False"},
}

const (
	sseHeader        = "x-amz-server-side-encryption"
	sseKeyHeader     = "x-amz-server-side-encryption-aws-kms-key-id"
	sseContextHeader = "x-amz-server-side-encryption-context"
)

// checkHeaders refuses x-amz headers that mean something that is not here.
func checkHeaders(h http.Header) error {
	for name, values := range h {
		lower := strings.ToLower(name)
		if !strings.HasPrefix(lower, "x-amz-") || strings.HasPrefix(lower, metadataPrefix) {
			continue
		}
		wanted, known := headers[lower]
		switch {
		case !known:
			return notImplemented("header " + lower)
		case len(values) > 1:
			return fault.New(bucket.InvalidArgument, "The header %s is given more than once.", lower)
		case wanted == nil || slices.Contains(wanted, values[0]):
		case lower == aclHeader:
			return fault.New(aclNotSupported, "The bucket does not allow ACLs")
		default:
			return notImplemented("header " + lower + ": " + values[0])
		}
	}
	return nil
}

// objectHeaders reads what is kept with an object.
func objectHeaders(h http.Header) (bucket.Headers, error) {
	kept := bucket.Headers{
		ContentType:        h.Get("Content-Type"),
		ContentEncoding:    withoutChunked(h.Values("Content-Encoding")),
		ContentLanguage:    h.Get("Content-Language"),
		ContentDisposition: h.Get("Content-Disposition"),
		CacheControl:       h.Get("Cache-Control"),
		Expires:            h.Get("Expires"),
	}
	if h.Get("x-amz-website-redirect-location") != "" {
		return kept, notImplemented("header x-amz-website-redirect-location")
	}
	for name, values := range h {
		if key, ok := strings.CutPrefix(strings.ToLower(name), metadataPrefix); ok {
			if kept.Metadata == nil {
				kept.Metadata = map[string]string{}
			}
			kept.Metadata[key] = strings.Join(values, ",")
		}
	}
	for name, value := range kept.Metadata {
		if name == "" || !utf8.ValidString(value) {
			return kept, fault.New(bucket.InvalidArgument, "Metadata is named, and is UTF-8.")
		}
	}
	return kept, nil
}

// withoutChunked removes the coding of the transfer from those of the object.
func withoutChunked(values []string) string {
	var kept []string
	for coding := range strings.SplitSeq(strings.Join(values, ","), ",") {
		if coding = strings.TrimSpace(coding); coding != "" && !strings.EqualFold(coding, "aws-chunked") {
			kept = append(kept, coding)
		}
	}
	return strings.Join(kept, ",")
}

// asked reads what a writer asks for that policies may want to know of.
func asked(h http.Header) bucket.Asked {
	return bucket.Asked{ACL: h.Get(aclHeader), StorageClass: h.Get(storageClassHeader), MetadataDirective: h.Get(directiveHeader)}
}

// sealing reads how an object shall be sealed.
func sealing(h http.Header) (bucket.Sealing, error) {
	s := bucket.Sealing{KMS: h.Get(sseHeader) == "aws:kms", Named: h.Get(sseHeader) != "", Key: h.Get(sseKeyHeader)}
	text := h.Get(sseContextHeader)
	if !s.KMS && (s.Key != "" || text != "") {
		return s, fault.New(bucket.InvalidArgument, "Server Side Encryption with AWS KMS managed key requires HTTP header %s : aws:kms", sseHeader)
	}
	if text == "" {
		return s, nil
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(raw, &s.Context) != nil || len(s.Context) > 64 {
		return s, fault.New(bucket.InvalidArgument, "The header %s must be the base64 form of a JSON object of strings.", sseContextHeader)
	}
	return s, nil
}

// answerSealing tells how an object is sealed.
func answerSealing(h http.Header, e bucket.Encryption) error {
	if e.Key == (arn.Key{}) {
		h.Set(sseHeader, "AES256")
		return nil
	}
	h.Set(sseHeader, "aws:kms")
	h.Set(sseKeyHeader, e.Key.String())
	if len(e.Context) == 0 {
		return nil
	}
	text, err := json.Marshal(e.Context)
	if err != nil {
		return err
	}
	h.Set(sseContextHeader, base64.StdEncoding.EncodeToString(text))
	return nil
}

// condition reads the conditions of a request; prefix is that of their names.
func condition(h http.Header, prefix string) bucket.Condition {
	return bucket.Condition{
		Match:           h.Get(prefix + "If-Match"),
		NoneMatch:       h.Get(prefix + "If-None-Match"),
		ModifiedSince:   httpTime(h.Get(prefix + "If-Modified-Since")),
		UnmodifiedSince: httpTime(h.Get(prefix + "If-Unmodified-Since")),
	}
}

// writeCondition reads the conditions of a write. S3 knows only these two, and
// for the second only "*".
func writeCondition(h http.Header) (bucket.Condition, error) {
	if none := h.Get("If-None-Match"); none != "" && none != "*" {
		return bucket.Condition{}, notImplemented("header If-None-Match of a write")
	}
	if h.Get("If-None-Match") != "" && h.Get("If-Match") != "" {
		return bucket.Condition{}, notImplemented("If-Match with If-None-Match")
	}
	return bucket.Condition{Match: h.Get("If-Match"), NoneMatch: h.Get("If-None-Match")}, nil
}

// httpTime reads a time in a header. One that cannot be read is ignored, as
// RFC 9110 has it.
func httpTime(text string) time.Time {
	t, err := http.ParseTime(text)
	if err != nil {
		return time.Time{}
	}
	return t
}
