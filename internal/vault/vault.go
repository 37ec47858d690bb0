// Package vault keeps the artifacts of project versions: sealed in the blob
// store, under artifact keys that are wrapped with the version key, which a
// KMS key wraps in turn. Whoever opens the version key opens the version; to
// give a version another owner, only keys are wrapped anew.
//
// A version's key is used under two grants that the caller who made the
// version gives to the service: the job grant, retired when the job ends, and
// the version grant, which lets the version be started and copied for as long
// as it exists. Both are bound to the version's encryption context.
package vault

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"

	"mimeo/internal/arn"
	"mimeo/internal/blob"
	"mimeo/internal/customlabels"
	"mimeo/internal/envelope"
	"mimeo/internal/kms"
	"mimeo/internal/policy"
)

// Keys is what the vault needs of KMS.
type Keys interface {
	Can(ctx context.Context, caller arn.Caller, u kms.Use, ops ...kms.Operation) (kms.Key, policy.Decision, error)
	CreateGrants(ctx context.Context, caller arn.Caller, requests ...kms.GrantRequest) ([]kms.Grant, error)
	RetireGrant(ctx context.Context, caller arn.Caller, key arn.Key, grantID string) error
	LiveGrants(ctx context.Context, prefix string) ([]kms.Grant, error)
	GenerateDataKey(ctx context.Context, caller arn.Caller, keyID string, ec kms.EncryptionContext) (kms.DataKey, error)
	OpenDataKey(ctx context.Context, caller arn.Caller, ciphertext []byte, ec kms.EncryptionContext) (envelope.Key, error)
	ServiceKey(ctx context.Context, partition, region string) (arn.Key, error)
}

// Vault seals and opens artifacts.
type Vault struct {
	Keys  Keys
	Blobs blob.Store
}

// A KeyUse is the right to use a KMS key for one version. It holds no secret
// and is recorded with the version's job.
type KeyUse struct {
	Key arn.Key
	// JobGrant and VersionGrant are grant ids; empty where the key is the
	// service-owned one, which needs no grants.
	JobGrant     string
	VersionGrant string
}

// needed are the operations that a caller must be allowed itself with the key
// that it names for a version.
var needed = []kms.Operation{kms.DescribeKeyOperation, kms.CreateGrantOperation, kms.GenerateDataKeyOperation, kms.DecryptOperation}

// CanUse returns the key that would seal version v: the service-owned one
// where keyID is empty, else the one that it names, which the caller must be
// allowed all that is needed with. It is refused as Prepare is, and takes
// nothing. The decision is that of [kms.Service.Can]; nobody decides about the
// service-owned key.
func (v *Vault) CanUse(ctx context.Context, caller arn.Caller, keyID string, version arn.ProjectVersion) (arn.Key, policy.Decision, error) {
	if keyID == "" {
		key, err := v.Keys.ServiceKey(ctx, version.Partition, version.Region)
		if err != nil {
			return arn.Key{}, policy.Decision{}, fmt.Errorf("find the service-owned key: %w", err)
		}
		return key, policy.Decision{}, nil
	}
	use := kms.Use{KeyID: keyID, Context: encryptionContext(version), Grants: grants(keyID, version)}
	key, decided, err := v.Keys.Can(ctx, caller.Through("rekognition"), use, needed...)
	if err != nil {
		return arn.Key{}, policy.Decision{}, refusal(err, keyID)
	}
	return key.ARN, decided, nil
}

// grants are the requests for the job grant and the version grant.
func grants(keyID string, version arn.ProjectVersion) []kms.GrantRequest {
	name := grantName(version)
	job := kms.GrantRequest{
		KeyID:                   keyID,
		Grantee:                 customlabels.Principal,
		Retiring:                customlabels.Principal,
		Operations:              []kms.Operation{kms.GenerateDataKeyOperation, kms.DecryptOperation},
		EncryptionContextEquals: encryptionContext(version),
		Name:                    JobGrantPrefix + name,
	}
	lasting := job
	lasting.Operations = []kms.Operation{kms.DecryptOperation}
	lasting.Name = VersionGrantPrefix + name
	return []kms.GrantRequest{job, lasting}
}

// Prepare takes the right to use a caller's key for version v; an empty keyID
// means the service-owned key. It fails with customlabels.InvalidParameter
// where the key cannot seal a version, and with AccessDenied where the caller
// lacks one of the permissions that are needed.
func (v *Vault) Prepare(ctx context.Context, caller arn.Caller, keyID string, version arn.ProjectVersion) (KeyUse, error) {
	key, _, err := v.CanUse(ctx, caller, keyID, version)
	if err != nil || keyID == "" {
		return KeyUse{Key: key}, err
	}
	granted, err := v.Keys.CreateGrants(ctx, caller.Through("rekognition"), grants(key.String(), version)...)
	if err != nil {
		return KeyUse{}, refusal(err, keyID)
	}
	return KeyUse{Key: key, JobGrant: granted[0].ID, VersionGrant: granted[1].ID}, nil
}

// The names of grants begin with what they are for; what follows is the same
// for the two that were made together. The sweep finds grants by them.
const (
	JobGrantPrefix     = "mimeo-job:"
	VersionGrantPrefix = "mimeo-version:"
)

// grantName ends with chance: KMS gives one grant to all requests of one name,
// and of two requests for one version the one that is refused abandons its own.
func grantName(version arn.ProjectVersion) string { return version.String() + "#" + rand.Text() }

// versionOf returns the version that a grant's name is for.
func versionOf(name string) (arn.ProjectVersion, error) {
	version, _, _ := strings.Cut(name, "#")
	return arn.ParseProjectVersion(version)
}

// HasGrant reports whether the version grant of a bundle is there: the key's
// owner may have revoked it. The service-owned key needs none.
func (v *Vault) HasGrant(ctx context.Context, version arn.ProjectVersion, b customlabels.Bundle) (bool, error) {
	if b.Key.Account == arn.ServiceAccount {
		return true, nil
	}
	live, err := v.Keys.LiveGrants(ctx, VersionGrantPrefix+version.String()+"#")
	if err != nil {
		return false, fmt.Errorf("list the grants of %s: %w", version, err)
	}
	return slices.ContainsFunc(live, func(g kms.Grant) bool { return g.ID == b.Grant && g.Key == b.Key }), nil
}

// Release retires the job grant of an ended job whose version lives on. Like
// Abandon it may be repeated.
func (v *Vault) Release(ctx context.Context, use KeyUse) error {
	return v.retire(ctx, use.Key, use.JobGrant)
}

// Abandon retires both grants: there is no version that they could serve. The
// job grant is the last: by it the sweep finds what a cut leaves.
func (v *Vault) Abandon(ctx context.Context, use KeyUse) error {
	if err := v.retire(ctx, use.Key, use.VersionGrant); err != nil {
		return err
	}
	return v.Release(ctx, use)
}

func (v *Vault) retire(ctx context.Context, key arn.Key, grant string) error {
	if grant == "" {
		return nil
	}
	if err := v.Keys.RetireGrant(ctx, serviceIn(key.Region), key, grant); err != nil {
		return fmt.Errorf("retire grant %s of %s: %w", grant, key, err)
	}
	return nil
}

// A VersionKey is an open version key and its wrapped form, which alone may
// be stored.
type VersionKey struct {
	Wrapped []byte
	version arn.ProjectVersion
	plain   envelope.Key
}

// NewVersionKey makes the key of a version.
func (v *Vault) NewVersionKey(ctx context.Context, version arn.ProjectVersion, use KeyUse) (VersionKey, error) {
	made, err := v.Keys.GenerateDataKey(ctx, serviceIn(use.Key.Region), use.Key.String(), encryptionContext(version))
	if err != nil {
		return VersionKey{}, fmt.Errorf("make the key of %s: %w", version, err)
	}
	return VersionKey{Wrapped: made.Ciphertext, version: version, plain: made.Plain}, nil
}

// Unlock opens the key of a version. It fails with a [KeyError] where KMS says
// that what is stored of it is damaged.
func (v *Vault) Unlock(ctx context.Context, version arn.ProjectVersion, b customlabels.Bundle) (VersionKey, error) {
	plain, err := v.Keys.OpenDataKey(ctx, serviceIn(b.Key.Region), b.VersionKey, encryptionContext(version))
	if errors.Is(err, kms.InvalidCiphertext) {
		return VersionKey{}, &KeyError{Version: version, Err: err}
	}
	if err != nil {
		return VersionKey{}, fmt.Errorf("open the key of %s: %w", version, err)
	}
	return VersionKey{Wrapped: b.VersionKey, version: version, plain: plain}, nil
}

func serviceIn(region string) arn.Caller {
	return arn.Caller{Principal: customlabels.Principal, Region: region}
}

// encryptionContext binds a version key to its account and version.
func encryptionContext(version arn.ProjectVersion) kms.EncryptionContext {
	return kms.EncryptionContext{"mimeo:account": version.Account, "mimeo:project-version": version.String()}
}
