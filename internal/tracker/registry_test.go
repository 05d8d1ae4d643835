package tracker_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/tracker"
)

// owner is what auto may choose for what a framework leaves, and what else recognises that, behind it.
type owner struct {
	chosen []string // trackers; "" is none
	behind []string
	below  string // the work dir below that of the case; where it is not given, out where there is one
}

// A log that looks like anybody's, or says nothing.
var anyLog = []string{"epochs_log", "steps_log", "tqdm", ""}

// owners tells it for each directory of testdata/real, and for those that were written by hand.
var owners = map[string]owner{
	"accelerate":            {chosen: []string{""}}, // counters of saves, and event files in a directory of any name
	"catboost":              {chosen: []string{"catboost"}},
	"deepspeed":             {chosen: []string{"deepspeed"}},
	"keras":                 {chosen: []string{"keras_csv"}},
	"lightgbm":              {chosen: []string{"lightgbm"}},
	"lightning":             {chosen: []string{"lightning"}, behind: []string{"tensorboard"}},
	"mlflow":                {chosen: []string{"mlflow"}},
	"mmengine":              {chosen: []string{"mmengine"}},
	"optuna":                {chosen: anyLog},
	"rich":                  {chosen: anyLog},
	"sentence_transformers": {chosen: []string{"transformers"}, behind: []string{"tensorboard"}},
	"sklearn":               {chosen: []string{"sklearn", "epochs_log", ""}}, // some of its estimators say nothing, SGD "-- Epoch 1"
	"stable_baselines3":     {chosen: []string{"sb3"}},
	"tensorboard":           {chosen: []string{"tensorboard"}},
	"tensorboardx":          {chosen: []string{"tensorboard"}},
	"timm":                  {chosen: []string{"timm"}, below: "output/train"},
	"torchtune":             {chosen: []string{"steps_log"}}, // its logger alone, without the recipe and its configuration
	"tqdm":                  {chosen: anyLog},
	"transformers":          {chosen: []string{"transformers"}, behind: []string{"tensorboard"}},
	"transformers4":         {chosen: []string{"transformers"}, behind: []string{"tensorboard"}},
	"trl":                   {chosen: []string{"transformers"}, behind: []string{"tensorboard"}},
	"ultralytics":           {chosen: []string{"ultralytics"}},
	"wandb":                 {chosen: []string{"wandb"}},
	"xgboost":               {chosen: []string{"xgboost", ""}}, // "": silent
	"yolov5":                {chosen: []string{"yolov5"}, behind: []string{"tensorboard"}},

	"../detectron2":        {chosen: []string{"detectron2"}},
	"../detectron2/stdout": {chosen: anyLog},
	"../nerfstudio/stdout": {chosen: anyLog},
	"../mmcv":              {chosen: []string{"mmcv"}},
	"../nerfstudio":        {chosen: []string{"nerfstudio"}},

	// Cases of which the files say less than those of their framework.
	"catboost/no_files":         {chosen: []string{"catboost_log"}}, // allow_writing_files=False
	"catboost/two_sets":         {chosen: []string{"catboost_log"}}, // train_dir=cat_logs
	"deepspeed/tag":             {chosen: []string{""}},             // tags of the user's own
	"keras/evaluate":            {chosen: []string{"keras"}},        // the following have no CSVLogger
	"keras/not_interactive":     {chosen: anyLog},
	"keras/one_epoch":           {chosen: []string{"keras"}},
	"keras/start":               {chosen: anyLog}, // the table is empty
	"keras/tensorboard":         {chosen: []string{"tensorboard"}},
	"keras/tensorboard_batches": {chosen: []string{"tensorboard"}},
	"keras/tensorboard_middle":  {chosen: []string{"tensorboard"}},
	"keras/tf_noise":            {chosen: []string{"keras"}},
	"keras/unknown_steps":       {chosen: []string{"keras"}},
	"lightgbm/silent":           {chosen: []string{""}},
	"mlflow/default":            {chosen: anyLog}, // a database
	"mlflow/file_store_refused": {chosen: []string{""}},
	"tensorboard/start":         {chosen: []string{""}}, // no value was written yet
	"tensorboard/start-flushed": {chosen: []string{""}},
	"tensorboardx/killed":       {chosen: []string{""}},
	"transformers/crashed":      {chosen: []string{"transformers_log"}}, // before the first checkpoint
	"transformers/saving":       {chosen: []string{""}},                 // the state is missing
	"transformers/start":        {chosen: anyLog},
	"transformers4/crashed":     {chosen: []string{"transformers_log"}},
	"transformers4/saving":      {chosen: []string{""}},
	"transformers4/start":       {chosen: anyLog},
	"wandb/killed-soon":         {chosen: anyLog}, // nothing was written in the first 15 s
	"wandb/start":               {chosen: anyLog},
	"wandb/terminated":          {chosen: anyLog},
}

// TestOwners holds that auto chooses what belongs to a directory, and that what else recognises it is asked later.
func TestOwners(t *testing.T) {
	dirs, err := filepath.Glob("testdata/real/*/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, byHand := range []string{"detectron2", "mmcv", "nerfstudio"} {
		more, err := filepath.Glob("testdata/" + byHand + "/*")
		if err != nil {
			t.Fatal(err)
		}
		for _, dir := range more {
			dirs = append(dirs, "testdata/real/../"+strings.TrimPrefix(dir, "testdata/"))
		}
	}
	for _, dir := range dirs {
		name := strings.TrimPrefix(dir, "testdata/real/")
		o, ok := owners[name]
		if !ok {
			o, ok = owners[filepath.Dir(name)]
		}
		if !ok {
			t.Errorf("%s: nobody says whose it is; put it into owners", name)
			continue
		}
		if o.below == "" {
			o.below = "out"
		}
		abs, err := filepath.Abs(dir)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(abs, o.below)); err == nil {
			abs = filepath.Join(abs, o.below)
		}
		got := later(t, abs, runsheet.ProgressSpec{}, nil).Progress
		if !slices.Contains(o.chosen, got.Source) || got.Error != "" {
			t.Errorf("%s: auto chooses %q, not one of %q; %s", name, got.Source, o.chosen, got.Error)
		}
		for _, who := range recognisers(abs) {
			if who != got.Source && !slices.Contains(o.behind, who) {
				t.Errorf("%s: %s recognises it, too; it is of %q", name, who, o.chosen)
			}
		}
	}
}

// recognisers lists the trackers of files that recognise a work dir.
func recognisers(dir string) []string {
	names := tracker.Names()
	var out []string
	for _, name := range names[1:slices.Index(names, "log")] {
		who, _ := tracker.ByName(name)
		ev := tracker.NewEvidence(context.Background(), durable.OS(), dir, tracker.Options{
			Sleep: func(context.Context, time.Duration) error { return context.Canceled },
		})
		if who.Recognises(ev, runsheet.ProgressSpec{}) {
			out = append(out, name)
		}
	}
	return out
}

// nobodys are directories in which nothing trains, by the names of frameworks and others.
var nobodys = map[string][]string{ // name, text, name, text, ...
	"empty": nil,
	"source tree": {
		"README.md", "# Detectron\n\nTrains for 100 epochs.\n",
		"config.yaml", "SOLVER:\n  MAX_ITER: 90000\ntrain:\n  max_iter: 90000\ntrainer:\n  max_epochs: 10\nmodel: vit\nepochs: 100\n",
		"config.yml", "max_num_iterations: 30000\nmethod_name: nerfacto\n",
		"args.yaml", "model: resnet50\nepochs: 100\nlr: 0.1\n",
		"opt.yaml", "epochs: 100\n",
		"train.py", "train_cfg = dict(max_epochs=12)\n",
		"configs/faster_rcnn.py", "train_cfg = dict(max_epochs=12)\n",
		"work_dirs/README.md", "here\n", "outputs/README.md", "here\n", "runs/README.md", "here\n", "logs/README.md", "here\n",
		"lightning_logs/README.md", "here\n", "checkpoints/README.md", "here\n", "checkpoint-best/model.bin", "x",
		"epoch_3.py", "x\n", "version_0/notes.txt", "x\n", "src/model.py", "x\n", "setup.py", "x\n", "requirements.txt", "torch\n",
		"latest", "v1.2.3", "last_checkpoint", "none\n", "trainer_state.py", "x\n",
	},
	"data set": {
		"metrics.csv", "id,label,score\n1,cat,0.5\n2,dog,0.25\n",
		"train.csv", "epoch,open,high,low,close,volume\n1609459200,1,2,0.5,1.5,10\n1609459260,1,2,0.5,1.5,10\n", // seconds since 1970
		"results.csv", "epoch,subject,response\n1,a,2\n",
		"summary.csv", "name,mean\na,1\n",
		"progress.csv", "student,lesson,score\n1,1,3\n",
		"training.csv", "x,y\n1,2\n",
		"metrics.json", "{\"iteration\": 3, \"accuracy\": 0.5}\n",
		"progress.json", "{\"lesson\": 3}\n",
		"logs/download.log", "fetched images.tar\nverified images.tar\n",
		"logs/prepare.txt", "done\n",
		"images/1.png", "x", "labels/1.txt", "0 0.5 0.5 1 1\n", "annotations/instances.json", "{}\n",
		"20210102_030405/1.png", "x", "20210102-030405-camera/1.png", "x", "2021-01-02_030405/1.png", "x",
		"20210102_030406/args.yaml", "x: 1\n", "iter_1/1.png", "x", "global_step_1/1.png", "x",
	},
	"wandb without a run": {
		"wandb/settings", "[default]\nentity = me\n", "wandb/debug.log", "", "wandb/run-notes/x.txt", "x\n",
		"wandb/offline-run-20210102_030405-abc/files/output.log", "",
	},
	"modules": {
		"node_modules/events/package.json", "{}\n", "node_modules/latest/index.js", "x\n", "node_modules/checkpoint-1/index.js", "x\n",
		"mlruns/models/x.txt", "x\n", "catboost_info/README.md", "x\n", "logs/x/README.md", "x\n", "tb_logs/a/b.txt", "x\n",
		"ckpt/latest_checkpointed_iteration.txt", "release", "ckpt/release/x", "x",
		"nerfstudio_models/README.md", "x\n", "outputs/a/b/c/d.txt", "x\n", "tensorboard/README.md", "x\n",
		"monitor.csv", "time,cpu,memory\n1,2,3\n", "evaluations.npz", "x", "package.json", "{\"version\": \"1.0.0\"}\n",
	},
}

// TestNobodys holds that nothing recognises what is nobody's.
func TestNobodys(t *testing.T) {
	for name, files := range nobodys {
		dir := t.TempDir()
		fill(t, dir, files)
		if who := recognisers(dir); who != nil {
			t.Errorf("%s: recognised by %q", name, who)
		}
		if p := later(t, dir, runsheet.ProgressSpec{}, nil).Progress; p.Source != "" || p.Error != "" {
			t.Errorf("%s: told %s", name, told(p))
		}
	}
}

func fill(t testing.TB, dir string, files []string) {
	t.Helper()
	for i := 0; i < len(files); i += 2 {
		write := filepath.Join(dir, files[i])
		if err := os.MkdirAll(filepath.Dir(write), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(write, []byte(files[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// counting is a disk that notes what is done on it.
type counting struct {
	durable.Disk
	dir string
	mu  sync.Mutex
	ops []string
}

func (c *counting) note(op, path string) {
	rel, err := filepath.Rel(c.dir, path)
	if err != nil {
		rel = path
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ops = append(c.ops, op+" "+rel)
}

func (c *counting) Open(label, path string, flag int, perm fs.FileMode) (durable.File, error) {
	c.note("open", path)
	return c.Disk.Open(label, path, flag, perm)
}

func (c *counting) Lstat(label, path string) (fs.FileInfo, error) {
	c.note("stat", path)
	return c.Disk.Lstat(label, path)
}

func (c *counting) ReadDir(label, path string) ([]fs.DirEntry, error) {
	c.note("list", path)
	return c.Disk.ReadDir(label, path)
}

// maxCost is how many operations a look at one of nobodys may take.
const maxCost = 40

// TestCost holds what is looked at in a work dir that nothing recognises, which is done for each of thousands, and that no
// directory is listed twice for it, and no file opened more than twice: for the names of its columns, and as a log.
func TestCost(t *testing.T) {
	look := func(files []string) []string {
		dir := t.TempDir()
		fill(t, dir, files)
		disk := &counting{Disk: durable.OS(), dir: dir}
		now := time.Now().Add(time.Hour)
		tracker.Look(context.Background(), disk, dir, runsheet.ProgressSpec{}, tracker.Options{
			Now:   func() time.Time { return now },
			Sleep: func(_ context.Context, d time.Duration) error { now = now.Add(d); return nil },
		})
		return disk.ops
	}
	want := []string{
		"stat .",
		"stat evaluation_scores.json", "stat epoch_0", "stat progress.json", // the original layout, asked without a listing
		"stat .runsheet/attempts",          // what the command says itself
		"list .",                           // all others
		"stat lightning_logs", "stat logs", // witnesses: they may appear
	}
	if diff := cmp.Diff(want, look(nil)); diff != "" {
		t.Error(diff)
	}
	for name, files := range nobodys {
		ops := look(files)
		slices.Sort(ops)
		if len(ops) > maxCost {
			t.Errorf("%s: %d operations, at most %d:\n%s", name, len(ops), maxCost, strings.Join(ops, "\n"))
		}
		for i, op := range ops {
			if i > 0 && ops[i-1] == op && (!strings.HasPrefix(op, "open ") || i > 1 && ops[i-2] == op) {
				t.Errorf("%s: %s again:\n%s", name, op, strings.Join(ops, "\n"))
			}
		}
	}
}
