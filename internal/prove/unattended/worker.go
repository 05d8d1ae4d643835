package unattended

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"runsheet/internal/record"
)

// measuredFile is what the sheet's command for progress prints: what the case has in the file of what was printed.
const measuredFile = "state.json"

// worker is the program of one run: write CASE STEP BYTE LEAVES WAY AGAIN.
func worker(args []string) int {
	if len(args) != 7 || args[0] != "write" {
		fmt.Fprintln(os.Stderr, "unattended: write CASE STEP BYTE LEAVES WAY AGAIN")
		return 2
	}
	var n [6]int
	for i := range n {
		var err error
		if n[i], err = strconv.Atoi(args[i+1]); err != nil {
			fmt.Fprintf(os.Stderr, "unattended: %v\n", err)
			return 2
		}
	}
	k := cases()[n[0]]
	at, way, again := point{n[1], n[2], leaves(n[3])}, way(n[4]), n[5] != 0
	workDir := os.Getenv("RUNSHEET_WORK_DIR")
	attempt, _ := strconv.Atoi(os.Getenv("RUNSHEET_ATTEMPT"))
	p := place{workDir: workDir, attemptDir: record.AttemptDir(workDir, attempt)}
	steps := k.steps(1, 0)
	if attempt == 1 {
		if err := writeAll(&p, steps, at); err != nil {
			fmt.Fprintf(os.Stderr, "unattended: %v\n", err)
			return 3
		}
		switch way {
		case raises:
			fmt.Fprint(os.Stderr, traceback)
			return 1
		case quits:
			return 0
		}
		unix.Kill(os.Getpid(), unix.SIGKILL)
		select {}
	}
	rest := k.steps(attempt, goesOn(steps, at, again))
	if err := writeAll(&p, rest, point{step: len(rest) - 1, n: lengthOf(rest, len(rest)-1)}); err != nil {
		fmt.Fprintf(os.Stderr, "unattended: %v\n", err)
		return 3
	}
	return 0
}

// writeAll does the steps up to the point at which the writer dies, slowly enough for their stamps to differ.
func writeAll(p *place, steps []step, at point) error {
	for k := 0; k <= at.step; k++ {
		s := steps[k]
		if s.path == ourMeasured {
			s.path = measuredFile
		}
		n, left := len(s.data), nothing
		if k == at.step {
			n, left = at.n, at.leaves
		}
		if err := p.writePart(s, n, left); err != nil {
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
	return nil
}
