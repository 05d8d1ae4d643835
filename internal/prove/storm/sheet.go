package storm

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"runsheet/internal/prove/method"
	"runsheet/internal/shell"
)

const (
	perMode   = 5 // runs of each mode
	sheetName = "runsheet.yaml"
	twinName  = "twin.yaml" // another sheet over the same work dirs, with a journal and a lock of its own
)

// modes are the kinds of commands.
var modes = []string{
	"plain",
	"daemon", // leaves the session, and the process that was started exits 0
	"closed", // closes every descriptor that it inherited
	"ghost",  // both of these
	"deaf",   // ignores SIGTERM
	"nested", // has a child that outlives it
}

// newRound makes the sheets of a round.
func newRound(c method.Config, dir string, number, target int, total *tally) (*round, error) {
	rd := &round{c: c, number: number, target: target, total: total, dir: filepath.Join(dir, fmt.Sprintf("round%d", number)),
		victims: map[victim]bool{}, guarded: map[string]bool{}, asleep: map[int]bool{}, sleepy: map[string]bool{}, away: map[string]bool{}, seen: newSeen()}
	rd.epochs = 4 + target/6 // so that there is enough to do for so many kills
	rd.ledger = filepath.Join(rd.dir, "ledger")
	rd.mark = fmt.Sprintf("%d-%d-%d", os.Getpid(), time.Now().UnixNano(), number)
	if err := os.MkdirAll(rd.ledger, 0o700); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	rng := rd.rand("sheet")
	var numbers, excluded []string
	for n := range perMode {
		numbers = append(numbers, fmt.Sprint(n))
	}
	for i, mode := range modes {
		for n := range perMode {
			rd.runs = append(rd.runs, fmt.Sprintf("%s_%d", mode, n))
		}
		if i != number%2 && i != 2+number%4 {
			continue
		}
		// Its work dir is taken away once it has begun. Only the journal knows of such an attempt, so that a launcher with
		// another one must not have that run at all.
		n := rng.IntN(2)
		stays := fmt.Sprintf("%s_%d", mode, n)
		rd.stays, rd.guarded[stays] = append(rd.stays, stays), true
		excluded = append(excluded, fmt.Sprintf("{mode: %s, n: %d}", mode, n))
		if err := os.WriteFile(filepath.Join(rd.ledger, stays+".stays"), nil, 0o600); err != nil {
			return nil, err
		}
	}
	text := fmt.Sprintf(`version: 1
command: %s %s %s train {mode} %d
work_dir: runs/{mode}_{n}
matrix:
  mode: [%s]
  n: [%s]
progress: {tracker: epochs, epochs: %d, files: [done]}
policy: {jobs: 6, retries: 1000, backoff: 0s, stop_grace: 200ms, min_free: 0}
`, shell.Quote(self), method.WorkerVerb, name, rd.epochs, strings.Join(modes, ", "), strings.Join(numbers, ", "), rd.epochs)
	if err := os.WriteFile(filepath.Join(rd.dir, sheetName), []byte(text), 0o600); err != nil {
		return nil, err
	}
	text += "exclude: [" + strings.Join(excluded, ", ") + "]\n"
	return rd, os.WriteFile(filepath.Join(rd.dir, twinName), []byte(text), 0o600)
}

// rand returns the source of what is random in one part of the round.
func (rd *round) rand(part string) *rand.Rand {
	h := uint64(rd.number)
	for _, b := range []byte(part) {
		h = h*1099511628211 + uint64(b)
	}
	return rand.New(rand.NewPCG(rd.c.Seed, h))
}

// wholeEpochs counts the epochs of a work dir that are complete, as its tracker must.
func wholeEpochs(workDir string) int {
	n := 0
	for {
		info, err := os.Stat(donePath(workDir, n))
		if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
			return n
		}
		n++
	}
}

func donePath(workDir string, epoch int) string {
	return filepath.Join(workDir, fmt.Sprintf("epoch_%d", epoch), "done")
}
