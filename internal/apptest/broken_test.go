package apptest_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"
	"github.com/google/go-cmp/cmp"

	"mimeo/internal/app"
	"mimeo/internal/apptest"
	"mimeo/internal/faults"
)

// TestACopyFailsOnADiskThatStaysBroken: a write of a blob fails, and with it
// all that follow, but the database goes on. The copy is given up while
// nothing is mended, and leaves nothing.
func TestACopyFailsOnADiskThatStaysBroken(t *testing.T) {
	t.Parallel()
	shared := newStage(t)
	resealed := *shared
	resealed.mode = "RESEAL"
	for s, step := range map[*stage]int64{shared: 1, &resealed: 10} {
		t.Run(s.mode, func(t *testing.T) {
			t.Parallel()
			for n := int64(1); ; n += step {
				broken := false
				t.Run(fmt.Sprint("blob effect ", n), func(t *testing.T) { broken = s.failFrom(t, n) })
				if !broken || t.Failed() {
					t.Logf("a copy has no more than %d effects on blobs", n-1)
					return
				}
			}
		})
	}
}

// failFrom copies on a server that writes no blob any more from the nth effect
// on. It reports whether the copy came to it.
func (s *stage) failFrom(t *testing.T, n int64) bool {
	injector := faults.New(faults.Forever, n)
	server := apptest.Start(t, apptest.Options{DataDir: s.play(t), Families: light, Faults: app.Faults{Before: injector.Before}})
	blobs := files(t, server.DataDir)
	injector.Arm()
	if _, err := s.copyOn(t, server); err != nil {
		t.Fatalf("a copy is refused, for which no blob is written: %v", err)
	}
	if s.ended(t, server); injector.Struck() == "" {
		return false
	}
	s.checkFailed(t, server, blobs)
	return true
}

// ended waits for the end of the copy and of its job.
func (s *stage) ended(t *testing.T, server *apptest.Server) {
	t.Helper()
	b := s.b.on(t, server)
	b.await("the end of the copy", func() (bool, string) {
		status := b.version("c1").Status
		return status != types.ProjectVersionStatusCopyingInProgress, string(status)
	})
	awaitJobs(t, b, s.key)
}

// checkFailed checks that the copy has failed with a reason, and that its
// version is all that is left of it.
func (s *stage) checkFailed(t *testing.T, server *apptest.Server, blobs string) {
	t.Helper()
	b := s.b.on(t, server)
	v := b.version("c1")
	if message := aws.ToString(v.StatusMessage); v.Status != types.ProjectVersionStatusCopyingFailed || !strings.Contains(message, "The model copy failed") {
		t.Errorf("the copy is %s: %q; want it failed with a reason", v.Status, message)
	}
	if left := b.keys("-c1.json"); len(left) > 0 {
		t.Errorf("the failed copy left the files %q", left)
	}
	if left := grantNames(t, b.Client, s.key); len(left) > 0 {
		t.Errorf("the failed copy left the grants %q", left)
	}
	if staged, err := filepath.Glob(filepath.Join(server.DataDir, "blobs", "staged", "*")); err != nil || len(staged) > 0 { // without the sweep
		t.Errorf("the failed copy left what it resealed: %q (%v)", staged, err)
	}
	checkNothingIsLeft(t, server, s.key)
	if diff := cmp.Diff(blobs, files(t, server.DataDir)); diff != "" {
		t.Errorf("the failed copy changed what blobs there are (-before +after):\n%s", diff)
	}
	a := s.a.on(t, server)
	if _, err := a.Rekognition.DeleteProjectVersion(t.Context(), &rekognition.DeleteProjectVersionInput{ProjectVersionArn: &s.source}); err != nil {
		t.Errorf("the failed copy left a pin on its source: %v", err)
	}
}

// TestAServerStopsWhoseDiskIsBroken while a copy is made: nothing that it does
// on the way out can be kept. On a disk that is whole again the copy goes on.
func TestAServerStopsWhoseDiskIsBroken(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	dir := s.play(t)
	injector := faults.New(faults.Forever, 9) // a write of the job
	server := apptest.Start(t, apptest.Options{DataDir: dir, Families: light, Faults: inject(injector)})
	injector.Arm()
	promised, err := s.copyOn(t, server)
	if err != nil { // the server itself has written meanwhile
		wantCode(t, "a copy in a fault", err, "InternalServerError")
	}
	s.settle(t, server, promised, func() bool { return injector.Struck() != "" })
	server.Stop()
	if s.checkAfter(t, dir, promised); injector.Struck() == "" {
		t.Error("nothing failed")
	}
}
