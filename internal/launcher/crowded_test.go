package launcher_test

import (
	"strings"
	"testing"
	"time"

	"runsheet"
	"runsheet/internal/executor/exectest"
	"runsheet/internal/journal"
	"runsheet/internal/launcher"
)

// TestCrowdedIsTold: that runs wait for a machine which is busy with the work of others is told at once, in one line for all
// that ask for the same, and again every minute.
func TestCrowdedIsTold(t *testing.T) {
	b := newBench(t, exits(0), "a", "b", "c")
	b.sheet.Policy.Idle.Always.Free = 1 << 60
	b.sheet.Runs[2].Resources.CPUs = 1
	control := make(chan launcher.Control, 1)
	wait := b.background(launcher.Options{}, control)
	round := func() { // a whole round of the loop after now
		t.Helper()
		now := b.clock.Now()
		control <- launcher.Look
		exectest.Await(t, "a look", func() bool {
			b.mu.Lock()
			defer b.mu.Unlock()
			return b.last.AsOf.After(now)
		})
	}
	exectest.Await(t, "the wait to be told", func() bool { return b.told(journal.Waiting) == 2 })
	round()
	if n := b.told(journal.Waiting); n != 2 {
		t.Errorf("told %d times within a minute", n)
	}
	b.clock.forward(time.Minute)
	round()
	if n := b.told(journal.Waiting); n != 4 {
		t.Errorf("told %d times after another minute", n)
	}
	control <- launcher.Interrupt
	wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.events {
		if e.Kind == journal.Waiting && (e.Run != "a and 1 more" && e.Run != "c" || !strings.HasPrefix(e.Text, "for localhost to be idle: ") || !strings.Contains(e.Text, "of memory are left")) {
			t.Errorf("told of %s: %s", e.Run, e.Text)
		}
	}
	for _, s := range b.last.Runs {
		if s.Status != runsheet.Pending {
			t.Errorf("%s is %s", s.Run.Name, s.Status)
		}
	}
}
