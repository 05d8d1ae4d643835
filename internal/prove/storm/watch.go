package storm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"runsheet/internal/record"
)

// seen is what was read of the disk during a round and must stay as it was.
type seen struct {
	records  map[string][]byte // by path
	journals map[string][]byte // the whole lines
	finished map[string]string // by run: the status document that said so
}

func newSeen() seen {
	return seen{map[string][]byte{}, map[string][]byte{}, map[string]string{}}
}

// watchRecords reads every record again and again: each is whole from the first moment, and stays what it was.
func (rd *round) watchRecords(ctx context.Context) error {
	rng := rd.rand("watch")
	for ctx.Err() == nil {
		if err := rd.readRecords(); err != nil {
			return err
		}
		for _, run := range rd.runs {
			if err := rd.judgeNotes(run); err != nil {
				return err
			}
		}
		wait(ctx, rng, 400*time.Millisecond)
	}
	return nil
}

// readRecords reads every record once.
func (rd *round) readRecords() error {
	for _, run := range rd.runs {
		if err := rd.readRun(run); err != nil {
			return err
		}
	}
	for _, sheet := range []string{sheetName, twinName} {
		path := record.JournalPath(record.StateDir(rd.dir, filepath.Join(rd.dir, sheet)))
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			if rd.seen.journals[path] != nil {
				rd.violate("%s is gone", path)
			}
			continue
		}
		if err != nil {
			return err
		}
		if !bytes.HasPrefix(data, rd.seen.journals[path]) {
			rd.violate("%s lost lines that were whole: %d bytes were there, and %d are that differ", path, len(rd.seen.journals[path]), len(data))
		}
		rd.seen.journals[path] = data[:bytes.LastIndexByte(data, '\n')+1]
	}
	return nil
}

// readRun reads the records of a run. No work dir is taken away meanwhile.
func (rd *round) readRun(run string) error {
	rd.mu.Lock()
	away := rd.away[run]
	rd.mu.Unlock()
	if away {
		return nil
	}
	workDir := rd.workDir(run)
	dirs, err := os.ReadDir(record.AttemptsDir(workDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, d := range dirs {
		dir := filepath.Join(record.AttemptsDir(workDir), d.Name())
		for path, parse := range map[string]func([]byte) error{
			record.ClaimPath(dir): func(data []byte) error { _, err := record.DecodeClaim(data); return err },
			record.StartPath(dir): func(data []byte) error { _, err := record.DecodeStart(data); return err },
			record.EndPath(dir):   func(data []byte) error { _, err := record.DecodeEnd(data); return err },
		} {
			if err := rd.readRecord(run, path, parse); err != nil {
				return err
			}
		}
	}
	return nil
}

func (rd *round) readRecord(run, path string, parse func([]byte) error) error {
	data, err := os.ReadFile(path)
	rd.mu.Lock()
	taken := rd.away[run]
	rd.mu.Unlock()
	before := rd.seen.records[path]
	switch {
	case taken: // it may have been taken away since
	case errors.Is(err, fs.ErrNotExist):
		if before != nil {
			rd.violate("%s was there, and is gone; it said: %s", path, flat(before))
		}
	case err != nil:
		return err
	case before == nil:
		if err := parse(data); err != nil {
			rd.violate("%s is torn: %v", path, err)
		}
		rd.seen.records[path] = data
		rd.total.add("records read", 1)
		if filepath.Base(path) == filepath.Base(record.EndPath("")) {
			return rd.judgeNew(run, filepath.Dir(path))
		}
	case !bytes.Equal(before, data):
		rd.violate("%s was changed from %s to %s", path, flat(before), flat(data))
	}
	return nil
}

// flat renders a document in one line.
func flat(data []byte) string { return strings.Join(strings.Fields(string(data)), " ") }

// statusDoc is what is read of `status --json`.
type statusDoc struct {
	Schema string
	Runs   []struct {
		WorkDir  string `json:"work_dir"`
		Status   string
		Reason   string
		Progress struct {
			Completed *int
			Error     *string
		}
	}
}

// sampleStatus asks for the status again and again.
func (rd *round) sampleStatus(ctx context.Context) error {
	rng := rd.rand("status")
	for ctx.Err() == nil {
		doc, err := rd.status(ctx)
		if err != nil {
			return err
		}
		if doc != nil {
			rd.mu.Lock()
			rd.over = rd.unfinished(doc) == 0
			rd.mu.Unlock()
		}
		wait(ctx, rng, 1500*time.Millisecond)
	}
	return nil
}

// allFinished says whether every run was finished, as far as the storm lets it, when the status was asked for last.
func (rd *round) allFinished() bool {
	rd.mu.Lock()
	defer rd.mu.Unlock()
	return rd.over
}

// unfinished counts the runs that are not finished and could be.
func (rd *round) unfinished(doc *statusDoc) (n int) {
	for _, r := range doc.Runs {
		if run := filepath.Base(r.WorkDir); r.Status != "finished" && !rd.guarded[run] && !rd.sleepy[run] {
			n++
		}
	}
	return n
}

// status asks for the status once and holds it against the evidence before and after; nil where it was called off.
func (rd *round) status(ctx context.Context) (*statusDoc, error) {
	before := rd.evidence()
	cmd := rd.runsheet(ctx, "status", "--json", sheetName)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if ctx.Err() != nil {
		return nil, nil
	}
	after := rd.evidence()
	if err != nil {
		rd.violate("status --json: %v: %s", err, tail(errs.String()))
		return nil, nil
	}
	var doc statusDoc
	if err := json.Unmarshal(out.Bytes(), &doc); err != nil || len(doc.Runs) != len(rd.runs) {
		rd.violate("status --json does not parse, or lacks runs: %v: %s", err, tail(out.String()))
		return nil, nil
	}
	rd.total.add("statuses", 1)
	for _, r := range doc.Runs {
		run := filepath.Base(r.WorkDir)
		if before[run] < 0 || after[run] < 0 {
			continue // its work dir is being taken away
		}
		completed := 0
		if r.Progress.Completed != nil {
			completed = *r.Progress.Completed
		}
		switch {
		case r.Progress.Error != nil:
			rd.violate("status says of the evidence of %s: %s", run, *r.Progress.Error)
		case completed > after[run]:
			rd.violate("status says that %d epochs of %s are complete, and the evidence says %d afterwards", completed, run, after[run])
		case completed < before[run]:
			rd.violate("status says that %d epochs of %s are complete, and the evidence said %d before", completed, run, before[run])
		case r.Status == "finished" && after[run] < rd.epochs:
			rd.violate("status says that %s is finished, and %d of %d epochs are complete", run, after[run], rd.epochs)
		case r.Status == "unknown":
			rd.violate("status cannot tell of %s: %s", run, r.Reason)
		}
		if r.Status == "finished" {
			rd.seen.finished[run] = r.Reason
		} else if was, ok := rd.seen.finished[run]; ok {
			rd.violate("%s was finished (%s), and now status says %s (%s)", run, was, r.Status, r.Reason)
		}
	}
	return &doc, nil
}

// evidence counts the complete epochs of every run; -1 where its work dir is, or was just, taken away.
func (rd *round) evidence() map[string]int {
	out := map[string]int{}
	for _, run := range rd.runs {
		out[run] = wholeEpochs(rd.workDir(run))
		rd.mu.Lock()
		if rd.guarded[run] || rd.away[run] {
			out[run] = -1
		}
		rd.mu.Unlock()
	}
	return out
}
