package sheet

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"runsheet"
)

func load(t *testing.T, path string) *runsheet.Sheet {
	t.Helper()
	s, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// write makes a sheet in a new directory, and returns its path.
func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), FileName)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestDesignSheet(t *testing.T) {
	s := load(t, "testdata/uci.yaml")
	data, _ := os.ReadFile("testdata/uci.yaml")
	sum := sha256.Sum256(data)
	dir, _ := filepath.Abs("testdata")
	runs := s.Runs
	s.Runs = nil
	policy := runsheet.DefaultPolicy
	policy.Jobs = 2
	want := &runsheet.Sheet{
		Path: filepath.Join(dir, "uci.yaml"), Dir: dir, Name: "uci", Digest: hex.EncodeToString(sum[:]),
		Setup: "go build -o build/train ./train", Env: map[string]string{"OMP_NUM_THREADS": "1"}, Secrets: []string{"HF_TOKEN"},
		Product: 15, Skipped: []string{"dataset=wine,model=mlp,seed=0", "dataset=wine,model=mlp,seed=1", "dataset=wine,model=mlp,seed=2"},
		Axes: []string{"dataset", "model", "seed"}, Repeat: "seed", Metrics: []runsheet.MetricSpec{{Name: "accuracy", Mode: runsheet.Max}},
		Policy: policy, Pool: []runsheet.PoolEntry{{Kind: "local", Called: "local"}},
	}
	if d := cmp.Diff(want, s); d != "" {
		t.Error(d)
	}
	if len(runs) != 15 {
		t.Fatalf("%d runs, want 15", len(runs))
	}
	wantRun := runsheet.Run{
		Sheet:   filepath.Join(dir, "uci.yaml"),
		Name:    "dataset=digits,model=linear,seed=1",
		Params:  []runsheet.Param{{Key: "dataset", Value: "digits"}, {Key: "model", Value: "linear"}, {Key: "seed", Value: "1"}},
		WorkDir: filepath.Join(dir, "runs/digits/linear/seed_1"), Shown: "runs/digits/linear/seed_1",
		Command:   "build/train --dataset digits --model linear --seed 1 --out runs/digits/linear/seed_1",
		Resumed:   "build/train --dataset digits --model linear --seed 1 --out runs/digits/linear/seed_1 --resume",
		Progress:  runsheet.ProgressSpec{Tracker: "epochs", Total: 20, Epochs: true},
		Resources: runsheet.Resources{CPUs: 1, Memory: 512 << 20},
	}
	if d := cmp.Diff(wantRun, runs[1]); d != "" {
		t.Error(d)
	}
	if last := runs[14].Name; last != "dataset=breast_cancer,model=mlp,seed=2" {
		t.Errorf("the last run is %s", last)
	}
}

func TestRuns(t *testing.T) {
	s := load(t, "testdata/runs.yaml")
	dir := s.Dir
	type row struct{ Name, Shown, Command, Resumed string }
	simple := func(lr string) row {
		name := "lr=" + lr
		return row{name, "runs/" + name, "python train.py --lr " + lr + " --out runs/" + name, ""}
	}
	want := []row{
		simple("1e-3"), simple("010"), simple("on"), simple("1_000"),
		{"lr=0.5,warmup=10", "runs/lr=0.5,warmup=10", "python train.py --lr 0.5 --out runs/lr=0.5,warmup=10", ""},
		{"lr=7,note=it%27s%20%22odd%22", "runs/lr=7,note=it%27s%20%22odd%22", "python train.py --lr 7 --out runs/lr=7,note=it%27s%20%22odd%22", ""},
		{"lr=8", filepath.Join(filepath.Dir(dir), "scratch/lr=8"), "python other.py --lr 8",
			`python other.py --lr 8 --ckpt "` + filepath.Join(filepath.Dir(dir), "scratch/lr=8") + `/last.pt"`},
		{"make-all-" + Slug("make all")[9:], "runs/" + Slug("make all"), "make all", ""},
	}
	var got []row
	for _, r := range s.Runs {
		x := row{r.Name, r.Shown, r.Command, r.Resumed}
		if x.Resumed == x.Command {
			x.Resumed = ""
		}
		got = append(got, x)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"lr", "warmup", "note", "command"}, s.Axes); d != "" {
		t.Error(d)
	}
	own := s.Runs[6]
	wantOwn := runsheet.ProgressSpec{Tracker: "auto", Total: 3, Epochs: true, EarlyStopping: &runsheet.EarlyStopping{Patience: 2,
		Metrics: []runsheet.MetricSpec{{Name: "loss", Mode: runsheet.Min}, {Name: "iou", Mode: runsheet.Max}}}}
	if d := cmp.Diff(wantOwn, own.Progress); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(runsheet.Resources{GPUs: 1, GPUMemory: 12e9}, own.Resources); d != "" {
		t.Error(d)
	}
	p := runsheet.DefaultPolicy
	p.Backoff, p.StuckAfter, p.OutdatedAfter, p.OnStuck, p.HostLostAfter, p.MinFree = 90*time.Second, time.Hour, 0, runsheet.LeaveStuck, 15*time.Minute, 0
	p.OutdatedBefore = time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)
	if d := cmp.Diff(p, s.Policy); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]runsheet.PoolEntry{{Kind: "local", Called: "local", GPUs: []int{1, 0}}}, s.Pool); d != "" {
		t.Error(d)
	}
}

func TestConfigs(t *testing.T) {
	s := load(t, "testdata/configs.yaml")
	var got []string
	for _, r := range s.Runs {
		got = append(got, r.Shown+" "+r.Command)
	}
	line := func(rel, file, stem, dir, seed string) string {
		out := "logs/" + rel + "/" + seed
		return out + " python main.py --config " + file + " --seed " + seed + " --out " + out + " # " + stem + " in " + dir
	}
	want := []string{line("a/b", "configs/a/b.py", "b", "configs/a", "10")}
	for _, seed := range []string{"08", "09", "10"} {
		want = append(want, line("a/deep/c.v2", "configs/a/deep/c.v2.py", "c.v2", "configs/a/deep", seed))
	}
	for _, seed := range []string{"08", "09", "10"} {
		want = append(want, line("top", "configs/top.py", "top", "configs", seed))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if s.Runs[0].Name != "config=configs%2Fa%2Fb.py,seed=10" {
		t.Errorf("name %s", s.Runs[0].Name)
	}
}

func TestCommands(t *testing.T) {
	s := load(t, "testdata/commands.yaml")
	if len(s.Runs) != 4 || s.Repeat != "seed" || s.Name != "commands" {
		t.Fatalf("%d runs, repeat %q, name %q", len(s.Runs), s.Repeat, s.Name)
	}
	r := s.Runs[3]
	if !strings.HasPrefix(r.Name, "Other.sh-seed-awk-print-1-") || !strings.HasSuffix(r.Name, ",seed=2") {
		t.Errorf("name %s", r.Name)
	}
	if r.Command != "./Other.sh 2 | awk '{print $1}'" {
		t.Errorf("command %q", r.Command)
	}
	if v, _ := r.Value("command"); v != "./Other.sh {seed} | awk '{print $1}'" {
		t.Errorf("parameter %q", v)
	}
	// A line that moves keeps its name.
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "c"), []byte("./Other.sh {seed} | awk '{print $1}'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, FileName), []byte("commands: c\nmatrix: {seed: 2}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if moved := load(t, dir).Runs[0].Name; moved != r.Name {
		t.Errorf("%s became %s", r.Name, moved)
	}
}

func TestSingle(t *testing.T) {
	s := load(t, "testdata/single.yaml")
	if len(s.Runs) != 1 || s.Runs[0].Name != "single" || s.Runs[0].Shown != "runs/single" || s.Runs[0].Params != nil {
		t.Errorf("%+v", s.Runs)
	}
}

func TestStateDirectory(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, stateDir), 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, stateDir, "x.yaml")
	if err := os.WriteFile(file, []byte("command: a\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := load(t, file)
	if s.Dir != dir || s.Path != file || s.Runs[0].WorkDir != filepath.Join(dir, "runs/x") {
		t.Errorf("dir %s, path %s, work dir %s", s.Dir, s.Path, s.Runs[0].WorkDir)
	}
}

func TestMissingFile(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		dir: filepath.Join(dir, FileName), filepath.Join(dir, "x.yaml"): filepath.Join(dir, "x.yaml"),
	} {
		_, err := Load(path)
		var e *Error
		if !errors.Is(err, fs.ErrNotExist) || !errors.As(err, &e) || e.File != want || !strings.Contains(e.Hint(), "runsheet run") {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := Load("testdata/uci.yaml/x"); err == nil {
		t.Error("a file is no directory")
	}
}

// A FIFO called runsheet.yaml would hang a reader that simply opens it.
func TestNoRegularFile(t *testing.T) {
	if _, err := Load(os.DevNull); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("%v", err)
	}
}

func TestRawText(t *testing.T) {
	s := load(t, write(t, `
command: echo {v}
matrix:
  v: [1e-3, 010, on, 1_000, 0x1F, 2001-01-01, ~, null, "null ", '', "tab\there", 1:30, .5, +1, a b, é, "0..1", 3..2, -01..1]
`))
	want := []string{"1e-3", "010", "on", "1_000", "0x1F", "2001-01-01", "~", "null", "null ", "", "tab\there", "1:30", ".5", "+1",
		"a b", "é", "0", "1", "3", "2", "-01", "000", "001"}
	var got []string
	for _, r := range s.Runs {
		v, _ := r.Value("v")
		got = append(got, v)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestPool(t *testing.T) {
	s := load(t, write(t, `command: a
pool:
  - local: {jobs: 3}
  - slurm
  - slurm: {partition: gpu, time: 1h30m, gres: "gpu:a100:1", max_queued: 50, options: [--account=lab, --exclusive, -Cfast]}
  - slurm: {partition: gpu, name: big}
`))
	want := []runsheet.PoolEntry{{Kind: "local", Called: "local", Jobs: 3}, {Kind: "slurm", Called: "slurm", Name: "slurm"},
		{Kind: "slurm", Name: "slurm:gpu", Called: "gpu", Partition: "gpu", Time: 90 * time.Minute, Gres: "gpu:a100:1", Jobs: 50,
			Options: []string{"--account=lab", "--exclusive", "-Cfast"}},
		{Kind: "slurm", Name: "slurm:big", Called: "big", Partition: "gpu"}}
	if d := cmp.Diff(want, s.Pool); d != "" {
		t.Error(d)
	}
}
