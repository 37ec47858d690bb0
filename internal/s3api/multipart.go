package s3api

import (
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"

	"mimeo/internal/bucket"
	"mimeo/internal/fault"
	"mimeo/internal/sigv4"
)

type initiateMultipartUploadResult struct {
	XMLName  xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ InitiateMultipartUploadResult"`
	Bucket   string
	Key      string
	UploadID string `xml:"UploadId"`
}

func (a *API) createMultipartUpload(w http.ResponseWriter, r *request) error {
	req := bucket.UploadRequest{Bucket: r.bucket, Key: r.key, Asked: asked(r.Header), Type: r.Header.Get("x-amz-checksum-type")}
	var err error
	if name := r.Header.Get("x-amz-checksum-algorithm"); name != "" {
		if req.Algorithm, err = bucket.ParseAlgorithm(name); err != nil {
			return err
		}
	}
	if req.Headers, err = objectHeaders(r.Header); err != nil {
		return err
	}
	if req.Sealing, err = sealing(r.Header); err != nil {
		return err
	}
	u, err := a.buckets.CreateMultipartUpload(r.Context(), r.caller, req)
	if err != nil {
		return err
	}
	if err := answerSealing(w.Header(), u.Encryption); err != nil {
		return err
	}
	if req.Algorithm != "" {
		w.Header().Set("x-amz-checksum-algorithm", string(u.Checksum.Algorithm))
		w.Header().Set("x-amz-checksum-type", u.Checksum.Type())
	}
	return answerXML(w, initiateMultipartUploadResult{Bucket: r.bucket, Key: r.key, UploadID: u.ID})
}

func (a *API) uploadPart(w http.ResponseWriter, r *request) error {
	req := bucket.PartRequest{Bucket: r.bucket, Key: r.key, UploadID: r.query.Get("uploadId")}
	var err error
	if req.Number, err = r.partNumber(); err != nil {
		return err
	}
	if req.Body, err = r.body(); err != nil {
		return err
	}
	u, p, err := a.buckets.UploadPart(r.Context(), r.caller, req)
	if err != nil {
		return err
	}
	if err := answerSealing(w.Header(), u.Encryption); err != nil {
		return err
	}
	told := u.Checksum.Algorithm
	if req.Body.Algorithm != "" {
		told = req.Body.Algorithm
	}
	w.Header().Set(told.Header(), p.Checksum(told).Value)
	w.Header().Set("ETag", quoted(p.ETag))
	w.WriteHeader(http.StatusOK)
	return nil
}

type completeMultipartUploadResult struct {
	XMLName  xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CompleteMultipartUploadResult"`
	Location string
	Bucket   string
	Key      string
	ETag     string
	checksums
}

func (a *API) completeMultipartUpload(w http.ResponseWriter, r *request) error {
	req := bucket.CompleteRequest{Bucket: r.bucket, Key: r.key, UploadID: r.query.Get("uploadId"), Type: r.Header.Get("x-amz-checksum-type")}
	text, err := r.readText()
	if err != nil {
		return err
	}
	if err := bucket.CheckBytes(text, bucket.Body{Size: int64(len(text)), MD5: r.Header.Get("Content-MD5")}); err != nil {
		return err
	}
	if req.Parts, err = parseComplete(text); err != nil {
		return err
	}
	if req.Checksum, err = headerChecksum(r.Header); err != nil {
		return err
	}
	if size := r.Header.Get("x-amz-mp-object-size"); size != "" {
		n, err := strconv.ParseInt(size, 10, 64)
		if err != nil || n < 0 {
			return fault.New(bucket.InvalidRequest, "Value for x-amz-mp-object-size header is invalid.")
		}
		req.Size = &n
	}
	if req.If, err = writeCondition(r.Header); err != nil {
		return err
	}
	o, err := a.buckets.CompleteMultipartUpload(r.Context(), r.caller, req)
	if err != nil {
		return err
	}
	if err := answerSealing(w.Header(), o.Encryption); err != nil {
		return err
	}
	answerVersion(w.Header(), versionHeader, o.Version)
	result := completeMultipartUploadResult{Location: r.url(), Bucket: r.bucket, Key: r.key, ETag: quoted(o.ETag)}
	result.set(o.Checksum)
	result.ChecksumType = o.Checksum.Type()
	return answerXML(w, result)
}

// url is the URL of what a request is about, as the client named it.
func (r *request) url() string {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	path, _ := sigv4.Target(r.Request)
	return scheme + "://" + r.Host + path
}

// parseComplete reads the document of CompleteMultipartUpload.
func parseComplete(text []byte) ([]bucket.CompletedPart, error) {
	root, err := parseXML(text, "CompleteMultipartUpload")
	if err != nil {
		return nil, err
	}
	if len(root.children) == 0 || len(root.children) > bucket.MaxParts {
		return nil, malformed()
	}
	parts := make([]bucket.CompletedPart, 0, len(root.children))
	for _, child := range root.children {
		fields, err := child.fields("PartNumber", "ETag", "ChecksumCRC32", "ChecksumCRC32C", "ChecksumCRC64NVME", "ChecksumSHA1", "ChecksumSHA256")
		if err != nil {
			return nil, err
		}
		n, err := number(fields["PartNumber"])
		if err != nil || child.name != "Part" || n < 1 || n > bucket.MaxParts || fields["ETag"] == "" {
			return nil, malformed()
		}
		p := bucket.CompletedPart{Number: n, ETag: fields["ETag"], Checksums: map[bucket.Algorithm]string{}}
		for name, value := range fields {
			if algorithm, ok := strings.CutPrefix(name, "Checksum"); ok {
				p.Checksums[bucket.Algorithm(algorithm)] = value
			}
		}
		parts = append(parts, p)
	}
	return parts, nil
}

func (a *API) abortMultipartUpload(w http.ResponseWriter, r *request) error {
	if err := a.buckets.AbortMultipartUpload(r.Context(), r.caller, r.bucket, r.key, r.query.Get("uploadId")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

type partEntry struct {
	PartNumber   int
	LastModified string
	ETag         string
	Size         int64
	checksums
}

type listPartsResult struct {
	XMLName              xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListPartsResult"`
	Bucket               string
	Key                  string
	UploadID             string `xml:"UploadId"`
	Initiator            owner
	Owner                owner
	StorageClass         string
	PartNumberMarker     int
	NextPartNumberMarker int
	MaxParts             int
	IsTruncated          bool
	ChecksumAlgorithm    bucket.Algorithm
	ChecksumType         string
	Part                 []partEntry
}

func (a *API) listParts(w http.ResponseWriter, r *request) error {
	limit, err := r.count("max-parts", 0, 1000, 1000)
	if err != nil {
		return err
	}
	after, err := r.count("part-number-marker", 0, bucket.MaxParts, 0)
	if err != nil {
		return err
	}
	encoding, err := r.encoding()
	if err != nil {
		return err
	}
	page, err := a.buckets.ListParts(r.Context(), r.caller, r.bucket, r.key, r.query.Get("uploadId"), after, limit)
	if err != nil {
		return err
	}
	account := owner{ID: r.caller.Principal.Account}
	encode := encoder(encoding)
	result := listPartsResult{
		Bucket: r.bucket, Key: encode(r.key), UploadID: page.Upload.ID, Initiator: account, Owner: account, StorageClass: "STANDARD",
		PartNumberMarker: after, MaxParts: limit, IsTruncated: page.Truncated,
		ChecksumAlgorithm: page.Upload.Checksum.Algorithm, ChecksumType: page.Upload.Checksum.Type(),
	}
	for _, p := range page.Parts {
		entry := partEntry{PartNumber: p.Number, LastModified: timestamp(p.ModifiedAt), ETag: quoted(p.ETag), Size: p.Size}
		entry.set(p.Checksum(page.Upload.Checksum.Algorithm))
		result.Part = append(result.Part, entry)
		result.NextPartNumberMarker = p.Number
	}
	return answerXML(w, result)
}

type uploadEntry struct {
	Key               string
	UploadID          string `xml:"UploadId"`
	Initiator         owner
	Owner             owner
	StorageClass      string
	Initiated         string
	ChecksumAlgorithm bucket.Algorithm
	ChecksumType      string
}

type listMultipartUploadsResult struct {
	XMLName            xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListMultipartUploadsResult"`
	Bucket             string
	Prefix             string `xml:",omitempty"`
	KeyMarker          string
	UploadIDMarker     string `xml:"UploadIdMarker"`
	NextKeyMarker      string `xml:",omitempty"`
	NextUploadIDMarker string `xml:"NextUploadIdMarker,omitempty"`
	EncodingType       string `xml:",omitempty"`
	MaxUploads         int
	IsTruncated        bool
	Upload             []uploadEntry
}

func (a *API) listMultipartUploads(w http.ResponseWriter, r *request) error {
	limit, err := r.count("max-uploads", 1, 1000, 1000)
	if err != nil {
		return err
	}
	encoding, err := r.encoding()
	if err != nil {
		return err
	}
	prefix, afterKey, afterID := r.query.Get("prefix"), r.query.Get("key-marker"), r.query.Get("upload-id-marker")
	page, err := a.buckets.ListMultipartUploads(r.Context(), r.caller, r.bucket, prefix, afterKey, afterID, limit)
	if err != nil {
		return err
	}
	account := owner{ID: r.caller.Principal.Account}
	encode := encoder(encoding)
	result := listMultipartUploadsResult{
		Bucket: r.bucket, Prefix: encode(prefix), KeyMarker: encode(afterKey), UploadIDMarker: afterID,
		EncodingType: encoding, MaxUploads: limit, IsTruncated: page.Truncated,
	}
	for _, u := range page.Uploads {
		result.Upload = append(result.Upload, uploadEntry{
			Key: encode(u.Key), UploadID: u.ID, Initiator: account, Owner: account, StorageClass: "STANDARD",
			Initiated: timestamp(u.ModifiedAt), ChecksumAlgorithm: u.Checksum.Algorithm, ChecksumType: u.Checksum.Type(),
		})
	}
	if n := len(result.Upload); page.Truncated && n > 0 {
		result.NextKeyMarker, result.NextUploadIDMarker = result.Upload[n-1].Key, result.Upload[n-1].UploadID
	}
	return answerXML(w, result)
}
