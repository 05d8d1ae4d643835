package observe_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/executor/exectest"
	"runsheet/internal/journal"
	"runsheet/internal/observe"
	"runsheet/internal/progress"
	"runsheet/internal/record"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// epoch completes an epoch of a work dir.
func epoch(t *testing.T, workDir, name string) {
	t.Helper()
	for _, f := range []string{"training_losses.pt", "optimizer_buffer.json", "validation_scores.json"} {
		write(t, filepath.Join(workDir, name, f), `{"aggregated": {"accuracy": 0.9}}`)
	}
}

func observer(t *testing.T, executors ...runsheet.Executor) *observe.Observer {
	return observe.New(durable.OS(), progress.New(durable.OS(), progress.Options{CacheDir: t.TempDir()}), executors...)
}

func auto(dir string) runsheet.Run {
	return runsheet.Run{Name: filepath.Base(dir), WorkDir: dir, Progress: runsheet.ProgressSpec{Tracker: "auto"}}
}

// TestOneBadRun holds that what is wrong with one run stands in its own facts, and is told by the name of the file.
func TestOneBadRun(t *testing.T) {
	root := t.TempDir()
	dir := func(name string) string { return filepath.Join(root, name) }
	epoch(t, dir("good"), "epoch_0")
	epoch(t, dir("fifo"), "epoch_0")
	if err := unix.Mkfifo(filepath.Join(dir("fifo"), "progress.json"), 0o600); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir("cut"), "progress.json"), `{"completed_epochs": 7, "tot`)
	write(t, filepath.Join(dir("claim"), ".runsheet/attempts/000001/claim.json"), `{"schema": "runsheet.claim/1", "run": "cl`)
	write(t, filepath.Join(dir("empty"), ".runsheet/attempts/000001/claim.json"), "")
	write(t, filepath.Join(dir("later"), ".runsheet/attempts/000001/claim.json"), `{"schema": "runsheet.claim/9"}`)
	epoch(t, dir("linked"), "epoch_0")
	if err := os.Symlink(dir("elsewhere"), filepath.Join(dir("linked"), ".runsheet")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir("elsewhere"), "x"), "")
	var runs []runsheet.Run
	names := []string{"good", "fifo", "cut", "claim", "empty", "later", "linked", "absent"}
	for _, name := range names {
		runs = append(runs, auto(dir(name)))
	}
	done := make(chan []runsheet.Facts, 1)
	go func() { done <- observer(t).Observe(context.Background(), runs) }()
	var facts []runsheet.Facts
	exectest.Await(t, "the facts", func() bool {
		select {
		case facts = <-done:
			return true
		default:
			return false
		}
	})
	by := map[string]runsheet.Facts{}
	for i, f := range facts {
		by[names[i]] = f
	}
	if f := by["good"]; f.Problem != "" || f.Progress.Error != "" || f.Progress.Completed != 1 || f.LastActivity.IsZero() {
		t.Errorf("the good run: %+v with %+v", f, f.Progress)
	}
	if f := by["absent"]; f.Problem != "" || f.Progress.Error != "" || f.Progress.Completed != 0 || !f.LastActivity.IsZero() {
		t.Errorf("the absent run: %+v with %+v", f, f.Progress)
	}
	for _, name := range []string{"fifo", "cut"} {
		if f := by[name]; f.Problem != "" || !strings.Contains(f.Progress.Error, "progress.json") {
			t.Errorf("%s: problem %q, progress %+v", name, f.Problem, f.Progress)
		}
	}
	for name, want := range map[string]string{"claim": "claim.json", "empty": "claim.json", "later": "another version of runsheet", "linked": "it is a symbolic link"} {
		f := by[name]
		if !strings.Contains(f.Problem, want) || !strings.Contains(f.Problem, dir(name)) || f.Claim != nil {
			t.Errorf("%s: problem %q", name, f.Problem)
		}
		if j := runsheet.Judge(auto(dir(name)), f, runsheet.DefaultPolicy, time.Now()); j.Status != runsheet.Unknown {
			t.Errorf("%s is %s: %s", name, j.Status, j.Reason)
		}
	}
}

// TestLiveness holds what is said of attempts that have no end, and that looking changes nothing.
func TestLiveness(t *testing.T) {
	fake := exectest.NewFake(func(ctx context.Context, _ runsheet.Claim) int { <-ctx.Done(); return 1 })
	dir, c := exectest.Claimed(t, fake.Name(), "train")
	run := runsheet.Run{Name: c.Run, WorkDir: c.WorkDir, Command: c.Command, Progress: c.Progress}
	o := observer(t, fake)
	if f := o.One(context.Background(), run); f.Liveness != runsheet.LivenessGone || !f.Live() || f.Start != nil {
		t.Errorf("claimed: %+v", f)
	}
	if f := observer(t).One(context.Background(), run); f.Liveness != runsheet.LivenessUnknown || !strings.Contains(f.Why, `"fake"`) {
		t.Errorf("to a stranger to its executor: %+v", f)
	}
	if err := exectest.Start(context.Background(), fake, dir, c); err != nil {
		t.Fatal(err)
	}
	s := exectest.AwaitStart(t, dir)
	write(t, record.SuperviseLogPath(dir), "first\n2026-11-26T03:41:03.001Z the end cannot be \x1b[31mwritten\n2026-11-26T03:41:04.401Z left alone: another supervisor owns the attempt\n")
	if f := o.One(context.Background(), run); f.Liveness != runsheet.LivenessAlive || f.Why != "the end cannot be written" {
		t.Errorf("alive: %+v", f)
	}
	before := tree(t, c.WorkDir)
	for range 3 {
		o.One(context.Background(), run)
		o.Recompute(context.Background(), []runsheet.Run{run})
	}
	if after := tree(t, c.WorkDir); after != before {
		t.Errorf("looking changed the work dir:\n%s\nbefore:\n%s", after, before)
	}
	events := []journal.Event{{Kind: journal.Claimed, Run: "old", WorkDir: c.WorkDir}}
	sheet := &runsheet.Sheet{Policy: runsheet.DefaultPolicy}
	if strays := o.Strays(context.Background(), sheet, events); len(strays) != 1 || strays[0].Status != runsheet.Running || strays[0].Run.Name != "old" {
		t.Errorf("strays %+v", strays)
	}
	sheet.Runs = []runsheet.Run{run}
	if strays := o.Strays(context.Background(), sheet, events); len(strays) != 0 {
		t.Errorf("a run of the sheet is a stray: %+v", strays)
	}
	if err := fake.Stop(context.Background(), dir, c, s, runsheet.EndStopped, false); err != nil {
		t.Fatal(err)
	}
	fake.Wait()
	if f := o.One(context.Background(), run); f.Live() || f.End.Kind != runsheet.EndStopped || f.Liveness != runsheet.LivenessNone {
		t.Errorf("ended: %+v", f)
	}
	sheet.Runs = nil
	if strays := o.Strays(context.Background(), sheet, events); len(strays) != 0 {
		t.Errorf("what has ended is a stray: %+v", strays)
	}
}

// tree lists the files of a directory with their times; our caches and temporary files are left out.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a temporary file
		}
		if err == nil && !strings.HasPrefix(d.Name(), "progress.") && !strings.HasPrefix(d.Name(), durable.TempPrefix) && !d.IsDir() {
			b.WriteString(path + " " + info.ModTime().String() + " " + info.Mode().String() + "\n")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestDiscover holds what is found in a directory that no sheet tells of, and that nothing is written there.
func TestDiscover(t *testing.T) {
	root := t.TempDir()
	epoch(t, filepath.Join(root, "b/model/run_1"), "epoch_0")
	epoch(t, filepath.Join(root, "a"), "epoch_0")
	epoch(t, filepath.Join(root, "a/below"), "epoch_0")   // belongs to a
	epoch(t, filepath.Join(root, ".hidden"), "epoch_0")   // not entered
	epoch(t, filepath.Join(root, "c/.hidden"), "epoch_0") // not entered
	write(t, filepath.Join(root, "notes/readme.txt"), "no run")
	write(t, filepath.Join(root, "damaged/.runsheet/attempts/000001/claim.json"), "{")
	outside := t.TempDir()
	epoch(t, filepath.Join(outside, "run"), "epoch_0")
	for from, to := range map[string]string{"link": outside, "loop": root} {
		if err := os.Symlink(to, filepath.Join(root, from)); err != nil {
			t.Fatal(err)
		}
	}
	before := tree(t, root)
	runs, err := observe.Discover(durable.OS(), root)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range runs {
		names = append(names, r.Name)
	}
	if got := strings.Join(names, " "); got != "a b/model/run_1 damaged" {
		t.Errorf("found %q", got)
	}
	facts := observer(t).Observe(context.Background(), runs[:2])
	if facts[0].Progress.Completed != 1 || facts[1].Progress.Completed != 1 {
		t.Errorf("facts %+v", facts)
	}
	if after := tree(t, root); after != before {
		t.Errorf("it wrote into a stranger's tree:\n%s\nbefore:\n%s", after, before)
	}
	if _, err := os.Lstat(filepath.Join(root, "a/.runsheet")); err == nil {
		t.Error("it made a directory in a stranger's tree")
	}
	if _, err := observe.Discover(durable.OS(), filepath.Join(root, "nowhere")); err == nil {
		t.Error("a directory that is not there holds no runs")
	}
}

// TestDiscoverStrangers holds that what frameworks left in one tree is told apart: several trainings below one directory,
// and runs below a directory that has only a log to itself.
func TestDiscoverStrangers(t *testing.T) {
	root := t.TempDir()
	real := "../tracker/testdata/real/"
	for from, to := range map[string]string{
		"lightning/end":         "nets/lightning",
		"transformers/end/out":  "bert",
		"stable_baselines3/end": "rl/ppo",
	} {
		if err := os.CopyFS(filepath.Join(root, to), os.DirFS(real+from)); err != nil {
			t.Fatal(err)
		}
	}
	for i, id := range []string{"0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdee"} {
		write(t, filepath.Join(root, "flow/mlruns/0", id, "meta.yaml"), "status: 3\nrun_id: "+id+"\nlifecycle_stage: active\nstart_time: 170000000000"+string(rune('0'+i))+"\n")
		write(t, filepath.Join(root, "flow/mlruns/0", id, "metrics/loss"), "1700000000000 0.5 1\n")
	}
	for _, v := range []string{"0", "1"} { // without checkpoints
		write(t, filepath.Join(root, "versions/lightning_logs/version_"+v, "metrics.csv"), "epoch,step,train_loss\n0,9,1.5\n1,19,1\n")
		write(t, filepath.Join(root, "versions/lightning_logs/version_"+v, "hparams.yaml"), "lr: 0.1\n")
	}
	// One directory of event files beside other runs hides none of them; and what we have run is ours, whatever it wrote.
	for from, to := range map[string]string{"tensorboard/end/runs/exp1": "mixed/tensorboard/x", "transformers/end/out": "mixed/hf", "tensorboard/end/runs/exp1/": "own/runs/a/tb"} {
		if err := os.CopyFS(filepath.Join(root, to), os.DirFS(filepath.Clean(real+from))); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(root, "own/runs/a/.runsheet/attempts/000001/claim.json"), "{")
	write(t, filepath.Join(root, "nohup.out"), "Epoch 3/10\n12/12 - 1s - 6ms/step - loss: 1.2\nEpoch 4/10\n")
	runs, err := observe.Discover(durable.OS(), root)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range runs {
		names = append(names, r.Name)
	}
	want := "bert flow/mlruns/0/0123456789abcdef0123456789abcdee flow/mlruns/0/0123456789abcdef0123456789abcdef mixed/hf mixed/tensorboard/x nets/lightning own/runs/a rl/ppo versions/lightning_logs/version_0 versions/lightning_logs/version_1"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("found %q\nwant  %q", got, want)
	}
}
