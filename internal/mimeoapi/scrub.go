package mimeoapi

import (
	"context"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/rekapi"
)

// A ScrubVersionInput names a version that holds a model.
type ScrubVersionInput struct{ ProjectVersionArn *string }

// A ScrubVersionOutput says of each artifact what reading it has shown.
type ScrubVersionOutput struct{ Artifacts []ScrubbedArtifact }

// A ScrubbedArtifact is one artifact, by the digest of its stored bytes.
type ScrubbedArtifact struct {
	Role       string
	Digest     string
	Verified   bool
	VerifiedAt *time.Time // when a read last matched
	DamagedKey string     // which key of the version is damaged, not the blob
}

func (a *API) scrubVersion(ctx context.Context, caller arn.Caller, in *ScrubVersionInput) (*ScrubVersionOutput, error) {
	v, err := rekapi.ProjectVersion("ProjectVersionArn", in.ProjectVersionArn)
	if err != nil {
		return nil, err
	}
	scrubbed, err := a.Proof.ScrubVersion(ctx, caller, v)
	if err != nil {
		return nil, err
	}
	out := &ScrubVersionOutput{Artifacts: []ScrubbedArtifact{}}
	for _, s := range scrubbed {
		out.Artifacts = append(out.Artifacts, ScrubbedArtifact{string(s.Role), s.Digest.String(), s.Verified, unlessZero(s.VerifiedAt), s.DamagedKey})
	}
	return out, nil
}
