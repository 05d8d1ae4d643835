package storm

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/record"
)

// judge holds what a round left behind against what must hold.
func (rd *round) judge() error {
	ctx := context.Background()
	if !rd.broken() {
		for _, p := range rd.awaitNone(ctx) {
			rd.violate("everything is finished, and %v still lives", p)
		}
		if err := rd.readRecords(); err != nil {
			return err
		}
		doc, err := rd.status(ctx)
		if err != nil {
			return err
		}
		if doc != nil {
			for _, r := range doc.Runs {
				if r.Status != "finished" {
					rd.violate("at the end %s is %s: %s", filepath.Base(r.WorkDir), r.Status, r.Reason)
				}
			}
		}
		if err := rd.check(ctx); err != nil {
			return err
		}
		for run, n := range rd.evidence() {
			if n != rd.epochs && !rd.away[run] {
				rd.violate("%s is finished, and %d of %d epochs are complete", run, n, rd.epochs)
			}
		}
		if err := rd.locksFree(); err != nil {
			return err
		}
	}
	for _, run := range rd.runs {
		if err := rd.judgeNotes(run); err != nil {
			return err
		}
		if err := rd.judgeRun(run); err != nil {
			return err
		}
	}
	return nil
}

// check asks the program itself.
func (rd *round) check(ctx context.Context) error {
	for _, sheet := range []string{sheetName, twinName} {
		cmd := rd.runsheet(ctx, "check", sheet)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		err := cmd.Run()
		if err != nil || !strings.Contains(out.String(), ", 0 violations") {
			rd.violate("check %s: %v:\n%s", sheet, err, tail(out.String()))
		}
	}
	return nil
}

// judgeNotes judges what the commands of a run noted so far.
func (rd *round) judgeNotes(run string) error {
	notes, err := readNotes(rd.ledger, run)
	if err != nil {
		return err
	}
	var last note
	done, stopped := 0, false
	for i, n := range notes {
		switch n.Event {
		case noteWrong:
			rd.violate("attempt %d of %s: %s", n.Attempt, run, n.Text)
		case noteStop:
			stopped = true
		case noteStart:
			if i > 0 && n.Attempt <= last.Attempt {
				rd.violate("attempt %d of %s began after attempt %d", n.Attempt, run, last.Attempt)
			}
			if stopped || n.At >= rd.epochs {
				rd.violate("attempt %d of %s began, and the run was finished by attempt %d", n.Attempt, run, last.Attempt)
			}
			if n.At < done && !(rd.away[run] && last.Attempt == notes[0].Attempt) {
				rd.violate("attempt %d of %s began at epoch %d, and %d were complete", n.Attempt, run, n.At, done)
			}
			done, last = n.At, n
		}
	}
	return nil
}

// judgeRun judges the records of a run.
func (rd *round) judgeRun(run string) error {
	sys := record.NewSystem(durable.OS())
	numbers, err := record.Attempts(sys, rd.workDir(run))
	if err != nil {
		return err
	}
	finished := 0
	for _, n := range numbers {
		v, err := record.LookAt(sys, rd.workDir(run), n)
		if err != nil {
			rd.violate("attempt %d of %s cannot be read: %v", n, run, err)
			continue
		}
		if v.Claim == nil {
			continue // its claimer was killed first
		}
		rd.total.add("attempts", 1)
		if finished > 0 {
			rd.violate("attempt %d of %s was claimed, and attempt %d had finished it", n, run, finished)
		}
		if v.End == nil {
			if !rd.broken() {
				rd.violate("attempt %d of %s has no end, and everything is finished", n, run)
			}
			continue
		}
		rd.total.add(ended+string(v.End.Kind), 1)
		rd.judgeEnd(run, v)
		if v.End.Progress.Complete() {
			finished = n
		}
	}
	return nil
}

// judgeNew judges an attempt whose end was just seen.
func (rd *round) judgeNew(run, attemptDir string) error {
	n, err := strconv.Atoi(filepath.Base(attemptDir))
	if err != nil {
		return err
	}
	v, err := record.LookAt(record.NewSystem(durable.OS()), rd.workDir(run), n)
	if err == nil && v.End != nil {
		rd.judgeEnd(run, v)
	}
	return nil // what cannot be read is told where it is read
}

// judgeEnd says whether an attempt may have ended in this way: nobody asked any to stop.
func (rd *round) judgeEnd(run string, v record.View) {
	if v.Start == nil {
		rd.violate("attempt %d of %s has an end and no start", v.Attempt, run)
		return
	}
	switch v.End.Kind {
	case runsheet.EndExit, runsheet.EndSignal:
		if v.End.By != v.Start.Process {
			rd.violate("the end of attempt %d of %s was written by process %d, and not by its supervisor", v.Attempt, run, v.End.By.PID)
		}
	case runsheet.EndLost:
		if !rd.wasKilled(v.Start.Process) {
			rd.violate("attempt %d of %s was given up as lost, and nobody killed its supervisor, process %d", v.Attempt, run, v.Start.PID)
		}
	case runsheet.EndVoid:
		if !v.Start.Void {
			rd.violate("attempt %d of %s had begun, and was given up as if it had not", v.Attempt, run)
		}
	default:
		rd.violate("attempt %d of %s ended as %q (%s), which nobody asked for", v.Attempt, run, v.End.Kind, v.End.Cause.Text)
	}
}

// locksFree makes sure that no lock is held when no process is left.
func (rd *round) locksFree() error {
	disk := durable.OS()
	bytesOf := map[string][]int64{}
	for _, sheet := range []string{sheetName, twinName} {
		bytesOf[record.LauncherLockPath(record.StateDir(rd.dir, filepath.Join(rd.dir, sheet)))] = []int64{0}
	}
	sys := record.NewSystem(disk)
	for _, run := range rd.runs {
		bytesOf[record.ProgressLockPath(rd.workDir(run))] = []int64{0}
		numbers, err := record.Attempts(sys, rd.workDir(run))
		if err != nil {
			return err
		}
		for _, n := range numbers {
			bytesOf[record.AlivePath(record.AttemptDir(rd.workDir(run), n))] = []int64{record.SupervisorByte, record.CommandByte}
		}
	}
	for path, bs := range bytesOf {
		lock, err := durable.OpenLockToProbe(disk, "storm", path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		for _, b := range bs {
			held, err := lock.Held(b)
			if err != nil {
				lock.Close()
				return err
			}
			if held {
				rd.violate("byte %d of %s is locked, and no process is left", b, path)
			}
		}
		lock.Close()
	}
	return nil
}
