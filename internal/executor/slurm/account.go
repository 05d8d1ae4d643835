package slurm

import (
	"context"
	"strconv"
	"strings"
	"time"
)

// accountPatience is how long the accounting database may take to answer: without its word an attempt counts as lost, and
// sacct would wait for most of a minute for one that hangs.
const accountPatience = 10 * time.Second

// account is what the accounting database said of the jobs of one array, or of one job that is none.
type account struct {
	at   time.Time
	over map[string]job // those that are over, by their names; nil: it did not answer
}

// accounted asks the accounting database, where there is one, how a job ended that the controller has forgotten; nil:
// nobody knows. Whole arrays are asked for, and one at a time: a thousand jobs that were forgotten are one question.
// Where all waiting tasks of an array were cancelled, it has one line for them. never: the attempt never began, and that line
// counts for it.
func (e *Executor) accounted(ctx context.Context, id string, never bool) *job {
	c, err := e.configured(ctx)
	if err != nil || !c.accounting {
		return nil
	}
	array, _, _ := strings.Cut(id, "_")
	e.accountMu.Lock()
	defer e.accountMu.Unlock()
	a := e.accounts[array]
	j, told := a.job(id, never)
	if age := time.Since(a.at); age > tickMost || age > tickLeast && !told && a.over != nil {
		a = account{}
		ctx, cancel := context.WithTimeout(ctx, accountPatience)
		defer cancel()
		out, err := e.command(ctx, "sacct", "--noheader", "--parsable2", "--allocations", "--jobs="+array, "--format=JobID,State,NodeList")
		if err == nil {
			a.over = parseAccount(out)
		}
		a.at = time.Now()
		e.accounts[array] = a
		j, told = a.job(id, never)
	}
	if !told {
		return nil
	}
	return &j
}

// job returns what was said of a job that is over.
func (a account) job(id string, never bool) (j job, ok bool) {
	array, _, _ := strings.Cut(id, "_")
	if j, ok = a.over[id]; !ok && never {
		j, ok = a.over[array]
	}
	j.id = id
	return j, ok
}

// parseAccount reads which of the jobs are over that sacct printed, the last execution of each last: "12_3|CANCELLED by
// 1000|node2", and tasks that never began together: "12_[4-7,9]|CANCELLED by 1000|None assigned".
func parseAccount(out string) map[string]job {
	ends := map[string]job{}
	for line := range strings.Lines(out) {
		f := strings.SplitN(strings.TrimSpace(line), "|", 3)
		if len(f) != 3 {
			continue
		}
		state, _, _ := strings.Cut(f[1], " ")
		j := job{state: state, nodes: f[2]}
		if j.nodes == "None assigned" {
			j.nodes = ""
		}
		for _, id := range apart(f[0]) {
			if phaseOf(state) == over && state != "" {
				ends[id] = j
			} else {
				delete(ends, id)
			}
		}
	}
	return ends
}

// apart names the jobs one by one that stand together: "12_[4-5,7]".
func apart(id string) []string {
	array, set, together := strings.Cut(strings.TrimSuffix(id, "]"), "_[")
	tasks, err := parseTasks(set)
	if !together || err != nil {
		return []string{id}
	}
	var all []string
	for _, n := range tasks {
		all = append(all, array+"_"+strconv.Itoa(n))
	}
	return all
}
