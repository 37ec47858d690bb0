package s3api

import (
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"

	"mimeo/internal/bucket"
	"mimeo/internal/fault"
)

// An owner is the account that owns a bucket or an object.
type owner struct {
	ID          string
	DisplayName string `xml:",omitempty"`
}

type bucketEntry struct {
	Name         string
	CreationDate string
	BucketRegion string
}

type listAllMyBucketsResult struct {
	XMLName           xml.Name      `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListAllMyBucketsResult"`
	Buckets           []bucketEntry `xml:"Buckets>Bucket"`
	Owner             owner
	ContinuationToken string `xml:",omitempty"`
	Prefix            string `xml:",omitempty"`
}

// maxBucketsPage is the longest page of ListBuckets.
const maxBucketsPage = 10_000

// listBuckets answers a page of the caller's buckets. The token is the name of
// the page's last one.
func (a *API) listBuckets(w http.ResponseWriter, r *request) error {
	limit, err := r.count("max-buckets", 1, maxBucketsPage, maxBucketsPage)
	if err != nil {
		return err
	}
	all, err := a.buckets.ListBuckets(r.Context(), r.caller)
	if err != nil {
		return err
	}
	result := listAllMyBucketsResult{Owner: owner{ID: r.caller.Principal.Account}, Prefix: r.query.Get("prefix")}
	region := r.query.Get("bucket-region")
	for _, b := range all {
		if !strings.HasPrefix(b.Name, result.Prefix) || b.Name <= r.query.Get("continuation-token") || region != "" && b.Region != region {
			continue
		}
		if len(result.Buckets) == limit {
			result.ContinuationToken = result.Buckets[limit-1].Name
			break
		}
		result.Buckets = append(result.Buckets, bucketEntry{Name: b.Name, CreationDate: timestamp(b.CreatedAt), BucketRegion: b.Region})
	}
	return answerXML(w, result)
}

func (a *API) createBucket(w http.ResponseWriter, r *request) error {
	location, err := r.location()
	if err != nil {
		return err
	}
	b, err := a.buckets.CreateBucket(r.Context(), r.caller, bucket.NewBucket{
		Name: r.bucket, Location: location, ACL: r.Header.Get(aclHeader), Ownership: r.Header.Get(ownershipHeader),
	})
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/"+b.Name)
	w.WriteHeader(http.StatusOK)
	return nil
}

// location reads the location constraint that the body may hold.
func (r *request) location() (string, error) {
	text, err := r.text()
	if err != nil || len(text) == 0 {
		return "", err
	}
	return parseLocation(text)
}

func parseLocation(text []byte) (string, error) {
	root, err := parseXML(text, "CreateBucketConfiguration")
	if err != nil {
		return "", err
	}
	for _, child := range root.children {
		switch child.name {
		case "Location", "Bucket", "Tags":
			return "", notImplemented("element " + child.name)
		}
	}
	fields, err := root.fields("LocationConstraint")
	return fields["LocationConstraint"], err
}

func (a *API) headBucket(w http.ResponseWriter, r *request) error {
	b, err := a.buckets.HeadBucket(r.Context(), r.caller, r.bucket)
	if err != nil {
		return err
	}
	w.Header().Set("x-amz-bucket-region", b.Region)
	w.Header().Set("x-amz-access-point-alias", "false")
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(http.StatusOK)
	return nil
}

func (a *API) deleteBucket(w http.ResponseWriter, r *request) error {
	if err := a.buckets.DeleteBucket(r.Context(), r.caller, r.bucket); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

type locationConstraint struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ LocationConstraint"`
	Region  string   `xml:",chardata"` // empty for us-east-1
}

func (a *API) getBucketLocation(w http.ResponseWriter, r *request) error {
	b, err := a.buckets.GetBucketLocation(r.Context(), r.caller, r.bucket)
	if err != nil {
		return err
	}
	region := b.Region
	if region == "us-east-1" {
		region = ""
	}
	return answerXML(w, locationConstraint{Region: region})
}

// count reads a query parameter that is a number from low to high; a larger
// one counts as high. Without it, it is what absent says.
func (r *request) count(name string, low, high, absent int) (int, error) {
	text := r.query.Get(name)
	if text == "" {
		return absent, nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < int64(low) {
		return 0, fault.New(bucket.InvalidArgument, "Argument %s must be an integer between %d and %d", name, low, 1<<31-1)
	}
	return min(int(n), high), nil
}
