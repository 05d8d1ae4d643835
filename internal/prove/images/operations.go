package images

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/journal"
	"runsheet/internal/record"
	"runsheet/internal/tracker"
)

// operation is what a writer can do; each ends with an acknowledgement.
type operation struct {
	name string
	do   func(*writer) error
}

// operations lists them. Each makes what it needs, so that it can be the last before an image at any time: what comes
// after the fsync that was forgotten hides that it was.
func operations() []operation {
	return []operation{
		{"claim", func(w *writer) error { _, err := w.claimed(true); return err }},
		{"start", func(w *writer) error { _, err := w.started(true); return err }},
		{"end", (*writer).end},
		{"give up", (*writer).giveUp},
		{"take over", (*writer).takeOver},
		{"request", (*writer).request},
		{"compete", (*writer).competitions},
		{"append", (*writer).appendEvent},
		{"open journal", (*writer).openJournal},
		{"replace", (*writer).replace},
		{"refresh", (*writer).refresh},
	}
}

// mostRuns is how many work dirs a writer has before it takes up older ones.
const mostRuns = 12

// claimed returns a run with a claim that nobody has begun; anew makes one in any case.
func (w *writer) claimed(anew bool) (*job, error) {
	var free *job
	for _, r := range w.runs {
		if r.waits() && !anew {
			return r, nil
		}
		if r.view.Claim == nil || r.view.End != nil {
			free = r
		}
	}
	if free == nil || len(w.runs) < mostRuns && w.rng.IntN(2) == 0 {
		w.made++
		free = &job{dir: filepath.Join(w.own, "runs", strconv.Itoa(w.made))}
		w.runs = append(w.runs, free)
	}
	c, err := record.Claim(w.sys, facts(free.view), 0, w.claim(free.dir))
	if err != nil {
		return nil, err
	}
	free.view = record.View{Attempt: c.Attempt, Claim: &c, Request: free.view.Request}
	w.acknowledged("claim", record.ClaimPath(free.attempt()), c.Nonce, 0)
	w.pending = append(w.pending, journal.Event{Kind: journal.Claimed, Run: c.Run, Attempt: c.Attempt, Nonce: c.Nonce, WorkDir: c.WorkDir, Host: c.Host})
	return free, nil
}

func (w *writer) claim(workDir string) runsheet.Claim {
	return runsheet.Claim{Run: filepath.Base(workDir), Nonce: record.NewNonce(), Session: "prove", Sheet: sheetPath(w.own), Executor: "local",
		Host: "here", Identity: "true", Command: "true", WorkDir: workDir, Dir: w.own, Progress: spec, StopGrace: time.Second}
}

// facts are what a launcher would know by the records.
func facts(v record.View) runsheet.Facts {
	return runsheet.Facts{Attempt: v.Attempt, Claim: v.Claim, Start: v.Start, End: v.End, Request: v.Request}
}

func (r *job) attempt() string { return record.AttemptDir(r.dir, r.view.Attempt) }

// started returns a run that has begun; anew begins one in any case.
func (w *writer) started(anew bool) (*job, error) {
	for _, r := range w.runs {
		if r.begun() && !anew {
			return r, nil
		}
	}
	r, err := w.claimed(false)
	if err != nil {
		return nil, err
	}
	t, err := record.Take(w.sys, r.attempt())
	if err != nil && !(t != nil && errors.Is(err, record.ErrStopAsked)) {
		return nil, err
	}
	if err := t.Begin(0); err != nil {
		return nil, err
	}
	r.tenure, r.view.Start = t, &t.Start
	w.acknowledged("start", record.StartPath(r.attempt()), r.view.Claim.Nonce, 0)
	return r, nil
}

func (w *writer) end() error {
	r, err := w.started(false)
	if err != nil {
		return err
	}
	code := w.rng.IntN(256)
	e := runsheet.End{Kind: runsheet.EndExit, ExitCode: &code, At: time.Now(), Cause: runsheet.Cause{Kind: runsheet.CauseExit, Text: "by itself"}}
	if err := r.tenure.End(e); err != nil {
		return err
	}
	w.ended(r, e)
	return nil
}

// ended tells of an end that is durable.
func (w *writer) ended(r *job, e runsheet.End) {
	r.tenure, r.view.End = nil, &e
	w.acknowledged("end", record.EndPath(r.attempt()), r.view.Claim.Nonce, 0)
	w.pending = append(w.pending, journal.Event{Kind: journal.Ended, Run: r.view.Claim.Run, Attempt: r.view.Attempt, Nonce: r.view.Claim.Nonce, End: e.Kind})
}

// giveUp gives an attempt up before it began: a void start, and the end after it.
func (w *writer) giveUp() error {
	r, err := w.claimed(false)
	if err != nil {
		return err
	}
	return w.inherit(r)
}

// takeOver ends an attempt whose supervisor went without a word.
func (w *writer) takeOver() error {
	r, err := w.started(false)
	if err != nil {
		return err
	}
	r.tenure.Leave()
	return w.inherit(r)
}

func (w *writer) inherit(r *job) error {
	e, err := record.TakeOver(context.Background(), w.sys, r.attempt(), record.Heir{})
	if err != nil {
		return err
	}
	w.acknowledged("start", record.StartPath(r.attempt()), r.view.Claim.Nonce, 0)
	w.ended(r, e)
	return nil
}

// request asks something of a run of its own, or of the one that all share.
func (w *writer) request() error {
	dir := layout(w.orders.Root).shared()
	var own *job
	if len(w.runs) > 0 && w.rng.IntN(2) == 0 {
		own = w.runs[w.rng.IntN(len(w.runs))]
		dir = own.dir
	}
	kind := runsheet.RequestRetry
	if w.rng.IntN(2) == 0 {
		kind = runsheet.RequestStop
	}
	q, err := record.Request(w.sys, dir, kind, "user "+record.NewNonce())
	if err != nil {
		return err
	}
	if own != nil {
		own.view.Request = &q
	}
	w.acknowledged("request", filepath.Join(record.RequestsDir(dir), fmt.Sprintf("%06d.json", q.Number)), q.User, 0)
	return nil
}

// competitions are several in a row, so that writers meet.
func (w *writer) competitions() error {
	for range 4 {
		if err := w.compete(); err != nil {
			return err
		}
	}
	return nil
}

// compete claims the run that all writers want, or gives up the attempt that stands in the way. Who comes too late is
// told of the winner's claim: that is a fact as well.
func (w *writer) compete() error {
	dir := layout(w.orders.Root).shared()
	v, err := record.Look(w.sys, dir)
	if err != nil {
		return err
	}
	if f := facts(v); f.Live() {
		at := record.AttemptDir(dir, v.Attempt)
		e, err := record.TakeOver(context.Background(), w.sys, at, record.Heir{})
		switch {
		case errors.Is(err, record.ErrLive): // another one gives it up at this moment
		case err != nil:
			return err
		case e.By == w.sys.Procs.Self(): // another's end was only seen: whoever wrote it tells when it is durable
			w.acknowledged("end", record.EndPath(at), v.Claim.Nonce, 0)
		}
		return nil
	}
	mine := w.claim(dir)
	c, err := record.Claim(w.sys, facts(v), 0, mine)
	path := record.ClaimPath(record.AttemptDir(dir, v.Attempt+1))
	if errors.Is(err, record.ErrTaken) {
		theirs, err := record.LookAt(w.sys, dir, v.Attempt+1)
		if err != nil {
			return err
		}
		if theirs.Claim == nil || theirs.Claim.Nonce == mine.Nonce {
			return fmt.Errorf("%s is taken, and holds %v", path, theirs.Claim)
		}
		w.acknowledged("claim of another", path, theirs.Claim.Nonce, 0)
		return nil
	}
	if err != nil {
		return err
	}
	w.acknowledged("claim", path, c.Nonce, 0)
	return nil
}

// catchUp writes into the journal what happened since: the launcher does so after the records are durable.
func (w *writer) catchUp() error {
	for len(w.pending) > 0 {
		if err := w.journalize(w.pending[0]); err != nil {
			return err
		}
		w.pending = w.pending[1:]
	}
	return nil
}

func (w *writer) appendEvent() error {
	return w.journalize(journal.Event{Kind: journal.Trouble, Run: "1"})
}

func (w *writer) journalize(e journal.Event) error {
	if w.journal == nil {
		var err error
		if w.lock, w.journal, err = w.hold(stateDir(w.own)); err != nil {
			return err
		}
	}
	w.lines++
	e.At, e.Text = time.Now(), fmt.Sprintf("event %d of writer %d", w.lines, w.orders.ID)
	if err := w.journal.Append(e); err != nil {
		return err
	}
	w.acknowledged(eventFact, record.JournalPath(stateDir(w.own)), e.Text, w.events)
	w.events++
	return nil
}

// hold opens the journal of a sheet as its launcher.
func (w *writer) hold(state string) (*record.LauncherLock, *journal.Writer, error) {
	lock, _, err := record.HoldSheet(disk, w.sys.Procs, state)
	if err != nil {
		return nil, nil, err
	}
	j, err := journal.Open(disk, state, record.JournalPath(state))
	if err != nil {
		lock.Release()
	}
	return lock, j, err
}

// openJournal is the launcher of a new sheet, for one event.
func (w *writer) openJournal() error {
	w.made++
	own := filepath.Join(w.own, "sheets", strconv.Itoa(w.made))
	lock, j, err := w.hold(stateDir(own))
	if err != nil {
		return err
	}
	e := journal.Event{Kind: journal.LauncherStarted, At: time.Now(), Text: "of " + own}
	if err := j.Append(e); err != nil {
		return err
	}
	w.acknowledged(eventFact, record.JournalPath(stateDir(own)), e.Text, 0)
	return errors.Join(j.Close(), lock.Release())
}

// replace writes a document over an older one, or a new one.
func (w *writer) replace() error {
	if len(w.docs) == 0 || w.rng.IntN(4) == 0 {
		w.made++
		dir := filepath.Join(w.own, "documents")
		if err := durable.MkdirAll(disk, "document", dir, 0o700); err != nil {
			return err
		}
		w.docs = append(w.docs, documentOf{path: filepath.Join(dir, strconv.Itoa(w.made)+".json")})
	}
	d := &w.docs[w.rng.IntN(len(w.docs))]
	d.number++
	text := strings.Repeat(strconv.FormatInt(d.number, 36), 50+w.rng.IntN(2000))
	data := fmt.Appendf(nil, `{"Number": %d, "Text": %q, "Sum": %d}`, d.number, text, crc32.ChecksumIEEE([]byte(text)))
	if err := durable.Replace(disk, "document", d.path, data, durable.Private); err != nil {
		return err
	}
	w.acknowledged(documentFact, d.path, "", d.number)
	return nil
}

// refresh completes an epoch, as training code does, without any fsync, and reads the progress until it is settled.
func (w *writer) refresh() error {
	r, err := w.started(false)
	if err != nil {
		return err
	}
	dir := filepath.Join(r.dir, "epoch_"+strconv.FormatInt(r.epochs, 10))
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	for file, text := range map[string]string{"training_losses.pt": "PK", "optimizer_buffer.json": "[]",
		"validation_scores.json": fmt.Sprintf(`{"aggregated": {"epoch": %d}, "per_datapoint": {"epoch": [1]}}`, r.epochs+1)} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			return err
		}
	}
	r.epochs++
	for range 20 {
		p := w.cache.Get(context.Background(), r.dir, spec, false)
		if p.Error != "" || p.Completed != r.epochs {
			return fmt.Errorf("%s: %d epochs are complete, and the progress is %s %s", r.dir, r.epochs, p.String(), p.Error)
		}
		if p.Settled {
			break
		}
	}
	// The cache is free not to write; what it has written must stay.
	path := record.ProgressPath(r.dir)
	if st := tracker.LookAt(disk, path); st.Kind == tracker.Regular {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		n, err := number(progressFact, data)
		if err != nil {
			return fmt.Errorf("%s: %w: %s", path, err, glimpse(data))
		}
		w.acknowledged(progressFact, path, "", n)
	}
	return nil
}
