package serving_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/blob"
	"mimeo/internal/blob/mem"
	"mimeo/internal/bucket"
	"mimeo/internal/customlabels"
	"mimeo/internal/envelope"
	"mimeo/internal/family"
	"mimeo/internal/identity"
	"mimeo/internal/job"
	"mimeo/internal/job/jobtest"
	"mimeo/internal/kms"
	"mimeo/internal/objects"
	"mimeo/internal/pixel"
	"mimeo/internal/registry"
	"mimeo/internal/serving"
	"mimeo/internal/sqlstore"
	"mimeo/internal/sqlstore/sqlstoretest"
	"mimeo/internal/training"
	"mimeo/internal/vault"
)

const (
	account = "111122223333"
	region  = "us-east-1"
)

// shades is a family whose models tell bright images from dark ones. Its
// weights are the labels. It counts loads, and holds predictions back while
// its gate is closed.
type shades struct {
	loads   atomic.Int32
	entered chan struct{}   // gets a token from every prediction, where it is made
	gate    chan struct{}   // predictions wait until it is closed, where it is made
	objects []family.Object // what predictions are instead, where there are some
}

func (*shades) Name() string { return "shades" }

func (*shades) Learns(t family.Task) bool { return t == family.SingleLabel }

func (*shades) Train(_ context.Context, req family.TrainRequest, w io.Writer) error {
	return json.NewEncoder(w).Encode(req.Labels)
}

func (f *shades) Load(_ context.Context, r io.Reader) (family.Model, error) {
	f.loads.Add(1)
	var labels []string
	if err := json.NewDecoder(r).Decode(&labels); err != nil {
		return nil, fmt.Errorf("%w: %w", family.ErrWeights, err)
	}
	return shade{f, labels}, nil
}

type shade struct {
	family *shades
	labels []string
}

func (m shade) Labels() []string { return m.labels }

// Predict says how bright the image is: the labels are "bright" and "dark".
func (m shade) Predict(ctx context.Context, image *pixel.Image) (family.Prediction, error) {
	if m.family.entered != nil {
		m.family.entered <- struct{}{}
	}
	if m.family.gate != nil {
		select {
		case <-m.family.gate:
		case <-ctx.Done():
			return family.Prediction{}, ctx.Err()
		}
	}
	if m.family.objects != nil {
		return family.Prediction{Objects: m.family.objects}, nil
	}
	r, _, _ := image.Scale(1, 1).At(0, 0)
	bright := float64(r) / 255
	return family.Prediction{Probabilities: []float64{bright, 1 - bright}}, nil
}

// gray returns a PNG of one shade.
func gray(shade uint8, side int) []byte {
	m := image.NewGray(image.Rect(0, 0, side, side))
	for i := range m.Pix {
		m.Pix[i] = shade
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		panic(err) // cannot happen: it writes to memory
	}
	return b.Bytes()
}

// A world is the services around serving, on one database.
type world struct {
	*serving.Service
	t        *testing.T
	db       *sqlstore.DB
	dir      string // of the database
	root     arn.Caller
	blobs    *damagedBlobs
	kms      *kms.Service
	buckets  *bucket.Service
	registry *registry.Service
	vault    *vault.Vault
	family   *shades
	project  arn.Project
	ahead    time.Duration // of the service's clock
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	db := sqlstoretest.OpenIn(t, dir)
	w := &world{t: t, db: db, dir: dir, root: arn.Caller{Principal: arn.Root("aws", account), Region: region}, blobs: &damagedBlobs{Store: mem.New()}, family: &shades{}}
	master := envelope.NewKey()
	who, err := identity.New(db.Identity(), master, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	w.kms = kms.New(db.KMS(), master, who, time.Now)
	w.buckets = bucket.New(db.Buckets(), w.blobs, w.kms, who, time.Now)
	w.registry = registry.New(registry.Config{
		Projects: db.Projects(), Datasets: db.Datasets(), Entries: db.Entries(), Policies: db.ProjectPolicies(), Tags: db.Tags(),
		Versions: db.Versions(), Objects: w.buckets, Permissions: who, Grants: w.kms, Tokens: registry.TokenKey{1},
		Log: slog.New(slog.DiscardHandler), Now: time.Now,
	})
	w.vault = &vault.Vault{Keys: w.kms, Blobs: w.blobs}
	w.restart()
	_, err = w.buckets.CreateBucket(t.Context(), w.root, bucket.NewBucket{Name: "images"})
	w.must(err)
	w.project, err = w.registry.CreateProject(t.Context(), w.root, registry.CreateProjectRequest{Name: "shades"})
	w.must(err)
	return w
}

// restart makes the service anew, without any model in memory.
func (w *world) restart() {
	w.Service = serving.New(serving.Config{
		Store: w.db.Serving(), Registry: w.registry, Vault: w.vault, Objects: w.buckets, Families: []family.Family{w.family}, Now: func() time.Time { return time.Now().Add(w.ahead) },
	})
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) put(key string, body []byte) objects.Ref {
	w.t.Helper()
	ref := objects.Ref{Bucket: "images", Key: key}
	file := objects.File{Key: key, Body: bytes.NewReader(body)}
	w.must(w.buckets.Put(w.t.Context(), w.root, ref.Bucket, []objects.File{file}, objects.PutOptions{}))
	return ref
}

// trained returns a version that was trained on two shades of gray. Its
// assumed thresholds lie in the middle: no test image is a middling one.
func (w *world) trained(name, keyID string) arn.ProjectVersion {
	w.t.Helper()
	var lines []string
	for label, shade := range map[string]uint8{"bright": 204, "dark": 51} {
		for i := range 2 {
			ref := w.put(fmt.Sprintf("%s-%d.png", label, i), gray(shade, 64))
			lines = append(lines, fmt.Sprintf(`{"source-ref":"s3://%s/%s","l":1,"l-metadata":{"confidence":1,"class-name":"%s","human-annotated":"yes","creation-date":"2026-01-02T03:04:05","type":"groundtruth/image-classification"}}`, ref.Bucket, ref.Key, label))
		}
	}
	m := w.put("all.manifest", []byte(strings.Join(lines, "\n")))
	trainer := &training.Service{
		Store: w.db.Trainings(), Registry: w.registry, Objects: w.buckets, Vault: w.vault, Families: []family.Family{w.family},
		Scratch: w.t.TempDir(), Slice: time.Minute, Now: time.Now,
	}
	v, err := trainer.CreateProjectVersion(w.t.Context(), w.root, training.Request{
		Project: w.project, VersionName: name, Output: customlabels.OutputConfig{Bucket: "images"}, KMSKeyID: keyID,
		Training: &training.Data{Manifests: []objects.Ref{m}}, Testing: &training.TestData{Manifests: []objects.Ref{m}},
	})
	w.must(err)
	w.drain(training.Worker{Service: trainer})
	w.is(v, customlabels.TrainingCompleted)
	w.family.loads.Store(0)
	return v
}

func (w *world) engine() jobtest.Engine {
	return jobtest.Engine{Queue: w.db.Queue(), Store: w.db.Jobs(), Insert: w.db.Jobs().Insert}
}

func (w *world) drain(workers ...job.Worker) {
	w.t.Helper()
	w.engine().Drain(w.t, jobtest.Quick(3), workers...)
}

func (w *world) work() {
	w.t.Helper()
	w.drain(serving.Starter{Service: w.Service}, serving.Stopper{Service: w.Service})
}

func (w *world) version(a arn.ProjectVersion) customlabels.ProjectVersion {
	w.t.Helper()
	v, err := w.db.Versions().Version(w.t.Context(), a)
	w.must(err)
	return v
}

func (w *world) is(a arn.ProjectVersion, want customlabels.Status) customlabels.ProjectVersion {
	w.t.Helper()
	v := w.version(a)
	if v.Status != want {
		w.t.Fatalf("the version is %s (%s), want %s", v.Status, v.StatusMessage, want)
	}
	return v
}

// start starts a version and waits until it runs.
func (w *world) start(a arn.ProjectVersion, units int32) {
	w.t.Helper()
	status, err := w.StartProjectVersion(w.t.Context(), w.root, serving.StartRequest{Version: a, MinInferenceUnits: units})
	w.must(err)
	if status != customlabels.Starting {
		w.t.Errorf("StartProjectVersion = %s", status)
	}
	w.work()
}

func (w *world) running(name string) arn.ProjectVersion {
	w.t.Helper()
	v := w.trained(name, "")
	w.start(v, 1)
	w.is(v, customlabels.Running)
	return v
}

func (w *world) detect(a arn.ProjectVersion, shade uint8) ([]serving.CustomLabel, error) {
	return w.DetectCustomLabels(w.t.Context(), w.root, serving.DetectRequest{Version: a, Bytes: gray(shade, 64)})
}

// damagedBlobs flips a bit of every blob that is read while it is damaged.
type damagedBlobs struct {
	blob.Store
	damaged atomic.Bool
}
