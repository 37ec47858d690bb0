package s3api

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"

	"mimeo/internal/bucket"
	"mimeo/internal/fault"
)

type objectEntry struct {
	Key               string
	LastModified      string
	ETag              string
	ChecksumAlgorithm bucket.Algorithm `xml:",omitempty"`
	ChecksumType      string           `xml:",omitempty"`
	Size              int64
	Owner             *owner
	StorageClass      string
}

type commonPrefix struct{ Prefix string }

// A listBucketResult is the answer of both versions of ListObjects; what only
// one of them has is left out where it is empty.
type listBucketResult struct {
	XMLName               xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
	Name                  string
	Prefix                string
	Marker                *string
	NextMarker            string `xml:",omitempty"`
	StartAfter            string `xml:",omitempty"`
	ContinuationToken     string `xml:",omitempty"`
	NextContinuationToken string `xml:",omitempty"`
	KeyCount              *int
	MaxKeys               int
	Delimiter             string `xml:",omitempty"`
	EncodingType          string `xml:",omitempty"`
	IsTruncated           bool
	Contents              []objectEntry
	CommonPrefixes        []commonPrefix
}

func (a *API) listObjectsV2(w http.ResponseWriter, r *request) error {
	if r.query.Get("list-type") != "2" {
		return fault.New(bucket.InvalidArgument, "Invalid List Type")
	}
	if r.query.Has("continuation-token") && r.query.Get("continuation-token") == "" {
		return fault.New(bucket.InvalidArgument, "The continuation token provided is incorrect")
	}
	req := bucket.ListRequest{StartAfter: r.query.Get("start-after"), Token: r.query.Get("continuation-token")}
	result, page, err := a.list(r, req)
	if err != nil {
		return err
	}
	count := len(page.Objects) + len(page.Prefixes)
	result.KeyCount = &count
	result.StartAfter = encoder(result.EncodingType)(req.StartAfter)
	result.ContinuationToken, result.NextContinuationToken = req.Token, page.Next
	if r.query.Get("fetch-owner") == "true" {
		for i := range result.Contents {
			result.Contents[i].Owner = &owner{ID: r.caller.Principal.Account}
		}
	}
	return answerXML(w, result)
}

func (a *API) listObjects(w http.ResponseWriter, r *request) error {
	marker := r.query.Get("marker")
	result, page, err := a.list(r, bucket.ListRequest{StartAfter: marker})
	if err != nil {
		return err
	}
	encode := encoder(result.EncodingType)
	marker = encode(marker)
	result.Marker = &marker
	for i := range result.Contents {
		result.Contents[i].Owner = &owner{ID: r.caller.Principal.Account}
	}
	if page.Truncated && result.Delimiter != "" {
		result.NextMarker = encode(page.Last())
	}
	return answerXML(w, result)
}

// list reads what both versions have in common, and answers it.
func (a *API) list(r *request, req bucket.ListRequest) (listBucketResult, bucket.Page, error) {
	encoding, err := r.encoding()
	if err != nil {
		return listBucketResult{}, bucket.Page{}, err
	}
	if req.MaxKeys, err = r.count("max-keys", 0, bucket.MaxKeys, bucket.MaxKeys); err != nil {
		return listBucketResult{}, bucket.Page{}, err
	}
	req.Bucket, req.Prefix, req.Delimiter = r.bucket, r.query.Get("prefix"), r.query.Get("delimiter")
	page, err := a.buckets.ListObjectsV2(r.Context(), r.caller, req)
	if err != nil {
		return listBucketResult{}, bucket.Page{}, err
	}
	encode := encoder(encoding)
	result := listBucketResult{
		Name: r.bucket, Prefix: encode(req.Prefix), MaxKeys: req.MaxKeys, Delimiter: encode(req.Delimiter),
		EncodingType: encoding, IsTruncated: page.Truncated,
	}
	for _, o := range page.Objects {
		result.Contents = append(result.Contents, objectEntry{
			Key: encode(o.Key), LastModified: timestamp(o.ModifiedAt), ETag: quoted(o.ETag), Size: o.Size, StorageClass: "STANDARD",
			ChecksumAlgorithm: o.Checksum.Algorithm, ChecksumType: o.Checksum.Type(),
		})
	}
	for _, prefix := range page.Prefixes {
		result.CommonPrefixes = append(result.CommonPrefixes, commonPrefix{encode(prefix)})
	}
	return result, page, nil
}

// encoding reads how a listing shall write keys.
func (r *request) encoding() (string, error) {
	encoding := r.query.Get("encoding-type")
	if encoding != "" && encoding != "url" {
		return "", fault.New(bucket.InvalidArgument, "Invalid Encoding Method specified in Request")
	}
	return encoding, nil
}

// encoder returns how a listing writes keys: as they are, or with
// encoding-type=url so that XML can hold all of them.
func encoder(encoding string) func(string) string {
	if encoding == "" {
		return func(key string) string { return key }
	}
	return func(key string) string {
		return strings.NewReplacer("+", "%20", "%2F", "/").Replace(url.QueryEscape(key))
	}
}
