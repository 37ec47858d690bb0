package copier_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mimeo/internal/arn"
	"mimeo/internal/blob/mem"
	"mimeo/internal/bucket"
	"mimeo/internal/copier"
	"mimeo/internal/customlabels"
	"mimeo/internal/envelope"
	"mimeo/internal/job"
	"mimeo/internal/job/jobtest"
	"mimeo/internal/kms"
	"mimeo/internal/objects"
	"mimeo/internal/policy"
	"mimeo/internal/proof"
	"mimeo/internal/registry"
	"mimeo/internal/sqlstore"
	"mimeo/internal/sqlstore/sqlstoretest"
	"mimeo/internal/training"
	"mimeo/internal/vault"
)

var (
	trusting = arn.Caller{Principal: arn.Root("aws", "111122223333"), Region: "us-east-1"}
	trusted  = arn.Caller{Principal: arn.Root("aws", "555555555555"), Region: "us-east-1"}
)

// results are the contents of the source's result files.
var results = map[customlabels.Role]string{
	customlabels.EvaluationSummary: `{"Version":1}`,
	customlabels.ManifestSummary:   `{"statistics":{}}`,
	customlabels.TestingSnapshot:   "{}\n{}\n",
}

const weights = "the weights of the model"

// people says who may do what: an account's root everything in its account,
// everyone else what their policy says, which may change.
type people struct{ policies sync.Map }

func (p *people) Subject(_ context.Context, caller arn.Caller) (policy.Subject, error) {
	who := policy.Subject{Principal: caller.Principal, Mandate: caller.Mandate}
	if caller.Principal.IsRoot() {
		who.Identity = []policy.Policy{policy.FullAccess(caller.Principal.Account)}
	}
	if text, ok := p.policies.Load(caller.Principal); ok {
		document, err := policy.Parse(text.(string))
		if err != nil {
			return who, err
		}
		who.Identity = []policy.Policy{{Name: "the identity policy p", Document: document}}
	}
	return who, nil
}

// Nobody here has a unique id: a policy is stored as it is written.
func (*people) PrincipalsByID(_ context.Context, text string) (string, error)   { return text, nil }
func (*people) PrincipalsByName(_ context.Context, text string) (string, error) { return text, nil }

// A world is everything that a copy needs, for real, around a source version
// that is sealed with a key of the trusting account and that the trusted one
// may copy.
type world struct {
	*copier.Service
	t              testing.TB
	people         *people
	db             *sqlstore.DB
	kms            *kms.Service
	blobs          *mem.Store
	buckets        *bucket.Service
	vault          *vault.Vault
	proof          *proof.Service
	dir            string // of the database
	registry       *registry.Service
	engine         jobtest.Engine
	contents       map[customlabels.Role]string // of what is trained
	source         customlabels.ProjectVersion
	into           arn.Project
	sourceKey, key arn.Key
	ahead          time.Duration // of the clock of KMS
}

func newWorld(t testing.TB) *world {
	t.Helper()
	contents := map[customlabels.Role]string{customlabels.Weights: weights}
	maps.Copy(contents, results)
	return newWorldOf(t, contents)
}

// newWorldOf is newWorld with other contents of the source.
func newWorldOf(t testing.TB, contents map[customlabels.Role]string) *world {
	t.Helper()
	dir := t.TempDir()
	db := sqlstoretest.OpenIn(t, dir)
	someone := &people{}
	w := &world{t: t, dir: dir, people: someone, db: db, blobs: mem.New(), contents: contents}
	w.kms = kms.New(db.KMS(), envelope.NewKey(), someone, func() time.Time { return time.Now().Add(w.ahead) })
	w.buckets = bucket.New(db.Buckets(), w.blobs, w.kms, someone, time.Now)
	w.vault = &vault.Vault{Keys: w.kms, Blobs: w.blobs}
	w.engine = jobtest.Engine{Queue: db.Queue(), Store: db.Jobs(), Insert: db.Jobs().Insert}
	w.registry = registry.New(registry.Config{
		Projects: db.Projects(), Datasets: db.Datasets(), Entries: db.Entries(), Policies: db.ProjectPolicies(), Tags: db.Tags(),
		Versions: db.Versions(), Objects: w.buckets, Permissions: someone, Grants: w.kms, Log: slog.New(slog.DiscardHandler), Now: time.Now,
	})
	keyring, err := proof.OpenKeyring(t.Context(), db.Proofs(), envelope.NewKey(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	w.proof = &proof.Service{Store: db.Proofs(), Registry: w.registry, Vault: w.vault, Objects: w.buckets, Keyring: keyring, Now: time.Now}
	w.Service = &copier.Service{
		Store: db.Copies(), Registry: w.registry, Permissions: someone, Objects: w.buckets, Vault: w.vault, Notary: keyring, Now: time.Now,
		Documents: policy.NewCache(policy.ParseProjectPolicy),
	}
	w.sourceKey, w.key = w.newKey(t, trusting), w.newKey(t, trusted)
	for caller, name := range map[arn.Caller]string{trusting: "source-custom-labels", trusted: "destination-custom-labels"} {
		if _, err := w.buckets.CreateBucket(t.Context(), caller, bucket.NewBucket{Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	from := w.newProject(t, trusting, "parts")
	w.into = w.newProject(t, trusted, "copies")
	w.source = w.train(t, from, "v1")
	w.allow(t, from, fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::555555555555:root"},
		"Action":"rekognition:CopyProjectVersion","Resource":"%s"}]}`, w.source.ARN))
	return w
}

func (w *world) newKey(t testing.TB, owner arn.Caller) arn.Key {
	t.Helper()
	return w.newKeyWith(t, owner, "")
}

// newKeyWith makes a key with a key policy; an empty one is the default.
func (w *world) newKeyWith(t testing.TB, owner arn.Caller, document string) arn.Key {
	t.Helper()
	return w.newKeyAs(t, owner, kms.NewKey{Policy: document})
}

func (w *world) newKeyAs(t testing.TB, owner arn.Caller, n kms.NewKey) arn.Key {
	t.Helper()
	k, err := w.kms.CreateKey(t.Context(), owner, n)
	if err != nil {
		t.Fatal(err)
	}
	return k.ARN
}

func (w *world) newProject(t testing.TB, owner arn.Caller, name string) arn.Project {
	t.Helper()
	p := customlabels.Project{
		ARN:     arn.Project{Namespace: owner.Namespace(), Name: name, Stamp: "1"},
		Feature: customlabels.CustomLabels, Status: customlabels.ProjectCreated, CreatedAt: time.Now(),
	}
	if err := w.db.Projects().InsertProject(t.Context(), p, nil, 1000); err != nil {
		t.Fatal(err)
	}
	return p.ARN
}

func (w *world) allow(t testing.TB, p arn.Project, document string) {
	t.Helper()
	err := w.db.ProjectPolicies().InsertPolicy(t.Context(), customlabels.ProjectPolicy{Project: p, Name: "copy", Document: document, RevisionID: "1"}, 5)
	if err != nil {
		t.Fatal(err)
	}
}

// train makes a version as training leaves it, through a job that seals the
// weights and results without any learning.
func (w *world) train(t testing.TB, p arn.Project, name string) customlabels.ProjectVersion {
	t.Helper()
	v := customlabels.ProjectVersion{
		ARN: p.Version(name, "1700000000000"), Project: p, Status: customlabels.TrainingInProgress, KMSKey: w.sourceKey,
		CreatedAt: time.UnixMilli(1_700_000_000_000).UTC(), OutputConfig: customlabels.OutputConfig{Bucket: "source-custom-labels"},
	}
	spec := job.Spec{Kind: "train", Key: v.ARN.String(), Args: struct{}{}}
	if err := w.db.Trainings().InsertTraining(t.Context(), roomy(v, customlabels.Tags{"of": "the source"}), nil, training.Progress{}, spec); err != nil {
		t.Fatal(err)
	}
	w.engine.Drain(t, job.Options{}, sealer{w, v})
	made, err := w.db.Versions().Version(t.Context(), v.ARN)
	if err != nil || made.Status != customlabels.TrainingCompleted {
		t.Fatalf("the source is %s: %s (%v)", made.Status, made.StatusMessage, err)
	}
	return made
}

// insert makes a version of the trusted account that has no model, in a state.
func (w *world) insert(t testing.TB, p arn.Project, name string, status customlabels.Status) arn.ProjectVersion {
	t.Helper()
	v := customlabels.ProjectVersion{ARN: p.Version(name, "1"), Project: p, Status: customlabels.TrainingInProgress, CreatedAt: time.Now()}
	err := w.db.Trainings().InsertTraining(t.Context(), roomy(v, nil), nil, training.Progress{}, job.Spec{Kind: "nobody", Key: v.ARN.String(), Args: struct{}{}})
	if err == nil {
		err = w.db.Versions().SetStatus(t.Context(), v.ARN, []customlabels.Status{v.Status}, status, "")
	}
	if err != nil {
		t.Fatal(err)
	}
	return v.ARN
}

type sealer struct {
	w *world
	v customlabels.ProjectVersion
}

func (sealer) Kind() job.Kind { return "train" }

func (s sealer) Fail(_ context.Context, _ *job.Run, cause error) error { return cause }

func (s sealer) Work(ctx context.Context, run *job.Run) error {
	keyID := ""
	if s.v.KMSKey != (arn.Key{}) {
		keyID = s.v.KMSKey.String()
	}
	use, err := s.w.vault.Prepare(ctx, trusting, keyID, s.v.ARN)
	if err != nil {
		return err
	}
	key, err := s.w.vault.NewVersionKey(ctx, s.v.ARN, use)
	if err != nil {
		return err
	}
	v := s.v
	v.Status, v.Provenance = customlabels.TrainingCompleted, customlabels.Provenance{F1Score: 0.75, BaseModel: "test", TrainingEndedAt: v.CreatedAt}
	v.Bundle = customlabels.Bundle{VersionKey: key.Wrapped, Key: use.Key, Grant: use.VersionGrant}
	for role, content := range s.w.contents {
		a, err := s.w.vault.Seal(ctx, key, role, strings.NewReader(content))
		if err != nil {
			return err
		}
		a.VerifiedAt = v.CreatedAt
		v.Bundle.Artifacts = append(v.Bundle.Artifacts, a)
	}
	return errors.Join(s.w.db.Trainings().EndTraining(ctx, run.Attempt, v, training.Progress{}), s.w.vault.Release(ctx, use))
}

// request asks for a copy of the source under the destination's key.
func (w *world) request(name string) copier.Request {
	return copier.Request{
		SourceProject: w.source.Project, Source: w.source.ARN, DestinationProject: w.into, VersionName: name,
		Output:   customlabels.OutputConfig{Bucket: "destination-custom-labels", Prefix: "copied"},
		Tags:     customlabels.Tags{"stage": "production"},
		KMSKeyID: w.key.String(),
	}
}

func (w *world) start(t testing.TB, req copier.Request) arn.ProjectVersion {
	t.Helper()
	v, err := w.Start(t.Context(), trusted, req)
	if err != nil {
		t.Fatalf("start the copy: %v", err)
	}
	return v
}

// impatient tries again at once.
var impatient = job.Options{Backoff: func(int) time.Duration { return 0 }}

func (w *world) drain(t testing.TB) {
	t.Helper()
	w.engine.Drain(t, impatient, w.Workers()...)
}

func (w *world) version(t testing.TB, a arn.ProjectVersion) customlabels.ProjectVersion {
	t.Helper()
	v, err := w.db.Versions().Version(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// checkCompleted checks every invariant of a finished copy. The source is
// deleted, and its key stopped, before the copy is opened.
func (w *world) checkCompleted(t testing.TB, a arn.ProjectVersion) {
	t.Helper()
	v := w.version(t, a)
	if v.Status != customlabels.CopyingCompleted || v.StatusMessage != customlabels.ReadyToRun {
		t.Fatalf("the copy is %s: %s", v.Status, v.StatusMessage)
	}
	if v.Provenance != w.source.Provenance || v.Source != w.source.ARN || v.KMSKey != w.key {
		t.Errorf("the copy says of itself %+v from %s under %s", v.Provenance, v.Source, v.KMSKey)
	}
	w.deleteSource(t)
	key, err := w.vault.Unlock(t.Context(), v.ARN, v.Bundle)
	if err != nil {
		t.Fatalf("unlock the copy: %v", err)
	}
	if len(v.Bundle.Artifacts) != len(results)+1 || len(v.Files) != len(results)+1 {
		t.Errorf("the copy has %d artifacts and %d files, want %d of each: the weights and the record come to the results", len(v.Bundle.Artifacts), len(v.Files), len(results)+1)
	}
	for _, artifact := range v.Bundle.Artifacts {
		want := weights
		if artifact.Role.IsResult() {
			want = results[artifact.Role]
		}
		body, err := w.vault.Open(t.Context(), key, artifact)
		if got := readAll(t, body, err); got != want {
			t.Errorf("the copy's %s is %q, want %q", artifact.Role, got, want)
		}
	}
	for role, want := range results {
		at := v.Files[role]
		if file := "copied/" + string(role) + "-copies-" + a.Name + ".json"; at != (customlabels.S3Location{Bucket: "destination-custom-labels", Key: file}) {
			t.Errorf("the file of %s is at %s, want it at %s", role, at, file)
		}
		body, _, err := w.buckets.Get(t.Context(), trusted, objects.Ref{Bucket: at.Bucket, Key: at.Key})
		if got := readAll(t, body, err); got != want {
			t.Errorf("the file of %s holds %q, want %q", role, got, want)
		}
	}
	w.checkRecord(t, v)
	w.checkGrants(t, 0, 1)
}

// deleteSource deletes the source version, which a pin would forbid, and
// stops its key.
func (w *world) deleteSource(t testing.TB) {
	t.Helper()
	if err := w.db.Versions().BeginDelete(t.Context(), w.source, job.Spec{Kind: "delete", Key: w.source.ARN.String(), Args: struct{}{}}); err != nil {
		t.Errorf("delete the source: %v", err)
	}
	err := errors.Join(
		w.db.Versions().Delete(t.Context(), w.source.ARN, time.Now()),
		w.kms.RetireGrant(t.Context(), arn.Caller{Principal: customlabels.Principal, Region: "us-east-1"}, w.sourceKey, w.source.Bundle.Grant),
		w.kms.DisableKey(t.Context(), trusting, w.sourceKey.String()),
	)
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) checkGrants(t testing.TB, jobs, versions int) {
	t.Helper()
	for prefix, want := range map[string]int{vault.JobGrantPrefix: jobs, vault.VersionGrantPrefix: versions} {
		live, err := w.kms.LiveGrants(t.Context(), prefix)
		if err != nil || len(live) != want {
			t.Errorf("%d grants %s… are live, %v; want %d", len(live), prefix, err, want)
		}
	}
}

// checkFailed checks that a copy failed and left nothing behind.
func (w *world) checkFailed(t testing.TB, a arn.ProjectVersion, message string) {
	t.Helper()
	v := w.version(t, a)
	if v.Status != customlabels.CopyingFailed || !strings.Contains(v.StatusMessage, message) {
		t.Errorf("the copy is %s: %q; want it failed with %q", v.Status, v.StatusMessage, message)
	}
	if len(v.Bundle.Artifacts) > 0 || len(v.Files) > 0 || v.F1Score != 0 {
		t.Errorf("the failed copy shows %+v, %v and F1 %v", v.Bundle, v.Files, v.F1Score)
	}
	w.checkGrants(t, 0, 1) // the source's
	w.checkStaged(t, 0)
	w.checkBlobs(t)
	for _, role := range append(slices.Collect(maps.Keys(results)), customlabels.CopyRecord) {
		file := v.OutputConfig.Key(customlabels.ResultFile(role, a))
		if _, err := w.buckets.Head(t.Context(), trusted, objects.Ref{Bucket: v.OutputConfig.Bucket, Key: file}); !errors.Is(err, objects.NoSuchKey) && !errors.Is(err, objects.NoSuchBucket) {
			t.Errorf("the failed copy left %s (%v)", file, err)
		}
	}
}

func readAll(t testing.TB, body io.ReadCloser, err error) string {
	t.Helper()
	if err != nil {
		t.Error(err)
		return ""
	}
	b, err := io.ReadAll(body)
	if err := errors.Join(err, body.Close()); err != nil {
		t.Error(err)
	}
	return string(b)
}

// roomy is a new version under limits that nothing here reaches.
func roomy(v customlabels.ProjectVersion, tags customlabels.Tags) customlabels.NewVersion {
	return customlabels.NewVersion{ProjectVersion: v, Tags: tags, Limits: customlabels.VersionLimits{InProject: 1000, InProgress: 1000}}
}
