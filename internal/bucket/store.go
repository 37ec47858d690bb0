package bucket

import (
	"context"
	"time"

	"mimeo/internal/digest"
)

// A Store remembers buckets, objects and uploads. It returns the bare codes
// that its methods name.
type Store interface {
	Buckets
	Objects
	Uploads
}

// Buckets are the buckets of all partitions.
type Buckets interface {
	// InsertBucket fails with BucketAlreadyExists where the name is taken.
	InsertBucket(ctx context.Context, b Bucket) error
	// Bucket fails with NoSuchBucket.
	Bucket(ctx context.Context, partition, name string) (Bucket, error)
	// Buckets returns an account's buckets in the order of their names.
	Buckets(ctx context.Context, partition, account string) ([]Bucket, error)
	// SetBucketPolicy replaces the text of a bucket's policy; it fails with
	// NoSuchBucket.
	SetBucketPolicy(ctx context.Context, partition, name, policy string) error
	// SetVersioning sets whether a bucket keeps versions; it fails with
	// NoSuchBucket.
	SetVersioning(ctx context.Context, partition, name string, v Versioning) error
	// DeleteBucket deletes a bucket and its uploads; it fails with
	// NoSuchBucket, or with BucketNotEmpty where an object is in it, or a
	// version or a delete marker.
	DeleteBucket(ctx context.Context, partition, name string) error
}

// Objects are the objects of all buckets. Under a name there are versions, of
// which one is the newest. It is the current object, unless it is a delete marker:
// then there is none.
type Objects interface {
	// InsertObjects writes objects of one bucket as the newest versions of
	// their names: all or none. What has the same version goes for good. It fails
	// with NoSuchBucket and the codes of [Condition.HoldsFor], which is asked
	// of the current object.
	InsertObjects(ctx context.Context, writes ...Write) error
	// InsertMarker is InsertObjects for a delete marker.
	InsertMarker(ctx context.Context, m Object, cond Condition) error
	// Object returns the current object; it fails with NoSuchKey.
	Object(ctx context.Context, n Name) (Object, error)
	// Content returns a version, or without one the current object, and its
	// parts, as they were at one moment, in the order of their numbers. It fails
	// with NoSuchVersion, or with NoSuchKey: then it returns the delete marker
	// that is the newest version, if it is one.
	Content(ctx context.Context, n Name, version string) (Object, []Part, error)
	// Objects returns up to limit current objects of a bucket in the order of
	// the bytes of their keys, from the first key that is not before from, and
	// before the first one that is not before to; an empty to is no bound.
	Objects(ctx context.Context, b Bucket, from, to string, limit int) ([]Object, error)
	// Versions returns up to limit versions of a bucket in the order of the
	// bytes of their keys, the newest of a key first.
	Versions(ctx context.Context, b Bucket, scan VersionScan, limit int) ([]Version, error)
	// DeleteVersion deletes a version for good if present, where cond holds for
	// it; it fails with the codes of [Condition.HoldsFor]. It reports whether it
	// was a delete marker.
	DeleteVersion(ctx context.Context, n Name, version string, cond Condition) (marker bool, err error)
	// Parts returns up to limit parts of an object or an upload with numbers
	// above after, in the order of their numbers.
	Parts(ctx context.Context, id string, after, limit int) ([]Part, error)
}

// Uploads are unfinished multipart uploads.
type Uploads interface {
	// InsertUpload fails with NoSuchBucket.
	InsertUpload(ctx context.Context, u Object) error
	// Upload fails with NoSuchUpload.
	Upload(ctx context.Context, n Name, id string) (Object, error)
	// Uploads returns up to limit uploads of a bucket in the order of their
	// keys, then of their ids.
	Uploads(ctx context.Context, b Bucket, scan UploadScan, limit int) ([]Object, error)
	// InsertPart writes a part in place of the one of its number. It fails
	// with NoSuchUpload.
	InsertPart(ctx context.Context, id string, p Part) error
	// FinishUpload makes the upload of o's id the object o, as InsertObjects
	// does. It consists of the given parts; those that it has besides are deleted. It fails with
	// NoSuchUpload, with InvalidPart where a given part was replaced, and
	// with the codes of [Condition.HoldsFor].
	FinishUpload(ctx context.Context, o Object, parts []Part, cond Condition) error
	// DeleteUpload fails with NoSuchUpload.
	DeleteUpload(ctx context.Context, n Name, id string) error
}

// An Object is what the service keeps of an object, or of an upload that will
// be one: then ModifiedAt is when it began, and size and ETag are unknown.
type Object struct {
	Name
	ID         string // of this object, not of one that replaces it; an upload's is the UploadId
	Version    string // NullVersion or one of its own; the service tells none in a bucket that never kept versions
	Marker     bool   // a delete marker: it has a key, a version and a time, and nothing else
	Size       int64  // plain bytes
	ETag       string // without quotes
	ModifiedAt time.Time
	Headers    Headers
	Checksum   Checksum
	Encryption Encryption
}

// A Write is an object with its parts that is to be stored, where If holds for
// the one that it replaces.
type Write struct {
	Object Object
	Parts  []Part
	If     Condition
}

// A Part is some bytes of an object, sealed as one blob.
type Part struct {
	Number     int   // 1 to 10,000, not necessarily without gaps
	Size       int64 // plain bytes
	ETag       string
	ModifiedAt time.Time
	Checksums  map[Algorithm][]byte
	Digest     digest.Digest // of the sealed bytes
	Sealed     []byte        // those of a small part; nil: they are a blob, or were not asked for
	WrappedKey []byte        // the part's data key, wrapped with the object's key
}

// Headers are what a writer says about an object and a reader is told.
type Headers struct {
	ContentType        string            `json:",omitempty"`
	ContentEncoding    string            `json:",omitempty"`
	ContentLanguage    string            `json:",omitempty"`
	ContentDisposition string            `json:",omitempty"`
	CacheControl       string            `json:",omitempty"`
	Expires            string            `json:",omitempty"`
	Metadata           map[string]string `json:",omitempty"`
	// Asked is of an upload, for the policies that its parts meet; no reader
	// is told.
	Asked Asked `json:",omitzero"`
}

// An UploadScan says which uploads are wanted: those of keys that are not
// before Prefix and are before Before (empty: no bound), and behind AfterKey,
// or behind AfterID of that key where an id is given.
type UploadScan struct {
	Prefix, Before, AfterKey, AfterID string
}

// A VersionScan says which versions are wanted: those of keys that are not
// before From and are before Before (empty: no bound), and of the key From
// only those older than the version Behind, if it is there.
type VersionScan struct {
	From, Behind, Before string
}
