// Package launcher is the loop that brings a sheet to its end: observe, plan, act. It is the only package that decides,
// and the only writer of the journal. There is one launcher for a sheet; it may die at any instant, and the next one
// reads the records and the journal and goes on.
//
// It never writes a record itself (internal/record does), never reads evidence (internal/observe does), and never
// waits for a command: what happens is seen in the files.
package launcher

import (
	"context"
	"errors"
	"slices"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/forkserver"
	"runsheet/internal/host"
	"runsheet/internal/journal"
	"runsheet/internal/observe"
	"runsheet/internal/plan"
	"runsheet/internal/proc"
	"runsheet/internal/record"
	"runsheet/internal/shell"
)

// Options is how a launcher was asked to work.
type Options struct {
	Once          bool   // look and act once, and wait for nothing
	Outdated      bool   // re-run what is outdated
	ResumeStopped bool   // go on with what a person stopped
	Continue      bool   // an unfinished session before this one is continued, with its retries
	User          string // who asks, for requests
	HostName      string // how claims name this machine
}

// Listener is told what the launcher sees and does. The calls come from one goroutine and must not block.
type Listener interface {
	Event(journal.Event)
	// Snapshot ends a round of the loop. now returns what the launcher knows then; it is called at once or not at all.
	Snapshot(now func() runsheet.Snapshot)
}

// Control is what a person or a signal tells a running launcher.
type Control int

// The controls.
const (
	Interrupt Control = iota // the first time: stop the runs politely; the second: do not wait for their grace
	Leave                    // go now; the runs go on without us
	Look                     // something was asked of a run: look at all of them
)

// Outcome is how a launch ended.
type Outcome struct {
	Snapshot runsheet.Snapshot
	Stopped  bool     // by Interrupt
	Left     bool     // by Leave
	Broken   string   // why nothing more was launched; empty: nothing was wrong as a whole
	GivenUp  []string // names of the runs that were given up
}

// Launcher brings one sheet to its end.
type Launcher struct {
	sheet     *runsheet.Sheet
	opts      Options
	sys       record.System
	disk      durable.Disk
	observer  *observe.Observer
	executors map[string]runsheet.Executor // by name
	pool      map[string]runsheet.Host     // by name, as the last plan saw it
	refusals  map[plan.Ask]string          // what the hosts said they will never take, as the last plan knew it
	fork      *forkserver.Server
	sampler   *host.Sampler
	gpus      bool // some run asks for GPUs
	listener  Listener
	control   <-chan Control

	state   string // the sheet's state directory
	journal *journal.Writer
	ledger  *ledger
	watch   *watcher
	facts   []runsheet.Facts
	strays  []runsheet.Observed
	trouble map[int]*trouble // by run: what kept us from acting on it
	isReady bool             // secrets and setup were seen to
	// recovering are the runs whose ends are being written for dead supervisors; recovered tells what came of it.
	recovering  map[int]bool
	recovered   chan recovery
	doubts      map[int]time.Time // since when the records of a run cannot be read
	waiting     map[int]bool      // runs that were told of as waiting: see tellWaiting
	silent      map[int]bool      // runs of which it was told that their file system does not answer
	arrivals    uint64            // of what was not waited for, when the facts were made
	unproved    map[int]bool      // runs whose records are gone, and of which something may live still
	stop        stopping
	broken      string
	file        sheetFile
	lock        *record.LauncherLock
	ctx         context.Context // of Run
	mayWait     bool            // for room for the journal
	unwritten   bool            // it was told to stop or to leave while the journal could not be written
	rooms       *observe.Rooms
	starved     shortage                         // of files, processes or memory
	full        map[uint64]*shortage             // of room, by file system
	told        map[string]int                   // shortages that were told of, with a run that is held back
	crowded     map[runsheet.Resources]time.Time // when runs with these resources were last said to wait for what others hold
	uncounted   map[string]bool                  // nonces of attempts that could not be started, for no fault of theirs, and have no end yet
	scanned     time.Time                        // when all runs were observed last
	scannedRest time.Time                        // when all but those that wait in a queue were
	scan        time.Duration                    // how long that took
	code        code                             // what was in the sheet's directory
	codeAt      time.Time                        // when that was looked at
	codeUnknown bool                             // there is no git, no repository, or git takes too long
	turn        time.Duration                    // the CPU time that the last round of the loop took
}

// stopping is how far an interrupt has come.
type stopping int

const (
	notStopping stopping = iota
	politely
	atOnce
)

// Config is what a launcher works with.
type Config struct {
	Sheet     *runsheet.Sheet
	Disk      durable.Disk
	System    record.System
	Observer  *observe.Observer
	Executors []runsheet.Executor // of every kind in the sheet's pool
	Fork      *forkserver.Server  // starts what this launcher needs: it must have been begun before the launcher reads anything
	Listener  Listener
	Control   <-chan Control
	Options   Options
}

// New returns a launcher; Run starts it.
func New(c Config) *Launcher {
	executors := map[string]runsheet.Executor{}
	for _, e := range c.Executors {
		executors[e.Name()] = e
	}
	return &Launcher{sheet: c.Sheet, opts: c.Options, sys: c.System, disk: c.Disk, observer: c.Observer,
		executors: executors, fork: c.Fork, sampler: host.NewSampler(c.Fork, wantsGPUs(c.Sheet), c.System.Clock), gpus: wantsGPUs(c.Sheet), listener: c.Listener, control: c.Control,
		state: record.StateDir(c.Sheet.Dir, c.Sheet.Path), trouble: map[int]*trouble{},
		rooms: observe.NewRooms(), full: map[uint64]*shortage{}, told: map[string]int{}, crowded: map[runsheet.Resources]time.Time{}, uncounted: map[string]bool{},
		recovering: map[int]bool{}, unproved: map[int]bool{}, waiting: map[int]bool{}, silent: map[int]bool{}, doubts: map[int]time.Time{}, recovered: make(chan recovery, len(c.Sheet.Runs))}
}

// Run launches until every run is finished or given up, or it is told to stop. It returns record.ErrLauncher where
// another launcher holds the sheet, and other errors only for what concerns all runs: a journal that cannot be
// written, a setup that failed, a file system that cannot be used.
func (l *Launcher) Run(ctx context.Context) (Outcome, error) {
	lock, _, err := record.HoldSheet(l.disk, l.sys.Procs, l.state)
	if err != nil {
		return Outcome{}, l.inTheWay("hold the sheet", err)
	}
	defer lock.Release()
	l.lock = lock
	events, err := journal.Read(l.disk, record.JournalPath(l.state))
	if err != nil {
		return Outcome{}, l.inTheWay("go on from the journal", err)
	}
	if l.journal, err = journal.Open(l.disk, l.state, record.JournalPath(l.state)); err != nil {
		return Outcome{}, err
	}
	defer l.journal.Close()
	l.ledger = replay(events, l.opts.Continue)
	self := l.sys.Procs.Self()
	if err := l.note(journal.Event{Kind: journal.LauncherStarted, Process: &self, Text: l.sheet.Path}); err != nil {
		return Outcome{}, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l.ctx, l.mayWait = ctx, !l.opts.Once
	l.watch = newWatcher(func(dir string, f func()) bool { return answers(ctx, dir, f) })
	defer l.watch.close()
	out, err := l.loop(ctx, events)
	if errors.Is(err, errUnwritten) {
		out, err = l.withoutJournal(ctx), nil
	}
	l.mayWait, l.unwritten = false, false
	text := "done"
	switch {
	case err != nil:
		text = err.Error()
	case out.Left:
		text = leftRunning
	case out.Stopped:
		text = "stopped by the user"
	case l.opts.Once: // of many that cron starts, each goes on with the retries of the one before
		text = leftRunning
	case out.Broken != "":
		text = out.Broken
	}
	ended := l.note(journal.Event{Kind: journal.LauncherEnded, Text: text})
	if err == nil && !durable.NoRoom(ended) { // a launcher that was killed says no more, and nothing is lost with it
		err = ended
	}
	return out, err
}

func (l *Launcher) loop(ctx context.Context, events []journal.Event) (Outcome, error) {
	if err := l.first(ctx, events); err != nil {
		return Outcome{}, err
	}
	l.sample(ctx)
	for {
		began, spent := time.Now(), proc.CPUTime()
		l.facts = l.current(ctx)
		if err := l.stillHeld(); err != nil {
			return Outcome{}, err
		}
		l.settleVanished(ctx)
		if err := l.watchSheet(); err != nil {
			return Outcome{}, err
		}
		for i := range l.facts { // before the plan: it counts the ends that the journal has
			if err := l.report(ctx, i); err != nil {
				return Outcome{}, err
			}
		}
		actions, broken := l.decide(ctx)
		was := l.broken
		l.broken = broken // until a person asks for a retry
		if broken != "" && was == "" {
			text := "nothing more is launched: " + broken
			if slices.ContainsFunc(l.facts, runsheet.Facts.Live) { // otherwise this launcher ends
				text += "; once the cause is mended, `runsheet retry status=failed` has this launcher go on"
			}
			if err := l.note(journal.Event{Kind: journal.Trouble, Text: text}); err != nil {
				return Outcome{}, err
			}
		}
		if err := l.tellShortages(actions); err != nil {
			return Outcome{}, err
		}
		if broken == "" && l.stop == notStopping {
			l.tellCrowded(actions)
		}
		if err := l.submitAgain(ctx); err != nil {
			return Outcome{}, err
		}
		acted, acting := time.Now(), proc.CPUTime()
		again, err := l.act(ctx, actions)
		if err != nil {
			return l.outcome(actions), err
		}
		// What was done now, however long it took, is not done again in the next round.
		spent, began = spent+proc.CPUTime()-acting, began.Add(time.Since(acted))
		l.tellOwn()
		l.tellQueues(ctx)
		l.listener.Snapshot(l.snapshot)
		l.turn = proc.CPUTime() - spent // not by the clock: a journal that is slow to write says nothing of the next round
		if l.observer.Busy() {          // what is read beside the loop is not its work
			l.turn = min(l.turn, time.Since(began))
		}
		if again { // something was not as the plan took it to be
			continue
		}
		if l.over(actions) || l.opts.Once && len(l.recovering) == 0 && !l.leavesInVain() {
			return l.outcome(actions), nil
		}
		left, err := l.wait(ctx, actions)
		if err != nil {
			return Outcome{}, err
		}
		if left {
			out := l.outcome(actions)
			out.Left = true
			return out, nil
		}
	}
}

// first observes everything for the first time, and adopts what an earlier launcher left running.
func (l *Launcher) first(ctx context.Context, events []journal.Event) error {
	l.observeAll(ctx)
	if err := l.ownPlaces(); err != nil {
		return err
	}
	if l.opts.ResumeStopped {
		for i, f := range l.facts {
			if f.StopRequested() && f.Ended() && f.Silent.IsZero() {
				if _, err := tried(ctx, l, i, func() (runsheet.Request, error) {
					return record.Request(l.sys, l.sheet.Runs[i].WorkDir, runsheet.RequestRetry, l.opts.User)
				}); err != nil {
					if err := l.troubled(i, err); err != nil {
						return err
					}
					continue
				}
				l.look(ctx, i)
			}
		}
	}
	for i, f := range l.facts {
		if !f.Live() || f.Liveness != runsheet.LivenessAlive {
			continue
		}
		if ok, err := l.learn(ctx, i); err != nil {
			return err
		} else if !ok {
			continue
		}
		ev := l.event(journal.Adopted, i)
		if f.Start != nil && !f.Start.Void {
			ev.Process, ev.Group = &f.Start.Process, f.Start.ProcessGroup
		}
		if err := l.note(ev); err != nil {
			return err
		}
	}
	l.strays = l.observer.GlanceStrays(ctx, l.sheet, events)
	for _, s := range l.strays {
		l.listener.Event(journal.Event{At: l.sys.Clock.Now(), Kind: journal.Waiting, Run: s.Run.Name, Attempt: s.Attempt,
			Text: "it is not in the sheet any more, and goes on; `runsheet stop " + shell.Argument(s.Run.Name) + "` ends it"})
	}
	return nil
}

// decide asks the plan what to do now, and why nothing more should be launched at all, if so.
func (l *Launcher) decide(ctx context.Context) (actions []runsheet.Action, broken string) {
	in := plan.Input{Runs: l.sheet.Runs, Facts: l.facts, Policy: l.sheet.Policy, Now: l.sys.Clock.Now(),
		Rerun: l.opts.Outdated || l.sheet.Policy.RerunOutdated, Tries: make([]plan.Tries, len(l.sheet.Runs)), Short: make([]runsheet.Shortage, len(l.sheet.Runs))}
	l.rooms.Round()
	for i, r := range l.sheet.Runs {
		in.Tries[i] = l.ledger.tries(r.WorkDir, l.facts[i])
	}
	for _, s := range l.strays {
		in.Strays = append(in.Strays, s.Facts)
	}
	l.refusals = l.ledger.refusals(l.sheet.Runs)
	in.Hosts, in.Refusals = l.hosts(ctx), l.refusals
	if reason, stop := plan.AllFailTheSame(l.ledger.ends); stop {
		broken = reason
	}
	actions = plan.Decide(in)
	for l.giveWay(in, actions) || broken == "" && l.stop == notStopping && l.holdBack(in, actions) {
		actions = plan.Decide(in)
	}
	return actions, broken
}

// giveWay takes the runs that cannot be launched now, for trouble that we had with them, out of what is to be planned,
// and says whether there were any: their places are for others.
func (l *Launcher) giveWay(in plan.Input, actions []runsheet.Action) (changed bool) {
	for _, a := range actions {
		t := l.trouble[a.Run]
		if a.Verb == runsheet.VerbLaunch && t != nil && (t.final || in.Now.Before(t.until)) {
			in.Tries[a.Run].Open = t.text
			changed = true
		}
	}
	return changed
}
