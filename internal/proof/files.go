package proof

import (
	"context"
	"errors"
	"fmt"
	"io"

	"mimeo/internal/arn"
	"mimeo/internal/blob"
	"mimeo/internal/customlabels"
	"mimeo/internal/digest"
	"mimeo/internal/fault"
	"mimeo/internal/kms"
	"mimeo/internal/objects"
	"mimeo/internal/record"
	"mimeo/internal/results"
	"mimeo/internal/vault"
)

// A file is one that a version has in its OutputConfig, as it should be.
type file struct {
	role  customlabels.Role
	at    customlabels.S3Location
	plain digest.Digest
}

// filesOf lists the result files of v, and a copy's record beside them: by the
// record, or by v itself where there is none.
func filesOf(v customlabels.ProjectVersion, signed *record.Record) (all []file) {
	artifacts, target := record.Artifacts(v.Bundle), results.Target{Version: v.ARN, Output: v.OutputConfig}
	if signed != nil {
		artifacts, target.Output = signed.Artifacts, customlabels.OutputConfig(signed.Destination.Output)
		all = append(all, file{customlabels.CopyRecord, target.File(customlabels.CopyRecord), signed.Digest})
	}
	for _, a := range artifacts {
		if a.Role.IsResult() {
			all = append(all, file{a.Role, target.File(a.Role), a.Plain})
		}
	}
	return all
}

// files checks where v says that its files are, and what is there.
//
// The files belong to the account of the version, which may change and remove
// them. They are read as its root: with no more rights than the account has,
// and for nobody but who verifies.
func (c *checker) files(ctx context.Context, v customlabels.ProjectVersion, signed *record.Record) error {
	owner := arn.Caller{Principal: arn.Root(v.ARN.Partition, v.ARN.Account), Region: v.ARN.Region}
	all := filesOf(v, signed)
	for _, f := range all {
		checkBy(c.report, "its OutputConfig", "place of the file "+string(f.role), v.Files[f.role], f.at)
		if err := c.file(ctx, owner, f); err != nil {
			return err
		}
	}
	if v.IsCopy() && signed == nil {
		c.report.unchecked("file "+string(customlabels.CopyRecord), "there is no sound record to compare it with")
		return nil
	}
	checkBy(c.report, "its list of artifacts", "number of files", len(v.Files), len(all))
	return nil
}

// file checks the content of a file.
func (c *checker) file(ctx context.Context, owner arn.Caller, f file) error {
	what := "file " + string(f.role)
	got, err := c.content(ctx, owner, f.at)
	var refused *fault.Error
	switch {
	case errors.Is(err, objects.NoSuchKey) || errors.Is(err, objects.NoSuchBucket):
		c.report.changed(what, "the result file %s was removed since it was written, as the bucket's owner may", f.at)
	case vault.IsDamage(err) || errors.Is(err, kms.InvalidCiphertext):
		c.report.bad(what, "the stored bytes of the result file %s are damaged: %v", f.at, err)
	case errors.As(err, &refused):
		c.report.unchecked(what, fmt.Sprintf("%s cannot be read: %s", f.at, refused.Message))
	case err != nil:
		return fmt.Errorf("read %s: %w", f.at, err)
	case f.plain == digest.Digest{}:
		c.report.unchecked(what, "no digest of its bytes was kept by the server that sealed them")
	case got != f.plain:
		c.report.changed(what, "the result file %s was changed since it was written, as the bucket's owner may: it is %s and was %s", f.at, got, f.plain)
	default:
		c.report.good(what)
	}
	return nil
}

// content returns the digest of an object.
func (c *checker) content(ctx context.Context, owner arn.Caller, at customlabels.S3Location) (_ digest.Digest, err error) {
	body, _, err := c.Objects.Get(ctx, owner, objects.Ref{Bucket: at.Bucket, Key: at.Key})
	if err != nil {
		return digest.Digest{}, err
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	hashed := digest.NewWriter(io.Discard)
	_, err = io.Copy(hashed, blob.WithContext(ctx, body))
	return hashed.Digest(), err
}
