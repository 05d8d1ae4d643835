package cli

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"runsheet/internal/check"
)

func newCheck(env Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check [SHEET or DIR]",
		Short: "Verify every invariant of a project, and its file system",
		Long: `Verifies what can be read off the disk: that every record and progress file parses and obeys the rules, one line for
each violation with what to do; and says what the file system can be trusted with. It changes nothing but temporary
files of its own. A project that is running can be checked.

Exit codes: 0 no violation, 1 some, 2 the command line or the sheet is wrong.`,
		Args: cobra.MaximumNArgs(1),
	}
	name := sheetFlag(cmd)
	fsDir := cmd.Flags().String("fs", "", "only tell what the file system of this directory can be trusted with")
	cmd.MarkFlagDirname("fs")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *fsDir != "" {
			return checkFileSystem(cmd.Context(), env, *fsDir)
		}
		path, err := sheetArg(args, *name)
		if err != nil {
			return err
		}
		return checkProject(cmd.Context(), env, path)
	}
	return cmd
}

func checkProject(ctx context.Context, env Env, path string) error {
	s, err := sheetOrDirectory(env, path)
	if err != nil {
		return err
	}
	var found []check.Violation
	if s.Path != "" {
		found = check.Sheet(ctx, env.Disk, s)
	} else {
		found = check.Runs(ctx, env.Disk, s.Runs)
	}
	violations := 0
	for _, v := range found {
		fmt.Fprintln(env.Out, v)
		if v.Severity == check.Broken {
			violations++
		}
	}
	dirs := []string{s.Dir}
	for _, r := range s.Runs {
		dirs = append(dirs, r.WorkDir)
	}
	for _, dir := range check.Places(env.Disk, dirs) {
		if ferr := checkFileSystem(ctx, env, dir); ferr != nil {
			err = ferr
		}
	}
	if _, err := fmt.Fprintf(env.Out, "%d runs checked, %d violations\n", len(s.Runs), violations); err != nil {
		return err
	}
	if err == nil && violations > 0 {
		err = exit(exitFailed)
	}
	return err
}

func checkFileSystem(ctx context.Context, env Env, dir string) error {
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(env.Dir, dir)
	}
	kind, err := check.SelfTest(ctx, env.Disk, dir)
	if err != nil {
		return usage(fmt.Errorf("test the file system of %s: %w", dir, err), "name a directory that you may write to")
	}
	shared := "local"
	if !kind.Local {
		shared = "may be shared with other machines"
	}
	fmt.Fprintf(env.Out, "%s: %s, %s\n", kind.Dir, kind.Kind, shared)
	for _, a := range kind.Abilities {
		mark, detail := "ok", ""
		if !a.OK {
			mark = "FAILED"
		}
		if a.Detail != "" {
			detail = ": " + clean(a.Detail)
		}
		fmt.Fprintf(env.Out, "  %-6s  %s%s\n", mark, a.Name, detail)
	}
	if kind.Failed() {
		return exit(exitFailed)
	}
	return nil
}
