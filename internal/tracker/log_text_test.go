package tracker

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"runsheet"
	"runsheet/internal/durable"
)

func TestMetricsIn(t *testing.T) {
	for text, want := range map[string]runsheet.Metrics{
		"loss: 0.5, acc=5e-1 val/acc@5 : 91.2":               {"loss": .5, "acc": .5, "val/acc@5": 91.2},
		"{'loss': '3.031', 'learning_rate': 1e-05}":          {"loss": 3.031, "learning_rate": 1e-05},
		"Train Loss: 0.5 | Val Loss: 0.4":                    {"Train Loss": .5, "Val Loss": .4},
		"lr: 1.5E-04 | lm loss: -2.3E+00":                    {"lr": 1.5e-4, "loss": -2.3},
		"2026-01-02 03:04:05 INFO: epoch: 3, step: 5":        nil,
		"2026-01-02T03:04:05 ETA: 01:30 it: 3/10 done: 5%":   nil,
		"took 61ms/step time: 6s a=b c: 0x10 d=1_000 e: 5th": nil,
		"a=1.:b=.5":                         {"a": 1, "b": .5},
		"loss=0.53]":                        {"loss": .53},
		"x==2 : 3 = =":                      {},
		"http://host:8080/path":             nil,
		strings.Repeat("é", 300) + "loss:1": {"loss": 1},
	} {
		got := metricsIn(text)
		if len(want) == 0 && text != "x==2 : 3 = =" {
			if len(got) != 0 {
				t.Errorf("%q: %v", text, got)
			}
		} else if len(want) > 0 && !cmp.Equal(got, want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	for text, want := range map[string]runsheet.Metrics{
		": loss 2.3, time 12.30ms, mfu -100.00%": {"loss": 2.3},
		"train loss 3.1, val loss 3.2":           {"train loss": 3.1, "val loss": 3.2},
		": loss nan":                             nil,
		"| acc 0.91 | 5 of 6.0 files":            {"acc": .91},
	} {
		if got := spoken(text); text != ": loss nan" && !cmp.Equal(got, want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		} else if text == ": loss nan" && len(got) != 1 {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestShareAt(t *testing.T) {
	for text, want := range map[string][2]int64{
		"3/10": {3, 10}, " 3 / 10]": {3, 10}, "3 of 10": {3, 10}, "   100/  5000 |": {100, 5000}, "3]": {3, 0}, "12:": {12, 0},
		"3/10/2026": {-1, 0}, "3/0": {-1, 0}, "0.62": {-1, 0}, "3.": {3, 0}, "3th": {-1, 0}, "3/10.5": {-1, 0}, "x": {-1, 0}, "": {-1, 0},
		"99999999999999999999/3": {-1, 0}, "3/99999999999999999999": {-1, 0},
	} {
		n, total, _, ok := shareAt(text)
		if !ok {
			n, total = -1, 0
		}
		if got := [2]int64{n, total}; got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestDrawnIn(t *testing.T) {
	for text, want := range map[string]drawn{
		"Epoch 3:  12%|█▏        | 12/100 [00:10<01:13,  1.20it/s, loss=0.53]": {desc: "Epoch 3", unit: "it", n: 12, total: 100, post: "loss=0.53"},
		"0%|          | 0/60 [00:00<?, ?it/s][transformers] text [x]":          {unit: "it", total: 60},
		"12% 12/100 [1:02:03<00:00, 3.33s/it]":                                 {unit: "it", n: 12, total: 100},
		"1it [00:01,  1.20s/it]":                                               {unit: "it", n: 1},
		"train: 54it [00:00, 32.65it/s]":                                       {desc: "train", unit: "it", n: 54},
		"32%|███▏      | 1.56k/4.88k [00:00<00:01, 6.63ksamples/s]":            {unit: "samples", n: 1555, total: 4880, slack: 15},
		"100%|##########| 1.20k/1.20k [1:02:03<00:00, 3.33s/it, v_num=0]":      {unit: "it", n: 1200, total: 1200, slack: 5, post: "v_num=0"},
		"Map (num_proc=4):  10%|# | 100/1000 [00:00<00:05, 150.00 examples/s]": {desc: "Map (num_proc=4)", unit: "examples", n: 100, total: 1000},
	} {
		got, ok := drawnIn(text)
		if !ok || got != want {
			t.Errorf("%q: %+v, %v, want %+v", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "[00:10<01:13, 1.20it/s]", "x 12/100 [00:10<01:13, 1.20it/s]", "12%|# | 12/100 [00:1", "[12:30:01, INFO] 3it [x]",
		"12%|# | 12/100 [00:10<01:13, 1.20it/s", "[2026-01-02 03:04:05, 100] loss", "1/4 0G 2e-07 32: 0% ── 0/2  0.6s"} {
		if got, ok := drawnIn(text); ok {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

// FuzzLogLines holds that no line makes a dialect panic, grow or count below zero, and that its state survives JSON.
func FuzzLogLines(f *testing.F) {
	seeds, err := filepath.Glob("testdata/*/*/run.log")
	if err != nil {
		f.Fatal(err)
	}
	for _, pattern := range []string{"real/*/end", "real/*/middle", "real/tqdm/*"} {
		more, _ := filepath.Glob(filepath.Join("testdata", pattern, "stdout.log"))
		seeds = append(seeds, more...)
	}
	for _, name := range seeds {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data[max(0, len(data)-2000):])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var s logState
		for rest := data; len(rest) > 0; {
			n, piece, _ := splitRedraws(rest, false)
			if n == 0 {
				n, piece = len(rest), rest
			}
			if text := clean(piece); text != "" {
				for _, d := range s.dialects() {
					if r, ok := d.(redrawing); ok {
						r.whole(text)
					}
					d.line(text, func(step int64, _ runsheet.Metrics) {
						if step < 0 {
							t.Fatalf("%s: a point at %d", d.name(), step)
						}
					})
				}
			}
			rest = rest[n:]
		}
		state, err := json.Marshal(&s)
		if err != nil {
			t.Fatal(err)
		}
		var again logState
		if err := json.Unmarshal(state, &again); err != nil {
			t.Fatal(err)
		}
		after := again.dialects()
		for i, d := range s.dialects() {
			for _, epochs := range []bool{false, true} {
				p, ok := d.progress(epochs)
				q, qok := after[i].progress(epochs)
				p.Metrics, q.Metrics = nil, nil // names that are no UTF-8 do not survive
				if ok != qok || !cmp.Equal(p, q) {
					t.Errorf("%s: %+v before JSON, %+v after it", d.name(), p, q)
				}
				if p.Completed < 0 || p.Total < 0 || p.EarlyStoppedAt < 0 {
					t.Errorf("%s: %+v", d.name(), p)
				}
			}
			only := logTracker{d.name()}
			if p, _ := only.choose(&s, runsheet.ProgressSpec{}); p.Total > 0 && p.Completed > p.Total {
				t.Errorf("%s: tells %+v", d.name(), p)
			}
			if s, ok := d.(sparse); ok && s.slack() < 0 {
				t.Errorf("%s: slack %d", d.name(), s.slack())
			}
		}
	})
}

// aLog makes the log of a training after n steps: bars, lines of metrics, and noise.
func aLog(w io.Writer, n int) {
	of := n + n/10
	for i := 1; i <= n; i++ {
		fmt.Fprintf(w, "\r%3d%%|████      | %d/%d [01:10<01:13,  1.20it/s, loss=0.%03d, lr=1e-05]", 100*i/of, i, of, i%1000)
		if i%10 == 0 {
			fmt.Fprintf(w, "\n2026-01-02 03:04:05,123 - INFO - step %d/%d loss: 0.%03d acc: 0.9 lr: 1e-05\n", i, of, i%1000)
		}
		if i%7 == 0 {
			io.WriteString(w, "\nWARNING:root:something that nobody asked for was found in /some/path/of/a/file.py:123: it has 3 of 5 parts\n")
		}
	}
}

// makeLog writes such a log, and returns it open for more.
func makeLog(t testing.TB, path string, n int) (*os.File, int64) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	w := bufio.NewWriter(file)
	aLog(w, n)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return file, info.Size()
}

// counting counts how often files are opened, and how much is read from them.
type counting struct {
	durable.Disk
	opens int
	bytes int64
}

type countingFile struct {
	durable.File
	c *counting
}

func (c *counting) Open(label, path string, flag int, perm fs.FileMode) (durable.File, error) {
	f, err := c.Disk.Open(label, path, flag, perm)
	if err != nil || filepath.Base(path) != "run.log" {
		return f, err
	}
	c.opens++
	return countingFile{f, c}, nil
}

func (f countingFile) ReadAt(p []byte, at int64) (int, error) {
	n, err := f.File.ReadAt(p, at)
	f.c.bytes += int64(n)
	return n, err
}

// TestLargeLog holds that a log of more than 64 MiB is read in bounded memory, and afterwards from where it was left, with
// one open for each look.
func TestLargeLog(t *testing.T) {
	dir := t.TempDir()
	attempt := filepath.Join(dir, ".runsheet/attempts/000001")
	write(t, dir, map[string]string{".runsheet/attempts/000001/": ""})
	file, size := makeLog(t, filepath.Join(attempt, "run.log"), 640_000)
	if size < 64<<20 {
		t.Fatalf("the log has %d bytes", size)
	}
	disk := &counting{Disk: durable.OS()}
	look := func(cursors []Cursor, want string, most int64) []Cursor {
		t.Helper()
		disk.opens, disk.bytes = 0, 0
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		opts := later().options()
		opts.Cursors = cursors
		r := Look(context.Background(), disk, dir, runsheet.ProgressSpec{}, opts)
		runtime.ReadMemStats(&after)
		if got := fmt.Sprintf("%s %d/%d", r.Progress.Source, r.Progress.Completed, r.Progress.Total); got != want || disk.opens != 1 || disk.bytes > most {
			t.Errorf("told %s after %d opens and %d bytes (%s), want %s after 1 and at most %d", got, disk.opens, disk.bytes, r.Progress.Error, want, most)
		}
		if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 32<<20 {
			t.Errorf("the heap grew by %d MiB", grown>>20)
		}
		if len(r.Cursors) != 1 || len(r.Cursors[0].State) > 16<<10 {
			t.Errorf("%d cursors, %s", len(r.Cursors), r.Cursors[0].State)
		}
		return r.Cursors
	}
	cursors := look(nil, "steps_log 640000/704000", size+4*edge+4*chunk)
	if _, err := file.WriteString("\nstep 20/704000 loss: 0.5\n"); err != nil {
		t.Fatal(err)
	}
	cursors = look(cursors, "steps_log 20/704000", 4*edge+4*chunk)
	look(cursors, "steps_log 20/704000", 4*edge+4*chunk)
}

// BenchmarkReadLog reads 100 MB of bars, lines and noise, all of it.
func BenchmarkReadLog(b *testing.B) {
	dir := b.TempDir()
	_, size := makeLog(b, filepath.Join(dir, "run.log"), 900_000)
	b.SetBytes(size)
	for b.Loop() {
		ev := NewEvidence(context.Background(), durable.OS(), dir, later().options())
		if _, err := ev.readLog("run.log"); err != nil {
			b.Fatal(err)
		}
	}
}
