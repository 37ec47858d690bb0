package apptest_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"mimeo/internal/apptest"
	"mimeo/internal/faults"
)

// A stage is a data directory in which a copy is about to be asked for. Every
// test plays on a copy of the directory.
type stage struct {
	dir    string
	a, b   *side
	source string
	key    string
	mode   string              // of the copy
	files  map[string]string   // the source's result files
	answer []types.CustomLabel // of the source, to the picture of question
}

func question(t testing.TB) []byte { return picture(t, classes[0], 9) }

func newStage(t *testing.T) *stage {
	t.Helper()
	return newStageIn(t, t.TempDir())
}

func newStageIn(t *testing.T, dir string) *stage {
	t.Helper()
	s := &stage{dir: dir, mode: "SHARE"}
	server := apptest.Start(t, apptest.Options{DataDir: s.dir, Families: light})
	s.a = newSide(t, server, trusting, "trusting-images", "parts")
	s.source = s.a.trainWide("v1") // so that a copy's files are blobs too
	s.a.start("v1", s.source)
	s.answer = s.a.detect(s.source, question(t))
	s.a.stop("v1", s.source)
	s.files = readResults(t, s.a, s.a.version("v1"))
	s.b = newSide(t, server, trusted, "trusted-results", "production")
	key, err := s.b.KMS.CreateKey(t.Context(), &kms.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	s.key = aws.ToString(key.KeyMetadata.Arn)
	allow(t, s.a, trusted)
	server.Stop()
	return s
}

// play returns a copy of the stage's data directory.
func (s *stage) play(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	err := os.CopyFS(dir, os.DirFS(s.dir))
	if err == nil {
		err = os.Chmod(filepath.Join(dir, "master.key"), 0o600) // CopyFS makes it readable to all
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// copyOn asks a server for the copy and returns what it said.
func (s *stage) copyOn(t *testing.T, server *apptest.Server) (string, error) {
	t.Helper()
	return s.copyAs(t, server.At(s.b.Client), "c1", s.mode)
}

// copyAs asks for a copy under a name.
func (s *stage) copyAs(t *testing.T, c *apptest.Client, name, mode string) (string, error) {
	t.Helper()
	var out struct{ ProjectVersionArn string }
	err := c.Mimeo(t.Context(), "CopyProjectVersion", map[string]any{
		"SourceProjectArn": s.a.project, "SourceProjectVersionArn": s.source, "DestinationProjectArn": s.b.project, "VersionName": name,
		"OutputConfig": map[string]any{"S3Bucket": s.b.bucket, "S3KeyPrefix": "copies"}, "KmsKeyId": s.key, "Mode": mode,
	}, &out)
	return out.ProjectVersionArn, err
}

// TestEveryFaultOfACopy makes each durable effect of a copy fail once, fail
// with all that follow until the server is stopped, and kill the process, until
// a copy has fewer effects.
// After a restart the copy is completed, or failed with a reason, or was never
// promised; and nothing is left over.
func TestEveryFaultOfACopy(t *testing.T) {
	t.Parallel()
	shared := newStage(t)
	resealed := *shared
	resealed.mode = "RESEAL"
	strikes := map[faults.Kind]func(*testing.T, *stage, string, int64) (string, bool){
		faults.Once: strikeInProcess(faults.Once), faults.Forever: strikeInProcess(faults.Forever), faults.Kill: strikeVictim,
	}
	for _, s := range []*stage{shared, &resealed} {
		for kind, strike := range strikes {
			t.Run(s.mode+", "+string(kind), func(t *testing.T) {
				t.Parallel()
				s.strikeEach(t, strike)
			})
		}
	}
}

// strikeEach strikes a copy at its first durable effect, another at its
// second, and so on.
func (s *stage) strikeEach(t *testing.T, strike func(*testing.T, *stage, string, int64) (string, bool)) {
	for n := int64(1); ; n++ {
		struck := true
		t.Run(fmt.Sprint("effect ", n), func(t *testing.T) {
			var promised string
			dir := s.play(t)
			promised, struck = strike(t, s, dir, n)
			s.checkAfter(t, dir, promised)
		})
		if !struck || t.Failed() {
			t.Logf("a copy has %d durable effects", n-1)
			return
		}
	}
}

// strikeInProcess copies on a server of this process, whose nth effect fails.
// It returns the ARN that was promised, if one was, and whether the copy came
// to the nth effect.
func strikeInProcess(kind faults.Kind) func(*testing.T, *stage, string, int64) (string, bool) {
	return func(t *testing.T, s *stage, dir string, n int64) (string, bool) {
		injector := faults.New(kind, n)
		server := apptest.Start(t, apptest.Options{DataDir: dir, Families: light, Faults: inject(injector)})
		defer server.Stop()
		injector.Arm()
		promised, err := s.copyOn(t, server)
		if err != nil {
			wantCode(t, "a copy in a fault", err, "InternalServerError")
		}
		s.settle(t, server, promised, func() bool { return injector.Struck() != "" })
		injector.Disarm() // or River tries for seconds to put the job back; see TestAServerStopsWhoseDiskIsBroken
		return promised, injector.Struck() != ""
	}
}

// strikeVictim copies on a server that dies at its nth effect.
func strikeVictim(t *testing.T, s *stage, dir string, n int64) (string, bool) {
	v := startVictim(t, dir, fmt.Sprintf("%s=%d", victimEffect, n))
	died := make(chan error, 1)
	v.server.AwaitReady(t)
	v.arm(t)
	go func() { died <- v.process.Wait() }()
	promised, err := s.copyOn(t, v.server)
	if answer := smithy.APIError(nil); errors.As(err, &answer) {
		t.Errorf("a server that dies answered %v", err)
	}
	dead := false
	s.settle(t, v.server, promised, func() bool {
		select {
		case <-died:
			dead = true
		default:
		}
		return dead
	})
	if !dead {
		_ = v.process.Process.Kill() // it may be dying just now
		<-died
	}
	return promised, dead
}

// settle waits until the fault has struck or the copy has ended, its last
// effects included.
func (s *stage) settle(t *testing.T, server *apptest.Server, promised string, struck func() bool) {
	t.Helper()
	b := server.At(s.b.Client)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if struck() {
			return
		}
		if promised == "" {
			continue
		}
		out, err := b.Rekognition.DescribeProjectVersions(t.Context(), &rekognition.DescribeProjectVersionsInput{ProjectArn: &s.b.project})
		if err != nil || len(out.ProjectVersionDescriptions) == 0 || out.ProjectVersionDescriptions[0].Status == types.ProjectVersionStatusCopyingInProgress {
			continue
		}
		time.Sleep(20 * time.Millisecond) // the job's end follows the version's
		if !struck() {
			return
		}
	}
	t.Fatal("neither did the fault strike nor the copy end")
}

// checkAfter restarts on the directory and checks all that must hold.
func (s *stage) checkAfter(t *testing.T, dir, promised string) {
	t.Helper()
	server := apptest.Start(t, apptest.Options{DataDir: dir, Families: light})
	a, b := s.a.on(t, server), s.b.on(t, server)
	versions := b.versions()
	if len(versions) > 1 || promised != "" && len(versions) == 0 {
		t.Fatalf("%d versions are there; %q was promised", len(versions), promised)
	}
	copied := ""
	if len(versions) == 1 {
		copied = aws.ToString(versions[0].ProjectVersionArn)
		b.await("the end of the copy", func() (bool, string) {
			status := b.version("c1").Status
			return status != types.ProjectVersionStatusCopyingInProgress, string(status)
		})
	}
	switch {
	case copied == "":
	case b.version("c1").Status == types.ProjectVersionStatusCopyingFailed:
		if message := aws.ToString(b.version("c1").StatusMessage); !strings.Contains(message, "failed") {
			t.Errorf("the copy failed for no reason: %q", message)
		}
	default:
		checkCopied(t, b, b.version("c1"), s.files)
		destroy(t, a, "v1", s.source) // a pin would forbid it
		b.start("c1", copied)
		if diff := cmp.Diff(s.answer, b.detect(copied, question(t)), ignoreSDK); diff != "" {
			t.Errorf("the copy answers otherwise than its source did (-source +copy):\n%s", diff)
		}
		b.stop("c1", copied)
	}
	awaitJobs(t, b, s.key)
	checkNothingIsLeft(t, server, s.key)
}

// awaitJobs waits until no job has a grant on a key any more: that is the last
// thing that it does.
func awaitJobs(t *testing.T, b *side, key string) {
	t.Helper()
	b.await("the end of the job", func() (bool, string) {
		live := grantNames(t, b.Client, key)
		return !slices.ContainsFunc(live, func(name string) bool { return strings.HasPrefix(name, "mimeo-job:") }), fmt.Sprint(live)
	})
}

// on is the side on another server.
func (a *side) on(t testing.TB, server *apptest.Server) *side {
	return &side{Client: server.At(a.Client), t: t, bucket: a.bucket, project: a.project}
}
