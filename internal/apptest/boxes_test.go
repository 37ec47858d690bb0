package apptest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"mimeo/internal/apptest"
	"mimeo/internal/family"
	"mimeo/internal/family/familytest"
)

// sceneTruth is the manifest line of a scene, as Ground Truth writes it.
func sceneTruth(t testing.TB, bucket, key string, boxes []family.Box) []byte {
	t.Helper()
	type object = map[string]any
	classes, annotations, confidences := object{}, []object{}, []object{}
	for i, label := range familytest.Labels() {
		classes[fmt.Sprint(i)] = label
	}
	pixels := func(ratio float64, of int) int { return int(math.Round(ratio * float64(of))) }
	for _, b := range boxes {
		annotations = append(annotations, object{
			"class_id": b.Label, "left": pixels(b.Left, familytest.SceneWidth), "top": pixels(b.Top, familytest.SceneHeight),
			"width": pixels(b.Width, familytest.SceneWidth), "height": pixels(b.Height, familytest.SceneHeight),
		})
		confidences = append(confidences, object{"confidence": 1})
	}
	line, err := json.Marshal(object{
		"source-ref": fmt.Sprintf("s3://%s/%s", bucket, key),
		"boxes": object{
			"image_size":  []object{{"width": familytest.SceneWidth, "height": familytest.SceneHeight, "depth": 3}},
			"annotations": annotations,
		},
		"boxes-metadata": object{
			"objects": confidences, "class-map": classes, "type": "groundtruth/object-detection",
			"job-name": "labeling-job/boxes", "human-annotated": "yes", "creation-date": "2026-01-02T03:04:05.000000",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return append(line, '\n')
}

func (a *side) sceneDataset(kind types.DatasetType, n int, seed uint64) {
	a.t.Helper()
	var manifest []byte
	for i := range n {
		key := fmt.Sprintf("scenes/%s/%d.png", kind, i)
		scene, boxes := familytest.Scene(seed+uint64(i), 1+i%5)
		a.put(key, scene)
		manifest = append(manifest, sceneTruth(a.t, a.bucket, key, boxes)...)
	}
	if d := a.imported(kind, manifest); d.Status != types.DatasetStatusCreateComplete {
		a.t.Fatalf("dataset failed: %s", aws.ToString(d.StatusMessage))
	}
}

// TestBoxesOverHTTP: a model of bounding boxes is trained, copied into another
// account, and answers there as its source does, box by box.
func TestBoxesOverHTTP(t *testing.T) {
	t.Parallel()
	s := apptest.Start(t, apptest.Options{Families: []family.Family{familytest.Spots{}}})
	a := newSide(t, s, trusting, "trusting-images", "parts")
	a.sceneDataset(types.DatasetTypeTrain, 10, 1)
	a.sceneDataset(types.DatasetTypeTest, 5, 50000)
	source := a.train("v1")
	b := newSide(t, s, trusted, "trusted-results", "production")
	allow(t, a, trusted)
	out, err := b.Rekognition.CopyProjectVersion(t.Context(), &rekognition.CopyProjectVersionInput{
		SourceProjectArn: &a.project, SourceProjectVersionArn: &source, DestinationProjectArn: &b.project, VersionName: aws.String("copied"),
		OutputConfig: &types.OutputConfig{S3Bucket: &b.bucket},
	})
	if err != nil {
		t.Fatalf("CopyProjectVersion: %v", err)
	}
	copied := aws.ToString(out.ProjectVersionArn)
	checkCopied(t, b, b.reach("copied", types.ProjectVersionStatusCopyingCompleted), readResults(t, a, a.version("v1")))
	var told struct {
		Quality struct{ AveragePrecision map[string]float64 }
	}
	if err := a.Mimeo(t.Context(), "DescribeTraining", map[string]any{"ProjectVersionArn": source}, &told); err != nil || len(told.Quality.AveragePrecision) != 3 {
		t.Errorf("DescribeTraining: %+v, %v", told, err)
	}
	a.start("v1", source)
	b.start("copied", copied)
	for i := range 5 {
		scene, boxes := familytest.Scene(900+uint64(i), i)
		theirs, ours := a.detect(source, scene), b.detect(copied, scene)
		ignore := cmpopts.IgnoreUnexported(types.CustomLabel{}, types.Geometry{}, types.BoundingBox{})
		if diff := cmp.Diff(theirs, ours, ignore); diff != "" {
			t.Errorf("scene %d (-source +copy):\n%s", i, diff)
		}
		checkGeometry(t, theirs, boxes)
	}
	limited, err := a.Rekognition.DetectCustomLabels(t.Context(), &rekognition.DetectCustomLabelsInput{
		ProjectVersionArn: &source, Image: &types.Image{Bytes: first(familytest.Scene(900, 5))}, MaxResults: aws.Int32(2),
	})
	if err != nil || len(limited.CustomLabels) != 2 {
		t.Errorf("of five objects two were asked for: %+v, %v", limited, err)
	}
}

func first[A, B any](a A, _ B) A { return a }

// checkGeometry checks that every object that was drawn is among those that
// were found, and that each has a box and no polygon.
func checkGeometry(t *testing.T, found []types.CustomLabel, drawn []family.Box) {
	t.Helper()
	var boxes bytes.Buffer
	missing := len(drawn)
	for _, l := range found {
		if l.Geometry == nil || l.Geometry.BoundingBox == nil || l.Geometry.Polygon != nil {
			t.Errorf("a label of an object has the geometry %+v", l.Geometry)
			continue
		}
		is := l.Geometry.BoundingBox
		fmt.Fprintf(&boxes, "%s %v %v %v %v %v\n", *l.Name, *l.Confidence, *is.Left, *is.Top, *is.Width, *is.Height)
		box := family.Box{Left: float64(*is.Left), Top: float64(*is.Top), Width: float64(*is.Width), Height: float64(*is.Height)}
		for _, d := range drawn {
			if familytest.Labels()[d.Label] == *l.Name && d.IoU(box) >= 0.5 {
				missing--
			}
		}
	}
	if missing != 0 {
		t.Errorf("%d objects are missing of %+v:\n%s", missing, drawn, &boxes)
	}
}
