package proof

import (
	"context"
	"errors"
	"fmt"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/digest"
	"mimeo/internal/lineage"
	"mimeo/internal/record"
)

// maxChain bounds how many copies of copies are followed.
const maxChain = 10_000

// chain follows the records from copy to copy to the version that was
// trained. Records are kept when versions are deleted.
func (c *checker) chain(ctx context.Context, of *record.Record) error {
	for range maxChain {
		source := of.Source.Version
		if (of.Source.Record == digest.Digest{}) {
			c.report.good("chain ends at " + source.String())
			return c.ancestor(ctx, of, nil)
		}
		signed, err := c.signed(ctx, source, recordOf(source))
		if signed == nil || err != nil {
			return err
		}
		c.report.link(signed, of)
		if err := c.ancestor(ctx, of, signed); err != nil {
			return err
		}
		of = signed
	}
	c.report.unchecked("chain", fmt.Sprintf("it has more than %d copies", maxChain))
	return nil
}

// ancestor checks what is stored of a source, or was when it was deleted,
// against the record of its copy, and against its own where it has one.
func (c *checker) ancestor(ctx context.Context, copied, own *record.Record) error {
	source := copied.Source.Version
	of := " of the source " + source.String()
	n, err := c.Store.Node(ctx, source)
	if errors.Is(err, customlabels.ResourceNotFound) {
		c.report.bad("tombstone"+of, "there is none")
		return nil
	}
	if err != nil {
		return fmt.Errorf("read what is stored%s: %w", of, err)
	}
	c.created("creation time"+of, n.CreatedAt, source)
	check(c.report, "project"+of, n.Project, copied.Source.Project)
	var before arn.ProjectVersion
	if own != nil {
		before = own.Source.Version
	}
	check(c.report, "source"+of, n.Source, before)
	c.ancestorKey(of, n.KMSKey, copied, own)
	c.ancestorDigests(of, n.Digests, copied, own)
	return nil
}

// ancestorKey checks the KMS key of a source as far as the records name it: of
// a service-owned key of another account only a digest is known.
func (c *checker) ancestorKey(of string, got arn.Key, copied, own *record.Record) {
	switch {
	case own != nil:
		check(c.report, "KMS key"+of, got, named(own.Destination.Key))
	case copied.Source.Key != arn.Key{}:
		check(c.report, "KMS key"+of, got, named(copied.Source.Key))
	case got != arn.Key{}:
		check(c.report, "digest of the KMS key"+of, digest.Of([]byte(got.String())), copied.Source.KeyDigest)
	}
}

// ancestorDigests checks the digests that are stored of a source. Those of the
// sealed bytes are known where it has a record, or the copy shares them.
func (c *checker) ancestorDigests(of string, got map[customlabels.Role]lineage.Digests, copied, own *record.Record) {
	known := copied
	if own != nil {
		known = own
	}
	for _, a := range known.Artifacts {
		at := got[a.Role]
		check(c.report, "digest of the plain bytes of "+string(a.Role)+of, at.Plain, a.Plain)
		if own != nil || copied.Mode == record.Share {
			check(c.report, "digest of "+string(a.Role)+of, at.Sealed, a.Sealed)
		}
	}
	check(c.report, "number of artifacts"+of, len(got), len(known.Artifacts))
}
