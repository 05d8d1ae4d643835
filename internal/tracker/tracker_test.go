package tracker

import (
	"context"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"runsheet"
	"runsheet/internal/durable"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A clock stands still, except that sleeping moves it.
type clock struct {
	at      time.Time
	onSleep func() // something happens meanwhile
	slept   time.Duration
}

func (c *clock) options() Options {
	return Options{
		Now: func() time.Time { return c.at },
		Sleep: func(ctx context.Context, d time.Duration) error {
			c.at, c.slept = c.at.Add(d), c.slept+d
			if c.onSleep != nil {
				c.onSleep()
			}
			return ctx.Err()
		},
	}
}

// later is a clock by which whatever the test has written is old.
func later() *clock { return &clock{at: time.Now().Add(time.Hour)} }

func lookLater(dir string, spec runsheet.ProgressSpec) Result {
	return Look(context.Background(), durable.OS(), dir, spec, later().options())
}

// write makes files below dir; "x/" is a directory.
func write(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		p := filepath.Join(dir, name)
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(p, 0o777); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(p), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// epochsOf makes n complete epochs whose accuracies are given.
func epochsOf(accuracies ...float64) map[string]string {
	files := map[string]string{}
	for i, a := range accuracies {
		d := fmt.Sprintf("epoch_%d/", i)
		files[d+"training_losses.pt"] = "PK"
		files[d+"optimizer_buffer.json"] = "[]"
		files[d+"validation_scores.json"] = fmt.Sprintf(`{"aggregated": {"accuracy": %s}, "per_datapoint": {"accuracy": [1, NaN]}}`, number(a))
	}
	return files
}

func number(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	}
	return fmt.Sprint(f)
}

func with(files map[string]string, more ...string) map[string]string {
	for i := 0; i < len(more); i += 2 {
		files[more[i]] = more[i+1]
	}
	return files
}

// said is what the tests compare of a progress.
type said struct {
	Source          string
	Completed       int64
	Total           int64
	Early           bool
	EarlyAt         int64
	Accuracy, Error string
}

func say(p runsheet.Progress) said {
	s := said{p.Source, p.Completed, p.Total, p.EarlyStopped, p.EarlyStoppedAt, "", p.Error}
	if v, ok := p.Metrics["accuracy"]; ok {
		s.Accuracy = fmt.Sprint(v)
	}
	return s
}

func TestLook(t *testing.T) {
	early := &runsheet.EarlyStopping{Patience: 2, Metrics: []runsheet.MetricSpec{{Name: "accuracy", Mode: runsheet.Max}}}
	tests := []struct {
		name  string
		files map[string]string
		spec  runsheet.ProgressSpec
		want  said
	}{
		{"nothing", nil, runsheet.ProgressSpec{Tracker: "auto", Total: 5}, said{Total: 5}},
		{"nothing, by name", nil, runsheet.ProgressSpec{Tracker: "epochs", Total: 5}, said{Source: "epochs", Total: 5}},
		{"three epochs", epochsOf(.1, .2, .3), runsheet.ProgressSpec{Total: 5}, said{Source: "epochs", Completed: 3, Total: 5, Accuracy: "0.3"}},
		{"NaN is a score", epochsOf(.1, math.NaN()), runsheet.ProgressSpec{Total: 5}, said{Source: "epochs", Completed: 2, Total: 5, Accuracy: "NaN"}},
		{"an empty file", with(epochsOf(.1, .2, .3), "epoch_1/training_losses.pt", ""), runsheet.ProgressSpec{Total: 5}, said{Source: "epochs", Completed: 1, Total: 5, Accuracy: "0.1"}},
		{"a directory instead of a file", with(epochsOf(.1), "epoch_1/training_losses.pt/", "", "epoch_1/optimizer_buffer.json", "[]", "epoch_1/validation_scores.json", "{}"),
			runsheet.ProgressSpec{}, said{Source: "epochs", Completed: 1, Accuracy: "0.1"}},
		{"other files", map[string]string{"epoch_0/model.bin": "x", "epoch_0/val.json": `{"accuracy": 0.5}`, "epoch_1/model.bin": "x"},
			runsheet.ProgressSpec{Files: []string{"model.bin", "val.json"}}, said{Source: "epochs", Completed: 1, Accuracy: "0.5"}},
		{"other files, the usual scores", map[string]string{"epoch_0/model.bin": "x", "epoch_0/validation_scores.json": `{"accuracy": 0.5}`},
			runsheet.ProgressSpec{Files: []string{"model.bin"}}, said{Source: "epochs", Completed: 1, Accuracy: "0.5"}},
		{"files above the work dir", nil, runsheet.ProgressSpec{Tracker: "epochs", Files: []string{"../x"}},
			said{Source: "epochs", Error: `progress.files: "../x" does not lie below the work dir`}},
		{"an unknown tracker", nil, runsheet.ProgressSpec{Tracker: "magic"}, said{Source: "magic", Error: `no tracker is called "magic"; there are ` + strings.Join(Names(), ", ")}},
		{"epoch_0 alone is not ours", map[string]string{"epoch_0/": "", "epoch_1/x": "y"}, runsheet.ProgressSpec{}, said{}},
		{"the trainer's document alone", map[string]string{"progress.json": `{"completed_epochs": 3, "progress_percentage": 30.0, "early_stopped": false, "early_stopped_at_epoch": null}`},
			runsheet.ProgressSpec{}, said{Source: "epochs", Completed: 3, Total: 10}},
		{"a third", map[string]string{"progress.json": `{"completed_epochs": 1, "progress_percentage": 33.33333333333333}`}, runsheet.ProgressSpec{}, said{Source: "epochs", Completed: 1, Total: 3}},
		{"the monitor's document, stopped early", map[string]string{"progress.json": `{"progress_percentage": 100.0, "completed_epochs": 7, "early_stopped": true, "early_stopped_at_epoch": 7, "total_epochs": 10}`},
			runsheet.ProgressSpec{}, said{Source: "epochs", Completed: 7, Total: 10, Early: true, EarlyAt: 7}},
		{"stopped early at 70 %", map[string]string{"progress.json": `{"progress_percentage": 70.0, "completed_epochs": 7, "early_stopped": true, "early_stopped_at_epoch": 7}`},
			runsheet.ProgressSpec{}, said{Source: "epochs", Completed: 7, Total: 10, Early: true, EarlyAt: 7}},
		{"100 % of nobody knows what", map[string]string{"progress.json": `{"progress_percentage": 100.0, "completed_epochs": 7, "early_stopped": true}`},
			runsheet.ProgressSpec{}, said{Source: "epochs", Completed: 7, Early: true, EarlyAt: 7}},
		{"patience ran out with the last epoch", map[string]string{"progress.json": `{"progress_percentage": 100.0, "completed_epochs": 7, "early_stopped": true}`},
			runsheet.ProgressSpec{Total: 7}, said{Source: "epochs", Completed: 7, Total: 7}},
		{"the directories are the authority", with(epochsOf(.1, .2), "progress.json", `{"completed_epochs": 7, "early_stopped": true, "progress_percentage": 70}`),
			runsheet.ProgressSpec{}, said{Source: "epochs", Completed: 2, Total: 10, Accuracy: "0.2"}},
		{"some other program's progress.json", map[string]string{"progress.json": `{"done": 3}`}, runsheet.ProgressSpec{}, said{}},
		{"some other program's log of JSON lines", map[string]string{"progress.json": "{\"done\": 3}\n{\"done\": 4}\n{\"do"}, runsheet.ProgressSpec{}, said{}},
		{"a list", with(epochsOf(.1), "progress.json", `[]`), runsheet.ProgressSpec{}, said{Source: "epochs", Completed: 1, Accuracy: "0.1"}},
		{"our own document is no evidence", map[string]string{"progress.json": `{"schema": "runsheet.progress/1", "completed_epochs": 3}`}, runsheet.ProgressSpec{Tracker: "epochs"}, said{Source: "epochs"}},
		{"the configuration tells the total", with(epochsOf(.1), "config.json", `{'early_stopping': {'args': {'epochs': 5}}, 'name': "it's {", 'epochs': 40, 'x': <class 'a'>}`),
			runsheet.ProgressSpec{}, said{Source: "epochs", Completed: 1, Total: 40, Accuracy: "0.1"}},
		{"stages: the newest log knows more", with(epochsOf(.1), "config.json", `{'epochs': 40}`, "train_val_0.log", "Training [Epoch 0/10][Iteration 5/24]. x\n",
			"train_val_1.log", "[INFO] 2026-01-02 03:04:05 - Training [Epoch 0/80][Iteration 5/24]. loss: 1\n"),
			runsheet.ProgressSpec{}, said{Source: "epochs", Completed: 1, Total: 80, Accuracy: "0.1"}},
		{"early stopping by the sheet", epochsOf(.1, .5, .4, .3), runsheet.ProgressSpec{Total: 9, EarlyStopping: early}, said{Source: "epochs", Completed: 4, Total: 9, Early: true, EarlyAt: 4, Accuracy: "0.3"}},
		{"not yet", epochsOf(.1, .5, .4), runsheet.ProgressSpec{Total: 9, EarlyStopping: early}, said{Source: "epochs", Completed: 3, Total: 9, Accuracy: "0.4"}},
		{"patience with the last epoch", epochsOf(.1, .5, .4, .3), runsheet.ProgressSpec{Total: 4, EarlyStopping: early}, said{Source: "epochs", Completed: 4, Total: 4, Accuracy: "0.3"}},
		{"it went on to the last epoch all the same", epochsOf(.1, .5, .4, .3, .2, .1), runsheet.ProgressSpec{Total: 6, EarlyStopping: early}, said{Source: "epochs", Completed: 6, Total: 6, Accuracy: "0.1"}},
		{"it went on and became better", epochsOf(.1, .5, .4, .3, .6), runsheet.ProgressSpec{Total: 9, EarlyStopping: early}, said{Source: "epochs", Completed: 5, Total: 9, Accuracy: "0.6"}},
		{"the last scores are torn", with(epochsOf(.1, .5, .4, .3), "epoch_3/validation_scores.json", `{"aggr`), runsheet.ProgressSpec{Total: 9, EarlyStopping: early}, said{Source: "epochs", Completed: 3, Total: 9, Accuracy: "0.4"}},
		{"no such metric", map[string]string{"epoch_0/a.json": `{"loss": 1}`}, runsheet.ProgressSpec{Files: []string{"a.json"}, EarlyStopping: early},
			said{Source: "epochs", Error: `early stopping cannot be judged: epoch_0 has no metric "accuracy", only "loss"; name one of its metrics under progress.early_stopping.metrics`}},
		{"evaluation", map[string]string{"evaluation_scores.json": `{"aggregated": {"accuracy": 0.7}}`}, runsheet.ProgressSpec{}, said{Source: "evaluation", Completed: 1, Total: 1, Accuracy: "0.7"}},
		{"evaluation, opened only", map[string]string{"evaluation_scores.json": ``}, runsheet.ProgressSpec{}, said{Source: "evaluation", Total: 1}},
		{"evaluation of another name", map[string]string{"test/results.json": `{"accuracy": 0.7}`}, runsheet.ProgressSpec{Tracker: "evaluation", Files: []string{"test/results.json"}}, said{Source: "evaluation", Completed: 1, Total: 1, Accuracy: "0.7"}},
		{"evaluation, absent", nil, runsheet.ProgressSpec{Tracker: "evaluation"}, said{Source: "evaluation", Total: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, tt.files)
			r := lookLater(dir, tt.spec)
			if diff := cmp.Diff(tt.want, say(r.Progress)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if r.Passing {
				t.Error("it says that something is being written")
			}
			for _, w := range r.Witnesses {
				if !w.Holds(durable.OS(), w.Abs(dir)) {
					t.Errorf("witness %+v does not hold", w)
				}
			}
		})
	}
}

func TestBrokenForGood(t *testing.T) {
	tests := []struct{ name, file, text, want string }{
		{"cut", "progress.json", "{\n    \"completed_epochs\": 3,\n    \"progress_perc", `progress.json is broken (47 bytes): it ends at byte 47, after "\": 3,\n    \"progress_perc"`},
		{"empty", "progress.json", "", "progress.json is broken: it is empty (0 bytes)"},
		{"zeroes", "progress.json", "\x00\x00\x00", `progress.json is broken (3 bytes): no value at byte 0, near "\x00\x00\x00"`},
		{"escape sequences", "progress.json", "\x1b[31m", `progress.json is broken (5 bytes): no value at byte 0, near "\x1b[31m"`},
		{"two documents", "progress.json", `{"completed_epochs": 3}}`, `more than one value at byte 23`},
		{"two documents of others", "progress.json", `{"done": 3}}`, `more than one value at byte 11`},
		{"negative", "progress.json", `{"completed_epochs": -3}`, `completed_epochs is negative at byte 21, near "{\"completed_epochs\": -3}"`},
		{"NaN", "progress.json", `{"completed_epochs": NaN}`, `completed_epochs is NaN`},
		{"half an epoch", "progress.json", `{"completed_epochs": 1.5}`, `completed_epochs is not whole`},
		{"text", "progress.json", `{"completed_epochs": "3"}`, `completed_epochs is no number`},
		{"null", "progress.json", `{"completed_epochs": null}`, `completed_epochs is null`},
		{"more than all", "progress.json", `{"completed_epochs": 11, "total_epochs": 10}`, `completed_epochs is 11, more than total_epochs, which is 10`},
		{"above 100", "progress.json", `{"completed_epochs": 1, "progress_percentage": 101}`, `progress_percentage is above 100`},
		{"a flag that is none", "progress.json", `{"completed_epochs": 1, "early_stopped": 1}`, `early_stopped is neither true nor false`},
		{"evaluation", "evaluation_scores.json", `{"aggregated": {"score": 0.4`, `evaluation_scores.json is broken (28 bytes): it ends at byte 28`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, map[string]string{tt.file: tt.text})
			r := lookLater(dir, runsheet.ProgressSpec{})
			p := r.Progress
			if !strings.Contains(p.Error, tt.want) || !strings.Contains(p.Error, dir) || r.Passing {
				t.Errorf("error %q (moving: %v), want %q and the directory in it", p.Error, r.Passing, tt.want)
			}
			if _, known := p.Percentage(); known || p.Complete() {
				t.Errorf("a broken document tells a percentage: %+v", p)
			}
			if (r.Broken != nil) != (tt.file == documentName) {
				t.Errorf("broken: %+v", r.Broken)
			}
			if _, ok := Recognise(durable.OS(), dir); !ok {
				t.Error("not recognised, so that nobody would see the error")
			}
		})
	}
}

// A broken document is read again while it moves, and for some time after.
func TestStillBeingWritten(t *testing.T) {
	dir := t.TempDir()
	p := filepath.Join(dir, "progress.json")
	whole := `{"completed_epochs": 3, "total_epochs": 9}`
	write(t, dir, map[string]string{"progress.json": whole[:5]})
	c := &clock{at: time.Now()}
	n := 5
	c.onSleep = func() {
		if n = n + 7; n <= len(whole) {
			os.WriteFile(p, []byte(whole[:n]), 0o666)
		} else {
			os.WriteFile(p, []byte(whole), 0o666)
		}
	}
	r := Look(context.Background(), durable.OS(), dir, runsheet.ProgressSpec{}, c.options())
	if got, want := say(r.Progress), (said{Source: "epochs", Completed: 3, Total: 9}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}

	// Never whole: patience ends, and the answer is not for good.
	flip := false
	c = &clock{at: time.Now(), onSleep: func() {
		flip = !flip
		text := whole[:7]
		if flip {
			text = whole[:8]
		}
		os.WriteFile(p, []byte(text), 0o666)
	}}
	c.onSleep()
	r = Look(context.Background(), durable.OS(), dir, runsheet.ProgressSpec{}, c.options())
	if !strings.Contains(r.Progress.Error, "still being written") || !r.Passing || c.slept > 3*time.Second {
		t.Errorf("%+v after %v (moving: %v)", say(r.Progress), c.slept, r.Passing)
	}

	// Written a moment ago, then nothing more: an error for good once it has been watched.
	c = &clock{at: time.Now()}
	r = Look(context.Background(), durable.OS(), dir, runsheet.ProgressSpec{}, c.options())
	if r.Progress.Error == "" || r.Passing || c.slept > 3*time.Second {
		t.Errorf("%+v after %v (moving: %v)", say(r.Progress), c.slept, r.Passing)
	}

	// An evaluation that is being written is 0 of 1.
	dir = t.TempDir()
	p = filepath.Join(dir, evaluationName)
	c.at = time.Now()
	c.onSleep = func() { flip = !flip; os.WriteFile(p, []byte(`{"a": 1`+strings.Repeat(" ", int(c.slept%7))), 0o666) }
	c.onSleep()
	r = Look(context.Background(), durable.OS(), dir, runsheet.ProgressSpec{}, c.options())
	if got, want := say(r.Progress), (said{Source: "evaluation", Total: 1}); got != want || !r.Passing {
		t.Errorf("%+v (moving: %v), want %+v", got, r.Passing, want)
	}
}

// The training code writes an epoch's files in the background, and its document at once.
func TestDocumentIsAhead(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, with(epochsOf(.1, .2), "epoch_2/training_losses.pt", "PK", "progress.json", `{"completed_epochs": 3, "total_epochs": 9}`))
	at := func(name string, d time.Duration) {
		tm := time.Now().Add(d)
		if err := os.Chtimes(filepath.Join(dir, name), tm, tm); err != nil {
			t.Fatal(err)
		}
	}
	at("progress.json", time.Minute)
	if got := lookLater(dir, runsheet.ProgressSpec{}).Progress.Completed; got != 3 {
		t.Errorf("with a newer document: %d", got)
	}
	at("progress.json", -time.Minute)
	if got := lookLater(dir, runsheet.ProgressSpec{}).Progress.Completed; got != 2 {
		t.Errorf("with an older document: %d", got)
	}
}

func TestNotRegular(t *testing.T) {
	makers := map[string]func(string) error{
		"fifo": func(p string) error { return syscall.Mkfifo(p, 0o666) },
		"dir":  func(p string) error { return os.Mkdir(p, 0o777) },
		"loop": func(p string) error { return os.Symlink(filepath.Base(p), p) },
		"dev":  func(p string) error { return os.Symlink("/dev/zero", p) },
	}
	for name, mk := range makers {
		for _, file := range []string{"progress.json", "evaluation_scores.json", "epoch_0"} {
			t.Run(name+" "+file, func(t *testing.T) {
				dir := t.TempDir()
				if err := mk(filepath.Join(dir, file)); err != nil {
					t.Fatal(err)
				}
				r := lookLater(dir, runsheet.ProgressSpec{})
				if want := file != "epoch_0" || name == "loop"; (r.Progress.Error != "") != want {
					t.Errorf("error %q", r.Progress.Error)
				}
			})
		}
	}
}

// sealed is a disk on which one name may not be opened.
type sealed struct {
	durable.Disk
	name string
}

func (s sealed) Open(label, path string, flag int, perm fs.FileMode) (durable.File, error) {
	if filepath.Base(path) == s.name {
		return nil, &fs.PathError{Op: "open", Path: path, Err: syscall.EACCES}
	}
	return s.Disk.Open(label, path, flag, perm)
}

func TestNoPermission(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, epochsOf(.1))
	for name, files := range map[string]map[string]string{
		"validation_scores.json": epochsOf(.1), "progress.json": {"progress.json": "{}"}, "evaluation_scores.json": {"evaluation_scores.json": "{}"},
	} {
		dir := t.TempDir()
		write(t, dir, files)
		r := Look(context.Background(), sealed{durable.OS(), name}, dir, runsheet.ProgressSpec{}, later().options())
		for _, part := range []string{name, "permission denied", dir, "chmod"} {
			if !strings.Contains(r.Progress.Error, part) {
				t.Errorf("%s: error %q does not say %q", name, r.Progress.Error, part)
			}
		}
	}
}

func TestWitnessesSeeChanges(t *testing.T) {
	changes := map[string]map[string]string{
		"the next epoch":          {"epoch_2/": ""},
		"its file":                {"epoch_2/training_losses.pt": "x"},
		"a score":                 {"epoch_1/validation_scores.json": `{"aggregated": {"accuracy": 0.9}}`},
		"a score of equal size":   {"epoch_1/validation_scores.json": epochsOf(.1, .9)["epoch_1/validation_scores.json"]},
		"the trainer's document":  {"progress.json": `{"completed_epochs": 2}`},
		"an evaluation":           {"evaluation_scores.json": `{}`},
		"an emptied file of last": {"epoch_1/training_losses.pt": ""},
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, with(epochsOf(.1, .2), "epoch_2/x", ""))
			if name == "the next epoch" {
				os.RemoveAll(filepath.Join(dir, "epoch_2"))
			}
			r := lookLater(dir, runsheet.ProgressSpec{})
			time.Sleep(2 * time.Millisecond)
			write(t, dir, change)
			for _, w := range r.Witnesses {
				if !w.Holds(durable.OS(), w.Abs(dir)) {
					return
				}
			}
			t.Error("every witness holds")
		})
	}
	dir := t.TempDir()
	write(t, dir, with(epochsOf(.1, .2), "real", "x"))
	os.Remove(filepath.Join(dir, "epoch_1", "training_losses.pt"))
	if err := os.Symlink("../real", filepath.Join(dir, "epoch_1", "training_losses.pt")); err != nil {
		t.Fatal(err)
	}
	r := lookLater(dir, runsheet.ProgressSpec{})
	if r.Progress.Completed != 2 {
		t.Fatalf("%+v", r.Progress)
	}
	write(t, dir, map[string]string{"real": "longer"})
	held := 0
	for _, w := range r.Witnesses {
		if w.Holds(durable.OS(), w.Abs(dir)) {
			held++
		}
	}
	if held != len(r.Witnesses)-1 {
		t.Errorf("%d of %d witnesses hold after what a link leads to has changed", held, len(r.Witnesses))
	}
}

func TestRecentAndActivity(t *testing.T) {
	dir := t.TempDir()
	acc := make([]float64, 20)
	write(t, dir, with(epochsOf(acc...), "train_val_0.log", "x", "logs/out.txt", "y"))
	base := time.Now().Add(-time.Hour).Truncate(time.Second)
	for i := range acc {
		for _, f := range []string{"training_losses.pt", "optimizer_buffer.json", "validation_scores.json"} {
			at := base.Add(time.Duration(i) * time.Minute)
			os.Chtimes(filepath.Join(dir, fmt.Sprintf("epoch_%d", i), f), at, at)
		}
	}
	p := lookLater(dir, runsheet.ProgressSpec{}).Progress
	if len(p.Recent) != 16 || !p.Recent[0].Equal(base.Add(4*time.Minute)) || !p.Recent[15].Equal(base.Add(19*time.Minute)) {
		t.Errorf("recent: %v", p.Recent)
	}
	var l Logs
	at := base.Add(2 * time.Hour)
	os.Chtimes(filepath.Join(dir, "logs/out.txt"), at, at)
	now := base.Add(3 * time.Hour)
	for _, glob := range []string{"logs/*.txt", "logs/out.txt", "l*/*"} {
		if got := l.Newest(durable.OS(), dir, "epochs", runsheet.ProgressSpec{Log: glob}, now, time.Millisecond); !got.Equal(at) {
			t.Errorf("log %s: %v, want %v", glob, got, at)
		}
	}
	for _, glob := range []string{"", "../*", "/etc/passwd", "nothing*"} {
		got := l.Newest(durable.OS(), dir, "epochs", runsheet.ProgressSpec{Log: glob}, now, time.Millisecond)
		if got.IsZero() != (glob != "") {
			t.Errorf("log %q: %v", glob, got)
		}
	}
	if got := l.Newest(durable.OS(), dir, "epochs", runsheet.ProgressSpec{Log: "logs/*"}, base, time.Millisecond); !got.Equal(base) {
		t.Errorf("a stamp in the future: %v, want now, %v", got, base)
	}
}
