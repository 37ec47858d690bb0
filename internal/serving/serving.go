// Package serving starts and stops versions and detects custom labels with
// them. It owns the models in memory.
//
// A version is started and stopped by a job. A RUNNING version answers on
// every node: one that does not have the model loads it at the first request,
// so a restart needs nothing. Every load reads the whole artifact and checks
// it against its digest.
//
// API: https://docs.aws.amazon.com/rekognition/latest/APIReference/API_DetectCustomLabels.html
package serving

import (
	"context"
	"fmt"
	"io"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/cores"
	"mimeo/internal/customlabels"
	"mimeo/internal/digest"
	"mimeo/internal/family"
	"mimeo/internal/job"
	"mimeo/internal/objects"
	"mimeo/internal/quota"
	"mimeo/internal/vault"
)

// A Store moves versions between the states of serving. BeginStart and
// BeginStop refuse with the version's own exceptions, and otherwise with bare
// codes of customlabels.
type Store interface {
	// BeginStart moves a version to STARTING and inserts its job. It fails
	// with LimitExceeded where quota versions of the namespace are on their
	// way up, running, or on their way down.
	BeginStart(ctx context.Context, v arn.ProjectVersion, units Units, quota int, spec job.Spec) error
	// BeginStop moves a version to STOPPING and inserts its job.
	BeginStop(ctx context.Context, v arn.ProjectVersion, spec job.Spec) error
	// EndChange moves a version on. One that is not in the state from stays
	// as it is.
	EndChange(ctx context.Context, a job.Attempt, v arn.ProjectVersion, from, to customlabels.Status, message string) error
	// MarkDamaged stamps every artifact of a blob as found damaged.
	MarkDamaged(ctx context.Context, blob digest.Digest, at time.Time) error
	Version(ctx context.Context, a arn.ProjectVersion) (customlabels.ProjectVersion, error)
}

// Units are the inference units of a running version: how many requests it
// works on at a time.
type Units struct {
	Min int32
	Max int32 // zero: no auto-scaling
}

// A Registry knows versions and who may do what with them.
type Registry interface {
	Authorize(ctx context.Context, caller arn.Caller, action string, resource fmt.Stringer, owner arn.Namespace) error
	Version(ctx context.Context, a arn.ProjectVersion) (customlabels.ProjectVersion, error)
}

// A Vault opens artifacts.
type Vault interface {
	Unlock(ctx context.Context, v arn.ProjectVersion, b customlabels.Bundle) (vault.VersionKey, error)
	Open(ctx context.Context, k vault.VersionKey, a customlabels.Artifact) (io.ReadCloser, error)
}

// Config is what a Service works with. All fields but Quotas are required.
type Config struct {
	Store    Store
	Registry Registry
	Vault    Vault
	Objects  objects.Store
	// Families load the weights of the versions whose BaseModel is their name.
	Families []family.Family
	Quotas   *quota.Service // nil: the defaults
	Cores    *cores.Pool    // where detections go before trainings; nil: nowhere
	Now      func() time.Time
}

// A Service serves StartProjectVersion, StopProjectVersion and
// DetectCustomLabels.
type Service struct {
	store    Store
	registry Registry
	vault    Vault
	objects  objects.Store
	families map[string]family.Family
	quotas   *quota.Service
	cores    *cores.Pool
	now      func() time.Time
	models   models
}

// New returns a Service without any model in memory.
func New(c Config) *Service {
	s := &Service{
		store: c.Store, registry: c.Registry, vault: c.Vault, objects: c.Objects, quotas: c.Quotas, cores: c.Cores, now: c.Now,
		families: map[string]family.Family{}, models: models{now: c.Now, slots: map[arn.ProjectVersion]*slot{}},
	}
	for _, f := range c.Families {
		s.families[f.Name()] = f
	}
	return s
}

// idleAfter is how long a model stays in memory that nobody asks. To load it
// again takes a few milliseconds per megabyte.
const idleAfter = 15 * time.Minute

// DropIdle frees the memory of models that nobody has asked for a while, and
// returns how many. Their versions stay RUNNING: the next request loads the
// model again, as after a restart.
func (s *Service) DropIdle() int { return s.models.dropIdle(s.now().Add(-idleAfter)) }

// allow authorises an action on a version, which must live where the request
// was sent to.
func (s *Service) allow(ctx context.Context, caller arn.Caller, action string, v arn.ProjectVersion) error {
	if err := s.registry.Authorize(ctx, caller, action, v, v.Namespace); err != nil {
		return err
	}
	if !v.SameRegion(caller.Namespace()) {
		return customlabels.Invalid("The project version %s is not in the Region %s that the request was sent to.", v, caller.Region)
	}
	return nil
}
