package tracker_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/tracker"
)

// hooked is a disk on which something happens after the nth read of a file's contents.
type hooked struct {
	durable.Disk
	reads int
	bytes int
	after func(n int)
}

func (h *hooked) Open(label, path string, flag int, perm os.FileMode) (durable.File, error) {
	f, err := h.Disk.Open(label, path, flag, perm)
	if err != nil {
		return nil, err
	}
	return hookedFile{f, h}, nil
}

type hookedFile struct {
	durable.File
	disk *hooked
}

func (f hookedFile) ReadAt(p []byte, at int64) (int, error) {
	n, err := f.File.ReadAt(p, at)
	f.disk.reads++
	f.disk.bytes += n
	f.disk.after(f.disk.reads)
	return n, err
}

// TestWrittenAnewWhileRead holds that a file which is written anew while it is read, at whatever moment, leaves nothing of
// its old contents behind: what is read on later says what a first reading of it says.
func TestWrittenAnewWhileRead(t *testing.T) {
	rows := func(from, to, width int) string {
		var b strings.Builder
		for i := from; i <= to; i++ {
			fmt.Fprintf(&b, "{\"step\": %0*d, \"loss\": 0.5}\n", width, i)
		}
		return b.String()
	}
	for name, c := range map[string]struct {
		spec          runsheet.ProgressSpec
		before, after string
	}{
		"shorter":              {runsheet.ProgressSpec{Tracker: "jsonl", File: "f", Step: "step"}, rows(1, 8, 1), rows(1, 7, 1)},
		"as long":              {runsheet.ProgressSpec{Tracker: "jsonl", File: "f", Step: "step"}, rows(1, 8, 1), rows(2, 9, 1)},
		"longer":               {runsheet.ProgressSpec{Tracker: "jsonl", File: "f", Step: "step"}, rows(1, 8, 1), rows(11, 99, 1)},
		"in the middle of one": {runsheet.ProgressSpec{Tracker: "csv", File: "f", Step: "step"}, "step,loss\n" + strings.Repeat("1,0.5\n", 7), "step,loss\n" + strings.Repeat("20,0.25\n", 12)},
		"a document":           {runsheet.ProgressSpec{Tracker: "json", File: "f", Step: "step"}, `{"step": 8, "text": "` + strings.Repeat("x", 3000) + `"}`, `{"text": "` + strings.Repeat("y", 3000) + `", "step": 9}`},
	} {
		t.Run(name, func(t *testing.T) {
			for at := 1; ; at++ {
				dir := t.TempDir()
				path := filepath.Join(dir, "f")
				write := func(text string) {
					t.Helper()
					if err := os.WriteFile(path, []byte(text), 0o600); err != nil { // in place
						t.Fatal(err)
					}
				}
				write(c.before)
				old := later(t, dir, c.spec, nil)
				disk := &hooked{Disk: durable.OS(), after: func(n int) {
					if n == at {
						write(c.after)
					}
				}}
				r := tracker.Look(context.Background(), disk, dir, c.spec, tracker.Options{})
				if disk.reads < at {
					return // placed everywhere
				}
				fresh := later(t, dir, c.spec, nil)
				if got := told(r.Progress, "*"); got != told(old.Progress, "*") && got != told(fresh.Progress, "*") {
					t.Errorf("after read %d: told %s, which it never was", at, got)
				}
				if got := told(later(t, dir, c.spec, r.Cursors).Progress, "*"); got != told(fresh.Progress, "*") {
					t.Errorf("after read %d: read on, it tells %s; a first reading %s", at, got, told(fresh.Progress, "*"))
				}
			}
		})
	}
}

// TestCutLines holds that an unfinished line of one attempt is no part of the next attempt's line, with a reading before and
// without.
func TestCutLines(t *testing.T) {
	for name, c := range map[string]struct {
		spec  runsheet.ProgressSpec
		file  string
		parts []string // what each attempt leaves
		want  string
	}{
		"csv":              {runsheet.ProgressSpec{Tracker: "csv", File: "f", Step: "epoch", Total: 100}, "f", []string{"epoch,loss\n15,0.6\n16,0.5\n1", "13,0.6\n"}, "csv 13/100 step"},
		"csv, the last":    {runsheet.ProgressSpec{Tracker: "csv", File: "f", Step: "epoch", Total: 17}, "f", []string{"epoch,loss\n16,0.5\n1", "17,0.4\n"}, "csv 17/17 step"},
		"csv, its head":    {runsheet.ProgressSpec{Tracker: "csv", File: "f", Step: "epoch"}, "f", []string{"epo", "epoch,loss\n1,0.5\n"}, "csv 1/? step"},
		"csv, three times": {runsheet.ProgressSpec{Tracker: "csv", File: "f", Step: "epoch"}, "f", []string{"epoch,loss\n1,0.5\n2", "2,0.5\n3,0.", "3", "3,0.4\n"}, "csv 3/? step"},
		"jsonl":            {runsheet.ProgressSpec{Tracker: "jsonl", File: "f", Step: "epoch"}, "f", []string{"{\"epoch\": 16}\n{\"epoch\": 1", "{\"epoch\": 13}\n"}, "jsonl 13/? step"},
		"regex":            {runsheet.ProgressSpec{Tracker: "regex", File: "f", Patterns: []string{`epoch (?P<completed>\d+)`}}, "f", []string{"epoch 16\nepoch 1", "epoch 13\n"}, "regex 13/?"},
		"a line too long":  {runsheet.ProgressSpec{Tracker: "jsonl", File: "f", Step: "epoch"}, "f", []string{"{\"epoch\": 16}\n{\"x\": \"" + strings.Repeat("x", 3<<20), "{\"epoch\": 13}\n"}, "jsonl 13/? step"},
		"ultralytics":      {runsheet.ProgressSpec{Tracker: "ultralytics"}, "results.csv", []string{"epoch,time,train/box_loss,metrics/mAP50(B),metrics/mAP50-95(B),lr/pg0\n1,1,1,0.1,0.1,0.01\n1", "2,2,1,0.1,0.1,0.01\n"}, "ultralytics 2/? epoch"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if c.spec.Tracker == "ultralytics" {
				if err := os.WriteFile(filepath.Join(dir, "args.yaml"), []byte("task: detect\nmode: train\nmodel: yolo11n.pt\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			path := filepath.Join(dir, c.file)
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			var cursors []tracker.Cursor
			spec := c.spec
			for i, part := range c.parts {
				if err := appendTo(path, []byte(part)); err != nil {
					t.Fatal(err)
				}
				r := later(t, dir, spec, cursors)
				if fresh := later(t, dir, spec, nil); told(fresh.Progress, "*") != told(r.Progress, "*") {
					t.Errorf("attempt %d: read on, it tells %s; a first reading %s", i+1, told(r.Progress, "*"), told(fresh.Progress, "*"))
				}
				if got := told(r.Progress); i == len(c.parts)-1 && got != c.want {
					t.Errorf("told %s, want %s", got, c.want)
				}
				cursors, spec.Cuts = r.Cursors, append(spec.Cuts, r.Progress.Cuts...)
			}
			// Written anew, the file has none of these places.
			text := strings.ReplaceAll(strings.Join(c.parts[len(c.parts)-1:], ""), "\n", " \n")
			if err := os.WriteFile(path, []byte(c.parts[0][:1]+text), 0o600); err != nil {
				t.Fatal(err)
			}
			if got, fresh := later(t, dir, spec, cursors), later(t, dir, c.spec, nil); told(got.Progress, "*") != told(fresh.Progress, "*") {
				t.Errorf("written anew: told %s, want %s", told(got.Progress, "*"), told(fresh.Progress, "*"))
			}
		})
	}
}

// TestCutsWrittenAnew holds that a place where an attempt left a file in the middle of a line means nothing once the file
// was written anew, also where that came to the same bytes up to there; whoever looked at it before.
func TestCutsWrittenAnew(t *testing.T) {
	for name, c := range map[string]struct {
		spec runsheet.ProgressSpec
		text string
		want string
	}{
		"csv":   {runsheet.ProgressSpec{Tracker: "csv", File: "f", Step: "step"}, "step,loss\n10,0.125\n20,0.25\n30,0.5\n", "csv 30/? step"},
		"jsonl": {runsheet.ProgressSpec{Tracker: "jsonl", File: "f", Step: "step"}, "{\"step\": 10}\n{\"step\": 20, \"loss\": 0.5}\n", "jsonl 20/? step"},
		"regex": {runsheet.ProgressSpec{Tracker: "regex", File: "f", Patterns: []string{`step (?P<completed>\d+)`}}, "starting\nstep 90\nstep 100\nstep 110\n", "regex 110/?"},
	} {
		t.Run(name, func(t *testing.T) {
			for n := range c.text {
				dir := t.TempDir()
				path := filepath.Join(dir, "f")
				if err := os.WriteFile(path, []byte(c.text[:n]), 0o600); err != nil {
					t.Fatal(err)
				}
				torn := later(t, dir, c.spec, nil)
				if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
					t.Fatal(err)
				}
				spec := c.spec
				spec.Cuts = torn.Progress.Cuts
				for _, cursors := range [][]tracker.Cursor{nil, torn.Cursors} {
					if got := told(later(t, dir, spec, cursors).Progress); got != c.want {
						t.Errorf("cut at %d: told %s, want %s", n, got, c.want)
					}
				}
			}
		})
	}
}
