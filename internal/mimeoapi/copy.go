package mimeoapi

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/rekognition"

	"mimeo/internal/arn"
	"mimeo/internal/copier"
	"mimeo/internal/rekapi"
)

type explainCopyProjectVersionOutput struct {
	Allowed bool
	Checks  []check
	Plan    *plan
}

type check struct {
	Check, Resource, Verdict, Policy, Statement, Reason, Remedy string
}

type plan struct {
	Mode  string
	Bytes int64
	Keys  []string
	Files []s3Object
}

type s3Object struct{ Bucket, Name string }

func (a *API) explainCopyProjectVersion(ctx context.Context, caller arn.Caller, in *rekognition.CopyProjectVersionInput) (*explainCopyProjectVersionOutput, error) {
	req, err := rekapi.CopyRequest(in)
	if err != nil {
		return nil, err
	}
	e, err := a.Copier.Explain(ctx, caller, req)
	if err != nil {
		return nil, err
	}
	out := &explainCopyProjectVersionOutput{Allowed: e.Allowed, Plan: planOf(e.Plan)}
	for _, f := range e.Findings {
		out.Checks = append(out.Checks, check{
			Check: string(f.Check), Resource: f.Resource, Verdict: string(f.Verdict),
			Policy: f.Policy, Statement: f.Statement, Reason: f.Reason, Remedy: f.Remedy,
		})
	}
	return out, nil
}

func planOf(p *copier.Plan) *plan {
	if p == nil {
		return nil
	}
	out := &plan{Mode: string(p.Mode), Bytes: p.Bytes, Keys: []string{}, Files: []s3Object{}}
	for _, k := range p.Keys {
		out.Keys = append(out.Keys, k.String())
	}
	for _, f := range p.Files {
		out.Files = append(out.Files, s3Object{f.Bucket, f.Key})
	}
	return out
}
