package slurm

import (
	"context"
	"strings"

	"runsheet"
)

// accounted asks the accounting database, where there is one, how a job ended that the controller has forgotten; nil:
// nobody knows.
func (e *Executor) accounted(ctx context.Context, id string) *runsheet.Over {
	c, err := e.configured(ctx)
	if err != nil || !c.accounting {
		return nil
	}
	out, err := command(ctx, "sacct", "--noheader", "--parsable2", "--allocations", "--jobs="+id, "--format=State,NodeList")
	if err != nil {
		return nil
	}
	return parseAccount(out)
}

// parseAccount reads the state and the nodes of the last execution that sacct printed: "CANCELLED by 1000|node2".
func parseAccount(out string) *runsheet.Over {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	text, nodes, ok := strings.Cut(lines[len(lines)-1], "|")
	state, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	if !ok || phaseOf(state) != over {
		return nil
	}
	o := verdict(state, strings.TrimSpace(nodes))
	return &o
}
