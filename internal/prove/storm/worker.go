package storm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/proc"
	"runsheet/internal/record"
)

// The variables that the processes of a storm carry.
const (
	markVariable   = "PROVE_STORM"        // which storm they belong to
	ledgerVariable = "PROVE_STORM_LEDGER" // where commands note what they do
	childVariable  = "PROVE_STORM_CHILD"  // set in the process that a daemon leaves behind
)

// The exit codes of a command that found what must not be; any other failure is the kill's.
const exitBroken = 97

// stayFor bounds the life of a command that waits to be ended.
const stayFor = 5 * time.Minute

// What a command notes of its life, in the order of its events.
const (
	noteStart = "start"
	noteStop  = "stop"
	noteWrong = "wrong" // what must never happen: Text says what
)

// note is one line of what the commands of a run note.
type note struct {
	Event   string           `json:"event"`
	Attempt int              `json:"attempt"`
	Token   string           `json:"token"`
	At      int              `json:"at"` // epochs that are complete
	Who     runsheet.Process `json:"who"`
	Text    string           `json:"text,omitempty"`
}

// Every line is lineSize bytes long, padded with spaces: it then lies within one page, and a kill, which ends a write
// between two pages, leaves it out or whole.
const (
	lineSize = 1024
	maxText  = 120 // bytes of a text; escaped it can be six times as long
)

// line renders a note.
func (n note) line() ([]byte, error) {
	n.Text = strings.ToValidUTF8(n.Text[:min(len(n.Text), maxText)], "?")
	data, err := json.Marshal(n)
	if err == nil && len(data) >= lineSize {
		err = fmt.Errorf("a note is too long: %s", data)
	}
	if err != nil {
		return nil, err
	}
	return append(append(data, bytes.Repeat([]byte(" "), lineSize-1-len(data))...), '\n'), nil
}

// worker is the command of the sheet.
func worker(args []string) int {
	switch {
	case len(args) > 0 && args[0] == "train":
		return train(args[1:])
	case len(args) > 0 && args[0] == "child":
		time.Sleep(stayFor)
		return 0
	}
	fmt.Fprintln(os.Stderr, "storm: what to do is missing")
	return 2
}

// trainer is one living command.
type trainer struct {
	run, workDir, ledger, token string
	attempt                     int
	self                        runsheet.Process
	log                         *os.File
}

func train(args []string) int {
	if len(args) != 2 {
		fmt.Fprintln(os.Stderr, "storm: train MODE EPOCHS")
		return 2
	}
	mode := args[0]
	epochs, err := strconv.Atoi(args[1])
	if err != nil {
		fmt.Fprintf(os.Stderr, "storm: %v\n", err)
		return 2
	}
	if (mode == "daemon" || mode == "ghost") && os.Getenv(childVariable) == "" {
		return daemonize(args)
	}
	if mode == "closed" || mode == "ghost" {
		closeAll()
	}
	if mode == "deaf" {
		signal.Ignore(unix.SIGTERM)
	}
	t := &trainer{workDir: os.Getenv("RUNSHEET_WORK_DIR"), ledger: os.Getenv(ledgerVariable), token: os.Getenv(proc.TokenVariable)}
	t.run = filepath.Base(t.workDir)
	t.attempt, _ = strconv.Atoi(os.Getenv("RUNSHEET_ATTEMPT"))
	if t.self, err = proc.Self(); err != nil {
		return t.fail(err)
	}
	if t.log, err = os.OpenFile(logPath(t.ledger, t.run), os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return t.fail(err)
	}
	// One lock where the work is done, as a careful program takes it, and one that stays where it is when the work dir
	// is taken away.
	var locks []*os.File
	for _, path := range []string{filepath.Join(t.workDir, "lock"), filepath.Join(t.ledger, t.run+".lock")} {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return t.fail(err)
		}
		defer f.Close()
		switch err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); {
		case err == unix.EWOULDBLOCK:
			return t.wrong("another live attempt holds %s", filepath.Base(path))
		case err != nil:
			return t.fail(err)
		}
		locks = append(locks, f)
	}
	notes, err := readNotes(t.ledger, t.run)
	if err != nil {
		return t.fail(err)
	}
	at := wholeEpochs(t.workDir)
	t.note(note{Event: noteStart, At: at})
	for _, n := range notes {
		if state, err := proc.Check(n.Who); err == nil && state == proc.Alive {
			return t.wrong("process %d of attempt %d lives", n.Who.PID, n.Attempt)
		}
	}
	if code := t.started(); code != 0 {
		return code
	}
	if told := os.Getenv("RUNSHEET_RESUME"); (told == "1") != (at > 0) {
		return t.wrong("it was told RUNSHEET_RESUME=%q, with %d epochs complete", told, at)
	}
	if mode == "nested" {
		child := exec.Command("/proc/self/exe", os.Args[1], os.Args[2], "child")
		child.Args[0] = os.Args[0]
		child.ExtraFiles = locks // while the child lives, the attempt does
		if err := child.Start(); err != nil {
			return t.fail(err)
		}
	}
	first := true
	for _, n := range notes {
		first = first && n.Event != noteStart
	}
	return t.work(at, epochs, first && t.stays())
}

// work does what is left of the work.
func (t *trainer) work(at, epochs int, stay bool) int {
	for i := at; i < epochs; i++ {
		time.Sleep(time.Duration(20+rand.IntN(150)) * time.Millisecond)
		path := donePath(t.workDir, i)
		err := os.Mkdir(filepath.Dir(path), 0o700)
		if err == nil || errors.Is(err, fs.ErrExist) {
			err = os.WriteFile(path, []byte("done\n"), 0o600)
		}
		if err != nil {
			return t.fail(err)
		}
		if stay {
			time.Sleep(stayFor)
		}
	}
	t.note(note{Event: noteStop, At: epochs})
	return 0
}

// started makes sure that the supervisor wrote down that it starts this command.
func (t *trainer) started() int {
	data, err := os.ReadFile(record.StartPath(record.AttemptDir(t.workDir, t.attempt)))
	if err != nil {
		return t.wrong("it runs without a start: %v", err)
	}
	s, err := record.DecodeStart(data)
	if err != nil || s.Void || s.Nonce != t.token {
		return t.wrong("it runs, and its start says: %s (%v)", strings.Join(strings.Fields(string(data)), " "), err)
	}
	return 0
}

func (t *trainer) stays() bool {
	_, err := os.Stat(filepath.Join(t.ledger, t.run+".stays"))
	return err == nil
}

func (t *trainer) note(n note) {
	n.Attempt, n.Token, n.Who = t.attempt, t.token, t.self
	line, err := n.line()
	if err == nil {
		_, err = t.log.Write(line)
	}
	if err != nil {
		t.fail(err)
	}
}

func (t *trainer) wrong(format string, args ...any) int {
	t.note(note{Event: noteWrong, Text: fmt.Sprintf(format, args...)})
	return exitBroken
}

// fail says why the command itself cannot do its work; where its work dir was taken away that is as it should be.
func (t *trainer) fail(err error) int {
	fmt.Fprintf(os.Stderr, "storm: %v\n", err)
	return 1
}

// daemonize leaves the work to a process in another session.
func daemonize(args []string) int {
	cmd := exec.Command("/proc/self/exe", append([]string{os.Args[1], os.Args[2], "train"}, args...)...)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), childVariable+"=1")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		fmt.Fprintf(os.Stderr, "storm: %v\n", err)
		return 1
	}
	return 0
}

// closeAll closes every descriptor but those of the Go runtime itself.
func closeAll() {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return
	}
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if to, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && !strings.HasPrefix(to, "anon_inode:") {
			unix.Close(fd)
		}
	}
}

func logPath(ledger, run string) string { return filepath.Join(ledger, run+".jsonl") }

// readNotes returns what the commands of a run noted so far. A torn line is an error: a kill leaves none.
func readNotes(ledger, run string) ([]note, error) {
	data, err := os.ReadFile(logPath(ledger, run))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var notes []note
	for line := range strings.Lines(string(data)) {
		var n note
		if err := json.Unmarshal([]byte(line), &n); err != nil {
			return nil, fmt.Errorf("notes of %s: %q: %w", run, line, err)
		}
		notes = append(notes, n)
	}
	return notes, err
}
