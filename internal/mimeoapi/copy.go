package mimeoapi

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"

	"mimeo/internal/arn"
	"mimeo/internal/awsjson"
	"mimeo/internal/copier"
	"mimeo/internal/customlabels"
	"mimeo/internal/rekapi"
)

// copyInput has CopyProjectVersion's members and how the copy is to be made.
type copyInput struct {
	rekognition.CopyProjectVersionInput
	Mode      *string
	RateLimit *int64 // bytes per second
}

func (in *copyInput) request() (copier.Request, error) {
	req, err := rekapi.CopyRequest(&in.CopyProjectVersionInput)
	if err != nil {
		return req, err
	}
	if req.Mode, err = copier.ParseMode(aws.ToString(in.Mode)); err != nil {
		return req, err
	}
	if req.RateLimit = aws.ToInt64(in.RateLimit); in.RateLimit != nil && req.RateLimit < copier.MinRateLimit {
		return req, customlabels.Invalid("RateLimit is %d: give the bytes per second, %d or more, or leave it out.", req.RateLimit, copier.MinRateLimit)
	}
	return req, nil
}

func (a *API) copyProjectVersion(ctx context.Context, caller arn.Caller, call awsjson.Call, in *copyInput) (*rekognition.CopyProjectVersionOutput, error) {
	req, err := in.request()
	if err != nil {
		return nil, err
	}
	req.Invocation = call.Invocation
	v, err := a.Copier.Start(ctx, caller, req)
	if err != nil {
		return nil, err
	}
	return &rekognition.CopyProjectVersionOutput{ProjectVersionArn: aws.String(v.String())}, nil
}

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

func (a *API) explainCopyProjectVersion(ctx context.Context, caller arn.Caller, in *copyInput) (*explainCopyProjectVersionOutput, error) {
	req, err := in.request()
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
