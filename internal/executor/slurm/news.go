package slurm

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"runsheet"
)

// news is what is to be told of the queue, and what was told already.
type news struct {
	lines []string
	told  map[string]bool // what need not be said again
	words [32]byte        // of the snapshot that was told of last
}

// tell has a line told, once. e.mu is held.
func (n *news) tell(line string) {
	if n.told == nil {
		n.told = map[string]bool{}
	}
	if !n.told[line] {
		n.told[line] = true
		n.lines = append(n.lines, line)
	}
}

// News implements runsheet.Queue.
func (e *Executor) News(ctx context.Context, waiting iter.Seq[runsheet.Claim]) []string {
	e.mu.Lock()
	s, fresh, holding := e.seen, e.seen.err == nil && e.seen.words != e.news.words, maps.Clone(e.holding)
	e.mu.Unlock()
	var jobs []job
	if fresh {
		for c := range waiting {
			if f := e.find(ctx, s, c, nil); f.ok && holding[c.Nonce] == nil {
				jobs = append(jobs, f.job)
			}
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if fresh {
		e.news.words = s.words
		e.news.waits(jobs)
	}
	lines := e.news.lines
	e.news.lines = nil
	return lines
}

// waits tells what jobs wait for, those of one array that wait for the same together, and each reason once: it comes and
// goes with other people's jobs.
func (n *news) waits(jobs []job) {
	type group struct{ array, reason string }
	groups := map[group][]job{}
	for _, j := range jobs {
		reason := strings.Trim(j.reason, "()")
		if phaseOf(j.state) != pending || reason == "" || reason == "None" {
			continue
		}
		array, _, _ := strings.Cut(j.id, "_")
		g := group{array, reason}
		groups[g] = append(groups[g], j)
	}
	if n.told == nil {
		n.told = map[string]bool{}
	}
	for _, g := range slices.SortedFunc(maps.Keys(groups), func(a, b group) int {
		return strings.Compare(a.array+" "+a.reason, b.array+" "+b.reason)
	}) {
		of := groups[g]
		key := g.array + " " + g.reason
		switch {
		case of[0].held():
			for _, j := range of { // somebody is to release each
				n.tell("a run waits " + j.why)
			}
		case !n.told[key]:
			n.told[key] = true
			n.tell(fmt.Sprintf("%s in Slurm's queue: %s (job %s)", some(len(of), "waits", "wait"), g.reason, g.array))
		}
	}
}

// submitted tells of a submission: out is what sbatch printed.
func (e *Executor) submitted(of []runsheet.Launch, out string) {
	id, _, ok := answered(out)
	if !ok {
		return // it is told of once it is found
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	runs := "1 run"
	if len(of) != 1 {
		runs = fmt.Sprintf("%d runs", len(of))
	}
	e.news.tell("submitted " + runs + " as job " + id)
}

// some is a number of runs and what they do.
func some(n int, one, many string) string {
	if n == 1 {
		return "1 run " + one
	}
	return fmt.Sprintf("%d runs %s", n, many)
}
