package s3api

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"mimeo/internal/bucket"
	"mimeo/internal/fault"
)

func (a *API) putObject(w http.ResponseWriter, r *request) error {
	req := bucket.PutRequest{Bucket: r.bucket}
	req.Key = r.key
	var err error
	if req.Body, err = r.body(); err != nil {
		return err
	}
	if req.Headers, err = objectHeaders(r.Header); err != nil {
		return err
	}
	if req.Sealing, err = sealing(r.Header); err != nil {
		return err
	}
	if req.If, err = writeCondition(r.Header); err != nil {
		return err
	}
	req.Asked = asked(r.Header)
	o, err := a.buckets.PutObject(r.Context(), r.caller, req)
	if err != nil {
		return err
	}
	if err := answerSealing(w.Header(), o.Encryption); err != nil {
		return err
	}
	answerChecksum(w.Header(), o.Checksum)
	answerVersion(w.Header(), versionHeader, o.Version)
	w.Header().Set("ETag", quoted(o.ETag))
	w.WriteHeader(http.StatusOK)
	return nil
}

func (a *API) headObject(w http.ResponseWriter, r *request) error {
	req, err := r.get()
	if err != nil {
		return err
	}
	d, err := a.buckets.HeadObject(r.Context(), r.caller, req)
	if err != nil {
		return r.unread(w, d, err)
	}
	status, err := r.answerObject(w.Header(), d)
	if err != nil {
		return err
	}
	w.WriteHeader(status)
	return nil
}

func (a *API) getObject(w http.ResponseWriter, r *request) error {
	req, err := r.get()
	if err != nil {
		return err
	}
	d, err := a.buckets.GetObject(r.Context(), r.caller, req)
	if err != nil {
		return r.unread(w, d, err)
	}
	defer func() { _ = d.Body.Close() }() // all that matters was read by then
	status, err := r.answerObject(w.Header(), d)
	if err != nil {
		return err
	}
	w.WriteHeader(status)
	return send(w, d.Body)
}

// get reads which bytes of which object are wanted.
func (r *request) get() (bucket.GetRequest, error) {
	req := bucket.GetRequest{
		Bucket: r.bucket, Key: r.key,
		Range: r.Header.Get("Range"), IfRange: r.Header.Get("If-Range"),
		If: condition(r.Header, ""),
	}
	var err error
	if req.Version, err = r.version(); err != nil {
		return req, err
	}
	if r.query.Has("partNumber") {
		req.PartNumber, err = r.partNumber()
	}
	return req, err
}

// unread adds to a refusal what a client may use of it.
func (r *request) unread(w http.ResponseWriter, d bucket.Download, err error) error {
	switch {
	case d.Marker:
		w.Header().Set(markerHeader, "true")
		answerVersion(w.Header(), versionHeader, d.Version)
		if errors.Is(err, bucket.MethodNotAllowed) {
			w.Header().Set("Allow", "DELETE")
			w.Header().Set("Last-Modified", d.ModifiedAt.UTC().Format(http.TimeFormat))
		}
	case errors.Is(err, bucket.NotModified):
		answerVersion(w.Header(), versionHeader, d.Version)
		w.Header().Set("ETag", quoted(d.ETag))
		w.Header().Set("Last-Modified", d.ModifiedAt.UTC().Format(http.TimeFormat))
	case errors.Is(err, bucket.InvalidRange):
		w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", d.Size))
	}
	return err
}

// answerObject tells what is kept with an object, and returns the status.
func (r *request) answerObject(h http.Header, d bucket.Download) (int, error) {
	if err := answerSealing(h, d.Encryption); err != nil {
		return 0, err
	}
	for name, value := range d.Headers.Metadata {
		h.Set(metadataPrefix+name, value)
	}
	kept := map[string]string{
		"Cache-Control": d.Headers.CacheControl, "Content-Disposition": d.Headers.ContentDisposition,
		"Content-Encoding": d.Headers.ContentEncoding, "Content-Language": d.Headers.ContentLanguage,
		"Content-Type": d.Headers.ContentType, "Expires": d.Headers.Expires,
	}
	if kept["Content-Type"] == "" {
		kept["Content-Type"] = "binary/octet-stream"
	}
	for name, value := range kept {
		if asked := r.query.Get("response-" + strings.ToLower(name)); asked != "" {
			value = asked
		}
		if value != "" {
			h.Set(name, value)
		}
	}
	answerVersion(h, versionHeader, d.Version)
	h.Set("Accept-Ranges", "bytes")
	h.Set("ETag", quoted(d.ETag))
	h.Set("Last-Modified", d.ModifiedAt.UTC().Format(http.TimeFormat))
	h.Set("Content-Length", strconv.FormatInt(d.Span.Length, 10))
	if d.Parts > 0 && strings.Contains(d.ETag, "-") {
		h.Set("x-amz-mp-parts-count", strconv.Itoa(d.Parts))
	}
	whole := d.Span.Length == d.Size
	if whole && r.Header.Get("x-amz-checksum-mode") == "ENABLED" {
		answerChecksum(h, d.Checksum)
	}
	if !d.Partial {
		return http.StatusOK, nil
	}
	if d.Span.Length > 0 {
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", d.Span.Offset, d.Span.Offset+d.Span.Length-1, d.Size))
	}
	return http.StatusPartialContent, nil
}

// send copies a body and holds the last bytes back until the body has ended
// well: a client that has them all has true ones.
func send(w io.Writer, body io.Reader) error {
	held, next := make([]byte, 0, 64<<10), make([]byte, 64<<10)
	for {
		n, err := body.Read(next)
		if n > 0 {
			if _, err := w.Write(held); err != nil {
				return err
			}
			held, next = next[:n], held[:cap(held)]
		}
		if errors.Is(err, io.EOF) {
			_, err := w.Write(held)
			return err
		}
		if err != nil {
			return err
		}
	}
}

func (a *API) deleteObject(w http.ResponseWriter, r *request) error {
	cond, err := writeCondition(r.Header)
	if err != nil {
		return err
	}
	version, err := r.version()
	if err != nil {
		return err
	}
	done, err := a.buckets.DeleteObject(r.Context(), r.caller, bucket.DeleteRequest{Bucket: r.bucket, Key: r.key, Version: version, If: cond})
	if err != nil {
		return err
	}
	answerVersion(w.Header(), versionHeader, done.Version)
	if done.Marker {
		w.Header().Set(markerHeader, "true")
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// partNumber reads the query parameter of that name.
func (r *request) partNumber() (int, error) {
	n, err := strconv.Atoi(r.query.Get("partNumber"))
	if err != nil || n < 1 || n > bucket.MaxParts {
		return 0, fault.New(bucket.InvalidArgument, "Part number must be an integer between 1 and %d, inclusive", bucket.MaxParts)
	}
	return n, nil
}
