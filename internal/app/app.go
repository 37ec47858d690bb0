// Package app puts the program together: it is the only package that knows
// every other. A configuration goes in, a running server comes out. The lists
// in storage.go, families.go, jobs.go and routes.go are read top to bottom;
// nothing registers itself.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"mimeo/internal/job"
	"mimeo/internal/kms"
	"mimeo/internal/proof"
	"mimeo/internal/quota"
	"mimeo/internal/serving"
)

// An App is one server: its port is open and its data directory is locked.
type App struct {
	config   Config
	logger   *slog.Logger
	storage  *storage
	accounts *accounts
	quotas   *quota.Service
	port     net.Listener
	admin    net.Listener
	handler  http.Handler
	runner   *job.Runner
	keys     *kms.Service
	closing  chan struct{} // closed when Run is told to end
	proof    *proof.Service
	serving  *serving.Service
	now      func() time.Time
}

// New opens the data directory and the port. Requests wait until Run.
func New(ctx context.Context, c Config, logger *slog.Logger, extras Extras) (_ *App, err error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	if c.DataDir, err = filepath.Abs(c.DataDir); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	a := &App{config: c, logger: logger, closing: make(chan struct{}), now: time.Now}
	if extras.Now != nil {
		a.now = extras.Now
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.close())
		}
	}()
	if a.storage, err = openStorage(ctx, c, extras.Faults); err != nil {
		return nil, err
	}
	a.quotas = quota.New(a.storage.db.Quotas(), a.now)
	if a.port, err = listen(ctx, c); err != nil {
		return nil, err
	}
	if a.accounts, err = openAccounts(c, a.storage, a.Endpoint(), a.now); err != nil {
		return nil, err
	}
	if err := a.accounts.profiles.setEndpoint(a.Endpoint()); err != nil {
		return nil, err
	}
	if err := a.accounts.first(ctx); err != nil {
		return nil, fmt.Errorf("make the first account: %w", err)
	}
	if err := a.assemble(ctx, extras); err != nil {
		return nil, err
	}
	if a.admin, err = listenAdmin(ctx, c.adminSocket()); err != nil { // last: who finds it finds a server
		return nil, err
	}
	return a, nil
}

// Endpoint is the URL that clients on this machine use.
func (a *App) Endpoint() string { return a.config.endpoint(a.port.Addr()) }

// Accounts is what an operator can do with the server's accounts.
func (a *App) Accounts() Accounts { return a.accounts }

// Environment is what a client exports to use a profile of this server, as
// NAME=value.
func (a *App) Environment(profile string) []string {
	return []string{
		"AWS_CONFIG_FILE=" + a.accounts.profiles.config(),
		"AWS_SHARED_CREDENTIALS_FILE=" + a.accounts.profiles.credentials(),
		"AWS_PROFILE=" + profile,
	}
}

// Run serves until ctx ends. Then requests finish, jobs stop where they can
// go on later, and the data directory is released.
func (a *App) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		<-ctx.Done()
		close(a.closing)
		return nil
	})
	group.Go(func() error { return serve(ctx, a.port, a.handler, a.logger) })
	group.Go(func() error {
		return serve(ctx, a.admin, adminRoutes(a.accounts, a.quotas, proofs{a.proof}, a.logger), a.logger)
	})
	group.Go(func() error { return a.runner.Run(ctx) })
	group.Go(func() error { return a.sweep(ctx) })
	group.Go(func() error { return a.scrub(ctx) })
	group.Go(func() error { return a.forget(ctx) })
	return errors.Join(group.Wait(), a.close())
}

// Close releases what New opened, where Run is never called.
func (a *App) Close() error { return a.close() }

func (a *App) close() error {
	var errs []error
	for _, l := range []net.Listener{a.port, a.admin} {
		if l == nil {
			continue
		}
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if a.storage != nil {
		errs = append(errs, a.storage.close())
	}
	return errors.Join(errs...)
}
