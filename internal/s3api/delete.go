package s3api

import (
	"encoding/xml"
	"errors"
	"net/http"

	"mimeo/internal/bucket"
	"mimeo/internal/fault"
	"mimeo/internal/reqlog"
)

// maxDeletes is how many objects one request may delete.
const maxDeletes = 1000

type deleted struct {
	Key             string
	VersionID       string `xml:"VersionId,omitempty"` // that the request names
	DeleteMarker    bool   `xml:",omitempty"`
	MarkerVersionID string `xml:"DeleteMarkerVersionId,omitempty"`
}

type notDeleted struct {
	Key       string
	VersionID string `xml:"VersionId,omitempty"`
	Code      fault.Code
	Message   string
}

type deleteResult struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ DeleteResult"`
	Deleted []deleted
	Error   []notDeleted
}

// deleteObjects deletes objects one by one, and tells of each how it went.
func (a *API) deleteObjects(w http.ResponseWriter, r *request) error {
	b, err := r.body()
	if err != nil {
		return err
	}
	if b.MD5 == "" && b.Algorithm == "" {
		return fault.New(bucket.InvalidRequest, "Missing required header for this request: Content-MD5")
	}
	text, err := r.text()
	if err != nil {
		return err
	}
	wanted, quiet, err := parseDelete(text)
	if err != nil {
		return err
	}
	var result deleteResult
	for _, req := range wanted {
		req.Bucket = r.bucket
		done, err := a.buckets.DeleteObject(r.Context(), r.caller, req)
		if errors.Is(err, bucket.NoSuchBucket) || r.Context().Err() != nil {
			return err
		}
		if err != nil {
			form := render(err)
			if form == internal {
				reqlog.Of(w).Cause = err // the caller is told no more than that
			}
			result.Error = append(result.Error, notDeleted{Key: req.Key, VersionID: req.Version, Code: form.code, Message: form.message})
		} else if !quiet {
			told := deleted{Key: req.Key, VersionID: req.Version, DeleteMarker: done.Marker}
			if done.Marker {
				told.MarkerVersionID = done.Version
			}
			result.Deleted = append(result.Deleted, told)
		}
	}
	return answerXML(w, result)
}

// parseDelete reads the document of DeleteObjects.
func parseDelete(text []byte) (wanted []bucket.DeleteRequest, quiet bool, err error) {
	root, err := parseXML(text, "Delete")
	if err != nil {
		return nil, false, err
	}
	for _, child := range root.children {
		switch child.name {
		case "Quiet":
			quiet = string(child.text) == "true"
		case "Object":
			fields, err := child.fields("Key", "VersionId", "ETag")
			if err != nil {
				return nil, false, err
			}
			if fields["Key"] == "" || len(wanted) == maxDeletes {
				return nil, false, malformed()
			}
			wanted = append(wanted, bucket.DeleteRequest{Key: fields["Key"], Version: fields["VersionId"], If: bucket.Condition{Match: fields["ETag"]}})
		default:
			return nil, false, malformed()
		}
	}
	if len(wanted) == 0 {
		return nil, false, malformed()
	}
	return wanted, quiet, nil
}
