package mimeoapi

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"mimeo/internal/arn"
	"mimeo/internal/rekapi"
	"mimeo/internal/training"
)

type describeTrainingInput struct {
	ProjectVersionArn *string
	WaitSeconds       *int32
	Revision          *int64 // that the caller knows
}

type describeTrainingOutput struct {
	Status, StatusMessage string
	Phase, Activity       string
	Epoch, Epochs         int
	Loss                  float64
	Curve                 []curvePoint
	PartsDone, PartsTotal int     // of the phase
	EstimatedSeconds      float64 // until its end
	WorkedSeconds         float64
	Quality               *quality // once the model is evaluated
	Seed                  int64
	Revision              int64 // grows with every change
}

type curvePoint struct {
	Activity string
	Epoch    int
	Loss     float64
}

type quality struct {
	ReliabilityError float64
	AveragePrecision map[string]float64 // by label, of a detector
}

func (a *API) describeTraining(ctx context.Context, caller arn.Caller, in *describeTrainingInput) (*describeTrainingOutput, error) {
	v, err := rekapi.ProjectVersion("ProjectVersionArn", in.ProjectVersionArn)
	if err != nil {
		return nil, err
	}
	d, err := a.Training.DescribeTraining(ctx, caller, training.DescribeRequest{
		Version: v, Wait: time.Duration(aws.ToInt32(in.WaitSeconds)) * time.Second, Revision: aws.ToInt64(in.Revision),
	})
	if err != nil {
		return nil, err
	}
	out := &describeTrainingOutput{
		Status: string(d.Status), StatusMessage: d.StatusMessage, Phase: string(d.Phase), Activity: d.Activity,
		Epoch: d.Epoch, Epochs: d.Epochs, Loss: d.Loss, Curve: []curvePoint{}, PartsDone: d.Done, PartsTotal: d.Total,
		EstimatedSeconds: d.Estimated.Seconds(), WorkedSeconds: d.Worked.Seconds(), Seed: int64(d.Seed), Revision: d.Revision,
	}
	if d.Quality != nil {
		out.Quality = (*quality)(d.Quality)
	}
	for _, p := range d.Curve {
		out.Curve = append(out.Curve, curvePoint(p))
	}
	return out, nil
}

func (a *API) cancelTraining(ctx context.Context, caller arn.Caller, in *cancelInput) (*cancelOutput, error) {
	v, err := rekapi.ProjectVersion("ProjectVersionArn", in.ProjectVersionArn)
	if err != nil {
		return nil, err
	}
	status, err := a.Training.CancelTraining(ctx, caller, v)
	if err != nil {
		return nil, err
	}
	return &cancelOutput{string(status)}, nil
}
