package check

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"runsheet/internal/durable"
)

const noLocks = "nobody could tell whether an attempt lives"

// expect says what is wrong with the answer to a question about a lock.
func expect(want bool, got bool, err error, what string) error {
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", noLocks, err)
	case got != want:
		return fmt.Errorf("%s: %s", noLocks, what)
	}
	return nil
}

func (t *selfTest) openLock() (*durable.Lock, error) {
	return durable.OpenLock(t.disk, label, t.path("alive"))
}

// locks: two descriptions exclude each other byte by byte, a probe sees it, and closing a third changes nothing.
func (t *selfTest) locks() (string, error) {
	var open [3]*durable.Lock
	for i := range open {
		l, err := t.openLock()
		if err != nil {
			return "", err
		}
		defer l.Close()
		open[i] = l
	}
	a, b := open[0], open[1]
	for _, step := range []struct {
		ask  func() (bool, error)
		want bool
		what string
	}{
		{func() (bool, error) { return a.Try(0) }, true, "a free lock is refused"},
		{func() (bool, error) { return b.Try(0) }, false, "two hold the same lock"},
		{func() (bool, error) { return b.Try(1) }, true, "the lock of one byte keeps others from the next"},
		{func() (bool, error) { return false, open[2].Close() }, false, ""},
		{func() (bool, error) { return b.Held(0) }, true, "a lock went when another descriptor of the file was closed"},
		{func() (bool, error) { return a.Held(0) }, false, "a description is told of its own lock"},
		{func() (bool, error) { return false, a.Close() }, false, ""},
		{func() (bool, error) { return b.Try(0) }, true, "a lock stays when its description is closed"},
	} {
		got, err := step.ask()
		if err := expect(step.want, got, err, step.what); err != nil {
			return "", err
		}
	}
	return "", nil
}

// holder is a child that holds a lock that it inherited, and does nothing else.
type holder struct {
	cmd   *exec.Cmd
	stdin io.Closer
}

// hold takes byte 0, hands the description on to a child and closes it here: the child alone holds it from then on.
func (t *selfTest) hold() (*holder, error) {
	l, err := t.openLock()
	if err != nil {
		return nil, err
	}
	defer l.Close()
	got, err := l.Try(0)
	if err := expect(true, got, err, "a free lock is refused"); err != nil {
		return nil, err
	}
	// The shell's read builtin: no program is started by it, so that it dies alone.
	cmd := exec.CommandContext(t.ctx, "/bin/sh", "-c", "echo; read -r x")
	cmd.ExtraFiles = []*os.File{l.File().OS()}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start /bin/sh: %w", err)
	}
	h := &holder{cmd, stdin}
	if _, err := stdout.Read(make([]byte, 1)); err != nil {
		h.end()
		return nil, fmt.Errorf("start /bin/sh: %w", err)
	}
	return h, nil
}

// end kills the child and waits until it is gone.
func (h *holder) end() {
	h.cmd.Process.Kill()
	h.stdin.Close()
	h.cmd.Wait() // says that it was killed
}

// inherited: the lock outlives the descriptor that it was taken by, as long as a child has another.
func (t *selfTest) inherited() (string, error) {
	h, err := t.hold()
	if err != nil {
		return "", err
	}
	defer h.end()
	l, err := t.openLock()
	if err != nil {
		return "", err
	}
	defer l.Close()
	got, err := l.Held(0)
	return "", expect(true, got, err, "a child does not hold the lock that it inherited")
}

// between: what another process holds is refused here, and free once that process was killed.
func (t *selfTest) between() (string, error) {
	h, err := t.hold()
	if err != nil {
		return "", err
	}
	defer h.end()
	l, err := t.openLock()
	if err != nil {
		return "", err
	}
	defer l.Close()
	got, err := l.Try(0)
	if err := expect(false, got, err, "two processes hold the same lock"); err != nil {
		return "", err
	}
	began := time.Now()
	h.end()
	for time.Since(began) < 5*time.Second {
		if got, err = l.Try(0); err != nil || got {
			return "freed by a kill after " + rounded(time.Since(began)), expect(true, got, err, "")
		}
		select {
		case <-t.ctx.Done():
			return "", t.ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
	return "", errors.New(noLocks + ": the lock of a killed process stays")
}
