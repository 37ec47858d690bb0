package proof

import (
	"context"
	"slices"
	"strconv"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/digest"
	"mimeo/internal/record"
)

// row checks what the row of v says beside its record: when it was made, and
// under which key and grant. Its status, tags and
// inference units change in its life, and nothing is said of them.
func (c *checker) row(ctx context.Context, v customlabels.ProjectVersion, signed *record.Record) error {
	c.created("creation time", v.CreatedAt, v.ARN)
	checkBy(c.report, "the key that seals it", "KMS key", v.KMSKey, named(v.Bundle.Key))
	granted, err := c.Vault.HasGrant(ctx, v.ARN, v.Bundle)
	switch {
	case err != nil:
		return err
	case granted:
		c.report.good("version grant")
	case signed != nil && v.Bundle.Grant == signed.Destination.Grant:
		c.report.changed("version grant", "%s of the KMS key %s was revoked since, as the key's owner may", v.Bundle.Grant, v.Bundle.Key)
	default:
		c.report.bad("version grant", "the KMS key %s has no grant %q for the version: it was revoked, or is another one", v.Bundle.Key, v.Bundle.Grant)
	}
	return nil
}

// created checks a creation time: it is the stamp of the version's ARN.
func (c *checker) created(what string, at time.Time, v arn.ProjectVersion) {
	checkBy(c.report, "the ARN", what, strconv.FormatInt(at.UnixMilli(), 10), v.Stamp)
}

// named is the key that the request for a version has named: none where the
// service-owned key seals it.
func named(key arn.Key) arn.Key {
	if key.Account == arn.ServiceAccount {
		return arn.Key{}
	}
	return key
}

// copied checks the row of v against its record.
func (c *checker) copied(v customlabels.ProjectVersion, signed *record.Record) {
	into := signed.Destination
	check(c.report, "destination version", v.ARN, into.Version)
	check(c.report, "destination project", v.Project, into.Project)
	check(c.report, "destination key", v.Bundle.Key, into.Key)
	check(c.report, "stored version key", digest.Of(v.Bundle.VersionKey), into.VersionKey)
	check(c.report, "stored version grant", v.Bundle.Grant, into.Grant)
	check(c.report, "output bucket", v.OutputConfig.Bucket, into.Output.Bucket)
	check(c.report, "output prefix", v.OutputConfig.Prefix, into.Output.Prefix)
	check(c.report, "source version", v.Source, signed.Source.Version)
	check(c.report, "F1 score", v.F1Score, signed.Provenance.F1Score)
	check(c.report, "base model", v.BaseModel, signed.Provenance.BaseModel)
	check(c.report, "end of training", moment(v.TrainingEndedAt), moment(signed.Provenance.TrainingEndedAt))
	summary, _ := v.Bundle.Artifact(customlabels.EvaluationSummary)
	check(c.report, "evaluation summary", summary.Plain, signed.EvaluationSummary)
	if v.Description != "" || v.Input != (customlabels.TrainingInput{}) || v.BillableSeconds != 0 {
		c.report.bad("what a training alone has", "the copy has the description %q, the input %+v and %d billed seconds", v.Description, v.Input, v.BillableSeconds)
	}
	c.list(v, signed)
}

// moment is a time as records and rows have it.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// list checks that the version has the artifacts of the record, and no others.
func (c *checker) list(v customlabels.ProjectVersion, signed *record.Record) {
	stored := record.Artifacts(v.Bundle)
	for _, want := range signed.Artifacts {
		name := string(want.Role)
		i := slices.IndexFunc(stored, func(a record.Artifact) bool { return a.Role == want.Role })
		if i < 0 {
			c.report.bad("artifact "+name, "the version has none of that role")
			continue
		}
		check(c.report, "stored digest of "+name, stored[i].Sealed, want.Sealed)
		check(c.report, "stored digest of the plain bytes of "+name, stored[i].Plain, want.Plain)
		check(c.report, "stored size of "+name, stored[i].SealedSize, want.SealedSize)
		check(c.report, "stored wrapped key of "+name, stored[i].WrappedKey, want.WrappedKey)
	}
	if len(stored) != len(signed.Artifacts) {
		c.report.bad("list of artifacts", "the version has %d, the copy record %d", len(stored), len(signed.Artifacts))
	}
}
