package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"mimeo/internal/app"
)

// Serve runs a server of its own on a free port, keeping everything in
// dataDir, with the accounts of the story; it ends when use returns.
func Serve(ctx context.Context, dataDir string, logger *slog.Logger, use func(context.Context, Server) error) error {
	return serve(ctx, dataDir, logger, app.Extras{}, use)
}

func serve(ctx context.Context, dataDir string, logger *slog.Logger, extras app.Extras, use func(context.Context, Server) error) error {
	config := app.Config{DataDir: dataDir, Listen: "127.0.0.1:0"}
	if err := openAccounts(ctx, config); err != nil {
		return fmt.Errorf("create the accounts of the demo: %w", err)
	}
	server, err := app.New(ctx, config, logger, extras)
	if err != nil {
		return fmt.Errorf("start the server of the demo: %w", err)
	}
	// The server outlives ctx by as long as use takes to notice its end.
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	group, inGroup := errgroup.WithContext(serving)
	group.Go(func() error { return server.Run(inGroup) })
	group.Go(func() error {
		defer stop()
		using, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(inGroup, cancel)()
		return use(using, Server{
			Endpoint:        server.Endpoint(),
			ConfigFile:      filepath.Join(dataDir, "aws", "config"),
			CredentialsFile: filepath.Join(dataDir, "aws", "credentials"),
		})
	})
	return group.Wait()
}

// openAccounts makes both accounts, as mimeo account create does.
func openAccounts(ctx context.Context, config app.Config) (err error) {
	operator, err := app.OpenOperator(ctx, config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, operator.Close()) }()
	for _, a := range []app.NewAccount{{ID: Trusting, Profile: TrustingProfile}, {ID: Trusted, Profile: TrustedProfile}} {
		if err := operator.Create(ctx, a); err != nil {
			return err
		}
	}
	return nil
}
