// Package copier copies one project version to another project, in the same
// account or another one: CopyProjectVersion, which mimeo exists for.
//
// checks.go lists the rules of the decision, in their order: start.go makes
// them until one does not hold and begins the copy where all do, explain.go
// makes them all and begins nothing. worker.go does what was decided, in a job
// that may be cut at any instruction and run again. By share.go the copy shares
// the source's blobs: only keys are wrapped anew, no byte of the model moves,
// so it takes the same time for 1 MB and for 10 GB. Where that is asked for,
// reseal.go gives it blobs of its own, under fresh keys. output.go writes the
// result files.
//
// API: https://docs.aws.amazon.com/rekognition/latest/APIReference/API_CopyProjectVersion.html
package copier

import (
	"context"
	"fmt"
	"io"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/digest"
	"mimeo/internal/job"
	"mimeo/internal/live"
	"mimeo/internal/objects"
	"mimeo/internal/policy"
	"mimeo/internal/quota"
	"mimeo/internal/record"
	"mimeo/internal/vault"
)

// The kinds of a copy's job. Those that reseal are slow: no other copy waits
// for them.
const (
	Kind       job.Kind = "copy"
	ResealKind job.Kind = "reseal"
)

// A Store keeps copies. Its refusals are bare codes of customlabels.
type Store interface {
	Copies
	Versions
}

// Copies begin and end.
type Copies interface {
	// InsertCopy inserts the copy, its tags, a pin on its source, its job and
	// the call that it answers in one transaction. It fails with
	// ServiceQuotaExceeded or LimitExceeded where there would be more versions
	// than its limits say.
	InsertCopy(ctx context.Context, v customlabels.NewVersion, call Invocation, spec job.Spec) error
	// Answered returns the copy that was inserted for a call, or the zero ARN.
	Answered(ctx context.Context, call Invocation) (arn.ProjectVersion, error)
	// CanInsertCopy returns the refusal that InsertCopy would return for the
	// destination, or nil.
	CanInsertCopy(ctx context.Context, v customlabels.NewVersion) error
	// FinishCopy publishes the copy, FailCopy ends it; both drop the pin, and
	// neither changes a copy that has ended.
	// FinishCopy keeps the copy's signed record too, and refuses a copy whose
	// source has been found damaged.
	FinishCopy(ctx context.Context, a job.Attempt, v customlabels.ProjectVersion, signed []byte, p Progress) error
	FailCopy(ctx context.Context, a job.Attempt, v arn.ProjectVersion, message string) error
	// SaveProgress stores how far a copy has come; FinishCopy does too, in its
	// transaction. It fails with ErrCancelled where the copy was cancelled, and
	// with job.ErrSuperseded. Progress returns what was stored last.
	SaveProgress(ctx context.Context, a job.Attempt, v arn.ProjectVersion, p Progress) error
	Progress(ctx context.Context, v arn.ProjectVersion) (Progress, error)
	// CancelCopy moves a copy in progress to DELETING and lets its job run at
	// once, also again. It fails with ResourceInUse where the copy has ended;
	// from then on FinishCopy and FailCopy fail with ErrCancelled.
	CancelCopy(ctx context.Context, v arn.ProjectVersion) error
	// AccountMode is how copies into an account are made; empty: nobody has
	// said it.
	AccountMode(ctx context.Context, account string) (Mode, error)
	// HasVersion reports whether a project has a version of that name.
	HasVersion(ctx context.Context, project arn.Project, name string) (bool, error)
}

// Versions are what a copy is made of, and what it becomes.
type Versions interface {
	// Delete removes a version and what it holds; twice is no error.
	Delete(ctx context.Context, v arn.ProjectVersion, now time.Time) error
	Version(ctx context.Context, a arn.ProjectVersion) (customlabels.ProjectVersion, error)
	// Record returns the signed record of a copy; nil where there is none.
	Record(ctx context.Context, a arn.ProjectVersion) ([]byte, error)
	// MarkVerified and MarkDamaged stamp every artifact of a blob. Damage that
	// a.DamagedAt does not tell of was found meanwhile, and stays.
	MarkVerified(ctx context.Context, a customlabels.Artifact) error
	MarkDamaged(ctx context.Context, blob digest.Digest, at time.Time) error
}

// A Registry knows projects and versions. Only what it says authorises.
type Registry interface {
	Project(ctx context.Context, a arn.Project) (customlabels.Project, error)
	Version(ctx context.Context, a arn.ProjectVersion) (customlabels.ProjectVersion, error)
	Policies(ctx context.Context, a arn.Project) ([]customlabels.ProjectPolicy, error)
	Tags(ctx context.Context, resource fmt.Stringer) (customlabels.Tags, error)
	// Describable and Deletable return a version that there is, where the
	// caller may describe or delete it.
	Describable(ctx context.Context, caller arn.Caller, a arn.ProjectVersion) (customlabels.ProjectVersion, error)
	Deletable(ctx context.Context, caller arn.Caller, a arn.ProjectVersion) (customlabels.ProjectVersion, error)
}

// Permissions knows the identity policies of a caller.
type Permissions interface {
	Subject(ctx context.Context, caller arn.Caller) (policy.Subject, error)
}

// A Vault holds version keys and opens artifacts.
type Vault interface {
	Keys
	Artifacts
}

// Keys are the version keys, and the grants that they are used under.
type Keys interface {
	CanUse(ctx context.Context, caller arn.Caller, keyID string, v arn.ProjectVersion) (arn.Key, policy.Decision, error)
	Prepare(ctx context.Context, caller arn.Caller, keyID string, v arn.ProjectVersion) (vault.KeyUse, error)
	Release(ctx context.Context, use vault.KeyUse) error
	Abandon(ctx context.Context, use vault.KeyUse) error
	NewVersionKey(ctx context.Context, v arn.ProjectVersion, use vault.KeyUse) (vault.VersionKey, error)
	Unlock(ctx context.Context, v arn.ProjectVersion, b customlabels.Bundle) (vault.VersionKey, error)
}

// Artifacts are opened with version keys, and sealed anew.
type Artifacts interface {
	Open(ctx context.Context, k vault.VersionKey, a customlabels.Artifact) (io.ReadCloser, error)
	NewSealing(k vault.VersionKey, role customlabels.Role) (vault.Sealing, error)
	Reseal(ctx context.Context, r vault.Reseal) (customlabels.Artifact, error)
	ReadBack(ctx context.Context, a customlabels.Artifact, bytesPerSecond int64) error
	Publish(ctx context.Context, s vault.Sealing, a customlabels.Artifact) error
	Discard(ctx context.Context, s vault.Sealing, made digest.Digest) error
	PlainDigest(ctx context.Context, k vault.VersionKey, a customlabels.Artifact) (digest.Digest, error)
}

// A Notary signs what the server says of a copy.
type Notary interface {
	Sign(ctx context.Context, c record.Copy) ([]byte, error)
}

// Service starts copies and works on them.
type Service struct {
	Store       Store
	Registry    Registry
	Permissions Permissions
	Objects     objects.Store
	Vault       Vault
	Notary      Notary
	Quotas      *quota.Service // nil: the defaults
	Documents   *policy.Cache  // of the project policies
	Now         func() time.Time
	// Mode is how copies are made for which neither the request nor the
	// account says it; empty: Share.
	Mode Mode
	// Interval is how many bytes of a reseal are written between two
	// checkpoints, 0: the vault's standard. Slice is how long an attempt
	// works, 0: ten minutes.
	Interval int64
	Slice    time.Duration
	// Places are those of the reseals that are under way at once; nil: no
	// bound but the runner's.
	Places *quota.Places
	// Closing is closed when the server is being shut down: nobody waits any
	// more. nil: never.
	Closing <-chan struct{}

	live live.Board[attempt]
}
