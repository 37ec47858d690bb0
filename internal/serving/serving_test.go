package serving_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mimeo/internal/arn"
	"mimeo/internal/blob"
	"mimeo/internal/customlabels"
	"mimeo/internal/digest"
	"mimeo/internal/fault"
	"mimeo/internal/job"
	"mimeo/internal/kms"
	"mimeo/internal/objects"
	"mimeo/internal/serving"
)

func (s *damagedBlobs) Open(ctx context.Context, d digest.Digest) (blob.Blob, error) {
	b, err := s.Store.Open(ctx, d)
	if err != nil || !s.damaged.Load() {
		return b, err
	}
	return flipped{b}, nil
}

type flipped struct{ blob.Blob }

func (f flipped) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.Blob.ReadAt(p, off)
	if n > 0 {
		p[n-1] ^= 1
	}
	return n, err
}

func TestAVersionRunsDetectsAndStops(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.trained("v1", "")
	units := int32(3)
	if _, err := w.StartProjectVersion(t.Context(), w.root, serving.StartRequest{Version: v, MinInferenceUnits: 2, MaxInferenceUnits: &units}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.detect(v, 204); !errors.Is(err, customlabels.ResourceNotReady) {
		t.Errorf("DetectCustomLabels while it starts: %v", err)
	}
	w.work()
	if now := w.is(v, customlabels.Running); now.MinInferenceUnits != 2 || now.MaxInferenceUnits != 3 {
		t.Errorf("units %d to %d", now.MinInferenceUnits, now.MaxInferenceUnits)
	}
	got, err := w.detect(v, 204)
	if diff := cmp.Diff([]serving.CustomLabel{{Name: "bright", Confidence: 80}}, got); diff != "" || err != nil {
		t.Errorf("labels (-want +got)\n%s%v", diff, err)
	}
	if status, err := w.StopProjectVersion(t.Context(), w.root, v); status != customlabels.Stopping || err != nil {
		t.Errorf("StopProjectVersion = %s, %v", status, err)
	}
	if _, err := w.detect(v, 204); !errors.Is(err, customlabels.ResourceNotReady) {
		t.Errorf("DetectCustomLabels while it stops: %v", err)
	}
	w.work()
	w.is(v, customlabels.Stopped)
	if _, err := w.detect(v, 204); !errors.Is(err, customlabels.ResourceNotReady) {
		t.Errorf("DetectCustomLabels when it is stopped: %v", err)
	}
	w.start(v, 1)
	w.is(v, customlabels.Running)
	if loads := w.family.loads.Load(); loads != 2 {
		t.Errorf("the model was loaded %d times for two starts", loads)
	}
}

func number[T any](v T) *T { return &v }

func TestDetectSelects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.running("v1")
	bright, dark := serving.CustomLabel{Name: "bright", Confidence: 20}, serving.CustomLabel{Name: "dark", Confidence: 80}
	even := []serving.CustomLabel{{Name: "bright", Confidence: 50}, {Name: "dark", Confidence: 50}}
	for name, c := range map[string]struct {
		req  serving.DetectRequest
		want []serving.CustomLabel
	}{
		"assumed thresholds":  {serving.DetectRequest{Bytes: gray(51, 64)}, []serving.CustomLabel{dark}},
		"an object":           {serving.DetectRequest{Object: number(w.put("dark.png", gray(51, 64)))}, []serving.CustomLabel{dark}},
		"all labels":          {serving.DetectRequest{Bytes: gray(51, 64), MinConfidence: number[float32](0)}, []serving.CustomLabel{dark, bright}},
		"just enough":         {serving.DetectRequest{Bytes: gray(51, 64), MinConfidence: number[float32](80)}, []serving.CustomLabel{dark}},
		"not enough":          {serving.DetectRequest{Bytes: gray(51, 64), MinConfidence: number[float32](80.1)}, []serving.CustomLabel{}},
		"only the first":      {serving.DetectRequest{Bytes: gray(51, 64), MinConfidence: number[float32](0), MaxResults: number(1)}, []serving.CustomLabel{dark}},
		"none at all":         {serving.DetectRequest{Bytes: gray(51, 64), MaxResults: number(0)}, []serving.CustomLabel{}},
		"more than there are": {serving.DetectRequest{Bytes: gray(51, 64), MaxResults: number(9)}, []serving.CustomLabel{dark}},
	} {
		c.req.Version = v
		got, err := w.DetectCustomLabels(t.Context(), w.root, c.req)
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%s (-want +got)\n%s%v", name, diff, err)
		}
	}
	// Ties are in the order of the names; the nearest shades to the middle.
	req := serving.DetectRequest{Version: v, Bytes: gray(127, 64), MinConfidence: number[float32](0)}
	got, err := w.DetectCustomLabels(t.Context(), w.root, req)
	if err != nil || len(got) != 2 || math.Abs(float64(got[0].Confidence-even[0].Confidence)) > 1 || got[0].Confidence < got[1].Confidence {
		t.Errorf("a middling image: %v, %v", got, err)
	}
}

// bomb is the beginning of a PNG of 50,000 by 50,000 pixels.
const bomb = "\x89PNG\x0d\x0a\x1a\x0a\x00\x00\x00\x0dIHDR\x00\x00\xc3P\x00\x00\xc3P\x08\x00\x00\x00\x00n\xc4b\x16"

func TestDetectRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.running("v1")
	good := gray(51, 64)
	missing := v
	missing.Stamp = "1"
	foreign := v
	foreign.Account = "555555555555"
	elsewhere := v
	elsewhere.Region = "eu-west-1"
	for name, c := range map[string]struct {
		req  serving.DetectRequest
		want fault.Code
	}{
		"no image":         {serving.DetectRequest{Version: v}, customlabels.InvalidParameter},
		"two images":       {serving.DetectRequest{Version: v, Bytes: good, Object: &objects.Ref{Bucket: "images", Key: "x"}}, customlabels.InvalidParameter},
		"object, no name":  {serving.DetectRequest{Version: v, Object: &objects.Ref{Bucket: "images"}}, customlabels.InvalidParameter},
		"missing object":   {serving.DetectRequest{Version: v, Object: &objects.Ref{Bucket: "images", Key: "x"}}, customlabels.InvalidS3Object},
		"missing bucket":   {serving.DetectRequest{Version: v, Object: &objects.Ref{Bucket: "nowhere", Key: "x"}}, customlabels.InvalidS3Object},
		"too many bytes":   {serving.DetectRequest{Version: v, Bytes: make([]byte, 4<<20+1)}, customlabels.ImageTooLarge},
		"large object":     {serving.DetectRequest{Version: v, Object: number(w.put("large", make([]byte, 15<<20+1)))}, customlabels.ImageTooLarge},
		"no image format":  {serving.DetectRequest{Version: v, Bytes: []byte("GIF89a and so on")}, customlabels.InvalidImageFormat},
		"no bytes":         {serving.DetectRequest{Version: v, Bytes: []byte{}}, customlabels.InvalidImageFormat},
		"empty object":     {serving.DetectRequest{Version: v, Object: number(w.put("empty.png", nil))}, customlabels.InvalidImageFormat},
		"wrongly named":    {serving.DetectRequest{Version: v, Object: number(w.put("text.png", []byte("no image")))}, customlabels.InvalidImageFormat},
		"bomb":             {serving.DetectRequest{Version: v, Bytes: []byte(bomb)}, customlabels.ImageTooLarge},
		"bomb in a bucket": {serving.DetectRequest{Version: v, Object: number(w.put("bomb.png", []byte(bomb)))}, customlabels.ImageTooLarge},
		"cut image":        {serving.DetectRequest{Version: v, Bytes: good[:len(good)-20]}, customlabels.InvalidImageFormat},
		"tiny image":       {serving.DetectRequest{Version: v, Bytes: gray(51, 63)}, customlabels.InvalidParameter},
		"wide image":       {serving.DetectRequest{Version: v, Bytes: gray(51, 4097)}, customlabels.ImageTooLarge},
		"confidence":       {serving.DetectRequest{Version: v, Bytes: good, MinConfidence: number[float32](100.5)}, customlabels.InvalidParameter},
		"confidence NaN":   {serving.DetectRequest{Version: v, Bytes: good, MinConfidence: number(float32(math.NaN()))}, customlabels.InvalidParameter},
		"negative results": {serving.DetectRequest{Version: v, Bytes: good, MaxResults: number(-1)}, customlabels.InvalidParameter},
		"missing version":  {serving.DetectRequest{Version: missing, Bytes: good}, customlabels.ResourceNotFound},
		"foreign version":  {serving.DetectRequest{Version: foreign, Bytes: good}, customlabels.AccessDenied},
		"another region":   {serving.DetectRequest{Version: elsewhere, Bytes: good}, customlabels.InvalidParameter},
	} {
		_, err := w.DetectCustomLabels(t.Context(), w.root, c.req)
		var refused *fault.Error
		if !errors.As(err, &refused) || refused.Code != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	user := arn.Caller{Principal: arn.Principal{Partition: "aws", Account: account, Name: "user/nobody"}, Region: region}
	if _, err := w.DetectCustomLabels(t.Context(), user, serving.DetectRequest{Version: v, Bytes: good}); !errors.Is(err, customlabels.AccessDenied) {
		t.Errorf("a user without permission: %v", err)
	}
	if got, err := w.detect(v, 51); err != nil || len(got) != 1 {
		t.Errorf("after all that the version answers %v, %v", got, err)
	}
}

func TestStartAndStopRefuse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.trained("v1", "")
	start := func(a arn.ProjectVersion, least, most int32) error {
		req := serving.StartRequest{Version: a, MinInferenceUnits: least}
		if most != 0 {
			req.MaxInferenceUnits = &most
		}
		_, err := w.StartProjectVersion(t.Context(), w.root, req)
		return err
	}
	stop := func(a arn.ProjectVersion) error {
		_, err := w.StopProjectVersion(t.Context(), w.root, a)
		return err
	}
	refused := func(name string, err error, want fault.Code) {
		t.Helper()
		var f *fault.Error
		if !errors.As(err, &f) || f.Code != want || f.Message == "" {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	missing, foreign := v, v
	missing.Stamp, foreign.Account = "1", "555555555555"
	refused("start a missing version", start(missing, 1, 0), customlabels.ResourceNotFound)
	refused("start a foreign version", start(foreign, 1, 0), customlabels.AccessDenied)
	refused("stop a missing version", stop(missing), customlabels.ResourceNotFound)
	refused("stop a foreign version", stop(foreign), customlabels.AccessDenied)
	refused("six units", start(v, 6, 0), customlabels.LimitExceeded)
	refused("up to six units", start(v, 1, 6), customlabels.LimitExceeded)
	refused("less at most than at least", start(v, 2, 1), customlabels.InvalidParameter)
	refused("no units", start(v, 0, 0), customlabels.InvalidParameter)
	refused("stop what never ran", stop(v), customlabels.InvalidParameter)
	w.must(start(v, 1, 5))
	refused("start what is starting", start(v, 1, 0), customlabels.ResourceInUse)
	refused("stop what is starting", stop(v), customlabels.ResourceInUse)
	w.work()
	refused("start what runs", start(v, 1, 0), customlabels.ResourceInUse)
	second, third := w.running("v2"), w.trained("v3", "")
	refused("start a third", start(third, 1, 0), customlabels.LimitExceeded)
	w.must(stop(second))
	refused("stop what is stopping", stop(second), customlabels.ResourceInUse)
	refused("start what is stopping", start(second, 1, 0), customlabels.ResourceInUse)
	w.work()
	refused("stop what is stopped", stop(second), customlabels.InvalidParameter)
	w.must(start(third, 1, 0))
}

// A server that comes up again has no model in memory; the first requests of
// a running version load it, once.
func TestARunningVersionAnswersAfterARestart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.running("v1")
	want, err := w.detect(v, 204)
	w.must(err)
	w.restart()
	w.family.loads.Store(0)
	var wait sync.WaitGroup
	for range 8 { // as many as may wait for one unit
		wait.Go(func() {
			got, err := w.detect(v, 204)
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("labels (-want +got)\n%s%v", diff, err)
			}
		})
	}
	wait.Wait()
	if loads := w.family.loads.Load(); loads != 1 {
		t.Errorf("the model was loaded %d times", loads)
	}
}

// TestIdleModelsTakeNoMemory: a model that nobody asks leaves memory, the
// version runs on and answers as before.
func TestIdleModelsTakeNoMemory(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	asked, quiet := w.running("asked"), w.running("quiet")
	want, err := w.detect(quiet, 204)
	w.must(err)
	w.ahead += 14 * time.Minute
	if n := w.DropIdle(); n != 0 {
		t.Errorf("%d models are dropped after a while", n)
	}
	_, err = w.detect(asked, 204)
	w.must(err)
	w.ahead += 2 * time.Minute
	w.family.loads.Store(0)
	if n := w.DropIdle(); n != 1 {
		t.Errorf("%d models are dropped, want the one that nobody asked", n)
	}
	for _, v := range []arn.ProjectVersion{asked, quiet, quiet} {
		w.is(v, customlabels.Running)
		got, err := w.detect(v, 204)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("labels (-want +got)\n%s%v", diff, err)
		}
	}
	if loads := w.family.loads.Load(); loads != 1 {
		t.Errorf("models were loaded %d times, want the dropped one once", loads)
	}
	// One that works on a request for long is not idle.
	w.family.entered, w.family.gate = make(chan struct{}, 1), make(chan struct{})
	answered := make(chan error)
	go func() { _, err := w.detect(asked, 204); answered <- err }()
	<-w.family.entered
	w.ahead += time.Hour
	if n := w.DropIdle(); n != 1 {
		t.Errorf("%d models are dropped, want the one that is not at work", n)
	}
	close(w.family.gate)
	w.must(<-answered)
}

func TestAKeyThatIsDisabledStopsItsModels(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key, err := w.kms.CreateKey(t.Context(), w.root, kms.NewKey{})
	w.must(err)
	v := w.trained("v1", key.ARN.ID)
	w.must(w.kms.DisableKey(t.Context(), w.root, key.ARN.ID))
	w.start(v, 1)
	disabled := fmt.Sprintf("its KMS key %[1]s cannot be used: %[1]s is disabled. Enable the key.", key.ARN)
	if now := w.is(v, customlabels.Failed); now.StatusMessage != "The model cannot be started: "+disabled {
		t.Errorf("status message %q", now.StatusMessage)
	}
	w.must(w.kms.EnableKey(t.Context(), w.root, key.ARN.ID))
	w.start(v, 1)
	w.is(v, customlabels.Running)
	w.must(w.kms.DisableKey(t.Context(), w.root, key.ARN.ID))
	w.restart()
	if _, err := w.detect(v, 204); !errors.Is(err, customlabels.ResourceNotReady) || !strings.Contains(err.Error(), disabled) {
		t.Errorf("after a restart without the key: %v", err)
	}
	w.must(w.kms.EnableKey(t.Context(), w.root, key.ARN.ID))
	if _, err := w.detect(v, 204); err != nil {
		t.Errorf("with the key again: %v", err)
	}
}

// TestARunningModelEndsWithItsKey: not at once, for a data key in memory needs
// no KMS, but within a minute; and it comes back with the key, or not at all.
func TestARunningModelEndsWithItsKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key, err := w.kms.CreateKey(t.Context(), w.root, kms.NewKey{})
	w.must(err)
	v := w.trained("v1", key.ARN.ID)
	w.start(v, 1)
	answers := func(when string, later time.Duration, refusal string) {
		t.Helper()
		w.ahead += later
		_, err := w.detect(v, 204)
		if refusal == "" && err != nil || refusal != "" && (!errors.Is(err, customlabels.ResourceNotReady) || !strings.Contains(err.Error(), refusal)) {
			t.Errorf("%s: %v, want %q", when, err, refusal)
		}
	}
	answers("with its key", 2*time.Minute, "")
	loads := w.family.loads.Load()
	w.must(w.kms.DisableKey(t.Context(), w.root, key.ARN.ID))
	answers("right after", 0, "")
	answers("a minute after", time.Minute, "is disabled. Enable the key.")
	w.must(w.kms.EnableKey(t.Context(), w.root, key.ARN.ID))
	answers("enabled again", 0, "")
	if got := w.family.loads.Load(); got != loads+1 {
		t.Errorf("the model was loaded %d times after it was stopped, want once", got-loads)
	}
	w.must(w.kms.RetireGrant(t.Context(), arn.Caller{Principal: customlabels.Principal, Region: region}, key.ARN, w.version(v).Bundle.Grant))
	answers("without its grant", time.Minute, "the grant was revoked")
	_, err = w.kms.CreateGrant(t.Context(), w.root, kms.GrantRequest{KeyID: key.ARN.ID, Grantee: customlabels.Principal, Operations: []kms.Operation{kms.DecryptOperation}})
	w.must(err)
	answers("with another grant", 0, "")
}

func TestADamagedModelDoesNotStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.trained("v1", "")
	w.blobs.damaged.Store(true)
	w.start(v, 1)
	now := w.is(v, customlabels.Failed)
	if weights, _ := now.Bundle.Artifact(customlabels.Weights); !strings.Contains(now.StatusMessage, "its stored artifact weights is damaged") || weights.DamagedAt.IsZero() {
		t.Errorf("status message %q, want the weights named; marked at %v", now.StatusMessage, weights.DamagedAt)
	}
	w.blobs.damaged.Store(false)
	w.start(v, 1)
	w.is(v, customlabels.Running)
	for _, a := range w.version(v).Bundle.Artifacts {
		w.must(w.blobs.Delete(t.Context(), a.Digest))
	}
	w.restart()
	if _, err := w.detect(v, 204); !errors.Is(err, customlabels.ResourceNotReady) {
		t.Errorf("without its artifacts: %v", err)
	}
}

// TestAModelWithADamagedKeyDoesNotStart: the key is named, and the blob, to
// which another version may have a whole key, is not marked.
func TestAModelWithADamagedKeyDoesNotStart(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ damage, want string }{
		"artifact": {"UPDATE artifacts SET wrapped_key = zeroblob(length(wrapped_key)) WHERE role = 'weights'", "its stored wrapped key of weights is damaged"},
		"version":  {"UPDATE versions SET version_key = zeroblob(length(version_key))", "its stored version key is damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			v := w.trained("v1", "")
			raw, err := sql.Open("sqlite", "file:"+filepath.Join(w.dir, "mimeo.db")+"?_pragma=busy_timeout(10000)")
			w.must(err)
			_, err = raw.ExecContext(t.Context(), test.damage)
			w.must(errors.Join(err, raw.Close()))
			w.start(v, 1)
			now := w.is(v, customlabels.Failed)
			if weights, _ := now.Bundle.Artifact(customlabels.Weights); !strings.Contains(now.StatusMessage, test.want) || !weights.DamagedAt.IsZero() {
				t.Errorf("status message %q, want %q; the blob is marked at %v", now.StatusMessage, test.want, weights.DamagedAt)
			}
		})
	}
}

func TestUnitsBoundRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.running("v1")
	w.family.entered, w.family.gate = make(chan struct{}, 100), make(chan struct{})
	const most = 9 // one works, eight wait
	var wait sync.WaitGroup
	answered := make(chan error, 2*most)
	for range 2 * most {
		wait.Go(func() {
			_, err := w.detect(v, 204)
			answered <- err
		})
	}
	for range most { // the others are refused while nobody works on
		if err := <-answered; !errors.Is(err, customlabels.ProvisionedThroughputExceeded) {
			t.Errorf("a request too many: %v", err)
		}
	}
	<-w.family.entered
	if n := len(w.family.entered); n != 0 {
		t.Errorf("%d requests are worked on with one unit", 1+n)
	}
	close(w.family.gate)
	wait.Wait()
	for range most {
		if err := <-answered; err != nil {
			t.Errorf("a request that waited: %v", err)
		}
	}
}

// told is a worker that tells when it begins.
type told struct {
	job.Worker
	began chan struct{}
}

func (w told) Work(ctx context.Context, run *job.Run) error {
	close(w.began)
	return w.Worker.Work(ctx, run)
}

func TestStopWaitsForRequestsInFlight(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.running("v1")
	w.family.entered, w.family.gate = make(chan struct{}, 1), make(chan struct{})
	answered := make(chan error, 1)
	var wait sync.WaitGroup
	wait.Go(func() {
		_, err := w.detect(v, 204)
		answered <- err
	})
	<-w.family.entered
	_, err := w.StopProjectVersion(t.Context(), w.root, v)
	w.must(err)
	began := make(chan struct{})
	wait.Go(func() { w.drain(told{serving.Stopper{Service: w.Service}, began}) })
	<-began
	for range 50 { // time enough for a stop that does not wait
		if _, err := w.detect(v, 204); !errors.Is(err, customlabels.ResourceNotReady) {
			t.Errorf("a new request: %v", err)
		}
	}
	w.is(v, customlabels.Stopping)
	close(w.family.gate)
	wait.Wait()
	if err := <-answered; err != nil {
		t.Errorf("the request in flight: %v", err)
	}
	w.is(v, customlabels.Stopped)
}
