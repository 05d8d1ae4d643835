package tracker_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/tracker"
)

// TestFollow holds that a growing file is read on from where it was left, and that one which is not what it was is read
// from its beginning.
func TestFollow(t *testing.T) {
	spec := runsheet.ProgressSpec{Tracker: "jsonl", File: "log.jsonl", Step: "step"}
	lines := func(from, to int) string {
		var b strings.Builder
		for i := from; i <= to; i++ {
			fmt.Fprintf(&b, "{\"step\": %d, \"m%d\": 1}\n", i, i)
		}
		return b.String()
	}
	long := `{"step": 9, "text": "` + strings.Repeat("x", 3<<20) + "\"}\n"
	for _, c := range []struct {
		name          string
		before, after string
		replace       bool // by another file of that name
		want          string
		metrics       int // those of the lines that were read, earlier readings included
	}{
		{"grown", lines(1, 10), lines(1, 20), false, "jsonl 20/? step", 20},
		{"grown in the middle of a line", lines(1, 10)[:100], lines(1, 20), false, "jsonl 20/? step", 20},
		{"the same", lines(1, 10), lines(1, 10), false, "jsonl 10/? step", 10},
		{"shrunk", lines(1, 10), lines(1, 3), false, "jsonl 3/? step", 3},
		{"emptied", lines(1, 10), "", false, "jsonl 0/? step", 0},
		{"written anew, and longer", lines(1, 10), lines(31, 60), false, "jsonl 60/? step", 30},
		{"written anew from the same beginning", lines(1, 10), lines(1, 5) + lines(31, 60), false, "jsonl 60/? step", 35},
		{"replaced by one that begins the same", lines(1, 10), lines(1, 20), true, "jsonl 20/? step", 20},
		{"a line too long to hold", lines(1, 3), lines(1, 3) + long + lines(4, 5), false, "jsonl 5/? step", 5},
		{"the end of a line too long to hold", lines(1, 3) + long[:2<<20], lines(1, 3) + long + lines(4, 5), false, "jsonl 5/? step", 5},
		{"a line too long to hold, unfinished", lines(1, 3), lines(1, 3) + long[:2<<20], false, "jsonl 3/? step", 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "log.jsonl")
			write := func(text string) {
				t.Helper()
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			write(c.before)
			first := later(t, dir, spec, nil)
			if c.replace {
				if err := os.Rename(path, path+".old"); err != nil {
					t.Fatal(err)
				}
			}
			write(c.after)
			second := later(t, dir, spec, first.Cursors)
			if got := told(second.Progress); got != c.want || len(second.Progress.Metrics) != c.metrics {
				t.Errorf("told %s with %d metrics, want %s with %d", got, len(second.Progress.Metrics), c.want, c.metrics)
			}
			if fresh := later(t, dir, spec, nil); told(fresh.Progress, "*") != told(second.Progress, "*") {
				t.Errorf("a first reading tells %s", told(fresh.Progress, "*"))
			}
			for _, slice := range []int64{int64(len(c.after))/100 + 1, 1 << 10, 64 << 10} {
				read := inSlices(t.Context(), durable.OS(), dir, spec, first.Cursors, slice)
				if told(read.Progress, "*") != told(second.Progress, "*") || !reflect.DeepEqual(read.Cursors, second.Cursors) {
					t.Errorf("in slices of %d bytes: told %s, cursors %+v, want %+v", slice, told(read.Progress, "*"), read.Cursors, second.Cursors)
				}
			}
		})
	}
}

// TestCursorsAreBounded holds that the states of many files do not outgrow the document that they are kept in.
func TestCursorsAreBounded(t *testing.T) {
	dir := t.TempDir()
	var cursors []tracker.Cursor
	for i := range 100 {
		var b strings.Builder
		for k := range 900 {
			fmt.Fprintf(&b, "{\"step\": %d, \"a_long_name_of_a_metric_%d\": 0.123456789}\n", k, k)
		}
		attempt := filepath.Join(dir, fmt.Sprintf(".runsheet/attempts/%06d", i+1))
		if err := os.MkdirAll(attempt, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(attempt, "run.log"), []byte("runsheet: "+strings.ReplaceAll(b.String(), "\n", "\nrunsheet: ")), 0o600); err != nil {
			t.Fatal(err)
		}
		cursors = later(t, dir, runsheet.ProgressSpec{Tracker: "log"}, cursors).Cursors
	}
	size := 0
	for _, c := range cursors {
		size += len(c.State)
	}
	if len(cursors) == 0 || size > 1<<20 {
		t.Errorf("%d cursors with %d bytes", len(cursors), size)
	}
}

// TestLogTellsTheSame holds that what a large log says does not depend on who looked at it before: its beginning and its
// middle count as much as its end.
func TestLogTellsTheSame(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "train.log")
	bar := strings.Repeat("━", 20)
	var b strings.Builder
	for e := 1; e <= 4; e++ {
		fmt.Fprintf(&b, "Epoch %d/10\n", e)
		for i := 1; i <= 30_000; i++ {
			fmt.Fprintf(&b, "%d/30000 %s 1:01 12ms/step - accuracy: 0.33 - loss: 2.1\r", i, bar)
		}
		b.WriteString("\n")
	}
	text := b.String() + "Epoch 5/10\n"
	var cursors []tracker.Cursor
	for _, n := range []int{len(text) / 5, len(text) / 2, len(text)} {
		if err := os.WriteFile(path, []byte(text[:n]), 0o600); err != nil {
			t.Fatal(err)
		}
		r := later(t, dir, runsheet.ProgressSpec{}, cursors)
		fresh := later(t, dir, runsheet.ProgressSpec{}, nil)
		if told(r.Progress, "*") != told(fresh.Progress, "*") {
			t.Errorf("after %d bytes: told %s, and by a first look %s", n, told(r.Progress, "*"), told(fresh.Progress, "*"))
		}
		cursors = r.Cursors
	}
	if got := told(later(t, dir, runsheet.ProgressSpec{}, nil).Progress); got != "keras 4/10 epoch, guessed" {
		t.Errorf("told %s", got)
	}
}

// TestCalledOff holds that a reading may be called off at any moment. The next one goes on from there, and says the same as one
// reading without a break.
func TestCalledOff(t *testing.T) {
	dir := t.TempDir()
	spec := runsheet.ProgressSpec{Tracker: "jsonl", File: "log.jsonl", Step: "step"}
	var text strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&text, "{\"step\": %d, \"loss\": 0.%d}\n", i+1, i)
	}
	text.WriteString(`{"step": 20`)
	if err := os.WriteFile(filepath.Join(dir, "log.jsonl"), []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	const slice = 4 << 10
	whole := later(t, dir, spec, nil)
	for off := 1; ; off++ {
		ctx, cancel := context.WithCancel(t.Context())
		disk := &hooked{Disk: durable.OS(), after: func(n int) {
			if n == off {
				cancel()
			}
		}}
		first := inSlices(ctx, disk, dir, spec, nil, slice)
		if cancel(); disk.reads < off {
			break // it was over before
		}
		disk = &hooked{Disk: durable.OS(), after: func(int) {}}
		second := inSlices(t.Context(), disk, dir, spec, first.Cursors, slice)
		if told(second.Progress, "*") != told(whole.Progress, "*") || !reflect.DeepEqual(second.Cursors, whole.Cursors) {
			t.Fatalf("called off after %d reads, then told %s", off, told(second.Progress, "*"))
		}
		for _, c := range first.Cursors {
			if came := int64(len(text.String())) - c.Offset; c.Offset == 0 || int64(disk.bytes) > came+8<<10 {
				t.Fatalf("called off after %d reads, at byte %d; then %d bytes were read", off, c.Offset, disk.bytes)
			}
		}
		// One that was called off at once forgets nothing that was known.
		done, cancel := context.WithCancel(t.Context())
		cancel()
		if third := inSlices(done, durable.OS(), dir, spec, first.Cursors, slice); !reflect.DeepEqual(third.Cursors, first.Cursors) {
			t.Fatalf("cursors %+v, then %+v", first.Cursors, third.Cursors)
		}
	}
}
