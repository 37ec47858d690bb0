package copier

import (
	"context"
	"errors"
	"slices"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/fault"
)

// A Plan is what an allowed copy would do.
type Plan struct {
	Mode  Mode
	Bytes int64 // of the model and results, that would be written
	Keys  []arn.Key
	Files []customlabels.S3Location
}

// An Explanation is the whole of a decision.
type Explanation struct {
	Allowed  bool
	Findings []Finding
	// Plan is nil where the caller may not know the source, or there is no
	// model to copy.
	Plan *Plan
}

// Explain makes every check that Start makes, does not stop at the first that
// fails, and changes nothing. It is for the destination's account alone.
func (s *Service) Explain(ctx context.Context, caller arn.Caller, req Request) (Explanation, error) {
	if into := req.DestinationProject; !caller.Owns(into.Namespace) {
		return Explanation{}, customlabels.Denied(caller.Principal, "Mimeo.ExplainCopyProjectVersion", into.String(), "only the account of the destination project may ask")
	}
	d, err := s.decide(ctx, caller, req)
	if err != nil {
		return Explanation{}, err
	}
	e, hasModel := Explanation{Allowed: true}, false
	for f, err := range d.findings(ctx) {
		if refused := (*fault.Error)(nil); err != nil && !errors.As(err, &refused) {
			return Explanation{}, err
		}
		e.Allowed = e.Allowed && f.Verdict == Allow
		e.Findings = append(e.Findings, f)
		hasModel = hasModel || f.Check == SourceModel && f.Verdict == Allow
	}
	if hasModel {
		e.Plan = d.plan()
	}
	return e, nil
}

// plan says what the copy would do. Of the source's keys it shows none that
// is not the caller's own.
func (d *decision) plan() *Plan {
	p := &Plan{Mode: d.how}
	if d.req.KMSKeyID != "" && d.key != (arn.Key{}) {
		p.Keys = append(p.Keys, d.key)
	}
	if key := d.source.KMSKey; key != (arn.Key{}) && d.caller.Owns(key.Namespace) && !slices.Contains(p.Keys, key) {
		p.Keys = append(p.Keys, key)
	}
	for _, a := range d.source.Bundle.Artifacts {
		if p.Mode == Reseal {
			p.Bytes += a.Size
		}
		if !a.Role.IsResult() {
			continue
		}
		p.Bytes += a.Size
		p.Files = append(p.Files, d.target().File(a.Role))
	}
	p.Files = append(p.Files, d.target().File(customlabels.CopyRecord))
	return p
}
