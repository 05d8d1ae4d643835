package tracker

import (
	"errors"
	"path"
	"slices"
	"strconv"
	"time"

	"runsheet"
)

// epochs is training that leaves directories epoch_0, epoch_1, ... behind, one for each epoch. An epoch is complete
// when each of the expected files is a regular file and not empty; what counts is how many are complete without a gap
// from the first one on. (The layout is that of danielmao2019/Pylon, agents/manager/training_job.py.)
type epochs struct{}

const scoresName = "validation_scores.json"

// recentEpochs is how many completion times are told.
const recentEpochs = 16

func (epochs) Name() string { return "epochs" }

func (epochs) Logs() string { return "train_val*.log" }

// files returns what a complete epoch holds.
func (epochs) files(spec runsheet.ProgressSpec) []string {
	if len(spec.Files) > 0 {
		return spec.Files
	}
	return []string{"training_losses.pt", "optimizer_buffer.json", scoresName}
}

// Recognises looks for the first epoch with any of the expected files, and for a progress.json that counts epochs. A
// directory epoch_N alone is not enough: other programs use that name. A progress.json that nobody can read counts,
// so that its fault is shown.
func (e epochs) Recognises(ev *Evidence, spec runsheet.ProgressSpec) bool {
	first := e.within(0, e.files(spec))
	looked := first[:1]
	if st, err := ev.Look(first[0]); err != nil {
		return true
	} else if st.Kind == Directory {
		looked = first
		for _, rel := range first[1:] {
			if st, err := ev.Look(rel); err != nil || st.Kind == Regular {
				return true // Read names what matters from here on
			}
		}
	}
	if doc, err := ev.document(); err != nil || doc.foreign() {
		return true
	}
	ev.Witness(documentName)
	ev.Witness(looked...)
	return false
}

// within returns the directory of an epoch, and then its files.
func (epochs) within(n int64, files []string) []string {
	dir := "epoch_" + strconv.FormatInt(n, 10)
	out := make([]string, 0, len(files)+1)
	out = append(out, dir)
	for _, f := range files {
		out = append(out, path.Join(dir, f))
	}
	return out
}

// Read counts the complete epochs. Their directories are the authority; a progress.json of the training code tells the
// count where they were pruned, the total where the sheet does not, and that the training stopped early.
func (e epochs) Read(ev *Evidence, spec runsheet.ProgressSpec) (runsheet.Progress, error) {
	p := runsheet.Progress{Source: e.Name(), Unit: unit(spec, "epoch")}
	files := e.files(spec)
	ev.Witness(documentName)
	doc, torn := ev.document()
	if torn != nil && !isBroken(torn) {
		return p, torn
	}
	c, err := e.count(ev, files)
	if err != nil {
		return p, err
	}
	if err := e.whole(ev, &c, files); err != nil {
		return p, err
	}
	p.Completed, p.Recent, p.Lacks = c.complete, c.recent, c.lacks
	believed := c.believe(ev, doc, &p)
	if p.Total, err = totalOf(ev, spec, doc); err != nil {
		return p, err
	}

	if p.Completed > 0 {
		ev.Witness(e.within(p.Completed-1, files)[1:]...)
		ev.Witness(e.within(p.Completed-1, scoreFiles(files))[1:]...)
		if p.Metrics, err = e.metrics(ev, p.Completed-1, files); err != nil && !isBroken(err) {
			return p, err
		}
	}
	if !c.first {
		ev.Witness(e.within(0, nil)...)
	}
	for _, n := range []int64{c.complete, p.Completed} { // the training code's document may be ahead of the directories
		next := e.within(n, files)
		ev.Witness(next[0])
		if st, err := ev.Look(next[0]); err == nil && st.Kind == Directory {
			ev.Witness(next[1:]...)
		}
	}

	if believed && doc.early {
		p.EarlyStopped, p.EarlyStoppedAt = true, doc.earlyAt
		if doc.earlyAt == 0 {
			p.EarlyStoppedAt = p.Completed
		}
	}
	if spec.EarlyStopping != nil && !p.EarlyStopped && c.complete > 0 {
		at, err := e.stopped(ev, *spec.EarlyStopping, c.complete, files)
		if err != nil {
			return p, err
		}
		p.EarlyStopped, p.EarlyStoppedAt = at > 0, at
	}
	if torn != nil && spec.Total > 0 && c.complete >= spec.Total {
		ev.passOver(torn)
		torn = nil // the directories show all of it
	}
	return p, torn
}

// counted is what the directories say.
type counted struct {
	first    bool  // epoch_0 is there
	complete int64 // without a gap
	recent   []time.Time
	newest   int64  // newest time on the last complete epoch and on the one after it
	lacks    string // the first file that the epoch after it lacks, if its directory is there
}

func (e epochs) count(ev *Evidence, files []string) (counted, error) {
	var c counted
	for {
		if err := ev.ctx.Err(); err != nil {
			return c, err
		}
		rels := e.within(c.complete, files)
		st, err := ev.Look(rels[0])
		if err != nil {
			return c, err
		}
		if c.complete == 0 {
			c.first = st.Kind == Directory
		}
		if st.Kind != Directory {
			if c.complete == 0 {
				c.lacks = rels[0]
			}
			return c, nil
		}
		complete, newest := true, int64(0)
		for _, rel := range rels[1:] {
			st, err := ev.Look(rel)
			if err != nil {
				return c, err
			}
			if complete = complete && st.Kind == Regular && st.Size > 0; !complete && c.lacks == "" {
				c.lacks = rel
			}
			newest = max(newest, st.MTime)
		}
		if !complete {
			c.newest = max(c.newest, newest)
			return c, nil
		}
		c.complete++
		c.newest = newest
		c.recent = append(c.recent, stampTime(newest))
		if n := len(c.recent) - recentEpochs; n > 0 {
			c.recent = slices.Delete(c.recent, 0, n)
		}
	}
}

// whole takes the last complete epoch back if its scores are broken: a writer that was killed leaves them so, and they
// are neither scores nor none. They are read again while they may still be being written.
func (e epochs) whole(ev *Evidence, c *counted, files []string) error {
	if c.complete == 0 {
		return nil
	}
	_, err := e.metrics(ev, c.complete-1, files)
	var broken *brokenError
	if !errors.As(err, &broken) || !slices.Contains(e.within(c.complete-1, files), broken.rel) {
		if isBroken(err) {
			err = nil // no part of a complete epoch
		}
		return err
	}
	rel := broken.rel
	moving, err := ev.steadily(rel, func() error { _, err := ev.scores(rel); return err })
	if err == nil || !isBroken(err) && !absent(err) {
		return err
	}
	if ev.Witness(e.within(c.complete-1, files)[1:]...); moving {
		ev.moving = true
	} else {
		ev.passOver(err)
	}
	c.complete--
	c.recent = c.recent[:len(c.recent)-1]
	c.lacks = rel
	return nil
}

// believe takes over the count of the training code's document where it holds, and says whether the document speaks
// of the state that was counted.
func (c counted) believe(ev *Evidence, doc *document, p *runsheet.Progress) bool {
	switch {
	case !doc.foreign():
		return false
	case !c.first: // pruned, or never there
		p.Completed, p.Recent = doc.completed, nil
		return true
	case doc.completed == c.complete:
		return true
	case doc.completed == c.complete+1:
		// The training code writes the epoch's files in the background, and its document at once.
		if st, err := ev.Look(documentName); err == nil && st.MTime >= c.newest {
			p.Completed = doc.completed
			p.Recent = append(p.Recent, stampTime(st.MTime))
			return true
		}
	}
	return false
}

// metrics returns those of epoch n: of the first of its documents that has any.
func (e epochs) metrics(ev *Evidence, n int64, files []string) (runsheet.Metrics, error) {
	var first error
	for _, rel := range e.within(n, scoreFiles(files))[1:] {
		st, err := ev.Look(rel)
		if err != nil {
			return nil, err
		}
		if st.Kind != Regular || st.Size == 0 {
			continue
		}
		m, err := ev.scores(rel)
		switch {
		case absent(err):
		case err != nil && first == nil:
			first = err
		case len(m) > 0:
			return m, nil
		}
	}
	return nil, first
}

// totalOf returns how many epochs there will be: the sheet knows best, then the training code.
func totalOf(ev *Evidence, spec runsheet.ProgressSpec, doc *document) (int64, error) {
	if spec.Total > 0 {
		return spec.Total, nil
	}
	if t := doc.totalEpochs(); t > 0 {
		return t, nil
	}
	return configuredEpochs(ev)
}

func isBroken(err error) bool {
	var broken *brokenError
	return errors.As(err, &broken)
}

func stampTime(ns int64) time.Time { return time.Unix(0, ns) }
