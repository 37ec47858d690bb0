package apptest_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/rekognition"
	"github.com/aws/aws-sdk-go-v2/service/rekognition/types"

	"mimeo/internal/apptest"
	"mimeo/internal/family"
	"mimeo/internal/quota"
)

// BenchmarkCopy measures from the request to COPYING_COMPLETED, as a caller
// sees it who asks every millisecond, between accounts, under the
// destination's own key, for models of several sizes. The models are there,
// every byte of them, and verified: what is not measured is making them.
func BenchmarkCopy(b *testing.B) {
	for _, model := range []struct {
		name string
		size int64
	}{{"1MB", 1 << 20}, {"100MB", 100 << 20}, {"1GB", 1 << 30}, {"10GB", 10 << 30}} {
		b.Run(model.name, func(b *testing.B) {
			s := apptest.Start(b, apptest.Options{Families: []family.Family{apptest.Ballast{Size: model.size}}})
			c := newCopying(b, s)
			quantiles(b, func(i int) time.Duration {
				name := fmt.Sprintf("copy-%d", i)
				took := since(func() { c.copyOnce(c.to, name) })
				b.StopTimer()
				forget(b, c.to, name)
				b.StartTimer()
				return took
			})
		})
	}
}

// copying is what a copy between accounts needs.
type copying struct {
	b        *testing.B
	server   *apptest.Server
	from, to *side
	source   string
	key      string
}

func newCopying(b *testing.B, s *apptest.Server) copying {
	b.Helper()
	c := copying{b: b, server: s, from: newSide(b, s, trusting, "images", "parts")}
	c.source = trainSmall(c.from)
	c.to = newSide(b, s, trusted, "results", "production")
	key, err := c.to.KMS.CreateKey(b.Context(), &kms.CreateKeyInput{})
	if err != nil {
		b.Fatal(err)
	}
	c.key = aws.ToString(key.KeyMetadata.Arn)
	allow(b, c.from, trusted)
	return c
}

func (c copying) request(into *side, name string) {
	c.b.Helper()
	_, err := into.Rekognition.CopyProjectVersion(c.b.Context(), &rekognition.CopyProjectVersionInput{
		SourceProjectArn: &c.from.project, SourceProjectVersionArn: &c.source, DestinationProjectArn: &into.project, VersionName: &name,
		OutputConfig: &types.OutputConfig{S3Bucket: &into.bucket, S3KeyPrefix: aws.String("copies")}, KmsKeyId: &c.key,
	})
	if err != nil {
		c.b.Error(err)
	}
}

func (c copying) copyOnce(into *side, name string) {
	c.b.Helper()
	c.request(into, name)
	for into.version(name).Status == types.ProjectVersionStatusCopyingInProgress {
		time.Sleep(time.Millisecond) // as a caller would
	}
	if status := into.version(name).Status; status != types.ProjectVersionStatusCopyingCompleted {
		c.b.Fatalf("%s is %s", name, status)
	}
}

// Of sustained copying: clients, how many copies each starts before it waits
// for them, and how often it asks meanwhile.
const (
	copyClients = 16
	copyBatch   = 10
	copyPoll    = 100 * time.Millisecond
)

// BenchmarkCopiesPerSecond has 16 clients start ten copies each, and each of
// them again when its own have ended. It runs under the quotas that it prints, and
// measures in the same run what a sync of this disk costs and how many syncs
// one copy needs when it is alone; the floor is what a server could do that
// waited for nothing but those, one after another.
func BenchmarkCopiesPerSecond(b *testing.B) {
	s := apptest.Start(b, apptest.Options{Families: light})
	c := newCopying(b, s)
	limits := quota.Values{quota.CopiesInProgress: new(copyClients * copyBatch), quota.ModelsPerProject: new(1_000_000)}
	setQuotas(b, s, trusted, limits)
	b.Logf("quotas of the destination: %d copies in progress, %d models per project; rates unlimited", *limits[quota.CopiesInProgress], *limits[quota.ModelsPerProject])
	into := make([]*side, copyClients)
	for i := range into {
		into[i] = newSide(b, s, trusted, fmt.Sprint("results-", i), fmt.Sprint("production-", i))
	}
	alone := 0
	syncs := countSyncs(b, func() {
		for range 20 {
			c.copyOnce(c.to, fmt.Sprint("alone-", alone))
			alone++
		}
	}) / 20
	once := syncTime(b, s.DataDir)

	processor, begin := processorTime(), time.Now()
	var group sync.WaitGroup
	for _, a := range into {
		group.Go(func() {
			for round := range b.N {
				c.batch(a, round*copyBatch)
			}
		})
	}
	group.Wait()
	elapsed := time.Since(begin)
	total := float64(b.N * copyBatch * copyClients)
	rate := total / elapsed.Seconds()
	b.ReportMetric(rate, "copies/s")
	b.ReportMetric((processorTime()-processor).Seconds()*1000/total, "cpu-ms/copy")
	b.ReportMetric(float64(once.Microseconds()), "sync-µs")
	if syncs > 0 {
		floor := 1 / (syncs * once.Seconds())
		b.ReportMetric(syncs, "syncs/copy")
		b.ReportMetric(floor, "floor-copies/s")
		b.ReportMetric(100*rate/floor, "%-of-floor")
	}
}

// batch starts copies into a project and waits until they have completed: the
// one that it started last, which it asks for by name, then all.
func (c copying) batch(into *side, first int) {
	for i := range copyBatch {
		c.request(into, fmt.Sprint("copy-", first+i))
	}
	last := fmt.Sprint("copy-", first+copyBatch-1)
	for running := true; running; {
		time.Sleep(copyPoll)
		if into.version(last).Status == types.ProjectVersionStatusCopyingInProgress {
			continue
		}
		out, err := into.Rekognition.DescribeProjectVersions(c.b.Context(), &rekognition.DescribeProjectVersionsInput{
			ProjectArn: &into.project, MaxResults: aws.Int32(copyBatch),
		})
		if err != nil {
			c.b.Error(err)
			return
		}
		running = false
		for _, v := range out.ProjectVersionDescriptions {
			switch v.Status {
			case types.ProjectVersionStatusCopyingCompleted:
			case types.ProjectVersionStatusCopyingInProgress:
				running = true
			default:
				c.b.Errorf("a copy is %s: %s", v.Status, aws.ToString(v.StatusMessage))
			}
		}
	}
}

// syncTime is what it takes to make 4 KiB durable in a directory.
func syncTime(b *testing.B, dir string) time.Duration {
	b.Helper()
	f, err := os.Create(filepath.Join(dir, "sync"))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	page := make([]byte, 4096)
	const times = 500
	return since(func() {
		for range times {
			if _, err := f.Write(page); err != nil {
				b.Fatal(err)
			}
			if err := f.Sync(); err != nil {
				b.Fatal(err)
			}
		}
	}) / times
}

func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// countSyncs counts what this process syncs to its disk while fn runs, by
// strace. Where that is not to be had it says so, and 0 is returned.
func countSyncs(b *testing.B, fn func()) float64 {
	b.Helper()
	tracer, err := exec.LookPath("strace")
	if err != nil {
		b.Log("NOT COUNTED: the syncs of a copy, because strace is not installed")
		return 0
	}
	counts := filepath.Join(b.TempDir(), "counts")
	// Not CommandContext: strace is to end by SIGINT, which makes it write.
	trace := exec.Command(tracer, "-f", "-c", "-e", "trace=fsync,fdatasync", "-o", counts, "-p", strconv.Itoa(os.Getpid())) //nolint:noctx // see above
	said, err := trace.StderrPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := trace.Start(); err != nil {
		b.Fatal(err)
	}
	line := make([]byte, 4096)
	n, _ := said.Read(line)
	if !bytes.Contains(line[:n], []byte("attached")) {
		b.Logf("NOT COUNTED: the syncs of a copy, because strace says: %s", line[:n])
		_ = trace.Wait() // it has said what there is to say
		return 0
	}
	fn()
	time.Sleep(100 * time.Millisecond) // the jobs end after their copies have
	if err := trace.Process.Signal(os.Interrupt); err != nil {
		b.Fatal(err)
	}
	_ = trace.Wait() // ended by our signal
	text, err := os.ReadFile(counts)
	if err != nil {
		b.Fatal(err)
	}
	return sumOfCalls(b, string(text))
}

// sumOfCalls reads the table of strace -c.
func sumOfCalls(b *testing.B, table string) (sum float64) {
	b.Helper()
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) < 5 || !strings.HasSuffix(fields[len(fields)-1], "sync") {
			continue
		}
		calls, err := strconv.ParseFloat(fields[3], 64)
		if err != nil {
			b.Fatalf("%q: %v", line, err)
		}
		sum += calls
	}
	return sum
}

// peerSize is the size of the object that peers copy.
const peerSize = 1 << 30

// BenchmarkPeers copies 1 GiB between two buckets of ours with the AWS CLI,
// which reads and writes every byte through it. Beside it stand the figures of
// a reseal. A peer that is not installed is named in the log.
func BenchmarkPeers(b *testing.B) {
	s := apptest.Start(b, apptest.Options{})
	c := s.Client(b, trusting)
	if _, err := exec.LookPath("crane"); err != nil {
		b.Log("NOT MEASURED: crane between two registries, because crane is not installed")
	}
	cli := "/usr/bin/aws" // Debian's
	if _, err := os.Stat(cli); err != nil {
		b.Skip("NOT MEASURED: aws s3 cp, because Debian's awscli is not installed")
	}
	credentials, err := c.Config.Credentials.Retrieve(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	run := func(args ...string) {
		b.Helper()
		cmd := exec.CommandContext(b.Context(), cli, append([]string{"--endpoint-url", s.Endpoint, "--region", "us-east-1"}, args...)...)
		cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+credentials.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+credentials.SecretAccessKey,
			"AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull)
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("aws %q: %v\n%s", args, err, out)
		}
	}
	object := filepath.Join(b.TempDir(), "object")
	if err := os.WriteFile(object, nil, 0o600); err != nil {
		b.Fatal(err)
	}
	if err := os.Truncate(object, peerSize); err != nil {
		b.Fatal(err)
	}
	run("s3", "mb", "s3://here")
	run("s3", "mb", "s3://there")
	run("s3", "cp", "--quiet", object, "s3://here/object")
	b.SetBytes(peerSize)
	for b.Loop() {
		run("s3", "cp", "--quiet", "--copy-props", "none", "s3://here/object", "s3://there/object")
	}
}
