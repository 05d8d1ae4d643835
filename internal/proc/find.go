package proc

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"

	"runsheet"
)

// TokenVariable is the environment variable that marks the processes of an attempt; its value is the attempt's nonce.
const TokenVariable = "RUNSHEET_TOKEN"

// token is what the environment of a process says.
type token int

const (
	tokenNone  token = iota // no token, or an environment that is not ours to read
	tokenOurs               // the token that was asked for
	tokenOther              // another attempt's
)

// member is a process in the session that was asked for.
type member struct {
	stat
	token token
}

func (system) Find(nonce string, session int, since runsheet.Process) ([]runsheet.Process, error) {
	for range 2 {
		found, err := look(nonce, session, since)
		if err != nil || len(found) > 0 {
			return found, err
		}
	}
	return nil, nil
}

// look reads /proc once.
func look(nonce string, session int, since runsheet.Process) ([]runsheet.Process, error) {
	self, err := here()
	if err != nil {
		return nil, err
	}
	pids, err := list()
	if err != nil {
		return nil, fmt.Errorf("find processes: %w", err)
	}
	var (
		ours    []stat   // by token
		members []member // of the session, zombies and this process included
		buf     = make([]byte, 0, 4096)
	)
	for _, pid := range pids {
		var s stat
		if s, buf, err = readStat(pid, buf); err != nil {
			continue // gone, or hidden: then it is not ours either
		}
		var t token
		if pid != self.PID && !s.dead() && nonce != "" {
			t, buf = readToken(s, nonce, buf)
		}
		if t == tokenOurs {
			ours = append(ours, s)
		}
		if session > 0 && s.session == session {
			members = append(members, member{s, t})
		}
	}
	if owns(members, session, since, self) {
		for _, m := range members {
			if m.pid != self.PID && !m.dead() && m.token != tokenOurs {
				ours = append(ours, m.stat)
			}
		}
	}
	slices.SortFunc(ours, func(a, b stat) int { return a.pid - b.pid })
	found := make([]runsheet.Process, len(ours))
	for i, s := range ours {
		found[i] = self
		found[i].PID, found[i].StartTime = s.pid, s.start
	}
	return found, nil
}

// owns says whether the session is still the attempt's; Procs.Find gives the rule.
func owns(members []member, session int, since, self runsheet.Process) bool {
	if slices.ContainsFunc(members, func(m member) bool { return m.token == tokenOurs }) {
		return true
	}
	if since.PID <= 0 || since.BootID != self.BootID || since.PIDNamespace != self.PIDNamespace {
		return false
	}
	for _, m := range members {
		leader := m.pid == session
		switch {
		case m.start < since.StartTime, m.token == tokenOther:
			return false
		case leader && since.PID == session && m.start != since.StartTime:
			return false
		}
	}
	return true
}

// readToken reads the environment of a process. One that has not called execve yet shows its parent's, one that
// has written over its environment (setproctitle) may show none, and another user's cannot be read.
func readToken(s stat, nonce string, buf []byte) (token, []byte) {
	dir := "/proc/" + strconv.Itoa(s.pid)
	buf, err := read(dir+"/environ", buf)
	if s.state == 'Z' {
		// The first thread is gone and its view of the memory with it (nothing to read, or ESRCH from newer kernels);
		// the others still have theirs.
		for _, tid := range names(dir + "/task") {
			if buf, err = read(dir+"/task/"+tid+"/environ", buf); err == nil && len(buf) > 0 {
				break
			}
		}
	}
	if err != nil {
		return tokenNone, buf
	}
	return parseToken(buf, nonce), buf
}

// parseToken looks for the token in an environment, entries ended by NUL. A program may add a second entry of the
// name; ours anywhere counts.
func parseToken(environ []byte, nonce string) token {
	t := tokenNone
	for entry := range bytes.SplitSeq(environ, []byte{0}) {
		value, ok := bytes.CutPrefix(entry, []byte(TokenVariable+"="))
		switch {
		case !ok:
		case string(value) == nonce:
			return tokenOurs
		default:
			t = tokenOther
		}
	}
	return t
}

// list returns the pids that /proc shows.
func list() ([]int, error) {
	f, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	all, err := f.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	pids := make([]int, 0, len(all))
	for _, name := range all {
		if pid, err := strconv.Atoi(name); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

// names returns the names in a directory, none where it cannot be read.
func names(dir string) []string {
	f, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer f.Close()
	all, _ := f.Readdirnames(-1)
	return all
}
