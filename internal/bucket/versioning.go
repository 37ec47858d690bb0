package bucket

import (
	"context"

	"github.com/google/uuid"

	"mimeo/internal/arn"
)

// Versioning says whether a bucket keeps the versions of its objects.
type Versioning string

// A bucket that has once kept versions never becomes Unversioned again.
const (
	Unversioned Versioning = ""
	Enabled     Versioning = "Enabled"   // every write makes a version
	Suspended   Versioning = "Suspended" // a write replaces the version null
)

// NullVersion is the version of what was written while none were kept.
const NullVersion = "null"

// PutBucketVersioning begins to keep versions, or suspends it.
func (s *Service) PutBucketVersioning(ctx context.Context, caller arn.Caller, name string, v Versioning) error {
	b, err := s.open(ctx, caller, access{action: "s3:PutBucketVersioning", bucket: name})
	if err != nil {
		return err
	}
	return said(s.store.SetVersioning(ctx, b.Partition, b.Name, v))
}

// GetBucketVersioning returns whether a bucket keeps versions.
func (s *Service) GetBucketVersioning(ctx context.Context, caller arn.Caller, name string) (Versioning, error) {
	b, err := s.open(ctx, caller, access{action: "s3:GetBucketVersioning", bucket: name})
	return b.Versioning, err
}

// versionOf is the version that an object with the id gets when it is written.
func (b Bucket) versionOf(id string) string {
	if b.Versioning == Enabled {
		return id
	}
	return NullVersion
}

// told returns an object of the bucket as callers see it.
func (b Bucket) told(o Object) Object {
	if b.Versioning == Unversioned {
		o.Version = ""
	}
	return o
}

// checkVersion refuses what cannot be a version.
func checkVersion(version string) error {
	if _, err := uuid.Parse(version); err != nil && version != "" && version != NullVersion {
		return said(NoSuchVersion)
	}
	return nil
}

// A Deleted says what a deletion did.
type Deleted struct {
	Version string // that is deleted, or that of the marker that was written; empty in a bucket that never kept versions
	Marker  bool   // it is a delete marker
}

// remove deletes the current object of a name: for good, or with a marker in
// place of it.
func (s *Service) remove(ctx context.Context, b Bucket, n Name, cond Condition) (Deleted, error) {
	if b.Versioning == Unversioned {
		_, err := s.store.DeleteVersion(ctx, n, NullVersion, cond)
		return Deleted{}, err
	}
	marker := Object{Name: n, ID: uuid.NewString(), ModifiedAt: s.now()}
	marker.Version = b.versionOf(marker.ID)
	return Deleted{Version: marker.Version, Marker: true}, s.store.InsertMarker(ctx, marker, cond)
}

// A Version is one of the versions of an object.
type Version struct {
	Object
	Latest bool // it is the newest of its key
}

// A VersionsRequest asks for a page of a bucket's versions.
type VersionsRequest struct {
	Bucket, Prefix, Delimiter string
	AfterKey                  string // keys behind it only
	AfterVersion              string // where it is set, also versions of AfterKey that are older than it
	MaxKeys                   int    // 0 to MaxKeys
}

// A VersionsPage is a page of versions and common prefixes, both in the order of
// the bytes of their keys.
type VersionsPage struct {
	Versions             []Version
	Prefixes             []string
	Truncated            bool
	LastKey, LastVersion string // where it is truncated, what the next page begins behind
}

// ListObjectVersions returns a page of a bucket's versions, delete markers
// among them, the newest of a key first.
func (s *Service) ListObjectVersions(ctx context.Context, caller arn.Caller, req VersionsRequest) (VersionsPage, error) {
	for _, part := range []string{req.Prefix, req.Delimiter} {
		if err := checkPartOfKey(part); err != nil {
			return VersionsPage{}, err
		}
	}
	if req.AfterVersion != "" && req.AfterKey == "" {
		return VersionsPage{}, invalidArgument("A version-id marker cannot be specified without a key marker.")
	}
	keys := ListRequest{Prefix: req.Prefix, Delimiter: req.Delimiter, MaxKeys: req.MaxKeys}.keys()
	b, err := s.open(ctx, caller, access{action: "s3:ListBucketVersions", bucket: req.Bucket, keys: keys})
	if err != nil {
		return VersionsPage{}, err
	}
	l := versionListing{req: req, scan: VersionScan{From: max(req.Prefix, behind(req.AfterKey, req.Delimiter, req.Prefix)), Before: successor(req.Prefix)}}
	if req.AfterVersion != "" && req.AfterKey >= req.Prefix {
		l.scan.From, l.scan.Behind = req.AfterKey, req.AfterVersion
	}
	for !l.done {
		found, err := s.store.Versions(ctx, b, l.scan, req.MaxKeys+1)
		if err != nil {
			return VersionsPage{}, err
		}
		l.take(found)
		l.done = l.done || len(found) <= req.MaxKeys
	}
	return l.page, nil
}

// A versionListing grows a page.
type versionListing struct {
	req  VersionsRequest
	scan VersionScan // what is not yet seen
	page VersionsPage
	done bool
}

// take adds a run of versions to the page. What is in a common prefix that the
// page has is passed over.
func (l *versionListing) take(found []Version) {
	for _, v := range found {
		if v.Key < l.scan.From {
			continue
		}
		if len(l.page.Versions)+len(l.page.Prefixes) == l.req.MaxKeys {
			l.done, l.page.Truncated = true, l.req.MaxKeys > 0
			return
		}
		prefix, ok := common(v.Key, l.req.Prefix, l.req.Delimiter)
		if !ok {
			l.page.Versions = append(l.page.Versions, v)
			l.page.LastKey, l.page.LastVersion = v.Key, v.Version
			l.scan.From, l.scan.Behind = v.Key, v.Version
			continue
		}
		l.page.Prefixes = append(l.page.Prefixes, prefix)
		l.page.LastKey, l.page.LastVersion = prefix, ""
		if l.scan.From, l.scan.Behind = successor(prefix), ""; l.scan.From == "" {
			l.done = true
			return
		}
	}
}
