package copier

import (
	"bytes"
	"context"
	"errors"
	"io"

	"golang.org/x/sync/errgroup"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/results"
	"mimeo/internal/vault"
)

// putResults writes the result files and the record to the OutputConfig, all
// at once. The files are read with the copy's own key, which proves that it
// opens. Where one fails the others are still finished: Fail must find all
// that was written.
func (w Worker) putResults(ctx context.Context, v customlabels.ProjectVersion, caller arn.Caller, signed []byte) (customlabels.ResultFiles, error) {
	key, err := w.Vault.Unlock(ctx, v.ARN, v.Bundle)
	if err != nil {
		return nil, destinationError("opening the version key with "+v.Bundle.Key.String(), err)
	}
	writer := results.Writer{Objects: w.Objects, Caller: caller, Version: v}
	locations := make([]customlabels.S3Location, len(v.Bundle.Artifacts))
	var group errgroup.Group
	var recordAt customlabels.S3Location
	group.Go(func() (err error) {
		recordAt, err = writer.Put(ctx, customlabels.CopyRecord, func(context.Context) (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(signed)), nil
		})
		return err
	})
	for i, a := range v.Bundle.Artifacts {
		if !a.Role.IsResult() {
			continue
		}
		group.Go(func() (err error) {
			locations[i], err = writer.Put(ctx, a.Role, func(ctx context.Context) (io.ReadCloser, error) { return w.open(ctx, key, a) })
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, atDestination(err)
	}
	files := customlabels.ResultFiles{customlabels.CopyRecord: recordAt}
	for i, a := range v.Bundle.Artifacts {
		if a.Role.IsResult() {
			files[a.Role] = locations[i]
		}
	}
	return files, nil
}

// open opens an artifact of the copy. Where the copy shares, its blob is the
// source's too.
func (w Worker) open(ctx context.Context, key vault.VersionKey, a customlabels.Artifact) (io.ReadCloser, error) {
	body, err := w.Vault.Open(ctx, key, a)
	if err != nil {
		return nil, artifactError("opening the artifact ", a, err)
	}
	return opened{body, a}, nil
}

// opened is the body of an artifact, whose errors say of which.
type opened struct {
	io.ReadCloser
	of customlabels.Artifact
}

func (o opened) Read(p []byte) (int, error) {
	n, err := o.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = artifactError("reading the artifact ", o.of, err)
	}
	return n, err
}

// atDestination says that a refused file is the destination's.
func atDestination(err error) error {
	var refused *results.RefusedError
	if errors.As(err, &refused) {
		return destinationError("writing "+refused.Location.String(), refused.Fault)
	}
	return err
}
