package launcher

import (
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/diagnose"
	"runsheet/internal/durable"
	"runsheet/internal/journal"
	"runsheet/internal/plan"
)

// shortageMost is the longest wait between two tries to launch something that failed for want of what everybody needs.
const shortageMost = time.Minute

// shortage is what was missing when something was to be launched: open files, processes, memory, room on a disk. It passes,
// and is no fault of the run's.
type shortage struct {
	of    runsheet.Shortage
	count int
	until time.Time // nothing is tried before
}

// grow takes another failure in; those of one round are one.
func (s *shortage) grow(now time.Time, what, why string) {
	if now.Before(s.until) {
		return
	}
	s.of = runsheet.Shortage{What: what, Why: why}
	s.until = now.Add(min(troubleWait<<min(s.count, 10), shortageMost))
	s.count++
}

// spareFiles returns an error where so many files are open that no attempt should be started: a quarter of what is allowed is
// kept for looking at those that live. A look for which there is no file left sees nothing.
func spareFiles() error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return nil
	}
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	if n := uint64(len(open)); n+limit.Cur/4 >= limit.Cur {
		return fmt.Errorf("%d of %d are open: %w", n, limit.Cur, unix.EMFILE)
	}
	return nil
}

// fellShort takes in an error that kept a run from being launched. It says whether the error passes by itself and is no
// run's fault; then nothing is launched for a while, by this launcher or on this file system.
func (l *Launcher) fellShort(i int, err error) bool {
	now, text := l.sys.Clock.Now(), diagnose.Clean(withHint(err))
	switch {
	case durable.Starved(err):
		l.starved.grow(now, "free files and processes", text)
		return true
	case durable.NoRoom(err):
		room, ok := l.rooms.Of(l.sheet.Runs[i].WorkDir)
		if !ok || room.Device == 0 { // nobody can tell which other runs it concerns
			l.starved.grow(now, "room", text)
			return true
		}
		s := l.full[room.Device]
		if s == nil {
			s = &shortage{}
			l.full[room.Device] = s
		}
		s.grow(now, "room", text)
		return true
	}
	return false
}

// lacks says what must be there before anything is launched for a run. At the zero time it also
// says what may be tried again by now, and has not been.
func (l *Launcher) lacks(i int, now time.Time) runsheet.Shortage {
	if l.starved.of.What != "" && now.Before(l.starved.until) {
		return l.starved.of
	}
	least, workDir := l.sheet.Policy.MinFree, l.sheet.Runs[i].WorkDir
	if least == 0 && len(l.full) == 0 {
		return runsheet.Shortage{}
	}
	room, ok := l.rooms.Of(workDir)
	if !ok {
		return runsheet.Shortage{} // it does not answer: the look before the claim will tell, and the run is unknown
	}
	if s := l.full[room.Device]; s != nil && now.Before(s.until) {
		return s.of
	}
	return room.Lacks(least)
}

// holdBack takes the runs out of what is to be planned that something is short for, and says whether a launch was among
// them: their places are for others.
func (l *Launcher) holdBack(in plan.Input, actions []runsheet.Action) (changed bool) {
	for _, a := range actions {
		if a.Verb == runsheet.VerbLaunch {
			in.Short[a.Run] = l.lacks(a.Run, in.Now)
			changed = changed || in.Short[a.Run].What != ""
		}
	}
	if !changed {
		return false
	}
	for i, f := range in.Facts { // so that the plan is not made anew for each of thousands
		if !f.Live() && in.Short[i].What == "" {
			in.Short[i] = l.lacks(i, in.Now)
		}
	}
	return true
}

// tellShortages says, once, what keeps anything from being launched, and once more when that is over.
func (l *Launcher) tellShortages(actions []runsheet.Action) error {
	// It is over once everything was launched that could be: what one end made free may be taken by the next start.
	tried := !slices.ContainsFunc(actions, func(a runsheet.Action) bool { return a.Verb == runsheet.VerbLaunch })
	for what, i := range l.told {
		if tried && l.lacks(i, time.Time{}).What == "" {
			delete(l.told, what)
			if err := l.note(journal.Event{Kind: journal.Trouble, Text: "launching goes on: nothing waits for " + what + " any more"}); err != nil {
				return err
			}
		}
	}
	for _, a := range actions {
		if _, told := l.told[a.Short]; told || a.Short == "" {
			continue
		}
		l.told[a.Short] = a.Run
		if err := l.note(journal.Event{Kind: journal.Trouble, Text: "nothing is launched for now: " + a.Reason}); err != nil {
			return err
		}
	}
	return nil
}

// plenty tells that an attempt began: what was short is there again.
func (l *Launcher) plenty(i int) {
	l.starved = shortage{}
	if len(l.full) > 0 {
		room, _ := l.rooms.Of(l.sheet.Runs[i].WorkDir)
		delete(l.full, room.Device)
	}
}
