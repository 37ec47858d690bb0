package s3api

import (
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"

	"mimeo/internal/bucket"
	"mimeo/internal/fault"
	"mimeo/internal/sigv4"
)

// A target is what a request is about: nothing, a bucket, or an object.
type target struct {
	bucket, key string
	query       url.Values
}

// virtualHosts is the domain below which a host name begins with a bucket's.
const virtualHosts = ".localhost"

// parseTarget reads the path as it came: it is decoded once, and never
// cleaned, so that a key may hold what it likes.
func parseTarget(r *http.Request) (target, error) {
	path, query := sigv4.Target(r)
	path = strings.TrimPrefix(path, "/")
	var t target
	raw, key := hostBucket(r.Host), path
	if raw == "" {
		raw, key, _ = strings.Cut(path, "/")
	}
	var err error
	if t.bucket, err = url.PathUnescape(raw); err != nil {
		return t, invalidURI()
	}
	if t.key, err = url.PathUnescape(key); err != nil {
		return t, invalidURI()
	}
	if t.query, err = url.ParseQuery(query); err != nil {
		return t, invalidURI()
	}
	for name, values := range t.query {
		if len(values) > 1 {
			return t, fault.New(bucket.InvalidArgument, "The query parameter %.100q is given more than once.", name)
		}
	}
	return t, nil
}

// hostBucket returns the bucket that a host name begins with, if any.
func hostBucket(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	name, ok := strings.CutSuffix(host, virtualHosts)
	if !ok {
		return ""
	}
	return name
}

// presignParameters are those of a presigned URL itself, in lower case.
var presignParameters = []string{
	"x-amz-algorithm", "x-amz-content-sha256", "x-amz-credential", "x-amz-date", "x-amz-expires",
	"x-amz-security-token", "x-amz-signature", "x-amz-signedheaders",
}

// liftHeaders moves the x-amz headers that a presigned URL carries in its
// query to the headers, which they stand for.
func (t target) liftHeaders(h http.Header) error {
	for name, values := range t.query {
		lower := strings.ToLower(name)
		if !strings.HasPrefix(lower, "x-amz-") || slices.Contains(presignParameters, lower) {
			continue
		}
		if there, ok := h[textproto.CanonicalMIMEHeaderKey(lower)]; ok && !slices.Equal(there, values) {
			return fault.New(bucket.InvalidArgument, "%.100q is given in the query and in a header, with different values.", lower)
		}
		h.Set(lower, values[0])
	}
	return nil
}

// isCommon reports whether a query parameter may come with any operation: the
// presigned form, the SDKs' hint x-id, and those that S3 sets aside for the
// sender's own use.
func isCommon(name string) bool {
	return len(name) > 2 && strings.EqualFold(name[:2], "x-")
}

// A level is what an operation is about.
type level int

const (
	ofService level = iota
	ofBucket
	ofObject
)

func (t target) level() level {
	switch {
	case t.bucket == "":
		return ofService
	case t.key == "":
		return ofBucket
	}
	return ofObject
}

// An operation is one row of the table of all operations.
type operation struct {
	name     string
	method   string
	level    level
	required []string // query parameters that tell it from others
	allowed  []string // further query parameters
	copies   bool     // it has the header that names a source
	hasBody  bool
	run      func(*API, http.ResponseWriter, *request) error
}

var responseParameters = []string{
	"response-cache-control", "response-content-disposition", "response-content-encoding",
	"response-content-language", "response-content-type", "response-expires",
}

// operations is everything that there is. Of the rows of a method and a level
// the first one counts whose required parameters are there.
var operations = []operation{
	{name: "ListBuckets", method: "GET", level: ofService, allowed: []string{"prefix", "max-buckets", "continuation-token", "bucket-region"}, run: (*API).listBuckets},

	{name: "GetBucketLocation", method: "GET", level: ofBucket, required: []string{"location"}, run: (*API).getBucketLocation},
	{name: "GetBucketPolicy", method: "GET", level: ofBucket, required: []string{"policy"}, run: (*API).getBucketPolicy},
	{name: "GetBucketVersioning", method: "GET", level: ofBucket, required: []string{"versioning"}, run: (*API).getBucketVersioning},
	{name: "ListObjectVersions", method: "GET", level: ofBucket, required: []string{"versions"}, allowed: []string{"prefix", "delimiter", "key-marker", "version-id-marker", "max-keys", "encoding-type"}, run: (*API).listObjectVersions},
	{name: "ListMultipartUploads", method: "GET", level: ofBucket, required: []string{"uploads"}, allowed: []string{"prefix", "key-marker", "upload-id-marker", "max-uploads", "encoding-type"}, run: (*API).listMultipartUploads},
	{name: "ListObjectsV2", method: "GET", level: ofBucket, required: []string{"list-type"}, allowed: []string{"prefix", "delimiter", "max-keys", "encoding-type", "continuation-token", "start-after", "fetch-owner"}, run: (*API).listObjectsV2},
	{name: "ListObjects", method: "GET", level: ofBucket, allowed: []string{"prefix", "delimiter", "max-keys", "encoding-type", "marker"}, run: (*API).listObjects},
	{name: "HeadBucket", method: "HEAD", level: ofBucket, run: (*API).headBucket},
	{name: "PutBucketPolicy", method: "PUT", level: ofBucket, required: []string{"policy"}, hasBody: true, run: (*API).putBucketPolicy},
	{name: "PutBucketVersioning", method: "PUT", level: ofBucket, required: []string{"versioning"}, hasBody: true, run: (*API).putBucketVersioning},
	{name: "CreateBucket", method: "PUT", level: ofBucket, hasBody: true, run: (*API).createBucket},
	{name: "DeleteBucketPolicy", method: "DELETE", level: ofBucket, required: []string{"policy"}, run: (*API).deleteBucketPolicy},
	{name: "DeleteBucket", method: "DELETE", level: ofBucket, run: (*API).deleteBucket},
	{name: "DeleteObjects", method: "POST", level: ofBucket, required: []string{"delete"}, hasBody: true, run: (*API).deleteObjects},

	{name: "ListParts", method: "GET", level: ofObject, required: []string{"uploadId"}, allowed: []string{"max-parts", "part-number-marker", "encoding-type"}, run: (*API).listParts},
	{name: "GetObject", method: "GET", level: ofObject, allowed: append([]string{"partNumber", "versionId"}, responseParameters...), run: (*API).getObject},
	{name: "HeadObject", method: "HEAD", level: ofObject, allowed: append([]string{"partNumber", "versionId"}, responseParameters...), run: (*API).headObject},
	{name: "UploadPartCopy", method: "PUT", level: ofObject, required: []string{"partNumber", "uploadId"}, copies: true, run: (*API).uploadPartCopy},
	{name: "UploadPart", method: "PUT", level: ofObject, required: []string{"partNumber", "uploadId"}, hasBody: true, run: (*API).uploadPart},
	{name: "CopyObject", method: "PUT", level: ofObject, copies: true, run: (*API).copyObject},
	{name: "PutObject", method: "PUT", level: ofObject, hasBody: true, run: (*API).putObject},
	{name: "AbortMultipartUpload", method: "DELETE", level: ofObject, required: []string{"uploadId"}, run: (*API).abortMultipartUpload},
	{name: "DeleteObject", method: "DELETE", level: ofObject, allowed: []string{"versionId"}, run: (*API).deleteObject},
	{name: "CreateMultipartUpload", method: "POST", level: ofObject, required: []string{"uploads"}, run: (*API).createMultipartUpload},
	{name: "CompleteMultipartUpload", method: "POST", level: ofObject, required: []string{"uploadId"}, hasBody: true, run: (*API).completeMultipartUpload},
}

// operation finds the row of a request.
func (t target) operation(r *http.Request) (operation, error) {
	known := false
	for _, op := range operations {
		if op.method != r.Method || op.level != t.level() {
			continue
		}
		known = true
		if op.isMeantBy(t.query, r.Header) {
			return op, op.checkQuery(t.query)
		}
	}
	if !known {
		return operation{}, fault.New(bucket.MethodNotAllowed, "The specified method is not allowed against this resource.")
	}
	return operation{}, notImplemented("query")
}

func (op operation) isMeantBy(query url.Values, h http.Header) bool {
	if op.copies && h.Get(copySourceHeader) == "" {
		return false
	}
	for _, name := range op.required {
		if !query.Has(name) {
			return false
		}
	}
	return true
}

// checkQuery refuses every parameter that the row does not name.
func (op operation) checkQuery(query url.Values) error {
	for name := range query {
		if !slices.Contains(op.required, name) && !slices.Contains(op.allowed, name) && !isCommon(name) {
			return notImplemented("query parameter " + name)
		}
	}
	return nil
}
