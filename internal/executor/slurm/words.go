package slurm

import (
	"errors"
	"io/fs"
	"strings"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/record"
)

// words returns the output of an attempt's job: why it did not become a supervisor, and what its node did to it.
func (e *Executor) words(c runsheet.Claim) []byte {
	data, _, err := durable.Read(e.disk, "slurm", record.BatchLogPath(stateOf(c), c.Batch, c.Task), 1<<20)
	if errors.Is(err, fs.ErrNotExist) {
		data, _, err = durable.Read(e.disk, "slurm", record.SharedLogPath(stateOf(c), c.Batch), 1<<20)
	}
	if err != nil {
		return nil
	}
	return data
}

// jobWords returns the last of those words, as the end of a sentence. What is to be done about it follows in brackets.
func (e *Executor) jobWords(c runsheet.Claim) string {
	lines := strings.Split(strings.TrimSpace(string(e.words(c))), "\n")
	last, hint := len(lines)-1, ""
	if h, ok := strings.CutPrefix(lines[last], "hint: "); ok && last > 0 {
		last, hint = last-1, " ("+h+")"
	}
	return after(plain("slurmstepd", lines[last]+hint))
}
