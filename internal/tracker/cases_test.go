package tracker_test

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/tracker"
)

// later reads a work dir as it will be seen when all stamps are old, so that nobody waits for a writer.
func later(t testing.TB, dir string, spec runsheet.ProgressSpec, cursors []tracker.Cursor) tracker.Result {
	t.Helper()
	return inSlices(t.Context(), durable.OS(), dir, spec, cursors, 0)
}

// inSlices looks as later does, and reads so many bytes of a growing file at a time.
func inSlices(ctx context.Context, disk durable.Disk, dir string, spec runsheet.ProgressSpec, cursors []tracker.Cursor, slice int64) tracker.Result {
	now := time.Now().Add(time.Hour)
	return tracker.Look(ctx, disk, dir, spec, tracker.Options{
		Now:     func() time.Time { return now },
		Sleep:   func(_ context.Context, d time.Duration) error { now = now.Add(d); return nil },
		Cursors: cursors,
		Slice:   slice,
	})
}

// told renders a progress on one line, with the metrics of the given names (all of them for "*"): "hf 5/10 step, early at
// 5, finished, guessed, loss=0.5", or the error.
func told(p runsheet.Progress, metrics ...string) string {
	if p.Error != "" {
		return "error: " + p.Error
	}
	total := "?"
	if p.Total > 0 {
		total = fmt.Sprint(p.Total)
	}
	out := []string{strings.TrimSpace(fmt.Sprintf("%s %d/%s %s", p.Source, p.Completed, total, p.Unit))}
	if p.EarlyStopped {
		out = append(out, fmt.Sprintf("early at %d", p.EarlyStoppedAt))
	}
	if p.Finished {
		out = append(out, "finished")
	}
	if p.Guessed {
		out = append(out, "guessed")
	}
	if slices.Equal(metrics, []string{"*"}) {
		metrics = slices.Sorted(maps.Keys(p.Metrics))
	}
	for _, name := range metrics {
		v, ok := p.Metrics[name]
		if !ok {
			out = append(out, name+" missing")
			continue
		}
		out = append(out, fmt.Sprintf("%s=%.5g", name, v))
	}
	return strings.Join(out, ", ")
}

// tcase is one work dir and what is to be told of it.
type tcase struct {
	dir     string // below testdata
	spec    runsheet.ProgressSpec
	metrics []string
	want    string
	faulty  bool  // a finished line makes no sense: until another one follows, that is an error
	most    int64 // the highest count that the evidence ever said, where it went back after a resume; 0: it did not
}

// checkCases holds what trackers tell of work dirs, and that it is so for each however it came there: whole, and cut at
// every byte of every file that says something.
func checkCases(t *testing.T, cases []tcase) {
	t.Helper()
	for _, c := range cases {
		t.Run(strings.ReplaceAll(c.dir, "/", "_"), func(t *testing.T) {
			t.Parallel()
			dir := copied(t, filepath.Join("testdata", c.dir))
			if got := strings.ReplaceAll(told(later(t, dir, c.spec, nil).Progress, c.metrics...), dir, "DIR"); got != c.want {
				t.Errorf("told  %s\nwant  %s", got, c.want)
			}
			checkCuts(t, dir, c)
		})
	}
}

// checkTold holds what trackers tell of work dirs, without cutting any file of theirs.
func checkTold(t *testing.T, cases []tcase) {
	t.Helper()
	for _, c := range cases {
		t.Run(strings.ReplaceAll(c.dir, "/", "_"), func(t *testing.T) {
			if got := told(later(t, copied(t, filepath.Join("testdata", c.dir)), c.spec, nil).Progress, c.metrics...); got != c.want {
				t.Errorf("told  %s\nwant  %s", got, c.want)
			}
		})
	}
}

// maxCuts is up to which size a file is cut at every byte. A larger one is cut at half as many places, evenly, and around
// the ends of as many of its lines as make up the rest.
const maxCuts = 400

// cuts returns where a file is cut, in order.
func cuts(data []byte) []int {
	var out []int
	if len(data) <= maxCuts {
		for n := range data {
			out = append(out, n)
		}
		return out
	}
	for i := range maxCuts / 2 {
		out = append(out, len(data)*i/(maxCuts/2))
	}
	var ends []int
	for n, b := range data {
		if b == '\n' || b == '\r' {
			ends = append(ends, n)
		}
	}
	const around = maxCuts / 2 / 3 // lines
	for i := range min(around, len(ends)) {
		end := ends[i*len(ends)/min(around, len(ends))]
		out = append(out, end, min(end+1, len(data)-1), min(end+2, len(data)-1))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// checkCuts cuts every file of a work dir at many places, as a writer leaves it that has not written the rest yet: no
// reading says more than the whole does, and one that goes on from there says just what a first reading of the whole
// says. Files that are only appended to (jsonl, csv, log, event files) are no error wherever they are cut.
func checkCuts(t *testing.T, dir string, c tcase) {
	t.Helper()
	spec := c.spec
	whole := later(t, dir, spec, nil)
	want := told(whole.Progress, "*")
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		read := slices.ContainsFunc(whole.Witnesses, func(w tracker.Witness) bool { return w.Abs(dir) == path && !w.Identity })
		if !read {
			return nil
		}
		appended := slices.ContainsFunc(whole.Cursors, func(c tracker.Cursor) bool { return c.Offset > 0 && filepath.Join(dir, c.Path) == path })
		for _, n := range cuts(data) {
			// It is whole here. Writing it anew instead would make ext4 flush it each time.
			if err := os.Truncate(path, int64(n)); err != nil {
				return err
			}
			part := later(t, dir, spec, nil)
			p := part.Progress
			switch {
			case p.Error != "" && appended && !c.faulty:
				t.Errorf("%s cut at %d of %d: %s", path, n, len(data), p.Error)
			case p.Error == "" && whole.Progress.Error == "" && p.Source == whole.Progress.Source && p.Completed > max(c.most, whole.Progress.Completed):
				t.Errorf("%s cut at %d of %d: %s, and the whole is %s", path, n, len(data), told(p), want)
			case p.Complete() && !whole.Progress.Complete():
				t.Errorf("%s cut at %d of %d: complete", path, n, len(data))
			}
			if err := appendTo(path, data[n:]); err != nil {
				return err
			}
			if got := told(later(t, dir, spec, part.Cursors).Progress, "*"); got != want {
				t.Errorf("%s read in two pieces, cut at %d of %d:\ntold  %s\nwant  %s", path, n, len(data), got, want)
			}
			if t.Failed() {
				return fs.SkipAll
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func appendTo(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// copied returns a copy of a directory. A file run.log in it becomes the log of a first attempt of ours.
func copied(t testing.TB, from string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "run.log")); err == nil {
		attempt := filepath.Join(dir, ".runsheet/attempts/000001")
		if err := os.MkdirAll(attempt, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, "run.log"), filepath.Join(attempt, "run.log")); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
