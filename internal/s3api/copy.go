package s3api

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"

	"mimeo/internal/bucket"
	"mimeo/internal/fault"
)

// checksums are the elements in which documents carry checksums.
type checksums struct {
	ChecksumCRC32     string `xml:",omitempty"`
	ChecksumCRC32C    string `xml:",omitempty"`
	ChecksumCRC64NVME string `xml:",omitempty"`
	ChecksumSHA1      string `xml:",omitempty"`
	ChecksumSHA256    string `xml:",omitempty"`
	ChecksumType      string `xml:",omitempty"`
}

func (c *checksums) set(sum bucket.Checksum) {
	fields := map[bucket.Algorithm]*string{
		bucket.CRC32: &c.ChecksumCRC32, bucket.CRC32C: &c.ChecksumCRC32C, bucket.CRC64NVME: &c.ChecksumCRC64NVME,
		bucket.SHA1: &c.ChecksumSHA1, bucket.SHA256: &c.ChecksumSHA256,
	}
	if field := fields[sum.Algorithm]; field != nil {
		*field = sum.Value
	}
}

type copyObjectResult struct {
	XMLName      xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CopyObjectResult"`
	LastModified string
	ETag         string
	checksums
}

func (a *API) copyObject(w http.ResponseWriter, r *request) error {
	req := bucket.CopyRequest{Bucket: r.bucket, Key: r.key, Asked: asked(r.Header), Reseal: r.Header.Get(sseHeader) != ""}
	var err error
	if req.Source, err = r.source(); err != nil {
		return err
	}
	if r.Header.Get(directiveHeader) == "REPLACE" {
		h, err := objectHeaders(r.Header)
		if err != nil {
			return err
		}
		req.Headers = &h
	}
	if req.Sealing, err = sealing(r.Header); err != nil {
		return err
	}
	if req.If, err = writeCondition(r.Header); err != nil {
		return err
	}
	if name := r.Header.Get("x-amz-checksum-algorithm"); name != "" {
		if req.Algorithm, err = bucket.ParseAlgorithm(name); err != nil {
			return err
		}
	}
	o, err := a.buckets.CopyObject(r.Context(), r.caller, req)
	if err != nil {
		return err
	}
	if err := answerSealing(w.Header(), o.Encryption); err != nil {
		return err
	}
	answerVersion(w.Header(), versionHeader, o.Version)
	answerVersion(w.Header(), sourceVersionHeader, o.SourceVersion)
	result := copyObjectResult{LastModified: timestamp(o.ModifiedAt), ETag: quoted(o.ETag)}
	result.set(o.Checksum)
	result.ChecksumType = o.Checksum.Type()
	return answerXML(w, result)
}

type copyPartResult struct {
	XMLName      xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CopyPartResult"`
	LastModified string
	ETag         string
	checksums
}

func (a *API) uploadPartCopy(w http.ResponseWriter, r *request) error {
	req := bucket.PartCopyRequest{Bucket: r.bucket, Key: r.key, UploadID: r.query.Get("uploadId")}
	var err error
	if req.Number, err = r.partNumber(); err != nil {
		return err
	}
	if req.Source, err = r.source(); err != nil {
		return err
	}
	copied, err := a.buckets.UploadPartCopy(r.Context(), r.caller, req)
	if err != nil {
		return err
	}
	if err := answerSealing(w.Header(), copied.Encryption); err != nil {
		return err
	}
	answerVersion(w.Header(), sourceVersionHeader, copied.SourceVersion)
	result := copyPartResult{LastModified: timestamp(copied.Part.ModifiedAt), ETag: quoted(copied.Part.ETag)}
	result.set(copied.Part.Checksum(copied.Checksum.Algorithm))
	return answerXML(w, result)
}

// source reads what a copy takes.
func (r *request) source() (bucket.Source, error) {
	src, err := parseCopySource(r.Header.Get(copySourceHeader))
	src.Range = r.Header.Get("x-amz-copy-source-range")
	src.If = condition(r.Header, "x-amz-copy-source-")
	return src, err
}

// parseCopySource reads bucket/key or /bucket/key, percent-encoded or not,
// with a version behind it or not. It is decoded once; a "+" is itself.
func parseCopySource(text string) (bucket.Source, error) {
	path, query, _ := strings.Cut(text, "?")
	version, ok := strings.CutPrefix(query, "versionId=") // which is never empty
	name, key, found := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	key, err := url.PathUnescape(key)
	if err != nil || !found || name == "" || key == "" || query != "" && (!ok || version == "") || strings.HasPrefix(name, "arn:") {
		return bucket.Source{}, fault.New(bucket.InvalidArgument, "Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
	}
	return bucket.Source{Bucket: name, Key: key, Version: version}, nil
}
