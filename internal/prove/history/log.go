package history

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"

	"runsheet/internal/prove/method"
)

// What a process does.
const (
	opClaim   = "claim"   // a compare-and-swap on the name of an attempt; In: the nonce
	opTake    = "take"    // become the supervisor; Out: "ok", "held", "over" or "no"
	opBegin   = "begin"   // write the start; In: who
	opEnd     = "end"     // write the end, and let go; In: who
	opLeave   = "leave"   // let go without an end
	opVoid    = "void"    // the start that a takeover may write; In: who
	opHeir    = "heir"    // the end of a takeover; In: who, Out: whose end stands there
	opRequest = "request" // Out: its number
	opHold    = "hold"    // take the launcher's lock; Out: "ok" or "held"
	opRelease = "release" // let it go
	opLook    = "look"    // read everything: it is taken apart into one read for each register
	opWrong   = "wrong"   // an operation failed in a way that nothing explains; Out: how
	opDied    = "died"    // the kernel let go of whatever the process held
)

// op is one operation of one process.
type op struct {
	Client  int    `json:"-"`
	ID      int    `json:"id"`
	Kind    string `json:"kind"`
	Dir     int    `json:"dir"`
	Life    int    `json:"life"`
	Attempt int    `json:"attempt,omitempty"`
	In      string `json:"in,omitempty"`
	Out     string `json:"out,omitempty"`
	Seen    *seen  `json:"seen,omitempty"`
	Call    int64  `json:"call"`
	Return  int64  `json:"return,omitempty"` // 0 in the line that is written before; never: it was killed meanwhile
	Pending bool   `json:"-"`
}

// seen is what a look returned.
type seen struct {
	Attempt int    `json:"attempt"`
	Claim   string `json:"claim"`
	Start   string `json:"start"`
	End     string `json:"end"`
	Request int    `json:"request"`
}

// never is the return of an operation whose process was killed: it may take effect at any time, or not at all.
const never = math.MaxInt64

// readLog returns the operations that a process noted, each before and after, in their order. died is when it was seen
// to be gone. A last line that was not finished was not written: a kill ends a write between two pages, too. Then the
// operation was not begun, or nobody knows how it ended.
func readLog(path string, client int, died int64) ([]op, error) {
	data, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil, nil // killed before its first operation
	}
	if err != nil {
		return nil, err
	}
	var ops []op
	byID := map[int]int{}
	for line := range strings.Lines(string(data)) {
		if !strings.HasSuffix(line, "\n") {
			break
		}
		o := op{Client: client}
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			return nil, fmt.Errorf("%s: %q: %w", path, line, err)
		}
		o.Client = client
		if o.Kind == opWrong {
			ops = append(ops, o)
			continue
		}
		if o.Return == 0 {
			o.Pending, o.Return = true, never
			byID[o.ID] = len(ops)
			ops = append(ops, o)
			continue
		}
		ops[byID[o.ID]] = o
	}
	return append(ops, deaths(ops, client, died)...), nil
}

// deaths returns what the kernel let go of when the process was gone.
func deaths(ops []op, client int, died int64) (out []op) {
	open := map[[3]int]int64{} // what it holds, or may hold, since when; the attempt 0 is the launcher's lock
	for _, o := range ops {
		key := [3]int{o.Dir, o.Life, o.Attempt}
		switch o.Kind {
		case opTake, opHold:
			if o.Pending {
				open[key] = o.Call
			} else if o.Out == "ok" {
				open[key] = o.Return + 1 // it died with it
			}
		case opEnd, opLeave, opRelease:
			if !o.Pending {
				delete(open, key)
			}
		}
	}
	for key, since := range open {
		out = append(out, op{Client: client, Kind: opDied, Dir: key[0], Life: key[1], Attempt: key[2], Call: since, Return: died})
	}
	return out
}

// counts is what all histories amount to.
type counts struct {
	histories, ops, pending, won, lost int
}

func (c *counts) add(ops []op) {
	c.histories++
	for _, o := range ops {
		if o.Kind == opDied {
			continue
		}
		c.ops++
		switch {
		case o.Pending:
			c.pending++
		case o.Kind == opClaim && o.Out == "ok", o.Kind == opHold && o.Out == "ok":
			c.won++
		case o.Kind == opClaim, o.Kind == opHold, o.Kind == opHeir && o.Out != o.In, o.Kind == opTake && o.Out != "ok":
			c.lost++
		}
	}
}

func (c *counts) figures(r *method.Result) {
	r.Figure("histories", c.histories)
	r.Figure("operations", c.ops)
	r.Figure("claims and locks won", c.won)
	r.Figure("conflicts", c.lost)
	r.Figure("killed in the middle", c.pending)
}
