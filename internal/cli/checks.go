package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"runsheet/internal/check"
	"runsheet/internal/diagnose"
)

func newCheck(env Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check [SHEET or DIR]",
		Short: "Verify every invariant of a project, and its file system",
		Long: `Verifies what can be read off the disk: that every record and progress file parses and obeys the rules, one line for
each violation with what to do; and says what the file system can be trusted with. It changes nothing but temporary
files of its own. A project that is running can be checked.

Exit codes: 0 no violation; 1 some, or the file system lacks something; 2 the command line or the sheet is wrong, or the
file system could not be tested.`,
		Args: cobra.MaximumNArgs(1),
	}
	name := sheetFlag(cmd)
	fsDir := cmd.Flags().String("fs", "", "only tell what the file system of this directory can be trusted with")
	cmd.MarkFlagDirname("fs")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if cmd.Flags().Changed("fs") {
			if len(args) > 0 || *name != "" {
				return usage(errors.New("--fs is about a directory alone, not about a sheet as well"), "it is used like: `runsheet check --fs DIR`")
			}
			return checkDirectory(cmd.Context(), env, *fsDir)
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
		fmt.Fprintln(env.Out, s.Spelled(v.String()))
		if v.Severity == check.Broken {
			violations++
		}
	}
	dirs := []string{s.Dir}
	for _, r := range s.Runs {
		dirs = append(dirs, r.WorkDir)
	}
	var untested error
	lacking := false
	for _, dir := range check.Places(env.Disk, dirs) {
		switch lacks, err := checkFileSystem(ctx, env, dir); {
		case err != nil:
			untested = err
		case lacks:
			lacking = true
		}
	}
	if _, err := fmt.Fprintf(env.Out, "%s checked, %s\n", count(len(s.Runs), "run"), count(violations, "violation")); err != nil {
		return err
	}
	if violations == 0 && !lacking {
		return untested
	}
	if untested != nil {
		complain(env, untested)
	}
	return exit(exitFailed)
}

// count renders a number of things.
func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// checkDirectory tests the file system of a directory that a person named, and of no other.
func checkDirectory(ctx context.Context, env Env, dir string) error {
	const hint = "name a directory that you may write to"
	if dir == "" {
		return usage(errors.New("--fs needs a directory"), hint)
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(env.Dir, dir)
	}
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return usage(fmt.Errorf("test a file system: %w", err), hint)
	case !info.IsDir():
		return usage(fmt.Errorf("test a file system: %s: not a directory", dir), hint)
	}
	lacks, err := checkFileSystem(ctx, env, dir)
	if err == nil && lacks {
		err = exit(exitFailed)
	}
	return err
}

// checkFileSystem says what the file system of a directory can be trusted with, and whether it lacks anything. An error
// means that it could not be tested.
func checkFileSystem(ctx context.Context, env Env, dir string) (lacks bool, err error) {
	kind, err := check.SelfTest(ctx, env.Disk, dir)
	if err != nil {
		return false, usage(hinted(fmt.Errorf("test the file system of %s: %w", dir, err), "name a directory that you may write to"), "")
	}
	shared := "local"
	switch {
	case kind.Volatile:
		shared = "in memory: nothing there survives a power cut or a reboot"
	case !kind.Local:
		shared = "may be shared with other machines"
	}
	fmt.Fprintf(env.Out, "%s: %s, %s\n", diagnose.Clean(kind.Dir), kind.Kind, shared)
	for _, a := range kind.Abilities {
		mark, detail := "ok", ""
		switch {
		case a.Untested:
			mark = "?"
		case a.Slower:
			mark = "slower"
		case !a.OK:
			mark = "FAILED"
		}
		if a.Detail != "" {
			detail = ": " + diagnose.Clean(a.Detail)
		}
		fmt.Fprintf(env.Out, "  %-6s  %s%s\n", mark, a.Name, detail)
	}
	if kind.Untested() {
		return kind.Failed(), usage(fmt.Errorf("test the file system of %s: no space left", kind.Dir), "make room there, and check again")
	}
	return kind.Failed(), nil
}
