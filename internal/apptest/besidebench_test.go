package apptest_test

import (
	"fmt"
	"image"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"

	"mimeo/internal/apptest"
)

// BenchmarkDetectBesideTraining asks the product's own classifier one question
// after another, first on a server that does nothing else, then beside one
// training and beside two. p99-times is how many times the p99 of the idle
// server that is; fair is how much of what one of two trainings does meanwhile
// the other one does.
func BenchmarkDetectBesideTraining(b *testing.B) {
	a := newSide(b, apptest.Start(b, apptest.Options{}), trusting, "images", "parts")
	version := trainSmall(a)
	a.start("v1", version)
	busy := &side{Client: a.Client, t: b, bucket: a.bucket}
	busy.newProject("busy")
	busy.dataset(types.DatasetTypeTrain, 900, 1)
	busy.dataset(types.DatasetTypeTest, 2, 50000)
	for _, size := range []image.Point{{X: 100, Y: 100}, {X: 1280, Y: 960}} {
		photo := photograph(b, size)
		idle := time.Duration(0)
		for trainings := range 3 {
			b.Run(fmt.Sprintf("%dx%d/trainings=%d", size.X, size.Y, trainings), func(b *testing.B) {
				begun := busy.beginTrainings(b, trainings)
				before := busy.partsDone(begun)
				took := quantiles(b, func(int) time.Duration { return since(func() { a.detect(version, photo) }) })
				if after := busy.partsDone(begun); trainings == 2 {
					one, other := float64(after[0]-before[0]), float64(after[1]-before[1])
					b.ReportMetric(min(one, other)/max(one, other), "fair")
				}
				busy.endTrainings(b, begun)
				if p99 := took[len(took)*99/100]; trainings == 0 {
					idle = p99
				} else {
					b.ReportMetric(float64(p99)/float64(idle), "p99-times")
				}
			})
		}
	}
}

// beginTrainings begins trainings and waits until they work.
func (a *side) beginTrainings(b *testing.B, n int) (begun []string) {
	b.Helper()
	for i := range n {
		name := fmt.Sprintf("busy-%d-%d", i, time.Now().UnixNano())
		out, err := a.Rekognition.CreateProjectVersion(b.Context(), &rekognition.CreateProjectVersionInput{
			ProjectArn: &a.project, VersionName: &name, OutputConfig: &types.OutputConfig{S3Bucket: &a.bucket},
		})
		if err != nil {
			b.Fatal(err)
		}
		begun = append(begun, aws.ToString(out.ProjectVersionArn))
	}
	for _, version := range begun {
		a.followTraining(version, func(d training) bool { return d.Phase == "TRAINING" })
	}
	return begun
}

// partsDone is how far each training is.
func (a *side) partsDone(begun []string) (parts []int) {
	for _, version := range begun {
		parts = append(parts, a.followTraining(version, func(training) bool { return true }).PartsDone)
	}
	return parts
}

// endTrainings cancels trainings, which have worked all the time.
func (a *side) endTrainings(b *testing.B, begun []string) {
	b.Helper()
	for _, version := range begun {
		d := a.followTraining(version, func(training) bool { return true })
		if d.Phase != "TRAINING" {
			b.Errorf("the training is in the phase %s (%s): it needs more images", d.Phase, d.StatusMessage)
		}
		if err := a.Mimeo(b.Context(), "CancelTraining", map[string]any{"ProjectVersionArn": version}, new(struct{})); err != nil {
			b.Error(err)
		}
		a.followTraining(version, func(d training) bool { return d.Status == "TRAINING_FAILED" })
	}
}
