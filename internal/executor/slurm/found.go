package slurm

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"runsheet"
	"runsheet/internal/record"
)

// submitted is what was noted of one submission that Slurm took.
type submitted struct {
	id      string
	cluster string
	tasks   []int // ascending; nil: the job is no array
	at      time.Time
}

// has says whether a task of the batch went with this submission.
func (s submitted) has(n int) bool {
	if s.tasks == nil {
		return n == 0
	}
	_, ok := slices.BinarySearch(s.tasks, n)
	return ok
}

// job returns what Slurm calls the job of a task.
func (s submitted) job(n int) string {
	if s.tasks == nil {
		return s.id
	}
	return s.id + "_" + strconv.Itoa(n)
}

// notes are the submissions that were noted of a batch.
type notes struct {
	all  []submitted
	asOf time.Time // when they were read
}

// answered reads what sbatch --parsable printed: the number of the job, and behind a semicolon the cluster where there may
// be several. What a site's own sbatch says around it is left out.
func answered(out string) (id, cluster string, ok bool) {
	for line := range strings.Lines(out) {
		number, name, _ := strings.Cut(strings.TrimSpace(line), ";")
		if _, err := strconv.ParseUint(number, 10, 63); err == nil {
			id, cluster, ok = number, name, true
		}
	}
	return id, cluster, ok
}

// noteJob notes the number with which Slurm took attempts of a batch. Where it cannot be written, this process alone knows it, and
// others find the jobs by the batch's name on them.
func (e *Executor) noteJob(ctx context.Context, b *batch, part []runsheet.Launch, out string) {
	id, cluster, ok := answered(out)
	if !ok {
		return
	}
	if c, err := e.configured(ctx); err == nil && cluster == "" {
		cluster = c.cluster
	}
	s := submitted{id: id, cluster: cluster, at: time.Now()}
	text := ""
	if !b.alone {
		for _, l := range part {
			s.tasks = append(s.tasks, l.Claim.Task)
		}
		text = formatTasks(s.tasks)
	}
	state := stateOf(b.claim)
	record.NoteJob(e.disk, state, b.claim.Batch, record.BatchJob{Job: id, Tasks: text, Cluster: cluster, At: s.at})
	e.notesMu.Lock()
	defer e.notesMu.Unlock()
	n := e.notes[b.claim.Batch]
	n.all = append(slices.Clone(n.all), s)
	e.notes[b.claim.Batch] = n
}

// submissions returns what was noted of an attempt's batch, as of a moment or later.
func (e *Executor) submissions(c runsheet.Claim, asOf time.Time) ([]submitted, error) {
	if c.Batch == "" {
		return nil, nil
	}
	e.notesMu.Lock()
	defer e.notesMu.Unlock()
	n, ok := e.notes[c.Batch]
	if ok && !n.asOf.Before(asOf) {
		return n.all, nil
	}
	now := time.Now()
	noted, err := record.BatchJobs(e.disk, stateOf(c), c.Batch)
	if err != nil {
		return nil, err
	}
	var all []submitted
	for _, j := range noted {
		tasks, err := parseTasks(j.Tasks)
		if err == nil {
			all = append(all, submitted{id: j.Job, cluster: j.Cluster, tasks: tasks, at: j.At})
		}
	}
	for _, mine := range n.all { // what could not be written
		if !slices.ContainsFunc(all, func(s submitted) bool { return s.id == mine.id && s.at.Equal(mine.at) }) {
			all = append(all, mine)
		}
	}
	e.notes[c.Batch] = notes{all, now}
	return all, nil
}

// found is what the queue shows of an attempt's job.
type found struct {
	job
	ok    bool
	err   error      // what was noted cannot be read; then it may be there nevertheless
	last  *submitted // the last submission of the attempt that was noted; nil: none was
	other string     // the cluster that it went to, where that is not the one that is asked here
}

// called returns what Slurm calls the job of an attempt, as far as anybody noted it.
func (f found) called(c runsheet.Claim, s *runsheet.Start) string {
	switch {
	case f.ok:
		return f.id
	case s != nil && s.Job != "":
		return s.Job
	case f.last != nil:
		return f.last.job(c.Task)
	}
	return ""
}

// find looks for an attempt's job in the queue. A job that shows the name of its submission is known by that. Any other one is
// known by its number: the submission noted it, and its supervisor has written it down.
func (e *Executor) find(ctx context.Context, q snapshot, c runsheet.Claim, s *runsheet.Start) found {
	if j, ok := q.jobs[task{c.Batch, c.Task}]; ok {
		return found{job: j, ok: true}
	}
	if j, ok := q.jobs[task{c.Batch, whole}]; ok && c.Task == 0 && phaseOf(j.state) != over { // it is alone
		return found{job: j, ok: true}
	}
	ours, asOf := "", q.began
	if q.err != nil { // no news
		asOf = time.Time{}
	}
	all, err := e.submissions(c, asOf)
	if err != nil {
		return found{err: err}
	}
	if len(all) > 0 && q.err == nil {
		if conf, err := e.configured(ctx); err == nil {
			ours = conf.cluster
		}
	}
	return q.find(c, s, all, ours)
}

// find is the part of it that asks nobody: all are the submissions of the batch, the oldest first, and cluster is the one
// that the snapshot is of.
func (s *snapshot) find(c runsheet.Claim, st *runsheet.Start, all []submitted, cluster string) (f found) {
	begun := st != nil && !st.Void
	array := begun && strings.Contains(st.Job, "_") // then what stands for the whole of an array is not its job
	names := []string{c.Batch}
	for _, one := range slices.Backward(all) {
		if !one.has(c.Task) {
			continue
		}
		if f.last == nil {
			f.last = &one
		}
		if one.cluster == "" || cluster == "" || one.cluster == cluster {
			names = append(names, one.id)
		}
	}
	if f.last != nil && len(names) == 1 {
		f.other = f.last.cluster
		return f
	}
	if len(all) > 0 && f.last == nil && !begun { // it was not submitted, whatever became of others of its batch
		return f
	}
	if begun && st.Job != "" {
		id, _, _ := strings.Cut(st.Job, "_")
		names = append(names, id)
	}
	for _, name := range names {
		if f.job, f.ok = s.jobs[task{name, c.Task}]; f.ok {
			return f
		}
	}
	for _, name := range names {
		if j, ok := s.jobs[task{name, whole}]; ok && !array && (c.Task == 0 || phaseOf(j.state) == over) {
			f.job, f.ok = j, true
			return f
		}
	}
	return f
}

// doubt says why nobody here can tell of an attempt that was not found in the queue; empty: it is not there.
func (f found) doubt(c runsheet.Claim) string {
	switch {
	case f.err != nil:
		return diagnoseAway(f.err)
	case f.other != "":
		return fmt.Sprintf("its job %s is one of the cluster %q, and Slurm's commands here talk to another one", f.last.job(c.Task), f.other)
	}
	return ""
}
