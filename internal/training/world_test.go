package training_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"log/slog"
	"math/rand/v2"
	"strings"
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
	"mimeo/internal/registry"
	"mimeo/internal/sqlstore"
	"mimeo/internal/sqlstore/sqlstoretest"
	"mimeo/internal/training"
	"mimeo/internal/vault"
)

const (
	account = "111122223333"
	region  = "us-east-1"
)

// A world is the services around training, on one database.
type world struct {
	t        *testing.T
	db       *sqlstore.DB
	root     arn.Caller
	blobs    blob.Store
	kms      *kms.Service
	buckets  *bucket.Service
	registry *registry.Service
	vault    *vault.Vault
	training *training.Service
	project  arn.Project
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db := sqlstoretest.Open(t)
	w := &world{t: t, db: db, root: arn.Caller{Principal: arn.Root("aws", account), Region: region}, blobs: mem.New()}
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
	w.training = &training.Service{
		Store: db.Trainings(), Registry: w.registry, Objects: w.buckets, Vault: w.vault, Families: []family.Family{colours{}},
		Scratch: t.TempDir(), Slice: time.Minute, Now: time.Now,
	}
	for _, name := range []string{"images", "results"} {
		_, err := w.buckets.CreateBucket(t.Context(), w.root, bucket.NewBucket{Name: name})
		w.must(err)
	}
	w.project = w.newProject("parts")
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) newProject(name string) arn.Project {
	w.t.Helper()
	p, err := w.registry.CreateProject(w.t.Context(), w.root, registry.CreateProjectRequest{Name: name})
	w.must(err)
	return p
}

func (w *world) put(key string, body []byte) objects.Ref {
	w.t.Helper()
	ref := objects.Ref{Bucket: "images", Key: key}
	file := objects.File{Key: key, Body: bytes.NewReader(body)}
	w.must(w.buckets.Put(w.t.Context(), w.root, ref.Bucket, []objects.File{file}, objects.PutOptions{}))
	return ref
}

func (w *world) read(at customlabels.S3Location) string {
	w.t.Helper()
	r, _, err := w.buckets.Get(w.t.Context(), w.root, objects.Ref{Bucket: at.Bucket, Key: at.Key})
	w.must(err)
	b, err := io.ReadAll(r)
	w.must(errors.Join(err, r.Close()))
	return string(b)
}

// palettes are the labels that images are painted for.
var palettes = map[string]color.RGBA{"red": {200, 30, 30, 255}, "green": {30, 180, 40, 255}, "blue": {20, 40, 190, 255}}

// paint returns a PNG of about the colour of a label; seed varies it.
func paint(label string, seed int) []byte {
	random := rand.New(rand.NewPCG(uint64(seed), 1))
	m := image.NewRGBA(image.Rect(0, 0, 64, 64))
	base := palettes[label]
	for i := range m.Pix {
		m.Pix[i] = [4]uint8{base.R, base.G, base.B, 255}[i%4]
		if i%4 != 3 {
			m.Pix[i] += uint8(random.IntN(50))
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		panic(err) // cannot happen: it writes to memory
	}
	return b.Bytes()
}

// line is a manifest's line of an image and its labels.
func line(ref objects.Ref, labels ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"source-ref":"s3://%s/%s"`, ref.Bucket, ref.Key)
	for i, l := range labels {
		fmt.Fprintf(&b, `,"a%d":1,"a%d-metadata":{"confidence":1,"job-name":"x","class-name":"%s","human-annotated":"yes","creation-date":"2026-01-02T03:04:05.678","type":"groundtruth/image-classification"}`, i, i, l)
	}
	return b.String() + "}"
}

// manifest paints n images of each label and returns their lines.
func (w *world) manifest(prefix string, n int, labels ...string) []string {
	w.t.Helper()
	var lines []string
	for i := range n {
		for _, label := range labels {
			lines = append(lines, line(w.put(fmt.Sprintf("%s/%s-%d.png", prefix, label, i), paint(label, i+1000*len(prefix))), label))
		}
	}
	return lines
}

// dataset gives a project a dataset of these lines.
func (w *world) dataset(p arn.Project, kind customlabels.DatasetType, lines []string) {
	w.t.Helper()
	ref := w.put("manifests/"+p.Name+string(kind)+".manifest", []byte(strings.Join(lines, "\n")))
	_, err := w.registry.CreateDataset(w.t.Context(), w.root, registry.CreateDatasetRequest{
		Project: p, Type: kind, Source: &registry.DatasetSource{Manifest: &ref},
	})
	w.must(err)
	w.drain(w.registry.Workers()...)
}

func (w *world) engine() jobtest.Engine {
	return jobtest.Engine{Queue: w.db.Queue(), Store: w.db.Jobs(), Insert: w.db.Jobs().Insert}
}

func (w *world) drain(workers ...job.Worker) {
	w.t.Helper()
	w.engine().Drain(w.t, jobtest.Quick(3), workers...)
}

func (w *world) request(name string) training.Request {
	return training.Request{Project: w.project, VersionName: name, Output: customlabels.OutputConfig{Bucket: "results", Prefix: "out/"}}
}

// withData gives the world's project both datasets.
func (w *world) withData() *world {
	w.t.Helper()
	w.dataset(w.project, customlabels.Train, w.manifest("train", 6, "red", "green", "blue"))
	w.dataset(w.project, customlabels.Test, w.manifest("test", 3, "red", "green", "blue"))
	return w
}

// train trains a version to its end.
func (w *world) train(req training.Request) customlabels.ProjectVersion {
	w.t.Helper()
	v, err := w.training.CreateProjectVersion(w.t.Context(), w.root, req)
	w.must(err)
	w.drain(training.Worker{Service: w.training})
	return w.version(v)
}

func (w *world) version(a arn.ProjectVersion) customlabels.ProjectVersion {
	w.t.Helper()
	v, err := w.db.Versions().Version(w.t.Context(), a)
	w.must(err)
	return v
}
