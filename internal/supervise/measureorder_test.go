package supervise

import (
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/record"
)

// held is a disk on which the first document that is put into its place waits until it is released.
type held struct {
	durable.Disk
	n                       atomic.Int32
	waits, release, another chan struct{}
}

func (d *held) Rename(label, from, to string) error {
	if d.n.Add(1) == 1 {
		close(d.waits)
		<-d.release
		return d.Disk.Rename(label, from, to)
	}
	err := d.Disk.Rename(label, from, to)
	close(d.another)
	return err
}

// TestMeasuresInOrder: what the command of progress printed while the attempt lived is not kept over what it printed after its
// end, however long the keeping takes.
func TestMeasuresInOrder(t *testing.T) {
	work := t.TempDir()
	state := filepath.Join(work, "state")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(state, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	dir := record.AttemptDir(work, 1)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	disk := &held{Disk: durable.OS(), waits: make(chan struct{}), release: make(chan struct{}), another: make(chan struct{})}
	c := runsheet.Claim{WorkDir: work, Dir: work, Attempt: 1, Progress: runsheet.ProgressSpec{Command: "cat state"}}
	s := &supervisor{disk: disk, dir: dir, stderr: io.Discard, tenure: &record.Tenure{Claim: c}, tree: &tree{main: make(chan struct{})}}
	write("before")
	s.measure()
	<-disk.waits
	unix.Wait4(-1, nil, 0, nil) // the command of the first measurement, whose reaper this test has not
	close(s.tree.main)
	write("after")
	last := make(chan struct{})
	go func() {
		s.measureLast()
		close(last)
	}()
	select { // where it does not wait for the first, it is kept before that
	case <-disk.another:
	case <-time.After(time.Second):
	}
	close(disk.release)
	<-last
	s.measures.Wait()
	if data, err := os.ReadFile(record.MeasuredPath(dir)); err != nil || string(data) != "after" {
		t.Errorf("kept %q, %v", data, err)
	}
}
