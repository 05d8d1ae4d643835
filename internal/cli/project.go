package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"runsheet"
	"runsheet/internal/diagnose"
	"runsheet/internal/durable"
	"runsheet/internal/executor/local"
	"runsheet/internal/executor/slurm"
	"runsheet/internal/forkserver"
	"runsheet/internal/journal"
	"runsheet/internal/launcher"
	"runsheet/internal/observe"
	"runsheet/internal/progress"
	"runsheet/internal/record"
	"runsheet/internal/report"
	"runsheet/internal/sheet"
	"runsheet/internal/shell"
)

// defaultSheet is the sheet that is meant where none is named.
const defaultSheet = "runsheet.yaml"

// loadSheet loads the sheet that was named, or the one of the working directory. Errors exit with 2.
func loadSheet(env Env, name string) (*runsheet.Sheet, error) {
	path := sheetPath(env, name)
	s, err := sheet.Load(path)
	if err != nil {
		return nil, usage(err, "")
	}
	s.Typed = typed(env, path)
	env.about.sheet = s
	return s, nil
}

// sheetPath returns the absolute path of the sheet that was named.
func sheetPath(env Env, name string) string {
	if name == "" {
		name = defaultSheet
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(env.Dir, name)
	}
	return filepath.Clean(name)
}

// typed returns how a person names a sheet, or a directory without one, on a command line; empty: it need not be named.
func typed(env Env, path string) string {
	if path == filepath.Join(env.Dir, defaultSheet) || path == env.Dir {
		return ""
	}
	if rel, err := filepath.Rel(env.Dir, path); err == nil && len(rel) < len(path) {
		path = rel
	}
	if strings.HasPrefix(path, "-") {
		path = "./" + path
	}
	return shell.Argument(diagnose.Clean(path))
}

// sheetFlag adds -s, which names the sheet on every command.
func sheetFlag(cmd *cobra.Command) *string {
	name := cmd.Flags().StringP("sheet", "s", "", "the sheet (default ./"+defaultSheet+")")
	cmd.MarkFlagFilename("sheet", "yaml", "yml")
	return name
}

// sheetArg returns the sheet named by the one argument or by -s.
func sheetArg(args []string, flag string) (string, error) {
	switch {
	case len(args) == 0:
		return flag, nil
	case flag != "" && flag != args[0]:
		return "", usage(fmt.Errorf("two sheets are named: %s and %s", args[0], flag), "name one, as argument or with -s")
	}
	return args[0], nil
}

// newObserver returns an observer of this machine's runs.
func newObserver(env Env) *observe.Observer {
	return observerOf(env, executors(env, forkserver.Here(), nil))
}

// observerOf returns an observer that asks these executors.
func observerOf(env Env, all []runsheet.Executor) *observe.Observer {
	return observe.New(env.Disk, progress.New(env.Disk, progress.Options{}), all...)
}

// executors returns those of every kind, for the pool of a sheet; without a pool they can look and stop, and start
// nothing on a cluster. What they start is started by fork.
func executors(env Env, fork *forkserver.Server, pool []runsheet.PoolEntry) []runsheet.Executor {
	return []runsheet.Executor{local.New(env.Disk, fork), slurm.New(env.Disk, fork, pool...)}
}

// observation is a way in which an observer looks at runs: patiently, briefly, or reading all anew.
type observation func(*observe.Observer, context.Context, []runsheet.Run) []runsheet.Facts

// patiently waits for evidence as long as its reading takes.
var patiently observation = (*observe.Observer).Observe

// snapshot observes a sheet in one of the observer's ways, with the live attempts that it no longer has.
func snapshot(ctx context.Context, env Env, o *observe.Observer, s *runsheet.Sheet, look observation) runsheet.Snapshot {
	all, _ := selectRuns(s.Runs, nil)
	return snapshotOf(ctx, env, o, s, all, look)
}

// snapshotOf is snapshot of the runs that are selected by their names and parameters. The live attempts that the sheet no
// longer has are those of them all.
func snapshotOf(ctx context.Context, env Env, o *observe.Observer, whole *runsheet.Sheet, chosen selection, look observation) runsheet.Snapshot {
	s := only(whole, chosen.runs)
	events := told(env, s) // before the records: what it calls open may have ended by the time that they are read, never the other way round
	facts := look(o, ctx, s.Runs)
	observe.Vanished(s, events, facts)
	snap := runsheet.Snap(s, facts, time.Now())
	observe.GivenUp(events, snap.Runs, func(which []int) []string {
		return newLauncher(env, forkserver.Here(), s, launcher.Options{}, nil, nil).NoHost(ctx, which)
	})
	if s.Path != "" { // what lies in a directory without a sheet is launched by nobody
		observe.WaitForRoom(s, snap.Runs)
	}
	observe.Deleted(events, snap.Runs)
	if len(events) > 0 {
		snap.Strays = o.Strays(ctx, whole, events)
	}
	return snap
}

// told returns what the journal of a sheet tells, where it can be trusted. One that cannot be read is check's business.
func told(env Env, s *runsheet.Sheet) []journal.Event {
	if s.Path == "" || distrusted(env, s) != nil {
		return nil
	}
	events, _ := journal.Read(env.Disk, record.JournalPath(record.StateDir(s.Dir, s.Path)))
	return events
}

// strays returns the live attempts that a sheet no longer has.
func strays(ctx context.Context, env Env, o *observe.Observer, s *runsheet.Sheet) []runsheet.Observed {
	if events := told(env, s); len(events) > 0 {
		return o.Strays(ctx, s, events)
	}
	return nil
}

// gone returns the finished runs that a sheet no longer has.
func gone(ctx context.Context, env Env, o *observe.Observer, s *runsheet.Sheet) runsheet.Gone {
	events := told(env, s)
	if len(events) == 0 {
		return runsheet.Gone{}
	}
	return o.Gone(ctx, s, events)
}

// sayGone says which finished runs a sheet no longer has to somebody who is about to run it.
func sayGone(ctx context.Context, env Env, s *runsheet.Sheet) {
	if text, hint := report.Gone(s, gone(ctx, env, newObserver(env), s)); text != "" {
		env.say("%s", text)
		env.say("  hint: %s", hint)
	}
}

// briefly observes one run, and does not wait for evidence that takes long to read.
func briefly(ctx context.Context, o *observe.Observer, run runsheet.Run) runsheet.Facts {
	return o.Brief(ctx, []runsheet.Run{run})[0]
}

// distrusted says why the directory of a sheet's journal cannot be trusted; nil where it can, or where there is none yet.
// run refuses it.
func distrusted(env Env, s *runsheet.Sheet) error {
	if s.Path == "" {
		return nil
	}
	state := record.StateDir(s.Dir, s.Path)
	for _, dir := range []string{filepath.Dir(state), state} {
		if err := record.NewSystem(env.Disk).FS.Private("look", dir, false); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// directory makes a sheet of what the trackers recognise below a directory that has none.
func directory(env Env, dir string) (*runsheet.Sheet, error) {
	runs, err := observe.Discover(env.Disk, dir)
	if err != nil {
		return nil, usage(fmt.Errorf("cannot look below %s: %w", dir, err), "")
	}
	if len(runs) == 0 {
		return nil, usage(fmt.Errorf("nothing below %s is recognised as a run", dir),
			"name a sheet or a directory of runs; or describe the runs in a "+defaultSheet+" first")
	}
	s := &runsheet.Sheet{Dir: dir, Typed: typed(env, dir), Name: filepath.Base(dir), Runs: runs, Policy: runsheet.DefaultPolicy}
	env.about.sheet = s
	return s, nil
}

// poke makes the launcher of a sheet, if there is one on this machine, look at all of its runs now. A lock that others can
// write to names whatever process they like: none is signalled then.
func poke(env Env, sys record.System, s *runsheet.Sheet) (launcher runsheet.Process, held bool) {
	if distrusted(env, s) != nil {
		return launcher, false
	}
	state := record.StateDir(s.Dir, s.Path)
	held, err := record.LauncherHeld(env.Disk, state)
	if err != nil || !held {
		return launcher, false
	}
	launcher = record.Holder(env.Disk, sys.Procs, state)
	sys.Procs.Signal(launcher, signalLook) // one on another machine looks by itself before long
	return launcher, true
}

// hostName is how claims name this machine.
func hostName() string {
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return name
}

// hinted adds a hint to an error, unless it has one or calls for one by itself.
func hinted(err error, hint string) error {
	return durable.OrHint(err, hint)
}
