package nfs

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os/exec"
	"path/filepath"
	"syscall"

	"runsheet"
	"runsheet/internal/check"
	"runsheet/internal/durable"
	"runsheet/internal/prove/method"
	"runsheet/internal/record"
)

func newRand(seed uint64, index int) *rand.Rand { return rand.New(rand.NewPCG(seed, uint64(index))) }

// trial is the work of two clients in one setting.
type trial struct {
	index   int
	rng     *rand.Rand
	outcome outcome
	clients [2]*machine
	facts   []fact
	runs    map[string]*state   // by work dir, as clients see it
	at      func(string) string // where the server has what clients see
}

// state is what is known of a run by what was acknowledged.
type state struct {
	attempt int
	nonce   string
	ended   string
}

// fact is something that a client was told is durable.
type fact struct {
	workDir string
	attempt int
	nonce   string
	ended   string // who wrote the end; "": the claim is meant
}

// machine is a client's process.
type machine struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	enc *json.Encoder
	dec *json.Decoder
}

// ask has a client do something, and counts its retries.
func (t *trial) ask(i int, q request) (reply, error) {
	var r reply
	c := t.clients[i]
	if err := errors.Join(c.enc.Encode(q), c.dec.Decode(&r)); err != nil {
		return r, fmt.Errorf("client %d: %s: %w", i, q.Do, err)
	}
	t.outcome.Retries += r.Retries
	if r.Err != "" {
		return r, fmt.Errorf("client %d: %s %s %d: %s", i, q.Do, q.WorkDir, q.Attempt, r.Err)
	}
	return r, nil
}

// both has both clients do the same at the same time.
func (t *trial) both(q request) (rs [2]reply, err error) {
	for i, c := range t.clients {
		if err := c.enc.Encode(q); err != nil {
			return rs, fmt.Errorf("client %d: %w", i, err)
		}
	}
	for i, c := range t.clients {
		if derr := c.dec.Decode(&rs[i]); derr != nil {
			return rs, fmt.Errorf("client %d: %s: %w", i, q.Do, derr)
		}
		t.outcome.Retries += rs[i].Retries
		if rs[i].Err != "" {
			err = errors.Join(err, fmt.Errorf("client %d: %s %s %d: %s", i, q.Do, q.WorkDir, q.Attempt, rs[i].Err))
		}
	}
	return rs, err
}

// run does the rounds.
func (t *trial) run(rounds int) error {
	defer t.dismiss()
	for i := range t.clients {
		if err := t.hire(i); err != nil {
			return err
		}
	}
	t.runs = map[string]*state{}
	for t.outcome.Rounds < rounds && len(t.outcome.Wrong) == 0 {
		// A few work dirs again and again: what a client remembers of them is out of date.
		dir := filepath.Join(mounted, fmt.Sprintf("setting-%d", t.index), fmt.Sprintf("run-%d", t.rng.IntN(3+t.outcome.Rounds/8)))
		if err := t.round(dir); err != nil {
			return err
		}
		t.outcome.Rounds++
	}
	for i := range t.clients {
		if _, err := t.ask(i, request{Do: "leave"}); err != nil {
			return err
		}
	}
	return nil
}

func (t *trial) wrong(format string, args ...any) {
	t.outcome.Wrong = append(t.outcome.Wrong, fmt.Sprintf("round %d: ", t.outcome.Rounds)+fmt.Sprintf(format, args...))
}

// round has both clients want the next attempt of a run.
func (t *trial) round(dir string) error {
	s := t.runs[dir]
	if s == nil {
		s = &state{}
		t.runs[dir] = s
	}
	for i := range t.clients {
		if err := t.mustSee(i, dir, s); err != nil {
			return err
		}
	}
	rs, err := t.both(request{Do: "claim", WorkDir: dir})
	if err != nil {
		return err
	}
	winner := 0
	if rs[1].Won {
		winner = 1
	}
	switch {
	case rs[0].Won && rs[1].Won:
		t.wrong("both clients claimed attempt %d of %s: %v", rs[0].Attempt, dir, rs)
		return nil
	case !rs[winner].Won:
		t.wrong("neither client claimed attempt %d of %s, and both say that the other did", s.attempt+1, dir)
		return nil
	}
	t.outcome.Conflicts++
	*s = state{attempt: rs[winner].Attempt, nonce: rs[winner].Nonce}
	t.facts = append(t.facts, fact{dir, s.attempt, s.nonce, ""})
	if err := t.mustSee(1-winner, dir, s); err != nil {
		return err
	}
	if t.rng.IntN(2) == 0 {
		err = t.live(winner, dir, s)
	} else {
		err = t.giveUp(dir, s)
	}
	if err != nil {
		return err
	}
	t.facts = append(t.facts, fact{dir, s.attempt, s.nonce, s.ended})
	return t.mustSee(1-winner, dir, s)
}

// live has the winner begin and end its attempt.
func (t *trial) live(winner int, dir string, s *state) error {
	if _, err := t.ask(winner, request{Do: "run", WorkDir: dir, Attempt: s.attempt}); err != nil {
		return err
	}
	r, err := t.ask(winner, request{Do: "look", WorkDir: dir})
	if err != nil {
		return err
	}
	if s.ended = r.Ended; s.ended == "" {
		t.wrong("client %d ended attempt %d of %s, and does not see the end itself", winner, s.attempt, dir)
	}
	return nil
}

// giveUp has both clients write the end of an attempt that did not begin.
func (t *trial) giveUp(dir string, s *state) error {
	rs, err := t.both(request{Do: "take over", WorkDir: dir, Attempt: s.attempt})
	if err != nil {
		return err
	}
	if rs[0].Ended != rs[1].Ended || rs[0].Won == rs[1].Won {
		t.wrong("attempt %d of %s has two ends: %v", s.attempt, dir, rs)
	}
	t.outcome.Conflicts++
	s.ended = rs[0].Ended
	return nil
}

// mustSee has a client look, and makes sure that it sees what was acknowledged: what it does not find is not absent.
func (t *trial) mustSee(i int, dir string, s *state) error {
	r, err := t.ask(i, request{Do: "look", WorkDir: dir})
	if err != nil {
		return err
	}
	if r.Attempt != s.attempt || r.Nonce != s.nonce || r.Ended != s.ended {
		t.outcome.Stale++
		t.wrong("client %d looks at %s after %+v was acknowledged, and sees attempt %d, %q, ended %q", i, dir, *s, r.Attempt, r.Nonce, r.Ended)
	}
	return nil
}

// hire starts a client and connects it.
func (t *trial) hire(i int) error {
	cmd := method.Command(context.Background(), name, clientRole)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWUTS | syscall.CLONE_NEWNS}
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	t.clients[i] = &machine{cmd, in, json.NewEncoder(in), json.NewDecoder(bufio.NewReader(out))}
	here, there := fmt.Sprintf("s%d%d", t.index, i), fmt.Sprintf("c%d%d", t.index, i)
	if err := veth(here, there, cmd.Process.Pid); err != nil {
		return err
	}
	net := [4]byte{10, byte(t.index), byte(i), 1}
	server := netip.AddrFrom4(net)
	net[3] = 2
	own := netip.AddrFrom4(net)
	if err := errors.Join(up(here, server), admit(own)); err != nil {
		return err
	}
	host := "client"
	if !t.outcome.Setting.Equal {
		host = fmt.Sprintf("client%d", i)
	}
	_, err = t.ask(i, request{Do: "join", Host: host, Interface: there, Version: t.outcome.Setting.Version, Own: own, Server: server})
	return err
}

// dismiss ends the clients.
func (t *trial) dismiss() {
	for _, c := range t.clients {
		if c != nil {
			c.in.Close()
			c.cmd.Process.Kill()
			c.cmd.Wait() // it was killed
		}
	}
}

// lookUp makes sure that everything that was acknowledged is on the server's disk, and that check is content with it.
func (t *trial) lookUp() {
	sys := record.NewSystem(durable.OS())
	for _, f := range t.facts {
		v, err := record.LookAt(sys, t.at(f.workDir), f.attempt)
		t.outcome.Acknowledged++
		switch {
		case err != nil:
			t.wrong("at the end: %v", err)
		case v.Claim == nil || v.Claim.Nonce != f.nonce:
			t.wrong("at the end: the acknowledged claim of attempt %d of %s is not on the disk: %v", f.attempt, f.workDir, v.Claim)
		case f.ended != "" && (v.End == nil || writer(*v.End) != f.ended):
			t.wrong("at the end: the acknowledged end of attempt %d of %s (%s) is not on the disk: %v", f.attempt, f.workDir, f.ended, v.End)
		}
	}
	var runs []runsheet.Run
	for dir := range t.runs {
		runs = append(runs, runsheet.Run{Name: filepath.Base(dir), WorkDir: t.at(dir), Progress: runsheet.ProgressSpec{Tracker: "auto"}})
	}
	for _, v := range check.Runs(context.Background(), durable.OS(), runs) {
		if v.Severity == check.Broken {
			t.wrong("at the end: check: %s", v)
		}
	}
}
