package unattended

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"runsheet/internal/record"
)

// measuredFile is what the sheet's command for progress prints.
const measuredFile = "state.json"

// arguments are the command line of a trial's program, which has that number among the cases.
func (t trial) arguments(number int) []int {
	again := 0
	if t.again {
		again = 1
	}
	return []int{number, t.at.step, t.at.n, int(t.at.leaves), int(t.way), again}
}

// worker is the program of one run: PROGRAM STEP BYTE LEAVES WAY AGAIN.
func worker(args []string) int {
	var n []int
	for _, a := range args {
		if v, err := strconv.Atoi(a); err == nil {
			n = append(n, v)
		}
	}
	if len(n) != 6 {
		fmt.Fprintln(os.Stderr, "unattended: PROGRAM STEP BYTE LEAVES WAY AGAIN, all of them numbers")
		return 2
	}
	k := cases()[n[0]]
	t := trial{t: truth{k: k, steps: k.steps(1, 0)}, at: point{n[1], n[2], leaves(n[3])}, way: way(n[4]), again: n[5] != 0}
	attempt, err := strconv.Atoi(os.Getenv("RUNSHEET_ATTEMPT"))
	steps, at := t.t.steps, t.at
	if attempt > 1 {
		steps = k.steps(attempt, t.goesOn())
		at = end(steps)
	}
	if err == nil {
		err = writeSlowly(os.Getenv("RUNSHEET_WORK_DIR"), attempt, steps, at)
	}
	switch {
	case err != nil:
		fmt.Fprintf(os.Stderr, "unattended: %v\n", err)
		return 3
	case attempt > 1 || t.way == quits:
		return 0
	case t.way == raises:
		fmt.Fprint(os.Stderr, traceback)
		return 1
	}
	unix.Kill(os.Getpid(), unix.SIGKILL)
	select {}
}

// writeSlowly does the steps up to the point of death, slowly enough for their stamps to differ.
func writeSlowly(workDir string, attempt int, steps []step, at point) error {
	p := place{workDir: workDir, attemptDir: record.AttemptDir(workDir, attempt)}
	for k := range steps[:at.step+1] {
		if steps[k].path == ourMeasured {
			steps[k].path = measuredFile
		}
		if err := p.writeStep(steps, k, at); err != nil {
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
	return nil
}
