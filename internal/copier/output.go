package copier

import (
	"bytes"
	"context"
	"errors"
	"io"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/results"
	"mimeo/internal/vault"
)

// putResults writes the result files and the record to the OutputConfig. The
// files are read with the copy's own key, which proves that it opens.
func (w Worker) putResults(ctx context.Context, v customlabels.ProjectVersion, caller arn.Caller, signed []byte) (customlabels.ResultFiles, error) {
	key, err := w.Vault.Unlock(ctx, v.ARN, v.Bundle)
	if err != nil {
		return nil, destinationError("opening the version key with "+v.Bundle.Key.String(), err)
	}
	contents := map[customlabels.Role]results.Opener{
		customlabels.CopyRecord: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(signed)), nil },
	}
	for _, a := range v.Bundle.Artifacts {
		if a.Role.IsResult() {
			contents[a.Role] = func(ctx context.Context) (io.ReadCloser, error) { return w.open(ctx, key, a) }
		}
	}
	files, err := results.Writer{Objects: w.Objects, Caller: caller, Version: v}.Put(ctx, contents)
	return files, atDestination(err)
}

// open opens an artifact of the copy. Its key is the copy's own; where the copy
// shares, its blob is the source's too.
func (w Worker) open(ctx context.Context, key vault.VersionKey, a customlabels.Artifact) (io.ReadCloser, error) {
	body, err := w.Vault.Open(ctx, key, a)
	if vault.IsKeyDamage(err) {
		return nil, destinationError("opening the artifact "+string(a.Role), err)
	}
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

// atDestination says that files were refused at the destination.
func atDestination(err error) error {
	var refused *results.RefusedError
	if errors.As(err, &refused) {
		return destinationError("writing "+refused.Location.String(), refused.Fault)
	}
	return err
}
