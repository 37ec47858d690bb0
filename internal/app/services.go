package app

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"mimeo/internal/family"
	"mimeo/internal/identity"
	"mimeo/internal/job"
	"mimeo/internal/kms"
	"mimeo/internal/reqlog"
)

// Extras are what tests and benchmarks add to a server.
type Extras struct {
	Families []family.Family // beside the product's own
}

// services are the rooms behind the edges, in the order in which they are
// built: each may use those above it.
type services struct {
	identity *identity.Service
	keys     *kms.Service
}

// assemble builds the services, the HTTP surface and the runner of jobs.
func (a *App) assemble(_ Extras) error {
	s := &services{identity: a.accounts.identity}
	s.keys = kms.New(a.storage.db.KMS(), a.storage.master, s.identity, time.Now)
	a.handler = reqlog.Handler(bounded(&routes{services: s.edges(), own: ownPages(a.ready)}), a.logger, time.Now)
	return a.employ(s.workers())
}

// employ makes the runner of the server's jobs.
func (a *App) employ(workers []job.Worker) (err error) {
	if len(workers) == 0 {
		return nil
	}
	a.runner, err = job.NewRunner(a.storage.db.Queue(), a.storage.db.Jobs(), workers, a.logger, job.Options{Concurrency: concurrency})
	if err != nil {
		return fmt.Errorf("open runner: %w", err)
	}
	return nil
}

// ready reports why the server cannot serve.
func (a *App) ready(ctx context.Context) error {
	_, err := a.accounts.identity.Accounts(ctx)
	return err
}

// edges are the protocols by the signing name of their service, one line each.
func (s *services) edges() map[string]http.Handler {
	return map[string]http.Handler{}
}
