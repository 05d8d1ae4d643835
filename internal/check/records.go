package check

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/record"
)

// records looks at everything below .runsheet of a work dir but the progress: the attempts from the last to the first,
// the requests after them.
func (c *checker) records(f *findings, workDir string) {
	root := record.Dir(workDir)
	uid, ok := c.directory(f, root, c.self())
	if !ok {
		return
	}
	h := &history{c: c, f: f, workDir: workDir, uid: uid, nonces: map[string]int{}}
	h.attempts()
	h.requests()
	for _, name := range c.names(f, root) {
		path := filepath.Join(root, name)
		switch {
		case path == record.ProgressPath(workDir):
			if _, ok := c.file(f, path, uid); ok {
				data, _, _ := durable.Read(c.disk, label, path, maxDocument) // that it cannot be read is told of the progress
				if key := twice(data); key != "" {
					f.broken(path, "remove it; it is computed anew", "the key %q stands there twice", key)
				}
			}
		case path == record.ProgressLockPath(workDir):
			c.file(f, path, uid)
		case path == record.AttemptsDir(workDir), path == record.RequestsDir(workDir):
		case isTemp(name), path == record.PublishedPath(workDir):
			h.temp = append(h.temp, path)
		default:
			c.strange(f, path)
		}
	}
	if !h.lives {
		for _, path := range h.temp {
			c.leftover(f, path)
		}
	}
}

// history is one look at the records of a work dir.
type history struct {
	c       *checker
	f       *findings
	workDir string
	uid     int // who our directory belongs to
	nonces  map[string]int
	temp    []string // temporary files
	lives   bool     // something of the run lives, or may
	claimed bool     // an attempt that was looked at already, a later one, was claimed
	next    int      // the earliest of these
	begun   int      // the earliest of these that really began; 0: none
	newest  int      // the highest number of a request that a claim took into account
	by      int      // the attempt that did
}

// attempts looks at the attempts.
func (h *history) attempts() {
	dir := record.AttemptsDir(h.workDir)
	if _, ok := h.c.directory(h.f, dir, h.uid); !ok {
		return
	}
	names := h.c.names(h.f, dir)
	slices.Sort(names) // six digits sort as numbers do, more of them after those
	slices.SortStableFunc(names, func(a, b string) int { return len(a) - len(b) })
	for _, name := range slices.Backward(names) {
		path := filepath.Join(dir, name)
		n, digits := number(name)
		switch {
		case isTemp(name):
			h.temp = append(h.temp, path)
		case n > 0 && record.AttemptDir(h.workDir, n) == path:
			h.attempt(n)
		case putAside(name):
			h.f.note(path, "nothing needs to be done", "an attempt that somebody has set aside")
		case digits:
			h.f.broken(path, "nobody will read it; give it back its name, or move it away",
				"an attempt's name is its number with six digits, counted from 000001")
		default:
			h.c.strange(h.f, path)
		}
	}
}

// putAside says whether a name is that of an attempt which a person has put away.
func putAside(name string) bool {
	n, _ := number(strings.TrimSuffix(name, setAside))
	return n > 0 && name == filepath.Base(record.AttemptDir("", n))+setAside
}

// requests looks at what people asked for. The claims were read before: what they took into account must be there.
func (h *history) requests() {
	dir := record.RequestsDir(h.workDir)
	defer func() {
		if h.newest > 0 {
			h.f.broken(dir, "an acknowledged request was lost: "+asking(h.workDir),
				"attempt %d took request %d into account, which is gone", h.by, h.newest)
		}
	}()
	if _, ok := h.c.directory(h.f, dir, h.uid); !ok {
		return
	}
	const suffix = ".json"
	count, highest := 0, 0
	for _, name := range h.c.names(h.f, dir) {
		path := filepath.Join(dir, name)
		n, digits := number(strings.TrimSuffix(name, suffix))
		switch {
		case isTemp(name):
			h.temp = append(h.temp, path)
		case n > 0 && name == filepath.Base(record.AttemptDir("", n))+suffix:
			h.request(path, n)
			count, highest = count+1, max(highest, n)
		case digits:
			h.f.broken(path, "nobody will read it; give it back its name, or move it away",
				"a request's name is its number with six digits, counted from 000001.json")
		default:
			h.c.strange(h.f, path)
		}
	}
	if count < highest {
		h.f.note(dir, "nothing needs to be done: the newest one holds", "earlier requests are missing; the newest one has the number %d", highest)
	}
}

// request looks at the request with the number n.
func (h *history) request(path string, n int) {
	if n >= h.newest {
		h.newest = 0
	}
	r, _, _ := look(h.c, h.f, path, h.uid, record.DecodeRequest)
	if r == nil {
		return
	}
	if r.Number != n {
		h.f.broken(path, "give it back its name, or move it away", "it calls itself request %d", r.Number)
	}
	for _, wrong := range wrongProcess(r.By) {
		h.f.broken(path, askAgain(h.workDir), "who wrote it is missing: %s", wrong)
	}
}

// number parses a name that consists of digits alone; n is 0 where it cannot be a number of ours.
func number(name string) (n int, digits bool) {
	if name == "" || strings.Trim(name, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(name)
	if err != nil {
		n = 0
	}
	return n, true
}

// wrongProcess says what a process lacks to be one.
func wrongProcess(p runsheet.Process) (wrong []string) {
	if p.PID <= 0 {
		wrong = append(wrong, fmt.Sprintf("process number %d", p.PID))
	}
	if p.BootID == "" {
		wrong = append(wrong, "no boot id")
	}
	return wrong
}
