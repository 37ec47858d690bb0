package proof

import (
	"context"
	"errors"
	"fmt"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/digest"
	"mimeo/internal/envelope"
	"mimeo/internal/fault"
	"mimeo/internal/record"
	"mimeo/internal/vault"
)

// Verify checks all that is stored of a version: the copy record's signature,
// the version against the record, every blob, the files in its OutputConfig,
// and the chain of records back to the version that was trained. A blob that is found damaged is marked.
// trusted are the keys whose signatures count; none: the server's own. An
// error means that nobody can tell.
func (s *Service) Verify(ctx context.Context, a arn.ProjectVersion, trusted []record.PublicKey) (*Report, error) {
	v, err := s.Store.Version(ctx, a)
	if errors.Is(err, customlabels.ResourceNotFound) {
		return nil, customlabels.NotFound(a)
	}
	if err != nil {
		return nil, fmt.Errorf("read version %s: %w", a, err)
	}
	if !v.Status.HasModel() {
		return nil, customlabels.Invalid("The project version %s is %s: it holds no model to verify.", a, v.Status)
	}
	if len(trusted) == 0 {
		if trusted, err = s.Keyring.Public(ctx); err != nil {
			return nil, err
		}
	}
	c := &checker{Service: s, trusted: trusted, report: &Report{}}
	signed, err := c.record(ctx, v)
	if err != nil {
		return nil, err
	}
	if err := c.row(ctx, v, signed); err != nil {
		return nil, err
	}
	if err := c.artifacts(ctx, v); err != nil {
		return nil, err
	}
	if err := c.files(ctx, v, signed); err != nil {
		return nil, err
	}
	if signed != nil {
		err = c.chain(ctx, signed)
	}
	return c.report, err
}

// A checker is one run of Verify.
type checker struct {
	*Service
	trusted []record.PublicKey
	report  *Report
}

// record checks the record of v and v against it. It returns nil where there
// is no record to go by.
func (c *checker) record(ctx context.Context, v customlabels.ProjectVersion) (*record.Record, error) {
	if !v.IsCopy() {
		return nil, c.trained(ctx, v)
	}
	signed, err := c.signed(ctx, v.ARN, "copy record")
	if signed == nil || err != nil {
		return nil, err
	}
	c.copied(v, signed)
	return signed, nil
}

// trained checks that a version without a source has no record of one.
func (c *checker) trained(ctx context.Context, v customlabels.ProjectVersion) error {
	raw, err := c.Store.Record(ctx, v.ARN)
	switch {
	case err != nil:
		return fmt.Errorf("read the record of %s: %w", v.ARN, err)
	case raw != nil:
		c.report.bad("copy record", "there is one of %s, which does not say what it was copied from", v.ARN)
	default:
		c.report.good("no copy record: " + v.ARN.String() + " was trained")
	}
	return nil
}

// signed reads the record of a version; it returns nil where that is not as it
// should be.
func (c *checker) signed(ctx context.Context, a arn.ProjectVersion, what string) (*record.Record, error) {
	raw, err := c.Store.Record(ctx, a)
	if err != nil {
		return nil, fmt.Errorf("read the record of %s: %w", a, err)
	}
	if raw == nil {
		c.report.bad(what, "there is none of %s", a)
		return nil, nil
	}
	return c.report.verified(ctx, what, raw, c.trusted), nil
}

// artifacts reads every blob of v, opened where the key allows it.
func (c *checker) artifacts(ctx context.Context, v customlabels.ProjectVersion) error {
	key, err := c.Vault.Unlock(ctx, v.ARN, v.Bundle)
	var refused *fault.Error
	switch {
	case vault.IsKeyDamage(err):
		c.report.bad("version key", "the KMS key %s does not open it", v.Bundle.Key)
	case errors.As(err, &refused):
		c.report.unchecked("version key", refused.Message)
	case err != nil:
		return err
	default:
		c.report.good("version key opens with " + v.Bundle.Key.String())
	}
	for _, a := range v.Bundle.Artifacts {
		if err := c.artifact(ctx, key, err == nil, a); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) artifact(ctx context.Context, key vault.VersionKey, opens bool, a customlabels.Artifact) error {
	name := string(a.Role)
	var plain digest.Digest
	var err error
	if opens {
		plain, err = c.Vault.PlainDigest(ctx, key, a)
	}
	if !opens || vault.IsDamage(err) || vault.IsKeyDamage(err) {
		// What is wrong, the blob or the key? The blob can be read without it.
		sealed := c.Vault.Verify(ctx, a)
		if vault.IsDamage(sealed) {
			c.report.bad("blob of "+name, "%v", sealed)
			_, err := c.markDamaged(ctx, a)
			return err
		}
		if sealed != nil {
			return sealed
		}
		c.report.good("blob of " + name)
	}
	switch {
	case !opens:
		c.report.unchecked("plain bytes of "+name, "the version key is not open")
	case errors.Is(err, envelope.ErrNotAuthentic):
		c.report.bad("wrapped key of "+name, "the version key does not open it")
	case err != nil:
		return err
	case a.Plain == digest.Digest{}:
		c.report.good("blob of " + name)
		c.report.unchecked("plain bytes of "+name, "no digest of them was kept by the server that sealed them")
	default:
		c.report.good("blob of " + name)
		check(c.report, "plain bytes of "+name, plain, a.Plain)
	}
	return nil
}
