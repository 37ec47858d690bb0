package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"mimeo/internal/app"
)

func newServe() *cobra.Command {
	var config app.Config
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the server",
		Long: `Run the server: Rekognition Custom Labels, S3, KMS, STS and IAM on one port.

The first start makes the account ` + app.FirstAccount + ` and writes its access key, as
profile ` + app.FirstProfile + `, to aws/config and aws/credentials in the data directory. What
a client has to export is printed. SIGTERM or Ctrl-C ends the server: requests
finish, and jobs go on at the next start.

Every flag can be given as an environment variable instead: MIMEO_DATA_DIR,
MIMEO_LISTEN, MIMEO_TLS_CERT, MIMEO_TLS_KEY, MIMEO_COPY_MODE, MIMEO_MAX_IN_FLIGHT,
MIMEO_SCRUB_EVERY, MIMEO_EVENT_PRIVATE_TARGETS.`,
		Example: `  mimeo serve
  mimeo serve --data-dir /var/lib/mimeo --listen :4577 --tls-cert cert.pem --tls-key key.pem`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			logger := slog.New(slog.NewJSONHandler(cmd.ErrOrStderr(), nil))
			server, err := app.New(cmd.Context(), config.FromEnvironment(os.Getenv), logger, app.Extras{})
			if err != nil {
				if cmd.Context().Err() != nil {
					return nil // stopped before it began
				}
				return err
			}
			profile, err := anyProfile(cmd.Context(), server)
			if cmd.Context().Err() != nil {
				return server.Close() // stopped before it began
			}
			if err != nil {
				return errors.Join(err, server.Close())
			}
			greet(cmd.OutOrStdout(), server, profile)
			return server.Run(cmd.Context())
		},
	}
	dataDirFlag(cmd, &config)
	cmd.Flags().StringVar(&config.Listen, "listen", "", "TCP `address` to listen on (default "+app.DefaultListen+")")
	cmd.Flags().StringVar(&config.TLSCert, "tls-cert", "", "PEM `file` with the certificate: serve https")
	cmd.Flags().StringVar(&config.TLSKey, "tls-key", "", "PEM `file` with the certificate's key")
	cmd.Flags().IntVar(&config.MaxInFlight, "max-in-flight", 0, fmt.Sprintf("`number` of requests worked on at once, half of them of one account at most; more are throttled (default %d)", app.DefaultMaxInFlight))
	cmd.Flags().BoolVar(&config.EventPrivateTargets, "event-private-targets", false, "let webhooks of events reach internal networks and this machine")
	cmd.Flags().DurationVar(&config.ScrubEvery, "scrub-every", 0, "read a stored artifact again after this `time`, in the background (default a week)")
	cmd.Flags().IntVar(&config.TrainingMemory, "training-memory", 0, fmt.Sprintf("`MiB` of memory that trainings may take, all together (default %d)", app.DefaultTrainingMemory))
	cmd.Flags().StringVar(&config.CopyMode, "copy-mode", "", "`mode` of copies for which neither request nor account says it: share or reseal (default share)")
	return cmd
}

// dataDirFlag is the flag that all operator commands have.
func dataDirFlag(cmd *cobra.Command, config *app.Config) {
	cmd.Flags().StringVar(&config.DataDir, "data-dir", "", "`directory` that holds everything (default mimeo-data)")
}

// anyProfile is a profile with which the server can be used: the first
// account's, if it is there.
func anyProfile(ctx context.Context, server *app.App) (string, error) {
	accounts, err := server.Accounts().List(ctx)
	if err != nil {
		return "", err
	}
	var names []string
	for _, a := range accounts {
		names = append(names, a.Profiles...)
	}
	if len(names) == 0 || slices.Contains(names, app.FirstProfile) {
		return app.FirstProfile, nil
	}
	return names[0], nil
}

// greet says where the server is and what a client needs to know of it.
func greet(w io.Writer, server *app.App, profile string) {
	fmt.Fprintf(w, "mimeo serves Rekognition Custom Labels, S3, KMS, STS and IAM on %s\n\n", server.Endpoint())
	for _, variable := range server.Environment(profile) {
		fmt.Fprintf(w, "export %s\n", variable)
	}
	fmt.Fprintf(w, `
aws --endpoint-url %[1]s sts get-caller-identity
aws --endpoint-url %[1]s s3 mb s3://my-images
aws --endpoint-url %[1]s rekognition create-project --project-name my-project

`, server.Endpoint())
}
