package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"runsheet"
	"runsheet/internal/report"
)

func newReport(env Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "report [SHEET]",
		Short: "Print the results table",
		Long: `Prints the results of the finished runs: rows x columns, mean ± standard deviation over the sheet's repeat axis, the
best of each column marked, and how many of the repeats are in where some are missing.

Exit codes: 0 the table could be made, also of unfinished runs; 2 the command line or the sheet is wrong.`,
		Args: cobra.MaximumNArgs(1),
	}
	name := sheetFlag(cmd)
	format := cmd.Flags().StringP("format", "f", "text", strings.Join(report.Formats(), ", "))
	var o report.Options
	cmd.Flags().StringSliceVar(&o.Rows, "rows", nil, "parameters that make the rows")
	cmd.Flags().StringSliceVar(&o.Columns, "columns", nil, "parameters that make the columns")
	cmd.Flags().StringSliceVar(&o.Metrics, "metric", nil, "metrics to show (default those of the sheet)")
	cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(report.Formats(), cobra.ShellCompDirectiveNoFileComp))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !slices.Contains(report.Formats(), *format) {
			return usage(fmt.Errorf("there is no format %q", *format), "choose one of "+strings.Join(report.Formats(), ", "))
		}
		path, err := sheetArg(args, *name)
		if err != nil {
			return err
		}
		s, err := loadSheet(env, path)
		if err != nil {
			return err
		}
		if err := distrusted(env, s); err != nil {
			complain(env, err)
		}
		return results(env.Out, snapshot(cmd.Context(), env, newObserver(env), s, patiently), o, *format)
	}
	return cmd
}

// results prints the results table in a format.
func results(w io.Writer, snap runsheet.Snapshot, o report.Options, format string) error {
	table, err := report.Results(snap, o)
	if err != nil {
		return usage(err, "")
	}
	text, err := table.Render(format)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, text)
	return err
}
