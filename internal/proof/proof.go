// Package proof proves copies and stored artifacts: it signs copy records
// with the server's key, checks them against what is stored or lies in a
// folder, and re-reads blobs, by request and in the background.
package proof

import (
	"context"
	"fmt"
	"io"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/digest"
	"mimeo/internal/lineage"
	"mimeo/internal/objects"
	"mimeo/internal/vault"
)

// A Store keeps records, the keys that sign them, and what reading blobs has
// shown.
type Store interface {
	Version(ctx context.Context, a arn.ProjectVersion) (customlabels.ProjectVersion, error)
	// Record returns the signed record of a copy; nil where there is none. It
	// is there also when the copy is deleted.
	Record(ctx context.Context, a arn.ProjectVersion) ([]byte, error)
	// Node returns a version as it stands, or as it was when it was deleted. It
	// fails with ResourceNotFound.
	Node(ctx context.Context, v arn.ProjectVersion) (lineage.Node, error)
	// MarkVerified and MarkDamaged stamp every artifact of a blob. Damage that
	// a.DamagedAt does not tell of was found meanwhile, and stays.
	MarkVerified(ctx context.Context, a customlabels.Artifact) error
	MarkDamaged(ctx context.Context, blob digest.Digest, at time.Time) error
	// LongestUnread returns up to limit artifacts whose blobs were not read
	// since before, the ones that wait longest first. Some may share a blob.
	LongestUnread(ctx context.Context, before time.Time, limit int) ([]customlabels.Artifact, error)
	InsertKey(ctx context.Context, k SealedKey) error
	// Keys returns all keys, the newest last.
	Keys(ctx context.Context) ([]SealedKey, error)
}

// A Vault opens and reads artifacts.
type Vault interface {
	Unlock(ctx context.Context, v arn.ProjectVersion, b customlabels.Bundle) (vault.VersionKey, error)
	PlainDigest(ctx context.Context, k vault.VersionKey, a customlabels.Artifact) (digest.Digest, error)
	Verify(ctx context.Context, a customlabels.Artifact) error
	HasGrant(ctx context.Context, v arn.ProjectVersion, b customlabels.Bundle) (bool, error)
}

// Objects reads objects with the permissions of a caller.
type Objects interface {
	Get(ctx context.Context, caller arn.Caller, ref objects.Ref) (io.ReadCloser, objects.Info, error)
}

// A Registry knows versions and who may do what with them.
type Registry interface {
	Authorize(ctx context.Context, caller arn.Caller, action string, resource fmt.Stringer, owner arn.Namespace) error
	Version(ctx context.Context, a arn.ProjectVersion) (customlabels.ProjectVersion, error)
}

// A Service proves.
type Service struct {
	Store    Store
	Registry Registry
	Vault    Vault
	Objects  Objects
	Keyring  *Keyring
	Now      func() time.Time
}
