package apptest_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"mimeo/internal/apptest"
)

// quantiles measures fn once per loop and reports the median and the bounds of
// the slowest tenth and hundredth. It returns all that was measured, sorted.
func quantiles(b *testing.B, fn func(i int) time.Duration) (took []time.Duration) {
	b.Helper()
	for i := 0; b.Loop(); i++ {
		took = append(took, fn(i))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*9/10].Microseconds())/1000, "p90-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	return took
}

func since(fn func()) time.Duration {
	begin := time.Now()
	fn()
	return time.Since(begin)
}

// BenchmarkGetCallerIdentity is the cheapest signed request, end to end.
func BenchmarkGetCallerIdentity(b *testing.B) {
	c := apptest.Start(b, apptest.Options{}).Client(b, trusting)
	quantiles(b, func(int) time.Duration {
		return since(func() {
			if _, err := c.STS.GetCallerIdentity(b.Context(), &sts.GetCallerIdentityInput{}); err != nil {
				b.Fatal(err)
			}
		})
	})
}

// BenchmarkDescribeProjectVersions is what a client polls.
func BenchmarkDescribeProjectVersions(b *testing.B) {
	a := newSide(b, apptest.Start(b, apptest.Options{Families: light}), trusting, "images", "parts")
	trainSmall(a)
	quantiles(b, func(int) time.Duration { return since(func() { a.version("v1") }) })
}

func trainSmall(a *side) string {
	a.dataset(types.DatasetTypeTrain, 5, 1)
	a.dataset(types.DatasetTypeTest, 2, 50000)
	return a.train("v1")
}

// forget deletes a copy, so that a project never reaches its limit.
func forget(b *testing.B, a *side, name string) {
	b.Helper()
	v := a.version(name)
	if _, err := a.Rekognition.DeleteProjectVersion(b.Context(), &rekognition.DeleteProjectVersionInput{ProjectVersionArn: v.ProjectVersionArn}); err != nil {
		b.Fatal(err)
	}
	a.await("delete "+name, func() (bool, string) { return len(a.versions()) == 0, "there" })
}

// BenchmarkDetectCustomLabels asks the product's own classifier.
func BenchmarkDetectCustomLabels(b *testing.B) {
	a := newSide(b, apptest.Start(b, apptest.Options{}), trusting, "images", "parts")
	version := trainSmall(a)
	a.start("v1", version)
	for _, size := range []image.Point{{X: 100, Y: 100}, {X: 1280, Y: 960}} {
		photo := photograph(b, size)
		b.Run(fmt.Sprintf("%dx%d", size.X, size.Y), func(b *testing.B) {
			quantiles(b, func(int) time.Duration { return since(func() { a.detect(version, photo) }) })
		})
	}
}

// BenchmarkDetectCustomLabelsAtOnce asks the product's own classifier with as
// many requests at once as a model has inference units; -cpu 1,2 compares
// processors.
func BenchmarkDetectCustomLabelsAtOnce(b *testing.B) {
	a := newSide(b, apptest.Start(b, apptest.Options{}), trusting, "images", "parts")
	version := trainSmall(a)
	_, err := a.Rekognition.StartProjectVersion(b.Context(), &rekognition.StartProjectVersionInput{ProjectVersionArn: &version, MinInferenceUnits: aws.Int32(5)})
	if err != nil {
		b.Fatal(err)
	}
	a.reach("v1", types.ProjectVersionStatusRunning)
	photo := photograph(b, image.Pt(100, 100))
	b.SetParallelism(5)
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			a.detect(version, photo)
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
}

// BenchmarkStartProjectVersion starts a version of the product's own
// classifier, until it is told as RUNNING, and then its first answer.
func BenchmarkStartProjectVersion(b *testing.B) {
	s := apptest.Start(b, apptest.Options{})
	a := newSide(b, s, trusting, "images", "parts")
	version := trainSmall(a)
	photo := photograph(b, image.Pt(100, 100))
	var first []float64
	quantiles(b, func(int) time.Duration {
		took := since(func() {
			_, err := a.Rekognition.StartProjectVersion(b.Context(), &rekognition.StartProjectVersionInput{ProjectVersionArn: &version, MinInferenceUnits: aws.Int32(1)})
			if err != nil {
				b.Fatal(err)
			}
			for a.version("v1").Status == types.ProjectVersionStatusStarting {
				time.Sleep(time.Millisecond)
			}
		})
		first = append(first, since(func() { a.detect(version, photo) }).Seconds())
		a.stop("v1", version)
		return took
	})
	slices.Sort(first)
	b.ReportMetric(1000*first[len(first)/2], "first-answer-p50-ms")
}

func photograph(b *testing.B, size image.Point) []byte {
	b.Helper()
	m := image.NewRGBA(image.Rectangle{Max: size})
	for y := range size.Y {
		for x := range size.X {
			m.SetRGBA(x, y, color.RGBA{uint8(x * y / 64), uint8(x), uint8(y), 255})
		}
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, m, nil); err != nil {
		b.Fatal(err)
	}
	return out.Bytes()
}
