package tui

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"runsheet"
)

// terminal is a pseudo terminal: what a Live draws on, and what it has drawn.
type terminal struct {
	slave  *os.File
	master *os.File
	mu     sync.Mutex
	text   strings.Builder
}

func openTerminal(t *testing.T, width, height int) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo terminals here: %v", err)
	}
	t.Cleanup(func() { master.Close() })
	fd := int(master.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: uint16(height), Col: uint16(width)})
	}
	if err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprint("/dev/pts/", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { slave.Close() })
	return &terminal{slave: slave, master: master}
}

// read takes what is drawn, from now on, until the terminal is hung up.
func (term *terminal) read() {
	buf := make([]byte, 4096)
	for {
		n, err := term.master.Read(buf)
		term.mu.Lock()
		term.text.Write(buf[:n])
		term.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (term *terminal) drawn() string {
	term.mu.Lock()
	defer term.mu.Unlock()
	return term.text.String()
}

func (term *terminal) mode(t *testing.T) unix.Termios {
	t.Helper()
	m, err := unix.IoctlGetTermios(int(term.slave.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return *m
}

// fill writes to the terminal until it takes no more.
func (term *terminal) fill(t *testing.T) {
	t.Helper()
	fd, err := unix.Open(term.slave.Name(), unix.O_WRONLY|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	for text := make([]byte, 1024); ; {
		n, err := unix.Write(fd, text)
		switch {
		case err == unix.EAGAIN && len(text) == 1:
			return
		case err == unix.EAGAIN:
			text = text[:1]
		case err != nil || n == 0:
			t.Fatalf("filling the terminal: %d, %v", n, err)
		}
	}
}

// started says whether Run has begun.
func (l *Live) started() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.running
}

// until waits for a condition.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

func TestLive(t *testing.T) {
	term := openTerminal(t, 100, 30)
	go term.read()
	before := term.mode(t)
	leaks := goleak.IgnoreCurrent()
	live := New(term.slave, true)
	ended := make(chan error, 1)
	go func() { ended <- live.Run(t.Context()) }()
	live.Show(snapshot(18, 2))
	until(t, "a picture", func() bool { return strings.Contains(term.drawn(), "seed=1") })
	if term.mode(t) != before {
		t.Error("the terminal is in another mode: Ctrl-C would not be one")
	}
	live.Event(Event{At: now, Kind: "started", Text: "something"})
	until(t, "the event", func() bool { return strings.Contains(term.drawn(), "something") })
	last := snapshot(18, 0)
	last.Sheet.Name = "the-end"
	live.Show(last)
	live.Close()
	live.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	until(t, "the last picture", func() bool { return strings.Contains(term.drawn(), "the-end") })
	if diff := cmp.Diff(before, term.mode(t)); diff != "" {
		t.Errorf("the mode of the terminal has changed:\n%s", diff)
	}
	got := term.drawn()
	for _, mode := range []string{"\x1b[?1049h", "\x1b[?2004h", "\x1b[?1000h", "\x1b[>", "\x1b[c"} {
		if strings.Contains(got, mode) {
			t.Errorf("sets a mode or asks the terminal: %q", mode)
		}
	}
	if strings.LastIndex(got, "\x1b[?25l") > strings.LastIndex(got, "\x1b[?25h") {
		t.Errorf("the cursor stays hidden: %q", got)
	}
	if err := live.Run(t.Context()); err != nil {
		t.Errorf("run after close: %v", err)
	}
	if err := goleak.Find(leaks); err != nil {
		t.Error(err)
	}
}

func TestLiveEndsWithItsContext(t *testing.T) {
	term := openTerminal(t, 80, 24)
	go term.read()
	ctx, cancel := context.WithCancel(t.Context())
	live := NewWatch(term.slave, false)
	ended := make(chan error, 1)
	go func() { ended <- live.Run(ctx) }()
	live.Show(snapshot(3, 1))
	until(t, "a table", func() bool { return strings.Contains(term.drawn(), "RUN") })
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	live.Close()
}

// TestLiveResize: a smaller terminal gets a smaller picture.
func TestLiveResize(t *testing.T) {
	term := openTerminal(t, 100, 30)
	go term.read()
	live := New(term.slave, false)
	ended := make(chan error, 1)
	go func() { ended <- live.Run(t.Context()) }()
	live.Show(snapshot(18, 10))
	until(t, "a picture", func() bool { return strings.Contains(term.drawn(), "seed=9") })
	if err := unix.IoctlSetWinsize(int(term.master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 8, Col: 50}); err != nil {
		t.Fatal(err)
	}
	// The kernel sends the signal only to those whose terminal it is.
	if err := unix.Kill(os.Getpid(), unix.SIGWINCH); err != nil {
		t.Fatal(err)
	}
	until(t, "a smaller picture", func() bool { return strings.Contains(term.drawn(), "and 6 more") })
	live.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestLiveNeverWaits: a terminal that takes nothing holds up neither the pictures nor the end.
func TestLiveNeverWaits(t *testing.T) {
	term := openTerminal(t, 100, 30)
	term.fill(t)
	live := New(term.slave, false)
	ended := make(chan error, 1)
	go func() { ended <- live.Run(t.Context()) }()
	shows := make(chan struct{})
	go func() {
		defer close(shows)
		for i := 0; ; i++ {
			s := snapshot(40, 20)
			s.Sheet.Name = fmt.Sprint("picture-", i)
			for j := range s.Runs {
				s.Runs[j].Run.Name = fmt.Sprint(i*7919, j)
			}
			live.Show(s)
			live.Event(Event{At: now, Text: s.Sheet.Name})
			select {
			case err := <-ended:
				ended <- err
				return
			case <-time.After(10 * time.Millisecond):
			}
			if i == 30 {
				go live.Close()
			}
		}
	}()
	select {
	case <-shows:
	case <-time.After(30 * time.Second):
		t.Fatal("a terminal that takes nothing has stopped the launcher")
	}
	if err := <-ended; !errors.Is(err, ErrSlow) {
		t.Errorf("got %v, want ErrSlow", err)
	}
	go term.read() // lets what was held up go
	until(t, "the rest", func() bool { return strings.Contains(term.drawn(), "picture-") })
}

// TestLiveIsLatest: of many snapshots the last one stays.
func TestLiveIsLatest(t *testing.T) {
	term := openTerminal(t, 100, 30)
	go term.read()
	live := New(term.slave, false)
	ended := make(chan error, 1)
	go func() { ended <- live.Run(t.Context()) }()
	for i := range 1000 {
		live.Show(runsheet.Snapshot{Sheet: &runsheet.Sheet{Name: fmt.Sprint(i)}, AsOf: now})
	}
	live.Show(runsheet.Snapshot{Sheet: &runsheet.Sheet{Name: "the-last-one"}, AsOf: now})
	until(t, "the beginning", func() bool { return live.started() })
	live.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	until(t, "the last one", func() bool { return strings.Contains(term.drawn(), "the-last-one") })
}
