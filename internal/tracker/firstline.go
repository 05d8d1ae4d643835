package tracker

import (
	"bufio"
	"io"
)

const maxFirstLine = 64 << 10 // bytes

// firstLine returns the first line of a file below the work dir, without its end; nil where there is none, or no end of
// it yet. It is cheap, for whoever wants to know whether a file is of its kind: what it looked at it names as a witness.
func (ev *Evidence) firstLine(rel string) []byte {
	ev.WitnessIdentity(rel)
	if st, err := ev.Look(rel); err != nil || st.Kind != Regular {
		return nil
	}
	f, err := ev.open(rel, 1<<62)
	if err != nil {
		ev.Witness(rel)
		return nil
	}
	defer f.Close()
	line, err := bufio.NewReader(io.LimitReader(f, maxFirstLine)).ReadBytes('\n')
	if err != nil {
		ev.Witness(rel) // the rest may come
		return nil
	}
	return line[:len(line)-1]
}
