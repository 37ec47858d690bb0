package mimeoapi

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"mimeo/internal/arn"
	"mimeo/internal/rekapi"
)

type describeCopyInput struct {
	ProjectVersionArn *string
	WaitSeconds       *int32
}

type describeCopyOutput struct {
	Status, StatusMessage string
	Steps                 []copyStep
	BytesDone, BytesTotal int64
	Rate                  float64 // bytes per second
	EstimatedSeconds      float64
	Revision              int64 // grows with every change
}

type copyStep struct {
	Name       string
	Start, End *time.Time
}

func (a *API) describeCopy(ctx context.Context, caller arn.Caller, in *describeCopyInput) (*describeCopyOutput, error) {
	v, err := rekapi.ProjectVersion("ProjectVersionArn", in.ProjectVersionArn)
	if err != nil {
		return nil, err
	}
	d, err := a.Copier.DescribeCopy(ctx, caller, v, time.Duration(aws.ToInt32(in.WaitSeconds))*time.Second)
	if err != nil {
		return nil, err
	}
	out := &describeCopyOutput{
		Status: string(d.Status), StatusMessage: d.StatusMessage, Steps: []copyStep{},
		BytesDone: d.BytesDone, BytesTotal: d.BytesTotal, Rate: d.Rate, EstimatedSeconds: d.Estimated.Seconds(), Revision: d.Revision,
	}
	for _, s := range d.Steps {
		out.Steps = append(out.Steps, copyStep{s.Name, unlessZero(s.Start), unlessZero(s.End)})
	}
	return out, nil
}

type cancelInput struct{ ProjectVersionArn *string }

type cancelOutput struct{ Status string }

func (a *API) cancelCopy(ctx context.Context, caller arn.Caller, in *cancelInput) (*cancelOutput, error) {
	v, err := rekapi.ProjectVersion("ProjectVersionArn", in.ProjectVersionArn)
	if err != nil {
		return nil, err
	}
	status, err := a.Copier.CancelCopy(ctx, caller, v)
	if err != nil {
		return nil, err
	}
	return &cancelOutput{string(status)}, nil
}
