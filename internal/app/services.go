package app

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"time"

	"mimeo/internal/awsjson"
	"mimeo/internal/awsquery"
	"mimeo/internal/bucket"
	"mimeo/internal/copier"
	"mimeo/internal/cores"
	"mimeo/internal/envelope"
	"mimeo/internal/events"
	"mimeo/internal/family"
	"mimeo/internal/iam"
	"mimeo/internal/iamapi"
	"mimeo/internal/identity"
	"mimeo/internal/job"
	"mimeo/internal/kms"
	"mimeo/internal/kmsapi"
	"mimeo/internal/lineage"
	"mimeo/internal/mimeoapi"
	"mimeo/internal/policy"
	"mimeo/internal/proof"
	"mimeo/internal/quota"
	"mimeo/internal/registry"
	"mimeo/internal/rekapi"
	"mimeo/internal/reqlog"
	"mimeo/internal/s3api"
	"mimeo/internal/serving"
	"mimeo/internal/sigv4"
	"mimeo/internal/stsapi"
	"mimeo/internal/training"
	"mimeo/internal/vault"
	"mimeo/internal/webhook"
)

// Extras are what tests and benchmarks add to a server.
type Extras struct {
	// Families come before the product's own: the first one trains.
	Families []family.Family
	// Faults are injected into what is durable.
	Faults Faults
	// Backoff is what job.Options says; its default where nil.
	Backoff func(failures int) time.Duration
	// Now is the services' clock; time.Now where nil. What the network and
	// the disk date goes by time.Now: signatures, and the age of blobs.
	Now func() time.Time
}

// Faults say where durable effects are made to fail. The zero value has none.
type Faults struct {
	Driver string                    // see sqlstore.Options
	Before func(effect string) error // see disk.Options
}

// services are the rooms behind the edges, in the order in which they are
// built: each may use those above it.
type services struct {
	identity *identity.Service
	iam      *iam.Service
	keys     *kms.Service
	buckets  *bucket.Service
	vault    *vault.Vault
	proof    *proof.Service
	registry *registry.Service
	copier   *copier.Service
	training *training.Service
	serving  *serving.Service
	lineage  *lineage.Service
	quotas   *quota.Service
	events   *events.Service
}

// assemble builds the services, the HTTP surface and the runner of jobs.
func (a *App) assemble(ctx context.Context, extras Extras) error {
	s, err := a.build(ctx, extras)
	if err != nil {
		return err
	}
	if _, err := vault.SweepGrants(ctx, s.keys, a.storage.db.Versions(), a.now()); err != nil {
		return fmt.Errorf("sweep grants of the last process: %w", err)
	}
	surface := &routes{services: s.edges(a.config), own: ownPages(a.ready)}
	a.handler = reqlog.Handler(bounded(surface), a.logger, time.Now)
	a.runner, err = job.NewRunner(a.storage.db.Queue(), a.storage.db.Jobs(), s.workers(), a.logger, job.Options{Concurrency: concurrency, Backoff: extras.Backoff})
	if err != nil {
		return fmt.Errorf("open runner: %w", err)
	}
	return nil
}

func (a *App) build(ctx context.Context, extras Extras) (*services, error) {
	db, now := a.storage.db, a.now
	tokens, err := tokenKey(a.storage.master)
	if err != nil {
		return nil, err
	}
	s := &services{identity: a.accounts.identity, quotas: a.quotas}
	s.iam = iam.New(db.IAM(), s.identity, now)
	s.keys = kms.New(db.KMS(), a.storage.master, s.identity, now)
	a.keys = s.keys
	s.buckets = bucket.New(db.Buckets(), a.storage.blobs, s.keys, s.identity, now)
	s.vault = &vault.Vault{Keys: s.keys, Blobs: a.storage.blobs}
	s.registry = registry.New(registry.Config{
		Projects: db.Projects(), Datasets: db.Datasets(), Entries: db.Entries(), Policies: db.ProjectPolicies(),
		Tags: db.Tags(), Versions: db.Versions(), Objects: s.buckets, Permissions: s.identity, Grants: s.keys,
		Quotas: s.quotas, Tokens: tokens, Log: a.logger, Now: now,
	})
	if s.proof, err = openProof(ctx, a.storage, proof.Service{Registry: s.registry, Vault: s.vault, Objects: s.buckets}); err != nil {
		return nil, err
	}
	a.proof = s.proof
	copyMode, err := copier.ParseMode(a.config.CopyMode)
	if err != nil {
		return nil, err
	}
	s.copier = &copier.Service{
		Places: quota.NewPlaces(resealPlaces),
		Mode:   copyMode, Closing: a.closing,
		Notary: s.proof.Keyring, Documents: policy.NewCache(policy.ParseProjectPolicy),
		Store: db.Copies(), Registry: s.registry, Permissions: s.identity, Objects: s.buckets, Vault: s.vault,
		Quotas: s.quotas, Now: now,
	}
	s.events = &events.Service{
		Targets: db.Events(), Deliveries: db.Events(), Sender: webhook.New(a.config.eventReach(), now),
		Permissions: s.registry, Master: a.storage.master, Now: now,
		Places: quota.NewPlaces(concurrency[events.Kind]),
	}
	models, processors := families(extras), cores.New(runtime.GOMAXPROCS(0))
	s.training = &training.Service{
		Store: db.Trainings(), Registry: s.registry, Objects: s.buckets, Vault: s.vault, Quotas: s.quotas,
		Families: models, Scratch: a.config.scratchDir(), Slice: trainingSlice, Cores: processors, Memory: a.config.trainingMemory(), Closing: a.closing, Now: now,
	}
	s.serving = serving.New(serving.Config{
		Store: db.Serving(), Registry: s.registry, Vault: s.vault, Objects: s.buckets, Families: models, Quotas: s.quotas, Cores: processors, Now: now,
	})
	a.serving = s.serving
	s.lineage = &lineage.Service{Store: db.Lineage(), Registry: s.registry}
	return s, nil
}

// edges are the protocols by the signing name of their service, one line each.
func (s *services) edges(c Config) map[string]http.Handler {
	verifier := func(service string) *sigv4.Verifier { return sigv4.New(service, s.identity, time.Now) }
	custom := (&rekapi.API{Registry: s.registry, Training: s.training, Copier: s.copier, Serving: s.serving}).Service()
	own := (&mimeoapi.API{Proof: s.proof, Copier: s.copier, Training: s.training, Lineage: s.lineage, Events: s.events}).Service()
	custom.Admit, own.Admit = s.admit(c), s.admit(c)
	keys := kmsapi.New(s.keys)
	custom.Hint, own.Hint, keys.Hint = s.identity.Hint, s.identity.Hint, s.identity.Hint
	query := func(service awsquery.Service) http.Handler {
		service.Hint = s.identity.Hint
		return awsquery.NewServer(service, verifier(service.SigningName))
	}
	return map[string]http.Handler{
		"rekognition": awsjson.NewServer(custom, verifier("rekognition")),
		mimeo:         awsjson.NewServer(own, verifier("rekognition")),
		"s3":          s3api.New(s.buckets, verifier("s3")),
		"kms":         awsjson.NewServer(keys, verifier("kms")),
		"sts":         query(stsapi.New(s.identity)),
		"iam":         query(iamapi.New(s.iam)),
	}
}

// ready reports why the server cannot serve.
func (a *App) ready(ctx context.Context) error {
	if !a.runner.Working() {
		return errors.New("jobs are not being worked on")
	}
	_, err := a.accounts.identity.Accounts(ctx)
	return err
}

// tokenKey authenticates pagination tokens; it is derived from the master
// key, so that a token outlives a restart.
func tokenKey(master envelope.Key) (registry.TokenKey, error) {
	derived, err := hkdf.Key(sha256.New, master.Reveal(), nil, "mimeo pagination tokens", len(registry.TokenKey{}))
	if err != nil {
		return registry.TokenKey{}, fmt.Errorf("derive token key: %w", err)
	}
	return registry.TokenKey(derived), nil
}
