package unattended

import (
	"fmt"
	"path"
	"strings"
)

// way is how a program comes to its end too early.
type way int

const (
	killed   way = iota // by SIGKILL
	raises              // exits 1, with a traceback
	quits               // exits 0
	vanishes            // with its supervisor, as a machine goes down
)

var ways = []way{killed, raises, quits, vanishes}

func (w way) String() string { return [...]string{"SIGKILL", "exit 1", "exit 0", "power cut"}[w] }

// cause is what the reason of a run begins with that ended in this way.
func (w way) cause() string {
	return [...]string{"ended by SIGKILL", "exited 1", "exited 0", "lost"}[w]
}

// The exception of a program that exits 1, and the traceback that it prints.
const (
	exception = "RuntimeError: the loss exploded"
	traceback = "Traceback (most recent call last):\n  File \"train.py\", line 12, in <module>\n    main()\n" + exception + "\n"
)

// trial is one program that dies at one point in one way, and is tried again.
type trial struct {
	t     truth
	at    point
	way   way
	again bool // the next attempt begins anew; otherwise it goes on
	warm  int  // after so many steps somebody looked, and what he saw was kept; -1: nobody did
}

func (t trial) String() string {
	looked, next := "", "goes on"
	if t.warm >= 0 {
		looked = fmt.Sprintf(", looked at after step %d", t.warm)
	}
	if t.again {
		next = "begins anew"
	}
	return fmt.Sprintf("%s, dies by %s: %s%s; the next attempt %s", t.t.k.name, t.way, t.at.describe(t.t.steps), looked, next)
}

// fault is what is wrong with what came of a trial. Its kind is for counting.
type fault struct{ kind, text string }

func (f fault) Error() string { return f.text }

func wrong(kind, format string, args ...any) error { return fault{kind, fmt.Sprintf(format, args...)} }

// breaks returns the name of the document that the first attempt leaves broken; "": it leaves none. An empty one was opened,
// and nothing is lost; one that lacks only blanks at its end is whole.
func (t trial) breaks() string {
	if !t.at.torn(t.t.steps) {
		return ""
	}
	st := t.t.steps[t.at.step]
	empty := t.at.leaves == hollow || t.at.n == 0 && t.at.leaves == nothing
	if !st.doc || empty || t.at.leaves == nothing && strings.TrimSpace(st.data[t.at.n:]) == "" {
		return ""
	}
	return path.Base(strings.TrimPrefix(st.path, "@"))
}

// guesses says whether a cut line may be taken for a whole one that says less: where no more will come, and where a traceback
// follows it on the same line.
func (t trial) guesses() bool {
	if !t.t.k.free || !t.at.within(t.t.steps) {
		return false
	}
	st := t.t.steps[t.at.step]
	return st.how == adds && (t.way == quits || t.way == raises && st.path == ourLog)
}

// goesOn returns how many units the next attempt takes for done: those before the step in which the first died.
func (t trial) goesOn() int64 {
	last := t.at.step
	if t.at.within(t.t.steps) {
		last--
	}
	if t.again || last < 0 {
		return 0
	}
	return t.t.steps[last].done - t.t.steps[last].redo
}

// judgeReason holds the reason of the run against what happened to its first attempt: the cause of its end first, and what
// it left broken second.
func (t trial) judgeReason(reason string) error {
	if !strings.HasPrefix(reason, t.way.cause()) {
		return wrong("cause", "after attempt 1 the reason does not begin with %q: %s", t.way.cause(), reason)
	}
	if t.way == raises && !strings.Contains(reason, exception) {
		return wrong("cause", "after attempt 1 the reason does not name the exception: %s", reason)
	}
	if name := t.breaks(); name != "" && !strings.Contains(reason, name+" is broken") {
		return wrong("file", "after attempt 1 the reason does not name %s, which is broken: %s", name, reason)
	}
	return nil
}
