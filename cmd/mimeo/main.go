// Command mimeo is a self-hosted Amazon Rekognition Custom Labels.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"mimeo/internal/fault"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := newRoot().ExecuteContext(ctx); err != nil {
		var f *fault.Error
		if errors.As(err, &f) {
			err = errors.New(f.Message)
		}
		fmt.Fprintln(os.Stderr, "mimeo:", err)
		return 1
	}
	return 0
}

// newRoot returns the command line: one line and one file per command.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "mimeo",
		Short: "A self-hosted Amazon Rekognition Custom Labels",
		Long: `mimeo speaks the wire protocol of Amazon Rekognition Custom Labels: every AWS
SDK and the AWS CLI drive it unchanged. Train an image model, evaluate it,
copy it into another account, start it, detect custom labels.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          showHelp,
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.AddCommand(
		newDemo(),
		newServe(),
		newAccount(),
		newQuota(),
		newVerify(),
		newRecordKey(),
		newVersion(),
	)
	return root
}

// showHelp is what a command does that only has subcommands.
func showHelp(cmd *cobra.Command, _ []string) error { return cmd.Help() }
