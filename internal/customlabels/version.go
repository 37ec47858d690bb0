package customlabels

import (
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/digest"
	"mimeo/internal/fault"
)

// A Status is where a version is in its life. docs/states.md draws them.
type Status string

// The states of a version, in AWS's words.
const (
	TrainingInProgress Status = "TRAINING_IN_PROGRESS"
	TrainingCompleted  Status = "TRAINING_COMPLETED"
	TrainingFailed     Status = "TRAINING_FAILED"
	Starting           Status = "STARTING"
	Running            Status = "RUNNING"
	Failed             Status = "FAILED"
	Stopping           Status = "STOPPING"
	Stopped            Status = "STOPPED"
	Deleting           Status = "DELETING"
	CopyingInProgress  Status = "COPYING_IN_PROGRESS"
	CopyingCompleted   Status = "COPYING_COMPLETED"
	CopyingFailed      Status = "COPYING_FAILED"
)

// ReadyToRun is the status message of a version whose training or copy
// ended well.
const ReadyToRun = "The model is ready to run."

// A ProjectVersion is one trained or copied model and all that is known
// about it.
type ProjectVersion struct {
	ARN           arn.ProjectVersion
	Project       arn.Project // the exact parent: a version's own ARN lacks its stamp
	Status        Status
	StatusMessage string
	Description   string
	CreatedAt     time.Time
	OutputConfig  OutputConfig
	// KMSKey is the caller's key that seals model and results; zero where
	// the service-owned key does.
	KMSKey arn.Key
	// Input is what the request of a training named; zero for a copy.
	Input TrainingInput
	// Source is the version that this one was copied from; zero if trained.
	Source arn.ProjectVersion

	MinInferenceUnits int32
	MaxInferenceUnits int32 // zero: no auto-scaling

	// What follows is set when training or copying ended.

	Provenance
	BillableSeconds int64 // zero for a copy
	Files           ResultFiles
	Bundle          Bundle
}

// A TrainingInput is what a request named to train and test with. It is zero
// where that is the project's datasets.
type TrainingInput struct {
	Training S3Location `json:"training,omitzero"` // a manifest
	Testing  S3Location `json:"testing,omitzero"`  // a manifest; zero where a split is asked for
	// AutoCreate holds the test images out of the training images.
	AutoCreate bool `json:"autoCreate,omitzero"`
}

// Manifest returns the manifest of a set, if there is one.
func (in TrainingInput) Manifest(t DatasetType) (S3Location, bool) {
	m := in.Training
	if t == Test {
		m = in.Testing
	}
	return m, !m.IsZero()
}

// A Provenance is what a copy takes over from its source unchanged.
type Provenance struct {
	TrainingEndedAt time.Time
	BaseModel       string // the family that trained the model, and its edition
	F1Score         float32
}

// IsCopy reports whether v was made by CopyProjectVersion.
func (v ProjectVersion) IsCopy() bool { return v.Source != arn.ProjectVersion{} }

// IsTerminal reports whether no job is going to move the version on.
func (s Status) IsTerminal() bool {
	switch s {
	case TrainingInProgress, CopyingInProgress, Starting, Stopping, Deleting:
		return false
	default:
		return true
	}
}

// HasModel reports whether a version in state s holds a finished model.
func (s Status) HasModel() bool {
	switch s {
	case TrainingCompleted, CopyingCompleted, Starting, Running, Stopping, Stopped, Failed:
		return true
	default:
		return false
	}
}

// A NewVersion is one that is inserted, with its tags and what bounds it.
type NewVersion struct {
	ProjectVersion
	Tags   Tags
	Limits VersionLimits
}

// VersionLimits bound how many versions there may be, the new one among them.
type VersionLimits struct {
	InProject  int // of its project, in any state
	InProgress int // of its account and region, in its state
}

// CanCopy returns nil where the version holds a model that may be copied,
// else the exception that CopyProjectVersion answers.
func (v ProjectVersion) CanCopy() error {
	switch {
	case v.Status.HasModel():
		return v.Bundle.CheckSound(v.ARN)
	case v.Status.IsTerminal():
		return Invalid("The source project version %s is %s: it holds no model to copy.", v.ARN, v.Status)
	default:
		return InUse("The source project version %s is %s: copy it when it is finished.", v.ARN, v.Status)
	}
}

// CanStart returns nil where the version may be started, else the exception
// that StartProjectVersion answers.
func (v ProjectVersion) CanStart() error {
	switch v.Status {
	case TrainingCompleted, CopyingCompleted, Stopped, Failed:
		return nil
	case TrainingFailed, CopyingFailed:
		return Invalid("The project version %s is %s: it holds no model to start.", v.ARN, v.Status)
	default:
		return v.busy()
	}
}

// CanStop returns nil where the version may be stopped, else the exception
// that StopProjectVersion answers.
func (v ProjectVersion) CanStop() error {
	switch v.Status {
	case Running:
		return nil
	case Starting, Stopping, Deleting:
		return v.busy()
	default:
		return Invalid("The project version %s is %s: only a RUNNING version can be stopped.", v.ARN, v.Status)
	}
}

// CanDelete returns nil where the version may be deleted, else the exception
// that DeleteProjectVersion answers. A version that a copy is reading is
// protected by its pin, not by its status.
func (v ProjectVersion) CanDelete() error {
	switch v.Status {
	case TrainingInProgress, CopyingInProgress, Starting, Running, Stopping, Deleting:
		return v.busy()
	default:
		return nil
	}
}

func (v ProjectVersion) busy() *fault.Error {
	return InUse("The project version %s is %s.", v.ARN, v.Status)
}

// ResultFiles says where the result files of a version are; a role that does
// not exist is absent.
type ResultFiles map[Role]S3Location

// A Role is what an artifact is for.
type Role string

// The roles of a bundle's artifacts: the weights, and the six result files
// that are also written to the OutputConfig.
const (
	Weights            Role = "weights"
	EvaluationSummary  Role = "EvaluationResultSummary"
	ManifestSummary    Role = "ManifestSummary"
	TrainingSnapshot   Role = "TrainingGroundTruth"
	TestingSnapshot    Role = "TestingGroundTruth"
	TrainingValidation Role = "TrainingManifestWithValidation"
	TestingValidation  Role = "TestingManifestWithValidation"
)

// ResultRoles are the roles of the result files.
var ResultRoles = []Role{EvaluationSummary, ManifestSummary, TrainingSnapshot, TestingSnapshot, TrainingValidation, TestingValidation}

// CopyRecord is the role of the file that a copy has beside its results: the
// signed record of the copy. It is kept with the version and is no artifact.
const CopyRecord Role = "CopyRecord"

// IsResult reports whether the artifact is a file of the OutputConfig.
func (r Role) IsResult() bool { return r != Weights }

// ResultFile returns the name, below the OutputConfig's prefix, of a result
// file of version v.
func ResultFile(r Role, v arn.ProjectVersion) string {
	return string(r) + "-" + v.ProjectName + "-" + v.Name + ".json"
}

// A Bundle is a version's artifacts, and the key they are sealed under.
type Bundle struct {
	// VersionKey is the wrapped version key: a KMS ciphertext under Key,
	// bound to the encryption context of the version.
	VersionKey []byte
	// Key is the KMS key of VersionKey: the version's KMSKey or the
	// service-owned one.
	Key arn.Key
	// Grant is the id of the version grant under which the version key may
	// be unwrapped later.
	Grant     string
	Artifacts []Artifact
}

// An Artifact is one sealed output file of a version.
type Artifact struct {
	Role       Role          `json:"role"`
	Digest     digest.Digest `json:"digest"`
	Size       int64         `json:"size"` // of the sealed bytes
	WrappedKey []byte        `json:"wrappedKey"`
	// Plain is the digest of the plain bytes. It is zero only for an artifact
	// that was sealed before it was kept, until that is read in full.
	Plain digest.Digest `json:"plain,omitzero"`
	// VerifiedAt is when a full read last matched the digest; zero if never.
	VerifiedAt time.Time `json:"verifiedAt"`
	// DamagedAt is when a full read found other bytes than those that were
	// sealed, or none; zero where the last read matched.
	DamagedAt time.Time `json:"damagedAt,omitzero"`
}

// IsSound reports whether the artifact can be relied on without a new read: a
// full read matched, and none has failed since.
func (a Artifact) IsSound() bool {
	return !a.VerifiedAt.IsZero() && a.DamagedAt.IsZero() && a.Plain != digest.Digest{}
}

// CheckSound refuses a bundle that is known to be damaged.
func (b Bundle) CheckSound(v arn.ProjectVersion) error {
	for _, a := range b.Artifacts {
		if !a.DamagedAt.IsZero() {
			return Invalid("The artifact %s of the project version %s was found damaged at %s: restore its blob %s from a backup and let ScrubVersion verify it, or train again.",
				a.Role, v, a.DamagedAt.UTC().Format(time.RFC3339), a.Digest)
		}
	}
	return nil
}

// Artifact returns the artifact of a role.
func (b Bundle) Artifact(r Role) (Artifact, bool) {
	for _, a := range b.Artifacts {
		if a.Role == r {
			return a, true
		}
	}
	return Artifact{}, false
}
