package launcher_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/executor/exectest"
	"runsheet/internal/journal"
	"runsheet/internal/proc"
	"runsheet/internal/record"
)

// trainer is a command that trains: it goes on from the last complete epoch, and notes what it does in $LEDGER, which
// lies outside of its work dir. It notes an overlap where an earlier process of the same run lives, or holds its lock.
const trainer = `# train.sh WORK_DIR EPOCHS PAUSE MODE
work=$1 epochs=$2 pause=$3 mode=$4 name=$(basename "$1")
note() { echo "$*" >> "$LEDGER/$name.log"; }
alive() {
	local stat
	{ read -r stat < "/proc/$1/stat"; } 2> /dev/null || return 1
	stat=${stat##*) }
	[ "${stat%% *}" != Z ]
}
case $mode in
daemon) if [ -z "$DAEMON" ]; then (DAEMON=1 setsid bash "$0" "$@" &); exit 0; fi ;;
deaf) trap '' TERM ;;
closed) for i in {0..255}; do eval "exec $i>&-"; done ;;
esac
touch "$LEDGER/$name.pids"
while read -r pid; do if alive "$pid"; then note "overlap of $$ with $pid"; fi; done < "$LEDGER/$name.pids"
if [ "$mode" != closed ]; then
	exec 9> "$LEDGER/$name.lock"
	flock -n 9 || note "overlap: locked"
fi
echo $$ >> "$LEDGER/$name.pids"
i=0
while [ -s "$work/epoch_$i/done" ]; do i=$((i + 1)); done
note "start $RUNSHEET_ATTEMPT at $i"
while [ $i -lt $epochs ]; do
	sleep $pause
	mkdir -p "$work/epoch_$i" && echo 1 > "$work/epoch_$i/done" && i=$((i + 1))
	if [ "$mode.$RUNSHEET_ATTEMPT.$i" = halted.1.2 ]; then kill -STOP $$; fi
	while [ "$mode.$RUNSHEET_ATTEMPT.$i" = deaf.1.2 ]; do sleep 0.1; done
	while { read -r after < "$LEDGER/hold"; } 2> /dev/null && [ $i -ge $after ]; do
		sleep 0.02
		[ -e "$work/epoch_0" ] || { mkdir -p "$work/epoch_0" && echo 1 > "$work/epoch_0/done"; } # whoever took it away
	done
done
note "stop $RUNSHEET_ATTEMPT"
`

// project is a sheet in a directory of its own.
type project struct {
	t      testing.TB
	dir    string
	path   string // the sheet's
	ledger string // what the trainers note
}

// newProject makes a project; whatever its launchers leave behind is ended with the test, and none of its processes may
// race.
func newProject(t testing.TB, sheet string) *project {
	return newProjectIn(t, t.TempDir(), sheet)
}

func newProjectIn(t testing.TB, dir, sheet string) *project {
	t.Helper()
	exectest.Needs(t, "bash", "flock", "setsid")
	p := &project{t: t, dir: dir, path: filepath.Join(dir, "runsheet.yaml"), ledger: t.TempDir()}
	write(t, p.path, sheet)
	write(t, filepath.Join(dir, "train.sh"), trainer)
	t.Cleanup(func() {
		for _, e := range p.events() {
			if e.Kind == journal.Claimed {
				exectest.EndAll(t, e.Nonce)
			}
		}
		filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Name() == "supervise.log" {
				if said, _ := os.ReadFile(path); bytes.Contains(said, []byte("DATA RACE")) {
					t.Errorf("a supervisor races:\n%s", said)
				}
			}
			return nil
		})
	})
	return p
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// launch is a launcher that runs as a process.
type launch struct {
	t    testing.TB
	cmd  *exec.Cmd
	out  bytes.Buffer // both its outputs; only after wait
	done chan error
}

// runsheet starts `runsheet ARGS...` in the project, as a process of its own.
func (p *project) runsheet(args ...string) *launch {
	p.t.Helper()
	l := &launch{t: p.t, cmd: exec.Command("/proc/self/exe", append([]string{asRunsheet}, args...)...), done: make(chan error, 1)}
	l.cmd.Dir = p.dir
	l.cmd.Env = append(os.Environ(), "LEDGER="+p.ledger, "HOME="+p.ledger, "XDG_CACHE_HOME="+p.ledger)
	l.cmd.Stdout, l.cmd.Stderr = &l.out, &l.out
	l.cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true}
	if err := l.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() { l.done <- l.cmd.Wait() }()
	p.t.Cleanup(func() { l.cmd.Process.Kill(); l.done <- <-l.done })
	return l
}

// wait waits for the end of the launcher, which must exit so, and returns what it said.
func (l *launch) wait(code int) string {
	l.t.Helper()
	var err error
	exectest.Await(l.t, "the launcher to end", func() bool {
		select {
		case err = <-l.done:
			l.done <- err
			return true
		default:
			return false
		}
	})
	if got := l.cmd.ProcessState.ExitCode(); got != code || strings.Contains(l.out.String(), "DATA RACE") {
		l.t.Fatalf("%v: exit code %d, want %d:\n%s", l.cmd.Args[2:], got, code, l.out.String())
	}
	return l.out.String()
}

// kill ends the launcher with SIGKILL.
func (l *launch) kill() {
	l.t.Helper()
	l.cmd.Process.Kill()
	l.done <- <-l.done
}

// hold makes the trainers wait once they have completed so many epochs, until the function that it returns is called.
func (p *project) hold(epochs string) (release func()) {
	p.t.Helper()
	path := filepath.Join(p.ledger, "hold")
	write(p.t, path, epochs+"\n")
	return func() {
		p.t.Helper()
		if err := os.Remove(path); err != nil {
			p.t.Fatal(err)
		}
	}
}

func (p *project) work(run string) string { return filepath.Join(p.dir, "runs", run) }

// events returns the journal.
func (p *project) events() []journal.Event {
	p.t.Helper()
	events, err := journal.Read(durable.OS(), record.JournalPath(record.StateDir(p.dir, p.path)))
	if err != nil {
		p.t.Error(err)
	}
	return events
}

func (p *project) count(kind journal.Kind) (n int) {
	for _, e := range p.events() {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// awaitFile waits until a file is there.
func (p *project) awaitFile(path string) {
	p.t.Helper()
	exectest.Await(p.t, path, func() bool {
		_, err := os.Lstat(path)
		return err == nil
	})
}

// awaitEpochs waits until a run has completed so many epochs.
func (p *project) awaitEpochs(run string, n int) {
	p.t.Helper()
	p.awaitFile(filepath.Join(p.work(run), "epoch_"+string(rune('0'+n-1)), "done"))
}

// look returns the records of an attempt.
func (p *project) look(run string, attempt int) record.View {
	p.t.Helper()
	v, err := record.LookAt(record.NewSystem(durable.OS()), p.work(run), attempt)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		p.t.Fatal(err)
	}
	return v
}

// supervisor waits until an attempt has begun, and returns who owns it.
func (p *project) supervisor(run string, attempt int) runsheet.Process {
	p.t.Helper()
	var v record.View
	exectest.Await(p.t, "a start of "+run, func() bool {
		v = p.look(run, attempt)
		return v.Start != nil
	})
	return v.Start.Process
}

// notes returns the lines that the trainers of a run noted; an overlap fails the test.
func (p *project) notes(run string) []string {
	p.t.Helper()
	data, err := os.ReadFile(filepath.Join(p.ledger, run+".log"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		p.t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	for _, line := range lines {
		if strings.HasPrefix(line, "overlap") {
			p.t.Errorf("two attempts of %s lived at once: %q", run, lines)
		}
	}
	return lines
}

// same fails unless the trainers of a run noted just this.
func (p *project) noted(run string, want ...string) {
	p.t.Helper()
	if got := p.notes(run); !slices.Equal(got, want) {
		p.t.Errorf("%s noted %q, want %q", run, got, want)
	}
}

// nothingLives fails where a process of any attempt that the journal knows of lives.
func (p *project) nothingLives() {
	p.t.Helper()
	for _, e := range p.events() {
		if e.Kind != journal.Claimed {
			continue
		}
		exectest.Await(p.t, "the processes of "+e.Run+" to be gone", func() bool { return len(exectest.Living(p.t, e.Nonce)) == 0 })
	}
}

func alive(p runsheet.Process) bool { return proc.System().Check(p) == proc.Alive }
