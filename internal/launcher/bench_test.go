package launcher_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/executor/exectest"
	"runsheet/internal/executor/local"
	"runsheet/internal/forkserver"
	"runsheet/internal/journal"
	"runsheet/internal/launcher"
	"runsheet/internal/observe"
	"runsheet/internal/progress"
	"runsheet/internal/record"
	"runsheet/internal/sheet"
)

// timing is told what a launcher sees, and when.
type timing struct {
	counts chan int64     // completed epochs of the first run, whenever that changes
	ends   chan time.Time // when the launcher told of the end
	last   int64
}

func (l *timing) Event(e journal.Event) {
	if e.Kind == journal.Ended {
		l.ends <- time.Now()
	}
}

func (l *timing) Snapshot(now func() runsheet.Snapshot) {
	s := now()
	if p := s.Runs[0].Progress; p != nil && p.Completed != l.last {
		l.last = p.Completed
		l.counts <- p.Completed
	}
}

func report(b *testing.B, name string, took []time.Duration) {
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, name+"-ms-median")
	b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, name+"-ms-max")
}

// BenchmarkReaction measures how long a launcher with ten live attempts takes from a new complete epoch to the snapshot
// that shows it, and from an end, durable, to the event that tells of it. The target is 200 ms.
//
//	go test -run '^$' -bench Reaction -benchtime 30x ./internal/launcher
func BenchmarkReaction(b *testing.B) {
	b.Setenv(usualFence, "1")
	p := newProject(b, `version: 1
command: sleep 1000
work_dir: runs/{x}
matrix: {x: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]}
progress: {tracker: epochs, epochs: 100000, files: [done]}
policy: {jobs: 10, stop_grace: 1s, retries: 0}
`)
	s, err := sheet.Load(p.path)
	if err != nil {
		b.Fatal(err)
	}
	control := make(chan launcher.Control, 1)
	told := &timing{counts: make(chan int64, 1000), ends: make(chan time.Time, 1000)}
	disk := durable.OS()
	fork := forkserver.Here()
	exec := local.New(disk, fork)
	l := launcher.New(launcher.Config{Sheet: s, Disk: disk, System: record.NewSystem(disk), Executors: []runsheet.Executor{exec}, Fork: fork, Listener: told, Control: control,
		Observer: observe.New(disk, progress.New(disk, progress.Options{}), exec)})
	done := make(chan error, 1)
	go func() {
		_, err := l.Run(context.Background())
		done <- err
	}()
	var starts []runsheet.Start
	for _, r := range s.Runs {
		starts = append(starts, *exectest.AwaitStart(b, record.AttemptDir(r.WorkDir, 1)))
	}
	exectest.Await(b, "the starts in the journal", func() bool { return p.count(journal.Began) == 10 })
	var evidence, ends []time.Duration
	work := p.work("0")
	n := int64(0)
	for b.Loop() {
		dir := filepath.Join(work, fmt.Sprint("epoch_", n))
		if err := os.Mkdir(dir, 0o700); err != nil {
			b.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond) // as training does: the epoch's files come later
		n++
		began := time.Now()
		write(b, filepath.Join(dir, "done"), "1")
		for seen := int64(-1); seen < n; seen = <-told.counts {
		}
		evidence = append(evidence, time.Since(began))
	}
	for i, r := range s.Runs {
		if err := exec.Stop(context.Background(), record.AttemptDir(r.WorkDir, 1), runsheet.Claim{}, &starts[i], runsheet.EndStuck, true); err != nil {
			b.Fatal(err)
		}
		at := <-told.ends
		if info, err := os.Stat(record.EndPath(record.AttemptDir(r.WorkDir, 1))); err == nil {
			ends = append(ends, at.Sub(info.ModTime())) // of its last write, before the fsync: an upper bound
		}
	}
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	report(b, "evidence", evidence)
	report(b, "end", ends)
	b.ReportMetric(0, "ns/op")
}

// idleFor is how long an idle launcher is measured.
const idleFor = 20 * time.Second

// BenchmarkIdle measures what share of a core a launcher with ten live attempts takes while nothing happens, and what
// their ten supervisors take together. The target is below 1 % for the launcher.
//
//	go test -run '^$' -bench Idle -benchtime 1x ./internal/launcher
func BenchmarkIdle(b *testing.B) {
	b.Setenv(usualFence, "1")
	p := newProject(b, `version: 1
command: bash -c 'i=0; while [ $i -lt 5 ]; do mkdir -p $0/epoch_$i; echo 1 > $0/epoch_$i/done; i=$((i+1)); done; while :; do sleep 1000; done' {work_dir}
work_dir: runs/{x}
matrix: {x: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]}
progress: {tracker: epochs, epochs: 100, files: [done]}
policy: {jobs: 10, stop_grace: 1s}
`)
	l := p.runsheet("run")
	var supervisors []int
	for i := range 10 {
		supervisors = append(supervisors, p.supervisor(strconv.Itoa(i), 1).PID)
		p.awaitEpochs(strconv.Itoa(i), 5)
	}
	exectest.Await(b, "the starts in the journal", func() bool { return p.count(journal.Began) == 10 })
	time.Sleep(3 * time.Second) // what began has settled
	for b.Loop() {
		mine, theirs := cpu(b, l.cmd.Process.Pid), cpu(b, supervisors...)
		began := time.Now()
		time.Sleep(idleFor)
		span := time.Since(began)
		b.ReportMetric(100*float64(cpu(b, l.cmd.Process.Pid)-mine)/float64(span), "%core-launcher")
		b.ReportMetric(100*float64(cpu(b, supervisors...)-theirs)/float64(span), "%core-10-supervisors")
	}
	b.ReportMetric(0, "ns/op")
}

// cpu returns the CPU time that processes have taken, by the scheduler's own account (/proc/PID/task/TID/schedstat).
func cpu(b *testing.B, pids ...int) (sum time.Duration) {
	b.Helper()
	for _, pid := range pids {
		files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
		if err != nil || len(files) == 0 {
			b.Skipf("the scheduler tells nothing of process %d: %v", pid, err)
		}
		for _, name := range files {
			data, err := os.ReadFile(name)
			if err != nil {
				continue // the thread is gone
			}
			ns, err := strconv.ParseInt(strings.Fields(string(data))[0], 10, 64)
			if err != nil {
				b.Fatal(err)
			}
			sum += time.Duration(ns)
		}
	}
	return sum
}
