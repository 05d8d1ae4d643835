package slurm

import (
	"context"
	"strings"
)

// cannotBegin says which node could not begin jobs that Slurm holds since, and why, in words: their reason says no more than
// "launch failed requeued held". The accounting database knows the node, where there is one. Nobody else does: such a node is
// given no more jobs, so it is most likely the one that Slurm drained last.
func (e *Executor) cannotBegin(ctx context.Context, jobs map[task]job) {
	e.mu.Lock()
	before := e.unbegun
	e.mu.Unlock()
	now := map[string]string{} // of those that are held still: once released, a job may fail on another node
	drained, asked := "", false
	for t, j := range jobs {
		if phaseOf(j.state) != pending || !j.failedToBegin() {
			continue
		}
		words, known := before[j.id]
		if !known {
			if !asked {
				drained, _ = e.command(ctx, "sinfo", "--noheader", "--list-reasons", "--format=%H|%N|%E")
				asked = true
			}
			words = notBegun(drained, e.lastNode(ctx, j.id))
		}
		now[j.id], j.node = words, words
		j.why = waitsFor(j, false)
		jobs[t] = j
	}
	e.mu.Lock()
	e.unbegun = now
	e.mu.Unlock()
}

// lastNode returns the node of a job's last execution, where the accounting database knows it.
func (e *Executor) lastNode(ctx context.Context, id string) (node string) {
	if c, err := e.configured(ctx); err != nil || !c.accounting {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, accountPatience)
	defer cancel()
	out, err := e.command(ctx, "sacct", "--noheader", "--parsable2", "--allocations", "--duplicates", "--jobs="+id, "--format=NodeList")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(out) {
		if line = strings.TrimSpace(line); line != "" && line != "None assigned" {
			node = line
		}
	}
	return node
}

// notBegun names the node that could not begin a job. drained is sinfo's list of nodes that get no jobs, in lines "TIME|NODE|WHY".
// node is the node, where that is known.
func notBegun(drained, node string) string {
	last := []string{"", "", ""}
	for line := range strings.Lines(drained) {
		f := strings.SplitN(strings.TrimSpace(line), "|", 3)
		if len(f) == 3 && (node == "" && f[0] > last[0] || node == f[1]) {
			last = f
		}
	}
	why := ""
	if last[2] != "" {
		why = " (" + last[2] + ")"
	}
	switch {
	case node != "":
		return node + " could not begin it" + why
	case last[1] != "":
		return "Slurm drained " + last[1] + " last" + why
	}
	return ""
}
