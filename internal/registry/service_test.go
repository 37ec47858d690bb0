package registry_test

import (
	"context"
	"image"
	"image/png"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/customlabels"
	"mimeo/internal/job"
	"mimeo/internal/job/jobtest"
	"mimeo/internal/objects"
	"mimeo/internal/policy"
	"mimeo/internal/registry"
	"mimeo/internal/sqlstore"
	"mimeo/internal/sqlstore/sqlstoretest"
	"mimeo/internal/training"
)

const (
	account = "111122223333"
	foreign = "555555555555"
	region  = "us-east-1"
)

func root(account string) arn.Caller {
	return arn.Caller{Principal: arn.Root("aws", account), Region: region}
}

// user is a caller of account whose identity policies a world's allow sets.
func user(name string) arn.Caller {
	return arn.Caller{Principal: arn.Principal{Partition: "aws", Account: account, Name: "user/" + name}, Region: region}
}

// A world is a registry on a database of its own.
type world struct {
	*registry.Service
	t    *testing.T
	db   *sqlstore.DB
	mine arn.Caller

	mu       sync.Mutex
	clock    time.Time
	policies map[arn.Principal][]policy.Policy
	retired  []string // ids of grants
	training map[string]customlabels.ProjectVersion

	bucket  *bucket
	trouble trouble
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db := sqlstoretest.Open(t)
	w := &world{t: t, db: db, mine: root(account), clock: time.UnixMilli(1_700_000_000_000), policies: map[arn.Principal][]policy.Policy{}, training: map[string]customlabels.ProjectVersion{}, bucket: &bucket{objects: map[string]string{}, images: map[string]string{}}}
	w.trouble.Datasets, w.trouble.Entries = db.Datasets(), db.Entries()
	w.Service = registry.New(registry.Config{
		Projects: db.Projects(), Datasets: &w.trouble, Entries: &w.trouble, Policies: db.ProjectPolicies(), Tags: db.Tags(), Versions: db.Versions(),
		Objects: w.bucket, Permissions: w, Grants: w, Tokens: registry.TokenKey{1}, Log: slog.New(slog.DiscardHandler), Now: w.now,
	})
	return w
}

// now is a clock that every look at moves on by a second.
func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clock = w.clock.Add(time.Second)
	return w.clock
}

// Subject implements registry.Permissions: root may do all, a user
// what allow gave it.
func (w *world) Subject(_ context.Context, caller arn.Caller) (policy.Subject, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	who := policy.Subject{Principal: caller.Principal, Identity: w.policies[caller.Principal]}
	if caller.Principal.IsRoot() {
		who.Identity = []policy.Policy{policy.FullAccess(caller.Principal.Account)}
	}
	return who, nil
}

// Nobody here has a unique id: a policy is stored as it is written.
func (*world) PrincipalsByID(_ context.Context, text string) (string, error)   { return text, nil }
func (*world) PrincipalsByName(_ context.Context, text string) (string, error) { return text, nil }

// allow gives a user an identity policy.
func (w *world) allow(who arn.Caller, document string) {
	w.t.Helper()
	d, err := policy.Parse(document)
	if err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.policies[who.Principal] = append(w.policies[who.Principal], policy.Policy{Name: "the identity policy of " + who.Principal.Name, Document: d})
}

func (w *world) project(name string) arn.Project {
	w.t.Helper()
	p, err := w.CreateProject(w.t.Context(), w.mine, registry.CreateProjectRequest{Name: name})
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// RetireGrant implements registry.Grants.
func (w *world) RetireGrant(_ context.Context, caller arn.Caller, _ arn.Key, id string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !caller.Principal.IsService() {
		w.t.Errorf("%v retires a grant, want the service itself", caller)
	}
	w.retired = append(w.retired, id)
	return nil
}

// work runs the jobs that wait to their ends.
func (w *world) work() {
	w.t.Helper()
	engine := jobtest.Engine{Queue: w.db.Queue(), Store: w.db.Jobs()}
	engine.Drain(w.t, jobtest.Quick(3), append(w.Workers(), trained{w})...)
}

// version makes a version in a state, whose version grant is "grant of" its
// name.
func (w *world) version(p arn.Project, name string, status customlabels.Status) customlabels.ProjectVersion {
	w.t.Helper()
	now := w.now()
	v := customlabels.ProjectVersion{
		ARN: p.Version(name, strconv.FormatInt(now.UnixMilli(), 10)), Project: p, Status: customlabels.TrainingInProgress, CreatedAt: now,
		OutputConfig: customlabels.OutputConfig{Bucket: "mine", Prefix: "out"},
	}
	if err := w.db.Trainings().InsertTraining(w.t.Context(), roomy(v, nil), nil, training.Progress{}, job.Spec{Kind: trained{}.Kind(), Key: name, Args: name}); err != nil {
		w.t.Fatal(err)
	}
	v.Status = customlabels.TrainingCompleted
	v.Bundle = customlabels.Bundle{VersionKey: []byte("wrapped"), Key: arn.Key{Namespace: p.Namespace, ID: "key"}, Grant: "grant of " + name}
	w.training[name] = v
	w.work()
	if status != v.Status {
		if err := w.db.Versions().SetStatus(w.t.Context(), v.ARN, []customlabels.Status{v.Status}, status, ""); err != nil {
			w.t.Fatal(err)
		}
		v.Status = status
	}
	return v
}

// trained ends the trainings that version begins.
type trained struct{ w *world }

func (trained) Kind() job.Kind { return "train" }

func (t trained) Work(ctx context.Context, run *job.Run) error {
	var name string
	if err := run.Decode(&name); err != nil {
		return err
	}
	return t.w.db.Trainings().EndTraining(ctx, run.Attempt, t.w.training[name], training.Progress{})
}

func (trained) Fail(_ context.Context, _ *job.Run, cause error) error { return cause }

// A bucket holds the objects of one account in memory, in a bucket named
// "mine", and good images under every key of all others. It is as much of a
// store as a dataset needs; the tests of the whole server use the true one.
type bucket struct {
	objects.Store
	objects map[string]string
	broken  bool // objects fail before their end

	mu     sync.Mutex
	images map[string]string // those that are not good; empty: missing
	opened []string          // keys of images, in the order of their requests
}

// aPNG is an image of 64 by 64 pixels.
var aPNG = pngOf(64, 64)

func pngOf(w, h int) string {
	var b strings.Builder
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, w, h))); err != nil {
		panic(err)
	}
	return b.String()
}

// image returns what is under a key of a bucket of images.
func (b *bucket) image(key string) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.opened = append(b.opened, key)
	body, ok := b.images[key]
	switch {
	case !ok:
		return aPNG, nil
	case body == "":
		return "", objects.NoSuchKey
	case body == "denied":
		return "", objects.AccessDenied
	default:
		return body, nil
	}
}

func (b *bucket) Head(_ context.Context, caller arn.Caller, ref objects.Ref) (objects.Info, error) {
	body, ok := b.objects[ref.Key]
	switch {
	case ref.Bucket != "mine":
		return objects.Info{}, objects.NoSuchBucket
	case caller.Principal.Account != account, body == "denied":
		return objects.Info{}, objects.AccessDenied
	case !ok:
		return objects.Info{}, objects.NoSuchKey
	}
	return objects.Info{Size: int64(len(body))}, nil
}

func (b *bucket) Get(ctx context.Context, caller arn.Caller, ref objects.Ref) (io.ReadCloser, objects.Info, error) {
	if ref.Bucket != "mine" {
		body, err := b.image(ref.Key)
		return io.NopCloser(strings.NewReader(body)), objects.Info{Size: int64(len(body))}, err
	}
	info, err := b.Head(ctx, caller, ref)
	if err != nil {
		return nil, info, err
	}
	body := b.objects[ref.Key]
	if b.broken {
		return io.NopCloser(io.MultiReader(strings.NewReader(body[:len(body)/2]), failing{})), info, nil
	}
	return io.NopCloser(strings.NewReader(body)), info, nil
}

func (b *bucket) Owner(context.Context, arn.Caller, string) (string, error) { return account, nil }

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// dataset creates a dataset from a manifest's text, as far as that goes.
func (w *world) dataset(p arn.Project, kind customlabels.DatasetType, manifest string) arn.Dataset {
	w.t.Helper()
	key := string(kind) + "-" + p.Name + ".manifest"
	w.bucket.objects[key] = manifest
	d, err := w.CreateDataset(w.t.Context(), w.mine, registry.CreateDatasetRequest{
		Project: p, Type: kind, Source: &registry.DatasetSource{Manifest: &objects.Ref{Bucket: "mine", Key: key}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.work()
	return d
}

// check fails the test unless a dataset is in a state with a message.
func (w *world) check(d arn.Dataset, status customlabels.DatasetStatus, message string) customlabels.DatasetStats {
	w.t.Helper()
	got, err := w.DescribeDataset(w.t.Context(), w.mine, d)
	if err != nil {
		w.t.Fatal(err)
	}
	if got.Status != status || got.StatusMessage != message || got.Operation != "" {
		w.t.Errorf("dataset is %s (%s) %q\nwant %s %q", got.Status, got.MessageCode, got.StatusMessage, status, message)
	}
	return got.Stats
}

// entries lists all lines of a dataset that a filter selects.
func (w *world) entries(d arn.Dataset, f registry.EntryFilter) []string {
	w.t.Helper()
	var all []string
	req := registry.ListDatasetEntriesRequest{Dataset: d, Filter: f, MaxResults: 7}
	for {
		page, next, err := w.ListDatasetEntries(w.t.Context(), w.mine, req)
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, page...)
		if req.NextToken = next; next == "" {
			return all
		}
	}
}

// roomy is a new version under limits that nothing here reaches.
func roomy(v customlabels.ProjectVersion, tags customlabels.Tags) customlabels.NewVersion {
	return customlabels.NewVersion{ProjectVersion: v, Tags: tags, Limits: customlabels.VersionLimits{InProject: 1000, InProgress: 1000}}
}
