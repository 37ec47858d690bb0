package main

import (
	"fmt"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"mimeo/internal/app"
	"mimeo/internal/quota"
)

func newQuota() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "quota",
		Short: "List and set the quotas of an account",
		Long: `List and set the quotas of an account: how much it may have of what, and how
many requests it may make in a second. Amounts are AWS's where nobody has set
another, requests are unlimited. The commands work with the server running,
through the socket admin.sock in its data directory, and without.`,
		Args: cobra.NoArgs,
		RunE: showHelp,
	}
	cmd.AddCommand(newQuotaList(), newQuotaSet())
	return cmd
}

func newQuotaList() *cobra.Command {
	var config app.Config
	cmd := &cobra.Command{
		Use:     "list ID",
		Short:   "List the quotas of an account, with AWS's values",
		Example: "  mimeo quota list 111122223333",
		Args:    cobra.ExactArgs(1),
		RunE: withOperator(&config, func(cmd *cobra.Command, o *app.Operator, args []string) error {
			quotas, err := o.Quotas.Quotas(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(table, "QUOTA\tVALUE\tSET BY\tAWS\tBOUNDS")
			for _, q := range quotas {
				by := "default"
				if q.Set {
					by = "operator"
				}
				fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\n", q.Name, quotaText(q.Value), by, q.AWS, q.About)
			}
			return table.Flush()
		}),
	}
	dataDirFlag(cmd, &config)
	return cmd
}

func quotaText(value int) string {
	if value == quota.Unlimited {
		return "unlimited"
	}
	return strconv.Itoa(value)
}

func newQuotaSet() *cobra.Command {
	var config app.Config
	cmd := &cobra.Command{
		Use:   "set ID (NAME VALUE | NAME default | aws | unlimited)",
		Short: "Set a quota of an account, or all its rates",
		Long: `Set a quota of an account to a value, or back to its default; "mimeo quota list"
shows the names. 0 allows nothing. A lower value takes nothing away that is
there already: it refuses what comes.

aws sets all rates (the quotas that end in PerSecond) to AWS's values, unlimited
sets them back to the default. Neither changes any other quota.

A server that is running goes by the new value at once. What a rate refuses is
answered with ProvisionedThroughputExceededException.`,
		Example: `  mimeo quota set 111122223333 ModelsPerProject 500
  mimeo quota set 111122223333 ModelsPerProject default
  mimeo quota set 111122223333 aws`,
		Args: cobra.RangeArgs(2, 3),
		RunE: withOperator(&config, func(cmd *cobra.Command, o *app.Operator, args []string) error {
			values, err := quotaChange(args[1:])
			if err != nil {
				return err
			}
			if err := o.Set(cmd.Context(), args[0], values); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "quotas of account %s set\n", args[0])
			return nil
		}),
	}
	dataDirFlag(cmd, &config)
	return cmd
}

// quotaChange is the change that the words after the account ask for.
func quotaChange(words []string) (quota.Values, error) {
	switch {
	case len(words) == 1 && words[0] == "aws":
		return quota.AWSRates(), nil
	case len(words) == 1 && words[0] == "unlimited":
		return quota.NoRates(), nil
	case len(words) == 1:
		return nil, fmt.Errorf("%q needs a value: a number, or default", words[0])
	case words[1] == "default":
		return quota.Values{quota.Name(words[0]): nil}, nil
	}
	value, err := strconv.Atoi(words[1])
	if err != nil {
		return nil, fmt.Errorf("%q is no value: a number is, or default", words[1])
	}
	return quota.Values{quota.Name(words[0]): &value}, nil
}
