package apptest_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"

	"mimeo/internal/app"
	"mimeo/internal/apptest"
	"mimeo/internal/family"
	"mimeo/internal/faults"
)

// The environment of a victim: its data directory, the durable effect at which
// it dies by its own hand, if at any, and whether it has the product's own
// families, which learn, and not light.
const (
	victimDir    = "MIMEO_TEST_VICTIM_DIR"
	victimEffect = "MIMEO_TEST_VICTIM_EFFECT"
	victimLearns = "MIMEO_TEST_VICTIM_LEARNS"
)

// serveVictim is what a killed process does: it serves until it dies. Effects
// count from the moment that its input ends.
func serveVictim(dir string) error {
	effect, _ := strconv.ParseInt(os.Getenv(victimEffect), 10, 64) // 0: at none
	injector := faults.New(faults.Kill, effect)
	families := light
	if os.Getenv(victimLearns) != "" {
		families = nil
	}
	server, err := app.New(context.Background(), app.Config{DataDir: dir, Listen: "127.0.0.1:0"},
		slog.New(slog.DiscardHandler), app.Extras{Families: families, Faults: inject(injector)})
	if err != nil {
		return err
	}
	fmt.Println(server.Endpoint())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		injector.Arm()
		fmt.Println("armed")
	}()
	return server.Run(context.Background())
}

func inject(i *faults.Injector) app.Faults { return app.Faults{Driver: i.Driver(), Before: i.Before} }

var light = []family.Family{apptest.Ballast{Size: 1 << 20}}

// A victim is a server in a process of its own.
type victim struct {
	process *exec.Cmd
	in      io.Closer
	out     *bufio.Reader
	server  *apptest.Server // how to reach it
}

func startVictim(t testing.TB, dir string, environment ...string) victim {
	t.Helper()
	process := exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0])
	process.Env = append(append(os.Environ(), victimDir+"="+dir), environment...)
	process.Stderr = os.Stderr
	in, err := process.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	pipe, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	out := bufio.NewReader(pipe)
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := out.ReadString('\n')
	if err != nil {
		t.Fatalf("the victim did not start: %v", err)
	}
	return victim{process, in, out, &apptest.Server{
		Endpoint: strings.TrimSpace(line), DataDir: dir,
		HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
	}}
}

// arm lets the victim die at its effect from now on.
func (v victim) arm(t testing.TB) {
	t.Helper()
	if err := v.in.Close(); err != nil {
		t.Fatal(err)
	}
	if line, err := v.out.ReadString('\n'); err != nil || line != "armed\n" {
		t.Fatalf("the victim said %q, %v; want that it is armed", line, err)
	}
}

func (v victim) kill(t testing.TB) {
	t.Helper()
	if err := v.process.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = v.process.Wait() // killed: its status says nothing
}

// kills is how often TestKill kills; MIMEO_TEST_KILLS says otherwise.
const kills = 50

// TestKill kills the server at random moments while versions are trained,
// copied in both modes, cancelled, started, stopped and deleted, and policies
// change. In the end every
// promise that a caller was given is kept, each copy answers as its source,
// and nothing is left that nobody needs.
func TestKill(t *testing.T) {
	t.Parallel()
	rounds := kills
	if n, err := strconv.Atoi(os.Getenv("MIMEO_TEST_KILLS")); err == nil {
		rounds = n
	}
	dir := t.TempDir()
	first := apptest.Start(t, apptest.Options{DataDir: dir, Families: light})
	a := newSide(t, first, trusting, "trusting-images", "parts")
	a.dataset(types.DatasetTypeTrain, 3, 1)
	a.dataset(types.DatasetTypeTest, 2, 50000)
	source := a.train("v0")
	b := newSide(t, first, trusted, "trusted-results", "production")
	key, err := b.KMS.CreateKey(t.Context(), &kms.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	allow(t, a, trusted)
	first.Stop()

	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	load := newLoad(a, b, source, aws.ToString(key.KeyMetadata.Arn), seed)
	for range rounds {
		v := startVictim(t, dir)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); load.run(ctx, v.server) }()
		moment := time.Duration(random.Int64N(int64(600 * time.Millisecond)))
		time.Sleep(moment) // the moment is what is tested
		v.kill(t)
		cancel()
		<-ended
	}
	t.Logf("after %d kills: %s", rounds, load)
	if load.copies < rounds/2 {
		t.Errorf("only %d copies were promised: the server was always killed too early to learn anything", load.copies)
	}
	last := apptest.Start(t, apptest.Options{DataDir: dir, Families: light})
	load.check(t, last)
	checkNothingIsLeft(t, last, load.key)
}

// grantNames are the names of a key's grants, without the chance at their end.
func grantNames(t testing.TB, c *apptest.Client, key string) (names []string) {
	t.Helper()
	grants := kms.NewListGrantsPaginator(c.KMS, &kms.ListGrantsInput{KeyId: &key})
	for grants.HasMorePages() {
		page, err := grants.NextPage(t.Context())
		if err != nil {
			t.Fatalf("ListGrants: %v", err)
		}
		for _, g := range page.Grants {
			name, _, _ := strings.Cut(aws.ToString(g.Name), "#")
			names = append(names, name)
		}
	}
	return names
}

// checkNothingIsLeft looks for grants that no version needs, blobs that
// nothing names, and checkpoints.
func checkNothingIsLeft(t *testing.T, s *apptest.Server, key string) {
	t.Helper()
	live := map[string]bool{}
	for _, name := range grantNames(t, s.Client(t, trusted), key) {
		if strings.HasPrefix(name, "mimeo-job:") || live[name] {
			t.Errorf("the grant %q is still alive", name)
		}
		live[name] = true
	}
	before, err := s.App.Sweep(t.Context(), 0)
	if err != nil {
		t.Fatalf("Sweep: %v", err)
	}
	after, err := s.App.Sweep(t.Context(), 0)
	if err != nil || after.Deleted != 0 || after.Blobs != before.Blobs-before.Deleted {
		t.Errorf("a second sweep found %+v (%v) after %+v", after, err, before)
	}
	t.Logf("the sweep removed %d of %d blobs", before.Deleted, before.Blobs)
	if left := checkpoints(t, s); len(left) > 0 {
		t.Errorf("checkpoints are left: %q", left)
	}
	if temporary, err := filepath.Glob(filepath.Join(s.DataDir, "blobs", "tmp", "*")); err != nil || len(temporary) > 0 {
		t.Errorf("half-written blobs are left: %q (%v)", temporary, err)
	}
}

// checkpoints are the files of trainings.
func checkpoints(t *testing.T, s *apptest.Server) []string {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(s.DataDir, "scratch", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return left
}
