package launcher_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/executor/exectest"
	"runsheet/internal/journal"
	"runsheet/internal/record"
)

// TestLauncherKilled holds that a launcher may die at any instant: the next one adopts what lives, nothing runs twice,
// and all finish.
func TestLauncherKilled(t *testing.T) {
	t.Parallel()
	p := newProject(t, `version: 1
command: bash train.sh {work_dir} 4 0.15 plain
work_dir: runs/{x}
matrix: {x: [a, b, c, d]}
progress: {tracker: epochs, epochs: 4, files: [done]}
policy: {jobs: 2, backoff: 0s, stop_grace: 1s}
`)
	release := p.hold("1")
	l := p.runsheet("run")
	p.awaitEpochs("a", 1)
	p.awaitEpochs("b", 1)
	l.kill()
	for _, run := range []string{"a", "b"} {
		if !alive(p.supervisor(run, 1)) {
			t.Errorf("the supervisor of %s died with its launcher", run)
		}
	}
	l = p.runsheet("run")
	exectest.Await(t, "two to be adopted", func() bool { return p.count(journal.Adopted) == 2 })
	release()
	l.kill()
	// At odd moments, also before it has done anything, and between a claim and its start.
	for i := range 6 {
		l = p.runsheet("run")
		if i%2 == 0 {
			exectest.Await(t, "the journal to grow", func() bool { return p.count(journal.LauncherStarted) > 2+i/2 })
		}
		l.kill()
	}
	out := p.runsheet("run").wait(0)
	if !strings.Contains(out, "4 of 4 finished") {
		t.Errorf("it said:\n%s", out)
	}
	for _, run := range []string{"a", "b", "c", "d"} {
		// A claim whose launcher died before it could start it is given up, so the number may be a higher one.
		notes := p.notes(run)
		if len(notes) != 2 || !strings.HasPrefix(notes[0], "start ") || !strings.HasSuffix(notes[0], " at 0") {
			t.Errorf("%s noted %q: want one start and one stop", run, notes)
		}
	}
	if out := p.runsheet("check").wait(0); !strings.Contains(out, " 0 violations") {
		t.Errorf("check says:\n%s", out)
	}
	p.nothingLives()
}

// TestSupervisorKilled holds that what a killed supervisor leaves behind is ended, whatever it is, before the run goes
// on from where it was.
func TestSupervisorKilled(t *testing.T) {
	t.Parallel()
	modes := []string{"plain", "closed", "daemon", "deaf", "halted"}
	p := newProject(t, `version: 1
command: bash train.sh {work_dir} 5 0.1 {mode}
work_dir: runs/{mode}
matrix: {mode: [`+strings.Join(modes, ", ")+`]}
progress: {tracker: epochs, epochs: 5, files: [done]}
policy: {jobs: 5, backoff: 0s, stop_grace: 1s}
`)
	release := p.hold("2")
	l := p.runsheet("run")
	pids := map[string]runsheet.Process{}
	for _, mode := range modes {
		pids[mode] = p.supervisor(mode, 1)
	}
	for _, mode := range modes {
		p.awaitEpochs(mode, 2)
		exectest.Kill(t, pids[mode])
	}
	for _, mode := range modes {
		exectest.Await(t, "the end of attempt 1 of "+mode, func() bool { return p.look(mode, 1).End != nil })
	}
	release()
	out := l.wait(0)
	if !strings.Contains(out, "5 of 5 finished") {
		t.Errorf("it said:\n%s", out)
	}
	for _, mode := range modes {
		first, second := p.look(mode, 1), p.look(mode, 2)
		if first.End == nil || first.End.Kind != runsheet.EndLost || first.End.Progress == nil || first.End.Progress.Completed < 2 {
			t.Errorf("%s: attempt 1 ended as %+v", mode, first.End)
		}
		if second.End == nil || second.End.Kind != runsheet.EndExit || !second.Claim.Resume || p.look(mode, 3).Claim != nil {
			t.Errorf("%s: attempt 2: claim %+v, end %+v", mode, second.Claim, second.End)
		}
		notes := strings.Join(p.notes(mode), "; ")
		m := regexp.MustCompile(`^start 1 at 0; start 2 at (\d); stop 2$`).FindStringSubmatch(notes)
		if m == nil || m[1] < "2" {
			t.Errorf("%s noted %q: want it to go on from epoch 2 or later", mode, notes)
		}
	}
	p.nothingLives()
}

// TestBothKilled holds the same where the launcher dies with the supervisor, and the next one finds the orphan.
func TestBothKilled(t *testing.T) {
	t.Parallel()
	p := newProject(t, `version: 1
command: bash train.sh {work_dir} 4 0.1 daemon
work_dir: runs/{x}
matrix: {x: [a]}
progress: {tracker: epochs, epochs: 4, files: [done]}
policy: {backoff: 0s, stop_grace: 1s}
`)
	release := p.hold("1")
	l := p.runsheet("run")
	s := p.supervisor("a", 1)
	p.awaitEpochs("a", 1)
	l.kill()
	exectest.Kill(t, s)
	if out := p.runsheet("status").wait(0); !strings.Contains(out, "running") {
		t.Errorf("an orphan lives, and status says:\n%s", out)
	}
	release()
	p.runsheet("run").wait(0)
	p.notes("a")
	p.nothingLives()
}

// TestWorkDirTakenAway holds that a deleted work dir does not hide a living attempt: the next one is claimed only after
// nothing of the first lives, and with the next number.
func TestWorkDirTakenAway(t *testing.T) {
	t.Parallel()
	p := newProject(t, `version: 1
command: bash train.sh {work_dir} 3 0.1 {how}
work_dir: runs/{how}
matrix: {how: [removed, renamed, records, copied]}
progress: {tracker: epochs, epochs: 3, files: [done]}
policy: {jobs: 4, backoff: 0s, stop_grace: 1s}
`)
	release := p.hold("1")
	l := p.runsheet("run")
	old := map[string]runsheet.Process{}
	for _, run := range []string{"removed", "renamed", "records", "copied"} {
		old[run] = p.supervisor(run, 1)
		p.awaitEpochs(run, 1)
	}
	remove := func(dir string) {
		exectest.Await(t, "rm -rf", func() bool { return os.RemoveAll(dir) == nil })
	}
	remove(p.work("removed"))
	if err := os.Rename(p.work("renamed"), p.work("renamed.old")); err != nil {
		t.Fatal(err)
	}
	remove(record.Dir(p.work("records")))
	dir := record.Dir(p.work("copied"))
	// What is replaced while it is copied makes cp fail; what counts is there.
	if out, err := exec.Command("bash", "-c", fmt.Sprintf("cp -a %s %s.copy; mv %s %s.old && mv %s.copy %s", dir, dir, dir, dir, dir, dir)).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for run, s := range old {
		exectest.Await(t, "the first supervisor of "+run+" to leave", func() bool { return !alive(s) })
	}
	release()
	if out := l.wait(0); !strings.Contains(out, "4 of 4 finished") {
		t.Errorf("it said:\n%s", out)
	}
	for run := range old {
		notes := strings.Join(p.notes(run), "; ")
		if !regexp.MustCompile(`^start 1 at 0; start 2 at \d; stop 2$`).MatchString(notes) {
			t.Errorf("%s noted %q", run, notes)
		}
		if v := p.look(run, 2); v.End == nil || v.End.Kind != runsheet.EndExit || p.look(run, 3).Claim != nil {
			t.Errorf("%s: attempt 2: %+v", run, v)
		}
	}
	ends := map[string]runsheet.EndKind{}
	for _, e := range p.events() {
		if e.Kind == journal.Ended && e.Attempt == 1 {
			ends[e.Run] = e.End
		}
	}
	for run := range old {
		if ends["how="+run] != runsheet.EndLost {
			t.Errorf("%s: the journal has the end %q of attempt 1", run, ends["how="+run])
		}
	}
	p.nothingLives()
}

// TestDeletedBetweenLaunchers holds the same where the work dir goes while no launcher looks: the journal alone tells the
// next one of an attempt that may live.
func TestDeletedBetweenLaunchers(t *testing.T) {
	t.Parallel()
	p := newProject(t, `version: 1
command: bash train.sh {work_dir} 3 0.1 {mode}
work_dir: runs/{run}
runs: [{run: whole, mode: plain}, {run: orphan, mode: plain}, {run: daemon, mode: daemon}]
progress: {tracker: epochs, epochs: 3, files: [done]}
policy: {jobs: 3, backoff: 0s, stop_grace: 1s}
`)
	release := p.hold("1")
	l := p.runsheet("run")
	runs := []string{"whole", "orphan", "daemon"}
	supervisors := map[string]runsheet.Process{}
	for _, run := range runs {
		supervisors[run] = p.supervisor(run, 1)
		p.awaitEpochs(run, 1)
	}
	exectest.Await(t, "the starts in the journal", func() bool { return p.count(journal.Began) == 3 })
	l.kill()
	exectest.Kill(t, supervisors["orphan"])
	exectest.Kill(t, supervisors["daemon"])
	for _, run := range runs {
		exectest.Await(t, "rm -rf", func() bool { return os.RemoveAll(p.work(run)) == nil })
	}
	l = p.runsheet("run")
	exectest.Await(t, "the second attempts", func() bool { return p.count(journal.Claimed) == 6 })
	release()
	if out := l.wait(0); !strings.Contains(out, "3 of 3 finished") {
		t.Errorf("it said:\n%s", out)
	}
	for _, run := range runs {
		notes := strings.Join(p.notes(run), "; ")
		if !regexp.MustCompile(`^start 1 at 0; start 2 at \d; stop 2$`).MatchString(notes) || p.look(run, 2).End == nil {
			t.Errorf("%s noted %q", run, notes)
		}
	}
	p.nothingLives()
}

// TestTenLaunchers holds that one launcher works, and that the others say who.
func TestTenLaunchers(t *testing.T) {
	t.Parallel()
	p := newProject(t, `version: 1
command: bash train.sh {work_dir} 2 0.1 plain
work_dir: runs/{x}
matrix: {x: [a]}
progress: {tracker: epochs, epochs: 2, files: [done]}
`)
	release := p.hold("1")
	var all []*launch
	for range 10 {
		all = append(all, p.runsheet("run"))
	}
	left := func() (out []*launch) {
		for _, l := range all {
			select {
			case err := <-l.done:
				l.done <- err
			default:
				out = append(out, l)
			}
		}
		return out
	}
	exectest.Await(t, "nine to give way", func() bool { return len(left()) <= 1 })
	p.awaitEpochs("a", 1)
	release()
	won := 0
	var winner int
	for _, l := range left() {
		l.wait(0)
		won, winner = won+1, l.cmd.Process.Pid
	}
	if won != 1 {
		t.Fatalf("%d launchers worked", won)
	}
	for _, l := range all {
		if l.cmd.Process.Pid == winner {
			continue
		}
		if out := l.wait(3); !strings.Contains(out, "process "+strconv.Itoa(winner)+" ") {
			t.Errorf("%d works, and another says:\n%s", winner, out)
		}
	}
	p.noted("a", "start 1 at 0", "stop 1")
}

// TestJournalOnFullDisk holds that a launcher without room for its journal says so and goes; the runs go on, and are
// adopted once there is room again.
func TestJournalOnFullDisk(t *testing.T) {
	t.Parallel()
	sheetDir := exectest.SmallDisk(t, "size=512k")
	p := newProjectIn(t, sheetDir, `version: 1
command: bash train.sh {work_dir} 3 0.1 plain
work_dir: `+t.TempDir()+`/runs/{x}
matrix: {x: [a, b]}
progress: {tracker: epochs, epochs: 3, files: [done]}
`)
	runs := regexp.MustCompile(`work_dir: (.*)/\{x\}`).FindStringSubmatch(string(must(os.ReadFile(p.path))))[1]
	work := func(run string) string { return filepath.Join(runs, run) }
	release := p.hold("1")
	l := p.runsheet("run", "-j", "1")
	p.awaitFile(filepath.Join(work("a"), "epoch_0/done"))
	exectest.Await(t, "the start in the journal", func() bool { return p.count(journal.Began) == 1 })
	filler := fill(t, sheetDir)
	// The journal's last page has room for a few events more: launchers come and go until it has none.
	for tries := 0; ; tries++ {
		if tries == 200 {
			t.Fatal("the journal never ran out of room")
		}
		if tries == 0 {
			l.cmd.Process.Signal(unix.SIGTERM)
			l.wait(143)
			continue
		}
		l = p.runsheet("run", "-j", "1", "--once")
		<-l.done
		l.done <- nil
		if l.cmd.ProcessState.ExitCode() != 0 {
			break
		}
	}
	out := l.wait(1)
	for _, want := range []string{"journal", "no space left on device", "hint: "} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	if n := strings.Count(out, "no space left on device"); n > 1 {
		t.Errorf("it says so %d times:\n%s", n, out)
	}
	// The run goes on, and ends, without any launcher.
	release()
	p.awaitFile(record.EndPath(record.AttemptDir(work("a"), 1)))
	if out := p.runsheet("status").wait(0); !regexp.MustCompile(`x=a\s.*finished`).MatchString(out) {
		t.Errorf("status on the full disk:\n%s", out)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if out := p.runsheet("run").wait(0); !strings.Contains(out, "2 of 2 finished") {
		t.Errorf("it said:\n%s", out)
	}
	p.noted("a", "start 1 at 0", "stop 1")
	p.noted("b", "start 1 at 0", "stop 1")
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
