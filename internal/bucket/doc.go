// Package bucket is the embedded S3: buckets and objects on top of blob. It
// decides who may do what, checks every byte on its way in, seals it, and
// checks it again on its way out.
//
// An object is a row and a list of parts; a part is one blob, sealed under a
// data key of its own. The data keys are wrapped with the object's key, which
// is a KMS data key: of the key that the writer named (SSE-KMS), else of a key
// that the service owns (SSE-S3). Only wrapped keys are stored. The row is
// written when the blob is durable, so a reader sees the old object or the new
// one and nothing between; blobs that no row names are for the sweep.
//
// API reference: https://docs.aws.amazon.com/AmazonS3/latest/API/
package bucket
