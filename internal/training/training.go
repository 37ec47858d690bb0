// Package training trains project versions: CreateProjectVersion.
//
// create.go decides in the request; worker.go does what the request decided,
// in a job of slices that may be cut at any instruction and run again. The
// images and labels are those of the moment of the request: the manifests'
// lines are copied with the version's row.
//
// API: https://docs.aws.amazon.com/rekognition/latest/APIReference/API_CreateProjectVersion.html
package training

import (
	"context"
	"fmt"
	"io"
	"iter"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/cores"
	"mimeo/internal/customlabels"
	"mimeo/internal/family"
	"mimeo/internal/job"
	"mimeo/internal/live"
	"mimeo/internal/manifest"
	"mimeo/internal/objects"
	"mimeo/internal/quota"
	"mimeo/internal/registry"
	"mimeo/internal/vault"
)

// Kind is the kind of a training's job.
const Kind job.Kind = "train"

// A Line is one line of the manifest that a training works on.
type Line struct {
	Text string
	// Refused is why the text is no line of a manifest; empty where it is.
	Refused manifest.Reason
}

// A Store keeps trainings. Its refusals are bare codes of customlabels.
type Store interface {
	Trainings
	Sets
	Version(ctx context.Context, a arn.ProjectVersion) (customlabels.ProjectVersion, error)
	// HasVersion reports whether a project has a version of that name.
	HasVersion(ctx context.Context, project arn.Project, name string) (bool, error)
}

// Trainings begin and end.
type Trainings interface {
	// InsertTraining inserts the version, its tags, its job, how far it has
	// come and a copy of the lines of the datasets, in one transaction. It fails
	// with ServiceQuotaExceeded or LimitExceeded where there would be more
	// versions than its limits say.
	InsertTraining(ctx context.Context, v customlabels.NewVersion, datasets []customlabels.Dataset, p Progress, spec job.Spec) error
	// SaveProgress stores how far a running training has come, and sets its
	// status message. It fails with ErrCancelled where the training was
	// cancelled. Progress returns what was stored last.
	SaveProgress(ctx context.Context, a job.Attempt, v arn.ProjectVersion, message string, p Progress) error
	Progress(ctx context.Context, v arn.ProjectVersion) (Progress, error)
	// EndTraining stores how the training ended, v.Status and the rest, and
	// drops its lines. A training that has ended stays as it is; one that was
	// cancelled can only fail, else it is ErrCancelled.
	EndTraining(ctx context.Context, a job.Attempt, v customlabels.ProjectVersion, p Progress) error
	// CancelTraining notes who has cancelled a training in progress and lets
	// its job run at once, also again. It fails with ResourceInUse where the
	// training has ended. CancelledBy returns who was first; empty: nobody.
	CancelTraining(ctx context.Context, v arn.ProjectVersion, by arn.Principal) error
	CancelledBy(ctx context.Context, v arn.ProjectVersion) (string, error)
}

// Sets are the lines that a training works on.
type Sets interface {
	// PutLines replaces the lines of one set. Where it fails the set is of no
	// use and must be put again.
	PutLines(ctx context.Context, a job.Attempt, v arn.ProjectVersion, set customlabels.DatasetType, lines iter.Seq2[Line, error]) error
	// Lines yields the lines of one set in their order.
	Lines(ctx context.Context, v arn.ProjectVersion, set customlabels.DatasetType) iter.Seq2[Line, error]
}

// A Registry knows projects and who may do what with them.
type Registry interface {
	Ask(ctx context.Context, caller arn.Caller, q registry.Question) error
	Project(ctx context.Context, a arn.Project) (customlabels.Project, error)
	// Datasets returns the datasets of a project.
	Datasets(ctx context.Context, project arn.Project) ([]customlabels.Dataset, error)
	// Version returns a version. Describable and Deletable do where the caller
	// may describe or delete it.
	Version(ctx context.Context, a arn.ProjectVersion) (customlabels.ProjectVersion, error)
	Describable(ctx context.Context, caller arn.Caller, a arn.ProjectVersion) (customlabels.ProjectVersion, error)
	Deletable(ctx context.Context, caller arn.Caller, a arn.ProjectVersion) (customlabels.ProjectVersion, error)
}

// A Vault holds version keys and seals artifacts.
type Vault interface {
	Prepare(ctx context.Context, caller arn.Caller, keyID string, v arn.ProjectVersion) (vault.KeyUse, error)
	Release(ctx context.Context, use vault.KeyUse) error
	Abandon(ctx context.Context, use vault.KeyUse) error
	NewVersionKey(ctx context.Context, v arn.ProjectVersion, use vault.KeyUse) (vault.VersionKey, error)
	Unlock(ctx context.Context, v arn.ProjectVersion, b customlabels.Bundle) (vault.VersionKey, error)
	Seal(ctx context.Context, k vault.VersionKey, role customlabels.Role, plain io.Reader) (customlabels.Artifact, error)
	Open(ctx context.Context, k vault.VersionKey, a customlabels.Artifact) (io.ReadCloser, error)
	Verify(ctx context.Context, a customlabels.Artifact) error
	Drop(ctx context.Context, a customlabels.Artifact) error
}

// Service starts trainings and works on them.
type Service struct {
	Store    Store
	Registry Registry
	Objects  objects.Store
	Vault    Vault
	Quotas   *quota.Service // nil: the defaults
	// Families are the kinds of models that it trains: the first that learns
	// the task of a training's manifests.
	Families []family.Family
	// Scratch is a directory in which trainings keep their checkpoints.
	Scratch string
	// Slice is how long a training works before it lets others; it ends at
	// the next opportunity afterwards.
	Slice time.Duration
	// Cores are the processors that trainings share; nil: all that there are.
	Cores *cores.Pool
	// Memory is how many bytes trainings may plan to take at once, all together;
	// 0: as many as they like.
	Memory int64
	Now    func() time.Time
	// Closing is closed when the server is being shut down: nobody waits any
	// more. nil: never.
	Closing <-chan struct{}

	live   live.Board[attempt]
	memory room
}

// family returns the one that trains a task.
func (s *Service) family(t family.Task) (family.Family, error) {
	for _, f := range s.Families {
		if f.Learns(t) {
			return f, nil
		}
	}
	return nil, fmt.Errorf("no family of this server learns the task %s", t)
}
