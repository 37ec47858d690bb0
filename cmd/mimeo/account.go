package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"mimeo/internal/app"
)

func newAccount() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "account",
		Short: "Create, list and delete accounts",
		Long: `Create, list and delete accounts. The commands work with the server running,
through the socket admin.sock in its data directory, and without.`,
		Args: cobra.NoArgs,
		RunE: showHelp,
	}
	cmd.AddCommand(newAccountCreate(), newAccountList(), newAccountDelete(), newAccountCopyMode())
	return cmd
}

func newAccountCreate() *cobra.Command {
	var config app.Config
	var account app.NewAccount
	cmd := &cobra.Command{
		Use:   "create ID --profile NAME",
		Short: "Create an account with a root access key",
		Long: `Create an account with a root access key. The key goes into aws/config and
aws/credentials in the data directory, as the profile NAME, and is shown
nowhere else.`,
		Example: "  mimeo account create 555555555555 --profile partner",
		Args:    cobra.ExactArgs(1),
		RunE: withOperator(&config, func(cmd *cobra.Command, o *app.Operator, args []string) error {
			account.ID = args[0]
			if err := o.Create(cmd.Context(), account); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "account %s created; use it with AWS_PROFILE=%s\n", account.ID, account.Profile)
			return nil
		}),
	}
	dataDirFlag(cmd, &config)
	cmd.Flags().StringVar(&account.Profile, "profile", "", "`name` of the profile that gets the access key (required)")
	cmd.Flags().StringVar(&account.Region, "region", app.DefaultRegion, "`region` of the profile")
	if err := cmd.MarkFlagRequired("profile"); err != nil {
		panic(err) // cannot happen: the flag is there
	}
	return cmd
}

func newAccountList() *cobra.Command {
	var config app.Config
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the accounts and their profiles",
		Args:  cobra.NoArgs,
		RunE: withOperator(&config, func(cmd *cobra.Command, o *app.Operator, _ []string) error {
			accounts, err := o.List(cmd.Context())
			if err != nil {
				return err
			}
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(table, "ACCOUNT\tCREATED\tPROFILES")
			for _, a := range accounts {
				fmt.Fprintf(table, "%s\t%s\t%s\n", a.ID, a.Created.UTC().Format("2006-01-02 15:04:05Z"), strings.Join(a.Profiles, ", "))
			}
			return table.Flush()
		}),
	}
	dataDirFlag(cmd, &config)
	return cmd
}

func newAccountDelete() *cobra.Command {
	var config app.Config
	cmd := &cobra.Command{
		Use:   "delete ID",
		Short: "Delete an account: its access key stops working at once",
		Long: `Delete an account: its access key stops working at once, and its profiles are
removed. What it owns stays, and is its own again if it is created again.
Copies that others made of its models go on working.`,
		Args: cobra.ExactArgs(1),
		RunE: withOperator(&config, func(cmd *cobra.Command, o *app.Operator, args []string) error {
			if err := o.Delete(cmd.Context(), args[0]); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "account %s deleted\n", args[0])
			return nil
		}),
	}
	dataDirFlag(cmd, &config)
	return cmd
}

func newAccountCopyMode() *cobra.Command {
	var config app.Config
	cmd := &cobra.Command{
		Use:   "copy-mode ID share|reseal|default",
		Short: "Set how copies into an account are made",
		Long: `Set how copies into an account are made for which the request does not say it.

share wraps keys anew and moves no byte of the model, whatever its size. reseal
opens the model and seals it again under fresh keys, so that the copy has bytes
of its own. default leaves it to the server's --copy-mode.`,
		Example: "  mimeo account copy-mode 555555555555 reseal",
		Args:    cobra.ExactArgs(2),
		RunE: withOperator(&config, func(cmd *cobra.Command, o *app.Operator, args []string) error {
			mode := args[1]
			if mode == "default" {
				mode = ""
			}
			if err := o.SetCopyMode(cmd.Context(), args[0], mode); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "copy mode of account %s set to %s\n", args[0], args[1])
			return nil
		}),
	}
	dataDirFlag(cmd, &config)
	return cmd
}

// withOperator runs fn on the data directory that config names.
func withOperator(config *app.Config, fn func(*cobra.Command, *app.Operator, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) (err error) {
		operator, err := app.OpenOperator(cmd.Context(), config.FromEnvironment(os.Getenv))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, operator.Close()) }()
		return fn(cmd, operator, args)
	}
}
