package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/observe"
	"runsheet/internal/report"
	"runsheet/internal/tracker"
	"runsheet/internal/tui"
)

// watchEvery is how often `status --watch` looks.
const watchEvery = 2 * time.Second

type statusOptions struct {
	sheet     string
	json      bool
	watch     bool
	recompute bool
	series    bool
}

// look returns how the runs are looked at.
func (o statusOptions) look() observation {
	if o.recompute {
		return (*observe.Observer).Recompute
	}
	return (*observe.Observer).Brief
}

func newStatus(env Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status [SHEET or DIR...] [RUN...]",
		Short: "Show the truth about every run",
		Long: `Shows every run of a sheet (default ./runsheet.yaml) with its status and its progress, as the records and the
evidence say now. A directory without any sheet works too: whatever is recognised below it. Nothing is changed
but caches, and nothing is executed.

` + selectionHelp + `

Exit codes: 0 the truth could be said, errors of single runs included; 2 the command line or the sheet is wrong.`,
	}
	var o statusOptions
	name := sheetFlag(cmd)
	cmd.Flags().BoolVar(&o.json, "json", false, "print "+report.StatusSchema+", one document for each argument")
	cmd.Flags().BoolVarP(&o.watch, "watch", "w", false, "show it again and again until interrupted")
	cmd.Flags().BoolVar(&o.recompute, "recompute", false, "read all the evidence anew, whatever the caches say")
	cmd.Flags().BoolVar(&o.series, "series", false, "with --json: add the course of every metric, at most 1,024 points each, read anew")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if o.sheet = *name; o.series && !o.json {
			return usage(errors.New("--series needs --json"), "add --json")
		}
		return status(cmd.Context(), env, o, args)
	}
	return cmd
}

func status(ctx context.Context, env Env, o statusOptions, args []string) error {
	places, words := split(env, args)
	if o.sheet != "" || len(places) == 0 {
		places = append(places, o.sheet)
	}
	var sheets []shown
	for _, arg := range places {
		s, err := sheetOrDirectory(env, arg)
		if err != nil {
			return err
		}
		if err := distrusted(env, s); err != nil {
			complain(env, err)
		}
		chosen, err := selectRuns(s.Runs, words)
		if err != nil {
			return err
		}
		sheets = append(sheets, shown{s, chosen})
	}
	observer := newObserver(env)
	if !o.watch {
		return showStatus(ctx, env, observer, sheets, o)
	}
	ctx, cancel := signal.NotifyContext(ctx, unix.SIGINT, unix.SIGTERM)
	defer cancel()
	show := func() error { return showStatus(ctx, env, observer, sheets, o) }
	if _, ok := terminal(env.Out); ok && !o.json && len(sheets) == 1 {
		live := tui.NewWatch(env.Out.(*os.File), colour(env.Out))
		go live.Run(context.Background()) // ended by Close; a terminal that is gone is noticed by the signal that tells of it
		defer live.Close()
		show = func() error {
			live.Show(sheets[0].snapshot(ctx, env, observer, o.look()))
			return nil
		}
	}
	for {
		if err := show(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(watchEvery):
		}
	}
}

// shown is what is shown of a sheet.
type shown struct {
	sheet  *runsheet.Sheet
	chosen selection
}

func (s shown) snapshot(ctx context.Context, env Env, o *observe.Observer, look observation) runsheet.Snapshot {
	snap := snapshotOf(ctx, env, o, s.sheet, s.chosen, look)
	snap.Runs = slices.DeleteFunc(snap.Runs, func(r runsheet.Observed) bool { return !s.chosen.has(r.Status) })
	snap.Strays = slices.DeleteFunc(snap.Strays, func(r runsheet.Observed) bool { return !s.chosen.includes(r) })
	return snap
}

// split separates the sheets and directories among a view's arguments from its filters. An argument that looks like a filter is
// one, unless a file or a directory has that name.
func split(env Env, args []string) (places, words []string) {
	for _, arg := range args {
		path := arg
		if !filepath.IsAbs(path) {
			path = filepath.Join(env.Dir, path)
		}
		if _, err := stat(path); err != nil && !errors.Is(err, errSilent) && strings.Contains(arg, "=") &&
			!strings.HasSuffix(arg, ".yaml") && !strings.HasSuffix(arg, ".yml") {
			words = append(words, arg)
		} else {
			places = append(places, arg)
		}
	}
	return places, words
}

// sheetOrDirectory returns the sheet that an argument names: a file, a directory that holds one, or a directory of
// runs.
func sheetOrDirectory(env Env, arg string) (*runsheet.Sheet, error) {
	path := arg
	if path == "" {
		path = env.Dir
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(env.Dir, path)
	}
	info, err := stat(path)
	if errors.Is(err, errSilent) {
		return nil, usage(fmt.Errorf("cannot look at %s: %w", path, err), "")
	}
	if err != nil || !info.IsDir() {
		return loadSheet(env, arg)
	}
	if _, err := os.Lstat(filepath.Join(path, defaultSheet)); !errors.Is(err, fs.ErrNotExist) {
		return loadSheet(env, filepath.Join(path, defaultSheet))
	}
	s, err := directory(env, path)
	if err != nil && arg == "" {
		return loadSheet(env, "") // says that there is no sheet, and what to do
	}
	return s, err
}

func showStatus(ctx context.Context, env Env, observer *observe.Observer, sheets []shown, o statusOptions) error {
	width, _ := terminal(env.Out)
	for i, s := range sheets {
		snap := s.snapshot(ctx, env, observer, o.look())
		if len(s.chosen.words) == 0 && !o.watch {
			snap.Gone = gone(ctx, env, observer, s.sheet)
		}
		if o.json {
			status := report.Status(snap)
			addAttempts(ctx, env, snap, status.Runs)
			if o.series {
				addSeries(ctx, env, snap, status.Runs)
			}
			doc, err := status.JSON()
			if err != nil {
				return err
			}
			if _, err := env.Out.Write(doc); err != nil {
				return err
			}
			continue
		}
		if i > 0 {
			fmt.Fprintln(env.Out)
		}
		if err := report.StatusTable(env.Out, snap, report.Style{Width: width, Colour: colour(env.Out)}); err != nil {
			return err
		}
	}
	return nil
}

// addSeries reads the course of every metric of the runs of a snapshot into their documents.
func addSeries(ctx context.Context, env Env, snap runsheet.Snapshot, docs []report.RunDoc) {
	for i := range docs {
		o := snap.Runs[i]
		docs[i].Series, _, _ = observe.Try(ctx, o.Run.WorkDir, observe.Patience, func() map[string][]runsheet.Point {
			series, _ := tracker.Series(ctx, env.Disk, o.Run.WorkDir, o.Facts.Spec(o.Run.Progress), tracker.Options{})
			return series
		})
	}
}
