// Package objects is what a service needs of S3: reading and writing objects
// with a caller's own permissions. The embedded bucket service satisfies it.
package objects

import (
	"context"
	"io"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/fault"
	"mimeo/internal/policy"
)

// The refusals that a service may want to tell apart. Every implementation
// answers these codes.
const (
	NoSuchBucket fault.Code = "NoSuchBucket"
	NoSuchKey    fault.Code = "NoSuchKey"
	AccessDenied fault.Code = "AccessDenied"
)

// A Ref names an object. Version is empty for the current one.
type Ref struct {
	Bucket, Key, Version string
}

// Info describes an object.
type Info struct {
	Size       int64 // of the plain bytes
	ETag       string
	ModifiedAt time.Time
}

// PutOptions says how objects are written. The zero value is right for most.
type PutOptions struct {
	ContentType string
	// KMSKey seals the objects with SSE-KMS; empty: the bucket's default.
	KMSKey string
	// Mark is kept with each object, in its metadata, and says who wrote it.
	Mark string
}

// A File is what is to be written under a key.
type File struct {
	Key  string
	Body io.Reader
}

// A Store reads and writes objects as a caller.
type Store interface {
	// Get opens an object. The reader fails before its end where the stored
	// bytes are damaged.
	Get(ctx context.Context, caller arn.Caller, ref Ref) (io.ReadCloser, Info, error)
	Head(ctx context.Context, caller arn.Caller, ref Ref) (Info, error)
	// Put writes one or more files to a bucket, replacing what is there, each
	// when all of its Body was read without an error. Bodies may be read at
	// the same time.
	Put(ctx context.Context, caller arn.Caller, bucket string, files []File, opts PutOptions) error
	// DeleteIfMarked removes an object that was put with mark. An object that
	// is not there is no error, and one that bears no mark or another stays.
	DeleteIfMarked(ctx context.Context, caller arn.Caller, ref Ref, mark string) error
	// CanPut returns no error where the buckets exist in the caller's region
	// and the caller may write the objects, with SSE-KMS under key where that is
	// not empty; CanSeal, where the caller may use the key for it. CanDelete is
	// CanPut for deleting them. The decision names the statement that allowed
	// all the objects, where it is one and the buckets are the caller's own.
	CanPut(ctx context.Context, caller arn.Caller, key string, refs ...Ref) (policy.Decision, error)
	CanSeal(ctx context.Context, caller arn.Caller, key string, ref Ref) error
	CanDelete(ctx context.Context, caller arn.Caller, refs ...Ref) error
	// Owner returns the account that owns a bucket.
	Owner(ctx context.Context, caller arn.Caller, bucket string) (string, error)
}
