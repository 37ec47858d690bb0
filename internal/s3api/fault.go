package s3api

import (
	"context"
	"encoding/xml"
	"errors"
	"net/http"
	"strconv"

	"mimeo/internal/bucket"
	"mimeo/internal/fault"
	"mimeo/internal/reqlog"
	"mimeo/internal/sigv4"
)

// The refusals of the protocol itself.
const (
	aclNotSupported  fault.Code = "AccessControlListNotSupported"
	internalError    fault.Code = "InternalError"
	invalidURICode   fault.Code = "InvalidURI"
	malformedXML     fault.Code = "MalformedXML"
	messageTooLong   fault.Code = "MaxMessageLengthExceeded"
	missingLength    fault.Code = "MissingContentLength"
	notImplementedIs fault.Code = "NotImplemented"
	requestTimeout   fault.Code = "RequestTimeout"
)

// hostID stands where S3 names the machine that answered.
const hostID = "mimeo"

func invalidURI() error { return fault.New(invalidURICode, "Couldn't parse the specified URI.") }

func notImplemented(what string) error {
	return fault.New(notImplementedIs, "A header or query you provided implies functionality that is not implemented (%.200s).", what)
}

// A rendering is how a refusal looks on the wire.
type rendering struct {
	code    fault.Code // empty: its own
	status  int
	message string // empty: its own
}

// renderings has every code that can come from below:
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
var renderings = map[fault.Code]rendering{
	bucket.AccessDenied:                 {status: http.StatusForbidden},
	bucket.AuthorizationHeaderMalformed: {status: http.StatusBadRequest},
	bucket.BadDigest:                    {status: http.StatusBadRequest},
	bucket.BucketAlreadyExists:          {status: http.StatusConflict},
	bucket.BucketAlreadyOwnedByYou:      {status: http.StatusConflict},
	bucket.BucketNotEmpty:               {status: http.StatusConflict},
	bucket.EntityTooLarge:               {status: http.StatusBadRequest},
	bucket.EntityTooSmall:               {status: http.StatusBadRequest},
	bucket.IllegalLocationConstraint:    {status: http.StatusBadRequest},
	bucket.IncompleteBody:               {status: http.StatusBadRequest},
	bucket.InvalidArgument:              {status: http.StatusBadRequest},
	bucket.InvalidBucketName:            {status: http.StatusBadRequest},
	bucket.InvalidDigest:                {status: http.StatusBadRequest},
	bucket.InvalidLocationConstraint:    {status: http.StatusBadRequest},
	bucket.InvalidPart:                  {status: http.StatusBadRequest},
	bucket.InvalidPartNumber:            {status: http.StatusRequestedRangeNotSatisfiable},
	bucket.InvalidPartOrder:             {status: http.StatusBadRequest},
	bucket.InvalidRange:                 {status: http.StatusRequestedRangeNotSatisfiable},
	bucket.InvalidRequest:               {status: http.StatusBadRequest},
	bucket.KMSDisabled:                  {status: http.StatusBadRequest},
	bucket.KMSInvalidKeyUsage:           {status: http.StatusBadRequest},
	bucket.KMSInvalidState:              {status: http.StatusBadRequest},
	bucket.KMSNotFound:                  {status: http.StatusBadRequest},
	bucket.KeyTooLong:                   {status: http.StatusBadRequest},
	bucket.MalformedPolicy:              {status: http.StatusBadRequest},
	bucket.MetadataTooLarge:             {status: http.StatusBadRequest},
	bucket.NoSuchBucket:                 {status: http.StatusNotFound},
	bucket.NoSuchBucketPolicy:           {status: http.StatusNotFound},
	bucket.NoSuchKey:                    {status: http.StatusNotFound},
	bucket.NoSuchUpload:                 {status: http.StatusNotFound},
	bucket.NoSuchVersion:                {status: http.StatusNotFound},
	bucket.NotModified:                  {status: http.StatusNotModified},
	bucket.PreconditionFailed:           {status: http.StatusPreconditionFailed},
	bucket.TooManyBuckets:               {status: http.StatusBadRequest},

	aclNotSupported:         {status: http.StatusBadRequest},
	invalidURICode:          {status: http.StatusBadRequest},
	malformedXML:            {status: http.StatusBadRequest},
	bucket.MethodNotAllowed: {status: http.StatusMethodNotAllowed},
	messageTooLong:          {status: http.StatusBadRequest},
	notImplementedIs:        {status: http.StatusNotImplemented},
	requestTimeout:          {status: http.StatusBadRequest},

	sigv4.MissingToken:       {code: bucket.AccessDenied, status: http.StatusForbidden, message: "Access Denied"},
	sigv4.Incomplete:         {code: bucket.AuthorizationHeaderMalformed, status: http.StatusBadRequest},
	sigv4.IncompleteQuery:    {status: http.StatusBadRequest},
	sigv4.OldVersion:         {code: bucket.InvalidRequest, status: http.StatusBadRequest},
	sigv4.WrongScope:         {code: bucket.AuthorizationHeaderMalformed, status: http.StatusBadRequest},
	sigv4.Skewed:             {status: http.StatusForbidden},
	sigv4.Expired:            {code: bucket.AccessDenied, status: http.StatusForbidden},
	sigv4.UnknownKey:         {code: "InvalidAccessKeyId", status: http.StatusForbidden, message: "The AWS Access Key Id you provided does not exist in our records."},
	sigv4.ExpiredToken:       {status: http.StatusBadRequest},
	sigv4.Unsigned:           {code: bucket.AccessDenied, status: http.StatusForbidden},
	sigv4.Mismatch:           {status: http.StatusForbidden},
	sigv4.ContentMismatch:    {status: http.StatusBadRequest},
	sigv4.InvalidContentHash: {code: bucket.InvalidRequest, status: http.StatusBadRequest},
	sigv4.MissingLength:      {status: http.StatusLengthRequired},
	sigv4.MalformedChunk:     {code: bucket.InvalidRequest, status: http.StatusBadRequest},
	sigv4.MalformedTrailer:   {status: http.StatusBadRequest},
}

// An errorBody is what S3 sends with a refusal.
type errorBody struct {
	XMLName   xml.Name `xml:"Error"`
	Code      fault.Code
	Message   string
	Region    string `xml:",omitempty"`
	Resource  string
	RequestID string `xml:"RequestId"`
	HostID    string `xml:"HostId"`
}

// internal is all that a caller is told of an error that has no form here.
var internal = rendering{code: internalError, status: http.StatusInternalServerError, message: "We encountered an internal error. Please try again."}

// render returns the wire form of an error.
func render(err error) rendering {
	var refused *fault.Error
	if !errors.As(err, &refused) {
		return internal
	}
	form, ok := renderings[refused.Code]
	if !ok {
		return internal
	}
	if form.code == "" {
		form.code = refused.Code
	}
	if form.message == "" {
		form.message = refused.Message
	}
	return form
}

// fail answers a request with an error, or cuts an answer that has begun.
func fail(w *answer, r *http.Request, entry *reqlog.Entry, err error) {
	if r.Context().Err() != nil && errors.Is(err, context.Canceled) { // no fault of ours, and nobody to hear it
		err = fault.New(requestTimeout, "Your socket connection to the server was not read from or written to within the timeout period.").Because(err)
	}
	form := render(err)
	entry.Code, entry.Cause = form.code, err
	if w.begun {
		panic(http.ErrAbortHandler) // the client must see that the answer is not whole
	}
	body := errorBody{Code: form.code, Message: form.message, Resource: resourceOf(r), RequestID: entry.ID, HostID: hostID}
	var region *bucket.RegionError
	if errors.As(err, &region) {
		body.Region = region.Region
		w.Header().Set("x-amz-bucket-region", region.Region)
	}
	if r.Method == http.MethodHead || form.status == http.StatusNotModified {
		w.WriteHeader(form.status)
		return
	}
	text, err := xml.Marshal(body)
	if err != nil {
		panic(err) // cannot happen: the fields are text
	}
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("Content-Length", strconv.Itoa(len(xml.Header)+len(text)))
	w.WriteHeader(form.status)
	_, _ = w.Write(append([]byte(xml.Header), text...)) // the client may be gone
}

// resourceOf returns what the request names, decoded where it can be.
func resourceOf(r *http.Request) string {
	t, err := parseTarget(r)
	switch {
	case err != nil:
		return r.URL.Path
	case t.key != "":
		return "/" + t.bucket + "/" + t.key
	}
	return "/" + t.bucket
}
