package supervise_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/executor/exectest"
	"runsheet/internal/observe"
	"runsheet/internal/proc"
	"runsheet/internal/progress"
	"runsheet/internal/record"
)

// fill is a command that leaves no block free where the work dir is.
const fill = `cat /dev/zero > "$RUNSHEET_WORK_DIR/filler" 2> /dev/null; cat /dev/zero >> "$RUNSHEET_WORK_DIR/filler" 2> /dev/null; `

// TestFullDisk holds that a full disk loses neither an exit code nor the truth about the progress.
func TestFullDisk(t *testing.T) {
	exectest.Needs(t, "cat")
	disk := exectest.SmallDisk(t, "size=512k")
	a := begin(t, epoch+"epoch 0; epoch 1; "+fill+"echo lost words; exit 9", epochs(3), func(c *runsheet.Claim) {
		c.WorkDir = filepath.Join(disk, "work")
	})
	e := a.end()
	if e.Kind != runsheet.EndExit || e.ExitCode == nil || *e.ExitCode != 9 || e.Progress == nil || e.Progress.Completed != 2 {
		t.Errorf("end %+v with progress %v", e, e.Progress)
	}
	if err := os.WriteFile(filepath.Join(disk, "more"), []byte("x"), 0o600); err == nil {
		t.Fatal("the disk is not full: this shows nothing")
	}
	// The cache cannot be written; what is said is true all the same, also once the evidence changes.
	run := runsheet.Run{Name: "run", WorkDir: a.work, Command: a.claim.Command, Progress: a.claim.Progress}
	o := observe.New(durable.OS(), progress.New(durable.OS(), progress.Options{}), a.exec)
	f := o.One(context.Background(), run)
	if f.Problem != "" || f.End == nil || f.Progress.Completed != 2 || f.Progress.Error != "" {
		t.Errorf("facts %+v with progress %v", f, f.Progress)
	}
	if j := runsheet.Judge(run, f, runsheet.DefaultPolicy, time.Now()); j.Status != runsheet.Failed {
		t.Errorf("it is %s: %s", j.Status, j.Reason)
	}
	if err := os.Remove(filepath.Join(a.work, "epoch_1/done")); err != nil {
		t.Fatal(err)
	}
	if f = o.One(context.Background(), run); f.Progress.Completed != 1 || f.Progress.Error != "" {
		t.Errorf("one epoch later: %v", f.Progress)
	}
}

// TestFullFromTheStart holds that an attempt whose records find no room runs nothing.
func TestFullFromTheStart(t *testing.T) {
	disk := exectest.SmallDisk(t, "size=256k")
	a := claimed(t, says("ran", "1"), func(c *runsheet.Claim) { c.WorkDir = filepath.Join(disk, "work") })
	f, err := os.Create(filepath.Join(disk, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	for size := 64 << 10; size > 0; size /= 2 {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
	}
	f.Close()
	a.start()
	exectest.Await(t, "the supervisor to give up", func() bool { return len(exectest.Living(t, a.claim.Nonce)) == 0 })
	if _, err := os.Lstat(filepath.Join(a.work, "ran")); err == nil {
		t.Error("the command ran")
	}
	if v, err := record.LookAt(a.sys, a.work, 1); err != nil || v.Start != nil {
		t.Errorf("view %+v, error %v", v, err)
	}
}

// TestNoRoomToBegin holds that a supervisor calls its attempt off where there is no room for the end, which it prepares before
// it begins. That is no fault of the run.
func TestNoRoomToBegin(t *testing.T) {
	disk := exectest.SmallDisk(t, "size=256k")
	a := claimed(t, says("ran", "1"), func(c *runsheet.Claim) { c.WorkDir = filepath.Join(disk, "work") })
	filler := filepath.Join(disk, "filler")
	f, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	info, err := f.Stat()
	if err == nil {
		err = f.Truncate(info.Size() - 3*4096)
	}
	if err != nil {
		t.Fatal(err)
	}
	a.start()
	v := exectest.AwaitEnd(t, a.dir)
	if v.End.Kind != runsheet.EndVoid || v.End.Cause.Kind != runsheet.CauseShort || !strings.Contains(v.End.Cause.Text, "no space left on device") {
		t.Errorf("end %+v", v.End)
	}
	if _, err := os.Lstat(filepath.Join(a.work, "ran")); err == nil {
		t.Error("the command ran")
	}
}

// TestEndIsTriedAgain holds that an end which cannot be written is kept until it can be: meanwhile the lock stays, and
// the attempt is seen to live and to struggle.
func TestEndIsTriedAgain(t *testing.T) {
	dir := exectest.SmallDisk(t, "size=1m,nr_inodes=64") // a link takes an inode on tmpfs
	a := begin(t, says("ready", "$$")+`while [ ! -e "$RUNSHEET_WORK_DIR/go" ]; do sleep 0.02; done; exit 4`, func(c *runsheet.Claim) {
		c.WorkDir = filepath.Join(dir, "work")
	})
	a.has("ready")
	s := exectest.AwaitStart(t, a.dir)
	var fillers []string
	for err := error(nil); err == nil; {
		name := filepath.Join(dir, "filler"+strconv.Itoa(len(fillers)))
		if err = os.WriteFile(name, nil, 0o600); err == nil {
			fillers = append(fillers, name)
		}
	}
	if err := os.Rename(fillers[0], filepath.Join(a.work, "go")); err != nil {
		t.Fatal(err)
	}
	o := observe.New(durable.OS(), progress.New(durable.OS(), progress.Options{}), a.exec)
	run := runsheet.Run{Name: "run", WorkDir: a.work, Command: a.claim.Command, Progress: a.claim.Progress}
	exectest.Await(t, "the supervisor to complain", func() bool {
		f := o.One(context.Background(), run)
		if f.End != nil || f.Liveness != runsheet.LivenessAlive {
			t.Fatalf("it has let go: %+v", f)
		}
		return strings.Contains(f.Why, "no space left on device; trying again")
	})
	if _, err := record.TakeOver(context.Background(), a.sys, a.dir, record.Heir{}); !errors.Is(err, record.ErrLive) {
		t.Errorf("take over: %v", err)
	}
	for _, name := range fillers[1:] {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	if e := a.end(); e.Kind != runsheet.EndExit || *e.ExitCode != 4 || !proc.Same(e.By, s.Process) {
		t.Errorf("end %+v", e)
	}
}
