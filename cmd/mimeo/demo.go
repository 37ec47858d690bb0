package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"mimeo/internal/demo"
)

// A demonstration is what the flags of mimeo demo say.
type demonstration struct {
	images     demo.UserImages
	detect     bool
	pictures   string
	seed       uint64
	keep, json bool
}

func newDemo() *cobra.Command {
	var d demonstration
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Train a model, copy it to another account, prove that it is the same",
		Long: `Tell the whole story on a server of its own in a temporary directory: train an
image model in one account, have the copy into another account refused, allow it
by a project policy, copy the model under that account's own KMS key, start both,
and compare their answers on held-back images bit by bit.

Every call goes over HTTP through the AWS SDK; each step prints the AWS CLI
commands that do the same. The story goes to standard error. The command fails
where anything that it promises is not so.

With --images and --manifest the story is told about your own labelled images.
The key of a line's source-ref is matched by its longest end that is a file
below the directory.

With --detect the story is told about a detector of bounding boxes, on scenes of
several parts or on your own manifest of boxes. A PNG of every held-back image
shows its ground truth, dashed, and what the copy found, solid.`,
		Example: `  mimeo demo
  mimeo demo --detect --pictures found
  mimeo demo --keep
  mimeo demo --images photos --manifest train.manifest --test-manifest test.manifest`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return d.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&d.images.Dir, "images", "", "`directory` with your own images")
	flags.StringVar(&d.images.Manifest, "manifest", "", "Ground Truth manifest `file` of your own images")
	flags.StringVar(&d.images.TestManifest, "test-manifest", "", "manifest `file` of the images to hold back (default a fifth of --manifest)")
	flags.BoolVar(&d.detect, "detect", false, "find parts in scenes, or objects in your own images, instead of naming images")
	flags.StringVar(&d.pictures, "pictures", "", "`directory` for the pictures of --detect (default a new temporary one, which is kept)")
	flags.Uint64Var(&d.seed, "seed", 1, "`number` that decides what is drawn, or held back")
	flags.BoolVar(&d.keep, "keep", false, "leave the server running and print the environment to export")
	flags.BoolVar(&d.json, "json", false, "print what was found as one JSON object")
	return cmd
}

// run tells the story in a temporary directory, which is removed if all went
// well and nothing is to be kept.
func (d demonstration) run(ctx context.Context, stdout, stderr io.Writer) (err error) {
	if err := d.images.Validate(); err != nil {
		return err
	}
	if d.pictures != "" && !d.detect {
		return errors.New("--pictures are those of --detect")
	}
	if d.detect && d.pictures == "" {
		if d.pictures, err = os.MkdirTemp("", "mimeo-pictures-"); err != nil {
			return fmt.Errorf("make a directory for the pictures: %w", err)
		}
	}
	dir, err := os.MkdirTemp("", "mimeo-demo-")
	if err != nil {
		return fmt.Errorf("make a directory for the demo: %w", err)
	}
	log, err := os.OpenFile(filepath.Join(dir, "server.log"), os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("make a log for the demo: %w", err)
	}
	logger := slog.New(slog.NewJSONHandler(log, nil))
	err = demo.Serve(ctx, filepath.Join(dir, "data"), logger, func(ctx context.Context, server demo.Server) error {
		return d.tell(ctx, dir, server, stdout, stderr)
	})
	err = errors.Join(err, log.Close())
	if err == nil && !d.keep {
		return os.RemoveAll(dir)
	}
	fmt.Fprintf(stderr, "\nEverything is kept in %s; server.log is what the server logged.\n", dir)
	return err
}

// tell tells the story to stderr, and what was found to stdout.
func (d demonstration) tell(ctx context.Context, dir string, server demo.Server, stdout, stderr io.Writer) error {
	began := time.Now()
	fmt.Fprintf(stderr, `mimeo serves Rekognition Custom Labels, S3, KMS, STS and IAM on %s
in the directory %s. The accounts are %s (profile %s), which owns
the model, and %s (profile %s), which copies it. To type along:

%s`, server.Endpoint, dir, demo.Trusting, demo.TrustingProfile, demo.Trusted, demo.TrustedProfile, environment(server))
	report, err := demo.Run(ctx, demo.Config{
		Server: server, Dir: dir, Images: d.images, Detect: d.detect, Pictures: d.pictures, Seed: d.seed, Out: stderr,
	})
	if d.json {
		encoder := json.NewEncoder(stdout)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		err = errors.Join(err, encoder.Encode(report))
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(stderr, "The whole story took %.1f seconds.\n", time.Since(began).Seconds())
	if d.keep {
		fmt.Fprintf(stderr, "\nThe server goes on until Ctrl-C:\n\n%s", environment(server))
		<-ctx.Done()
	}
	return nil
}

// environment is what a client exports to act as the trusting account.
func environment(server demo.Server) string {
	return fmt.Sprintf("  export AWS_CONFIG_FILE=%s\n  export AWS_SHARED_CREDENTIALS_FILE=%s\n  export AWS_PROFILE=%s\n",
		server.ConfigFile, server.CredentialsFile, demo.TrustingProfile)
}
