package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"mimeo/internal/app"
	"mimeo/internal/proof"
	"mimeo/internal/record"
)

func newVerify() *cobra.Command {
	var config app.Config
	var files []string
	var keysFile string
	cmd := &cobra.Command{
		Use:   "verify (VERSION-ARN | --file RECORD...) [--key KEYS]",
		Short: "Verify a version, its copy record and the chain it comes from",
		Long: `Verify all that is stored of a project version: the signature of its copy
record, the version against the record, every stored artifact and the result
files in the bucket against their digests, and the records of the copies that
it was made from. It works with the server running, through the socket
admin.sock in its data directory, and without.

With --file, which may be repeated, verify copy records as copies leave them
beside their results: spelling and signature, the result files that lie in the
same folder, and the chain from record to record. What is not there is named as
unchecked. With --key too, that needs no data directory.

What is WRONG is named, and what was CHANGED since by those who may: the result
files, by the owner of their bucket. In both cases the exit status is 1. What
nobody can tell, say while a key is disabled, is named as unchecked. A stored
artifact that is found damaged is marked: it is not copied until ScrubVersion
has found it whole.`,
		Example: `  mimeo verify arn:aws:rekognition:us-east-1:555555555555:project/p/version/v/1700000000000
  mimeo record-key > public.pem
  mimeo verify --file CopyRecord-p-v.json --key public.pem
  mimeo verify --file first/CopyRecord-p-v.json --file second/CopyRecord-q-w.json --key public.pem`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return runVerify(cmd, args, &config, files, keysFile) },
	}
	dataDirFlag(cmd, &config)
	cmd.Flags().StringArrayVar(&files, "file", nil, "copy record `file` to verify, with what lies beside it")
	cmd.Flags().StringVar(&keysFile, "key", "", "PEM `file` with the public keys to trust, and no others")
	return cmd
}

func runVerify(cmd *cobra.Command, args []string, config *app.Config, files []string, keysFile string) error {
	keys, err := readKeys(keysFile)
	switch {
	case err != nil:
		return err
	case (len(files) == 0) == (len(args) == 0):
		return errors.New("give either the ARN of a version or --file")
	case len(files) > 0 && keys != "":
		return verifyFiles(cmd, files, keys)
	}
	return withOperator(config, func(cmd *cobra.Command, o *app.Operator, _ []string) error {
		if len(files) > 0 {
			own, err := o.RecordKeys(cmd.Context())
			if err != nil {
				return err
			}
			return verifyFiles(cmd, files, own)
		}
		report, err := o.Verify(cmd.Context(), args[0], keys)
		if err != nil {
			return err
		}
		return tell(cmd.OutOrStdout(), report)
	})(cmd, args)
}

// readKeys reads public keys; an empty name is none.
func readKeys(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read the public keys: %w", err)
	}
	return string(text), nil
}

// What ends a verification that has found something; what it found is printed.
var (
	errDamaged = errors.New("not all is as it should be")
	errChanged = errors.New("the version is as it should be, but what others may change was changed or removed since")
)

func tell(w io.Writer, report *proof.Report) error {
	for _, f := range report.Findings {
		switch {
		case f.Problem != "":
			fmt.Fprintf(w, "WRONG      %s: %s\n", f.What, f.Problem)
		case f.Changed != "":
			fmt.Fprintf(w, "CHANGED    %s: %s\n", f.What, f.Changed)
		case f.Unchecked != "":
			fmt.Fprintf(w, "unchecked  %s: %s\n", f.What, f.Unchecked)
		default:
			fmt.Fprintf(w, "ok         %s\n", f.What)
		}
	}
	switch {
	case !report.Sound():
		return errDamaged
	case !report.Unchanged():
		return errChanged
	default:
		return nil
	}
}

func verifyFiles(cmd *cobra.Command, files []string, keys string) error {
	trusted, err := record.ParsePublicKeys([]byte(keys))
	if err != nil {
		return err
	}
	report, err := proof.VerifyFiles(cmd.Context(), files, trusted)
	if err != nil {
		return err
	}
	return tell(cmd.OutOrStdout(), report)
}

func newRecordKey() *cobra.Command {
	var config app.Config
	var rotate bool
	cmd := &cobra.Command{
		Use:   "record-key",
		Short: "Print the public keys that verify copy records, or make a new one",
		Long: `Print the public keys of the keys that sign copy records, as PEM, the one that
signs now last. Keep them where the server cannot change them: "mimeo verify
--key" trusts no others.

With --rotate, make a new key first. Old ones are kept, and what they signed
stays verifiable.`,
		Args: cobra.NoArgs,
		RunE: withOperator(&config, func(cmd *cobra.Command, o *app.Operator, _ []string) error {
			if rotate {
				if err := o.RotateRecordKey(cmd.Context()); err != nil {
					return err
				}
			}
			keys, err := o.RecordKeys(cmd.Context())
			if err != nil {
				return err
			}
			fmt.Fprint(cmd.OutOrStdout(), keys)
			return nil
		}),
	}
	dataDirFlag(cmd, &config)
	cmd.Flags().BoolVar(&rotate, "rotate", false, "make a new key, which signs from now on")
	return cmd
}
