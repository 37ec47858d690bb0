package s3api

import (
	"encoding/xml"
	"net/http"

	"mimeo/internal/bucket"
	"mimeo/internal/fault"
)

const (
	versionHeader       = "x-amz-version-id"
	sourceVersionHeader = "x-amz-copy-source-version-id"
	markerHeader        = "x-amz-delete-marker"
)

// answerVersion tells a version, where the bucket has ever kept them.
func answerVersion(h http.Header, name, version string) {
	if version != "" {
		h.Set(name, version)
	}
}

// version reads the version that a request names.
func (r *request) version() (string, error) {
	version := r.query.Get("versionId")
	if version == "" && r.query.Has("versionId") {
		return "", fault.New(bucket.InvalidArgument, "Version id cannot be the empty string")
	}
	return version, nil
}

type versioningConfiguration struct {
	XMLName xml.Name          `xml:"http://s3.amazonaws.com/doc/2006-03-01/ VersioningConfiguration"`
	Status  bucket.Versioning `xml:",omitempty"`
}

func (a *API) putBucketVersioning(w http.ResponseWriter, r *request) error {
	text, err := r.text()
	if err != nil {
		return err
	}
	v, err := parseVersioning(text)
	if err != nil {
		return err
	}
	if err := a.buckets.PutBucketVersioning(r.Context(), r.caller, r.bucket, v); err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

func parseVersioning(text []byte) (bucket.Versioning, error) {
	root, err := parseXML(text, "VersioningConfiguration")
	if err != nil {
		return "", err
	}
	fields, err := root.fields("Status", "MfaDelete")
	if err != nil {
		return "", err
	}
	switch v := bucket.Versioning(fields["Status"]); {
	case fields["MfaDelete"] == "Enabled":
		return "", notImplemented("element MfaDelete")
	case v != bucket.Enabled && v != bucket.Suspended, fields["MfaDelete"] != "" && fields["MfaDelete"] != "Disabled":
		return "", malformed()
	default:
		return v, nil
	}
}

func (a *API) getBucketVersioning(w http.ResponseWriter, r *request) error {
	v, err := a.buckets.GetBucketVersioning(r.Context(), r.caller, r.bucket)
	if err != nil {
		return err
	}
	return answerXML(w, versioningConfiguration{Status: v})
}

// A versionEntry is a version, or without what follows from bytes a delete
// marker.
type versionEntry struct {
	ETag              string           `xml:",omitempty"`
	ChecksumAlgorithm bucket.Algorithm `xml:",omitempty"`
	ChecksumType      string           `xml:",omitempty"`
	Size              *int64
	StorageClass      string `xml:",omitempty"`
	Key               string
	VersionID         string `xml:"VersionId"`
	IsLatest          bool
	LastModified      string
	Owner             owner
}

type listVersionsResult struct {
	XMLName             xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListVersionsResult"`
	Name                string
	Prefix              string
	KeyMarker           string
	VersionIDMarker     string `xml:"VersionIdMarker"`
	NextKeyMarker       string `xml:",omitempty"`
	NextVersionIDMarker string `xml:"NextVersionIdMarker,omitempty"`
	MaxKeys             int
	Delimiter           string `xml:",omitempty"`
	EncodingType        string `xml:",omitempty"`
	IsTruncated         bool
	Version             []versionEntry
	DeleteMarker        []versionEntry
	CommonPrefixes      []commonPrefix
}

func (a *API) listObjectVersions(w http.ResponseWriter, r *request) error {
	encoding, err := r.encoding()
	if err != nil {
		return err
	}
	req := bucket.VersionsRequest{
		Bucket: r.bucket, Prefix: r.query.Get("prefix"), Delimiter: r.query.Get("delimiter"),
		AfterKey: r.query.Get("key-marker"), AfterVersion: r.query.Get("version-id-marker"),
	}
	if req.MaxKeys, err = r.count("max-keys", 0, bucket.MaxKeys, bucket.MaxKeys); err != nil {
		return err
	}
	page, err := a.buckets.ListObjectVersions(r.Context(), r.caller, req)
	if err != nil {
		return err
	}
	encode := encoder(encoding)
	result := listVersionsResult{
		Name: r.bucket, Prefix: encode(req.Prefix), KeyMarker: encode(req.AfterKey), VersionIDMarker: req.AfterVersion,
		MaxKeys: req.MaxKeys, Delimiter: encode(req.Delimiter), EncodingType: encoding, IsTruncated: page.Truncated,
	}
	if page.Truncated {
		result.NextKeyMarker, result.NextVersionIDMarker = encode(page.LastKey), page.LastVersion
	}
	for _, v := range page.Versions {
		e := versionEntry{
			Key: encode(v.Key), VersionID: v.Version, IsLatest: v.Latest, LastModified: timestamp(v.ModifiedAt),
			Owner: owner{ID: r.caller.Principal.Account},
		}
		if v.Marker {
			result.DeleteMarker = append(result.DeleteMarker, e)
			continue
		}
		e.ETag, e.Size, e.StorageClass = quoted(v.ETag), &v.Size, "STANDARD"
		e.ChecksumAlgorithm, e.ChecksumType = v.Checksum.Algorithm, v.Checksum.Type()
		result.Version = append(result.Version, e)
	}
	for _, prefix := range page.Prefixes {
		result.CommonPrefixes = append(result.CommonPrefixes, commonPrefix{encode(prefix)})
	}
	return answerXML(w, result)
}
