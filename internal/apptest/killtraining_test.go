package apptest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"

	"mimeo/internal/apptest"
)

// TestAKilledTrainingMakesTheSameModel trains the product's own classifier from
// one and the same beginning: once to its end, and once on a server that is
// killed at several points of the way. What was done before a kill is not done
// again, and the weights are the same, bit for bit.
func TestAKilledTrainingMakesTheSameModel(t *testing.T) {
	t.Parallel()
	s := newTrainingStage(t)
	whole := s.play(t)
	want := s.finish(t, whole)
	dir := s.play(t)
	var last training
	for _, part := range []float64{0.1, 0.3, 0.5, 0.7, 0.9} {
		last = s.killAt(t, dir, part, last)
	}
	if got := s.finish(t, dir); got != want {
		t.Errorf("after the kills the weights are %s, without them %s", got, want)
	}
}

// newTrainingStage is a data directory in which a training has just begun.
func newTrainingStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{dir: t.TempDir()}
	server := apptest.Start(t, apptest.Options{DataDir: s.dir})
	s.a = newSide(t, server, trusted, "images", "parts")
	s.a.dataset(types.DatasetTypeTrain, 30, 1)
	s.a.dataset(types.DatasetTypeTest, 4, 50000)
	s.key = s.a.newKey()
	out, err := s.a.Rekognition.CreateProjectVersion(t.Context(), &rekognition.CreateProjectVersionInput{
		ProjectArn: &s.a.project, VersionName: aws.String("v1"), KmsKeyId: &s.key, OutputConfig: &types.OutputConfig{S3Bucket: &s.a.bucket},
	})
	if err != nil {
		t.Fatalf("CreateProjectVersion: %v", err)
	}
	s.source = aws.ToString(out.ProjectVersionArn)
	server.Stop()
	return s
}

// TestACancelledTrainingIsKilled moments after it was cancelled: it is
// cancelled all the same, and nothing is left of it.
func TestACancelledTrainingIsKilled(t *testing.T) {
	t.Parallel()
	s := newTrainingStage(t)
	for _, moment := range []time.Duration{0, 2, 5, 10, 20, 50} {
		dir := s.play(t)
		v := startVictim(t, dir, victimLearns+"=yes")
		v.server.AwaitReady(t)
		a := s.a.on(t, v.server)
		a.followTraining(s.source, func(d training) bool { return d.Phase == "TRAINING" })
		if err := a.Mimeo(t.Context(), "CancelTraining", map[string]any{"ProjectVersionArn": s.source}, new(struct{})); err != nil {
			t.Errorf("CancelTraining: %v", err)
		}
		time.Sleep(moment * time.Millisecond) // the moment is what is tested
		v.kill(t)
		server := apptest.Start(t, apptest.Options{DataDir: dir})
		a = s.a.on(t, server)
		d := a.followTraining(s.source, func(d training) bool { return d.Status != "TRAINING_IN_PROGRESS" })
		if !strings.Contains(d.StatusMessage, "cancelled by") {
			t.Errorf("killed after %d ms the training is %s: %s", moment, d.Status, d.StatusMessage)
		}
		awaitJobs(t, a, s.key)
		a.await("the end of its checkpoints", func() (bool, string) { // the sweep at boot may retire the grant before the job runs
			left := checkpoints(t, server)
			return len(left) == 0, fmt.Sprint(left)
		})
		checkNothingIsLeft(t, server, s.key)
		server.Stop()
	}
}

// killAt kills a server when it has come so far in fitting the model, and
// returns how far that was. The activity in which the last one was killed goes
// on where it was; before that the training tells, one by one, of those that are over.
func (s *stage) killAt(t *testing.T, dir string, part float64, last training) (now training) {
	t.Helper()
	v := startVictim(t, dir, victimLearns+"=yes")
	v.server.AwaitReady(t)
	s.a.on(t, v.server).followTraining(s.source, func(d training) bool {
		if d.Status != "TRAINING_IN_PROGRESS" || d.Phase != "TRAINING" && last.PartsDone > 0 {
			t.Fatalf("the training cannot be killed at %.0f%%: it is %+v", 100*part, d)
		}
		if d.Phase != "TRAINING" {
			return false
		}
		if now = d; d.PartsDone < last.PartsDone && d.Activity == last.Activity {
			t.Errorf("a training that was killed at %+v goes on from %+v", last, d)
		}
		return float64(d.PartsDone) >= part*float64(d.PartsTotal)
	})
	v.kill(t)
	return now
}

// finish lets the training end and returns the digest of its weights.
func (s *stage) finish(t *testing.T, dir string) string {
	t.Helper()
	server := apptest.Start(t, apptest.Options{DataDir: dir})
	defer server.Stop()
	a := s.a.on(t, server)
	a.reach("v1", types.ProjectVersionStatusTrainingCompleted)
	var lineage struct {
		Nodes []struct {
			Artifacts []struct{ Role, PlainDigest string }
		}
	}
	if err := a.Mimeo(t.Context(), "DescribeLineage", map[string]any{"ProjectVersionArn": s.source}, &lineage); err != nil {
		t.Fatalf("DescribeLineage: %v", err)
	}
	for _, artifact := range lineage.Nodes[0].Artifacts {
		if artifact.Role == "weights" && artifact.PlainDigest != "" {
			return artifact.PlainDigest
		}
	}
	t.Fatalf("the lineage has no weights: %+v", lineage)
	return ""
}
