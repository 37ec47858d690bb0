package copier

import (
	"context"
	"fmt"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/digest"
	"mimeo/internal/record"
)

// record makes the signed record of copy v, whose bundle and provenance are
// complete.
func (w Worker) record(ctx context.Context, mode Mode, source, v customlabels.ProjectVersion, args Args) ([]byte, error) {
	from, err := w.origin(ctx, source, v.ARN.Namespace)
	if err != nil {
		return nil, err
	}
	c := record.Copy{
		Source: from,
		Destination: record.Destination{
			Version: v.ARN, Project: v.Project, Output: record.Output(v.OutputConfig),
			Key: v.Bundle.Key, VersionKey: digest.Of(v.Bundle.VersionKey), Grant: v.Bundle.Grant,
		},
		Mode: string(mode), Caller: args.Caller.Principal.String(),
		RequestedAt: v.CreatedAt, CompletedAt: w.Now(),
		Artifacts: record.Artifacts(v.Bundle), Provenance: record.Provenance(v.Provenance),
	}
	if summary, ok := v.Bundle.Artifact(customlabels.EvaluationSummary); ok {
		c.EvaluationSummary = summary.Plain
	}
	for _, g := range args.Grounds {
		c.Decision = append(c.Decision, record.Ground{Check: string(g.Check), Resource: g.Resource, Policy: g.Policy, Statement: g.Statement})
	}
	signed, err := w.Notary.Sign(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("sign the record of %s: %w", v.ARN, err)
	}
	return signed, nil
}

// origin says what was copied, as far as the account that gets the copy may
// know.
func (w Worker) origin(ctx context.Context, source customlabels.ProjectVersion, into arn.Namespace) (record.Source, error) {
	from := record.Source{Version: source.ARN, Project: source.Project}
	if source.ARN.Namespace == into {
		from.Key = source.Bundle.Key
	} else {
		from.KeyDigest = digest.Of([]byte(source.Bundle.Key.String()))
	}
	if !source.IsCopy() {
		return from, nil
	}
	signed, err := w.Store.Record(ctx, source.ARN)
	if err != nil {
		return from, fmt.Errorf("read the record of %s: %w", source.ARN, err)
	}
	if signed != nil { // none where an older server made the copy
		from.Record = digest.Of(signed)
	}
	return from, nil
}
