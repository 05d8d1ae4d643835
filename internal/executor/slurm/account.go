package slurm

import (
	"context"
	"strings"
	"time"

	"runsheet"
)

// accountPatience is how long the accounting database may take to answer: without its word an attempt counts as lost, and
// sacct would wait for most of a minute for one that hangs.
const accountPatience = 10 * time.Second

// account is what the accounting database said of the jobs of one array, or of one job that is none.
type account struct {
	at   time.Time
	over map[string]runsheet.Over // how those ended that are over, by their names; nil: it did not answer
}

// accounted asks the accounting database, where there is one, how a job ended that the controller has forgotten; nil:
// nobody knows. Whole arrays are asked for, and one at a time: a thousand jobs that were forgotten are one question.
func (e *Executor) accounted(ctx context.Context, id string) *runsheet.Over {
	c, err := e.configured(ctx)
	if err != nil || !c.accounting {
		return nil
	}
	array, _, _ := strings.Cut(id, "_")
	e.accountMu.Lock()
	defer e.accountMu.Unlock()
	a := e.accounts[array]
	o, told := a.over[id]
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
		o, told = a.over[id]
	}
	if !told {
		return nil
	}
	return &o
}

// parseAccount reads how the jobs ended that sacct printed, the last execution of each last: "12_3|CANCELLED by
// 1000|node2".
func parseAccount(out string) map[string]runsheet.Over {
	ends := map[string]runsheet.Over{}
	for line := range strings.Lines(out) {
		f := strings.SplitN(strings.TrimSpace(line), "|", 3)
		if len(f) != 3 {
			continue
		}
		state, _, _ := strings.Cut(f[1], " ")
		if phaseOf(state) == over && state != "" {
			ends[f[0]] = verdict(state, f[2])
		} else {
			delete(ends, f[0])
		}
	}
	return ends
}
