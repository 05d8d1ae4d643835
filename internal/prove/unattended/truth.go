package unattended

import (
	"context"
	"fmt"
	"os"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/record"
	"runsheet/internal/tracker"
)

// truth is what a tracker says of a program that nothing happens to, after each of its steps.
type truth struct {
	k     program
	steps []step // of an attempt that begins at 0
	total int64  // what is said when all is done
	after []runsheet.Progress
	// without is the same where the file of the next step is not there: what is left when that one is broken.
	without []runsheet.Progress
}

// learn lets the program of a case go through undisturbed, and holds the tracker to what the program says of itself.
func learn(dir string, k program) (truth, error) {
	t := truth{k: k, steps: k.steps(1, 0)}
	for i := 0; i <= len(t.steps); i++ {
		p, err := t.look(dir, i, "")
		if err != nil {
			return t, fmt.Errorf("%s: %w", k.name, err)
		}
		t.after = append(t.after, p)
		next := ""
		if i < len(t.steps) {
			next = t.steps[i].path
		}
		if p, err = t.look(dir, i, next); err != nil {
			return t, fmt.Errorf("%s: %w", k.name, err)
		}
		t.without = append(t.without, p)
		said := int64(0)
		if i > 0 {
			said = t.steps[i-1].done
		}
		if p := t.after[i]; p.Error != "" || p.Completed > said {
			return t, fmt.Errorf("%s: after %d steps of %d its program has done %d, and its tracker says %s", k.name, i, len(t.steps), said, p.String())
		}
	}
	last := t.after[len(t.steps)]
	if t.total = last.Completed; last.Completed != k.total && !k.free {
		return t, fmt.Errorf("%s: its program has done all of %d, and its tracker says %s, source %q", k.name, k.total, last.String(), last.Source)
	}
	return t, nil
}

// look reads the progress after the first n steps, without one of the files.
func (t truth) look(dir string, n int, without string) (runsheet.Progress, error) {
	at, err := os.MkdirTemp(dir, "truth-")
	if err != nil {
		return runsheet.Progress{}, err
	}
	defer os.RemoveAll(at)
	p := place{workDir: at, attemptDir: record.AttemptDir(at, 1), clock: time.Now().Add(-time.Hour)}
	if err := os.MkdirAll(p.attemptDir, 0o700); err != nil {
		return runsheet.Progress{}, err
	}
	if err := p.writeUpTo(t.steps, end(t.steps[:n])); err != nil {
		return runsheet.Progress{}, err
	}
	if without != "" {
		os.Remove(p.abs(without))
	}
	now := time.Now().Add(time.Hour)
	r := tracker.Look(context.Background(), durable.OS(), at, t.k.spec, tracker.Options{
		Now:   func() time.Time { return now },
		Sleep: func(_ context.Context, d time.Duration) error { now = now.Add(d); return nil },
	})
	return r.Progress, nil
}

// bounds returns between which counts the evidence lies that a writer left at a point.
func (t truth) bounds(at point) (least, most int64) {
	if at.step < 0 {
		return 0, 0
	}
	before, after := t.after[at.step], t.after[at.step+1]
	if !at.within(t.steps) {
		return after.Completed, after.Completed
	}
	least, most = min(before.Completed, after.Completed), max(before.Completed, after.Completed)
	if at.torn(t.steps) && t.steps[at.step].how != adds {
		least = min(least, t.without[at.step].Completed)
	}
	return least, most
}
