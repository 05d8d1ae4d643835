package progress

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/record"
	"runsheet/internal/tracker"
)

// The storm: processes with many goroutines each read the progress of one run, as fast as they can, beside a writer
// that completes epochs. Every answer is held against what the writer had done before the call and had begun by its
// end. The workers are this test binary, started again.

const (
	workers    = 4
	goroutines = 16 // in each worker
	workerEnv  = "RUNSHEET_STORM"
)

func TestMain(m *testing.M) {
	if text := os.Getenv(workerEnv); text != "" {
		var o orders
		if err := json.Unmarshal([]byte(text), &o); err != nil {
			panic(err)
		}
		os.Exit(o.work())
	}
	goleak.VerifyTestMain(m)
}

// orders are what a worker is told.
type orders struct {
	Dir   string // the work dir
	Board string // the file that all share in memory
	Log   string // gets a byte for each computation
	Kind  string // "cache", "naive", or "hold": compute, and never finish
}

var stormSpec = runsheet.ProgressSpec{Tracker: "auto", Total: 1000}

// board is memory that the writer and the workers share.
type board struct {
	begun   atomic.Int64 // epochs whose completion the writer has begun
	done    atomic.Int64 // epochs that are complete for certain
	reads   atomic.Int64
	stop    atomic.Bool // the workers shall end
	gate    atomic.Bool // closed: no new reads
	reading atomic.Int64
	torn    atomic.Int64 // what a checker found
	wrong   atomic.Int64
}

func openBoard(path string) (*board, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := f.Truncate(4096); err != nil {
		return nil, err
	}
	mem, err := unix.Mmap(int(f.Fd()), 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	return (*board)(unsafe.Pointer(&mem[0])), nil
}

// work is what a worker does; the result is its exit code.
func (o orders) work() int {
	b, err := openBoard(o.Board)
	if err != nil {
		panic(err)
	}
	log, err := os.OpenFile(o.Log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		panic(err)
	}
	opts := Options{CacheDir: filepath.Join(filepath.Dir(o.Board), "cache"), OnCompute: func(string) {
		log.Write([]byte("c"))
		if o.Kind == "hold" {
			fmt.Println("holding")
			select {}
		}
	}, OnDamage: func(path string, err error) {
		b.torn.Add(1)
		fmt.Printf("the cache is damaged: %s: %v\n", path, err)
	}}
	c := New(durable.OS(), opts)
	var calls atomic.Int64
	read := func() (runsheet.Progress, error) {
		if calls.Add(1)%64 == 0 { // like a process just started: it reads and decodes the document
			return New(durable.OS(), opts).Get(context.Background(), o.Dir, stormSpec, false), nil
		}
		return c.Get(context.Background(), o.Dir, stormSpec, false), nil
	}
	switch o.Kind {
	case "hold":
		c.Get(context.Background(), o.Dir, stormSpec, false)
	case "naive":
		read = func() (runsheet.Progress, error) { return naive(o.Dir) }
	}
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			n := int64(0)
			for !b.stop.Load() {
				if b.gate.Load() {
					time.Sleep(time.Millisecond)
					continue
				}
				b.reading.Add(1)
				if !b.gate.Load() {
					b.check(read)
					n++
				}
				b.reading.Add(-1)
				if n == 16 {
					b.reads.Add(n)
					n = 0
				}
			}
			b.reads.Add(n)
		})
	}
	wg.Wait()
	return 0
}

// check reads once, and holds the answer against what the writer has done.
func (b *board) check(read func() (runsheet.Progress, error)) {
	least := b.done.Load()
	p, err := read()
	most := b.begun.Load()
	epoch, scored := p.Metrics["epoch"]
	var fault string
	switch {
	case err != nil:
		b.torn.Add(1)
		fault = err.Error()
	case p.Error != "":
		fault = p.Error
	case p.Completed < least:
		fault = fmt.Sprintf("behind: %d, %d were complete before the call", p.Completed, least)
	case p.Completed > most:
		fault = fmt.Sprintf("ahead: %d, %d were begun at the end of the call", p.Completed, most)
	case scored != (p.Completed > 0) || scored && int64(epoch) != p.Completed:
		fault = fmt.Sprintf("mixed: %d completed with the metrics of %v", p.Completed, epoch)
	case p.Total != 1000:
		fault = fmt.Sprintf("a total of %d", p.Total)
	}
	if fault != "" && b.wrong.Add(1) < 20 {
		fmt.Println(fault)
	}
}

// naive is the store that this package replaces: it looks whether the file is there, and writes it in place.
func naive(dir string) (runsheet.Progress, error) {
	path := filepath.Join(dir, "naive.json")
	if _, err := os.Stat(path); err != nil {
		r := tracker.Look(context.Background(), durable.OS(), dir, stormSpec, tracker.Options{})
		data, err := json.Marshal(r.Progress)
		if err != nil {
			return r.Progress, nil
		}
		os.WriteFile(path, data, 0o666)
	}
	var p runsheet.Progress
	data, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return naive(dir) // the writer has just removed it: that is no fault of the store
	}
	if err == nil {
		err = json.Unmarshal(data, &p)
	}
	if err != nil {
		return p, fmt.Errorf("failed to load progress file (%d bytes): %w", len(data), err)
	}
	return p, nil
}

// storm is the test's side.
type storm struct {
	*board
	t      *testing.T
	dir    string
	log    string
	orders []*exec.Cmd
	said   []*bytes.Buffer
}

func startStorm(t *testing.T, kind string, n int) *storm {
	t.Helper()
	base := t.TempDir()
	s := &storm{t: t, dir: filepath.Join(base, "run"), log: filepath.Join(base, "computations")}
	if err := os.MkdirAll(record.Dir(s.dir), 0o700); err != nil {
		t.Fatal(err)
	}
	o := orders{Dir: s.dir, Board: filepath.Join(base, "board"), Log: s.log, Kind: kind}
	var err error
	if s.board, err = openBoard(o.Board); err != nil {
		t.Fatal(err)
	}
	s.gate.Store(true)
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = append(os.Environ(), workerEnv+"="+string(text))
		out := &bytes.Buffer{}
		cmd.Stdout, cmd.Stderr = out, out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		s.orders, s.said = append(s.orders, cmd), append(s.said, out)
	}
	t.Cleanup(s.end)
	return s
}

// end lets the workers finish.
func (s *storm) end() {
	s.stop.Store(true)
	s.gate.Store(false)
	for i, cmd := range s.orders {
		if err := cmd.Wait(); err != nil {
			s.t.Errorf("worker: %v\n%s", err, s.said[i])
		}
	}
	s.orders = nil
}

func (s *storm) words() string {
	var all []string
	for _, b := range s.said {
		all = append(all, b.String())
	}
	return strings.Join(all, "")
}

// pause closes the gate, and waits until nobody reads.
func (s *storm) pause() {
	s.gate.Store(true)
	waitFor(s.t, "the readers to pause", func() bool { return s.reading.Load() == 0 })
}

// readMore opens the gate, and waits for n more reads.
func (s *storm) readMore(n int64) {
	until := s.reads.Load() + n
	s.gate.Store(false)
	waitFor(s.t, "reads", func() bool { return s.reads.Load() >= until || s.wrong.Load() > 0 })
}

func (s *storm) computations() int64 {
	info, err := os.Stat(s.log)
	if err != nil {
		return 0
	}
	return info.Size()
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); !ok(); time.Sleep(500 * time.Microsecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited too long for %s", what)
		}
	}
}

// epoch completes the next epoch as training code does: a directory, two files written in place, the scores by rename.
// It returns how many operations changed anything.
func (s *storm) epoch() (changes int64) {
	n := s.done.Load()
	dir := filepath.Join(s.dir, "epoch_"+strconv.FormatInt(n, 10))
	must(s.t, os.Mkdir(dir, 0o777))
	must(s.t, os.WriteFile(filepath.Join(dir, "training_losses.pt"), []byte("PK"), 0o666))
	must(s.t, os.WriteFile(filepath.Join(dir, "optimizer_buffer.json"), []byte("[]"), 0o666))
	tmp := filepath.Join(dir, "json_x.tmp")
	must(s.t, os.WriteFile(tmp, scores(n+1), 0o666))
	s.begun.Store(n + 1)
	must(s.t, os.Rename(tmp, filepath.Join(dir, "validation_scores.json")))
	s.done.Store(n + 1)
	return 8 // one mkdir, three times create and write, one rename
}

func scores(n int64) []byte {
	return fmt.Appendf(nil, `{"aggregated": {"epoch": %d}, "per_datapoint": {"epoch": [NaN, 1]}}`, n)
}

// stage prepares an epoch elsewhere; it is completed by one rename.
func (s *storm) stage(n int64) (staged, final string) {
	staged = filepath.Join(filepath.Dir(s.dir), "staged_"+strconv.FormatInt(n, 10))
	must(s.t, os.Mkdir(staged, 0o777))
	for _, f := range []string{"training_losses.pt", "optimizer_buffer.json", "validation_scores.json"} {
		must(s.t, os.WriteFile(filepath.Join(staged, f), scores(n+1), 0o666))
	}
	return staged, filepath.Join(s.dir, "epoch_"+strconv.FormatInt(n, 10))
}

// change completes the next epoch in a single change.
func (s *storm) change() {
	n := s.done.Load()
	staged, final := s.stage(n)
	s.begun.Store(n + 1)
	must(s.t, os.Rename(staged, final))
	s.done.Store(n + 1)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestStorm: a million reads, none torn, none empty, none behind or ahead of the evidence; and few computations.
func TestStorm(t *testing.T) {
	want := int64(1_000_000)
	if testing.Short() {
		want /= 20
	}
	s := startStorm(t, "cache", workers)
	began := time.Now()

	// One change at a time, older than the tick when anybody looks: one computation.
	s.change()
	for range 5 {
		time.Sleep(3 * fineTick)
		before := s.computations()
		s.readMore(2000)
		s.pause()
		if n := s.computations() - before; n != 1 {
			t.Errorf("%d computations for one change that is older than the tick", n)
		}
		s.change()
	}
	// The same, while everybody reads: at most two.
	s.readMore(1000)
	time.Sleep(5 * fineTick)
	for range 10 {
		before, reads := s.computations(), s.reads.Load()
		s.change()
		time.Sleep(5 * fineTick)
		waitFor(t, "reads", func() bool { return s.reads.Load() > reads+2000 })
		if n := s.computations() - before; n < 1 || n > 2 {
			t.Errorf("%d computations for one change that is younger than the tick", n)
		}
	}
	// As training code writes, in bursts and at leisure.
	before, changes := s.computations(), int64(0)
	for i := 0; s.reads.Load() < want*3/4 && i < 200; i++ {
		changes += s.epoch()
		time.Sleep(time.Duration(i%5) * 17 * time.Millisecond)
	}
	waitFor(t, "a million reads", func() bool { return s.reads.Load() >= want || s.wrong.Load() > 0 })
	reads, took, computed := s.reads.Load(), time.Since(began), s.computations()-before
	s.end()
	if s.torn.Load()+s.wrong.Load() > 0 {
		t.Errorf("%d torn, %d wrong of %d:\n%s", s.torn.Load(), s.wrong.Load(), reads, s.words())
	}
	if computed > 2*changes {
		t.Errorf("%d computations for %d changes", computed, changes)
	}
	t.Logf("%d reads in %v (%.0f/s), %d epochs; %d computations for %d changes in the last part",
		reads, took.Round(time.Millisecond), float64(reads)/took.Seconds(), s.done.Load(), computed, changes)
	data, err := os.ReadFile(filepath.Join(s.dir, documentName))
	if err != nil || !bytes.Contains(data, fmt.Appendf(nil, `"completed_epochs": %d,`, s.done.Load())) {
		t.Errorf("published at the end: %s, %v", data, err)
	}
}

// TestStormCatchesTheNaiveStore: the checker is worth something only if it finds the fault that all this is about.
func TestStormCatchesTheNaiveStore(t *testing.T) {
	s := startStorm(t, "naive", workers)
	s.change()
	s.gate.Store(false)
	waitFor(t, "the first reads", func() bool { return s.reads.Load() > 0 || s.wrong.Load() > 0 })
	deadline := time.Now().Add(time.Second)
	for s.torn.Load() == 0 && time.Now().Before(deadline) {
		s.epoch()
		os.Remove(filepath.Join(s.dir, "naive.json")) // so that it is computed anew
		time.Sleep(time.Millisecond)
	}
	s.end()
	if s.torn.Load() == 0 {
		t.Errorf("a second of reading, and nothing torn was found (%d reads, %d wrong)", s.reads.Load(), s.wrong.Load())
	}
	t.Logf("%d torn or empty, %d wrong of %d reads", s.torn.Load(), s.wrong.Load(), s.reads.Load())
}

// TestKilledWhileComputing: the lock of a killed process is free at once, and the next caller computes.
func TestKilledWhileComputing(t *testing.T) {
	s := startStorm(t, "hold", 1)
	s.change()
	cmd, out := s.orders[0], s.said[0]
	s.orders = nil
	// Once the log has its byte the lock is held.
	waitFor(t, "the worker to compute", func() bool { return s.computations() == 1 })
	result := make(chan runsheet.Progress)
	c := New(durable.OS(), Options{})
	go func() { result <- c.Get(context.Background(), s.dir, stormSpec, false) }()
	waitFor(t, "a caller to wait", func() bool {
		c.flights.mu.Lock()
		defer c.flights.mu.Unlock()
		return len(c.flights.m) == 1
	})
	runtime.Gosched()
	select {
	case p := <-result:
		t.Errorf("computed beside the holder of the lock: %+v", p)
		result <- p
	default:
	}
	must(t, cmd.Process.Kill())
	if p := <-result; p.Completed != 1 || p.Error != "" {
		t.Errorf("%+v\n%s", p, out)
	}
	cmd.Wait()
}
