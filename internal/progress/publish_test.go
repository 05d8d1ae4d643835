package progress

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"runsheet"
	"runsheet/internal/durable"
)

func TestPublished(t *testing.T) {
	tests := []struct {
		p    runsheet.Progress
		want string
	}{
		{runsheet.Progress{Source: "epochs", Completed: 7, Total: 20}, `{"completed_epochs":7,"early_stopped":false,"early_stopped_at_epoch":null,"progress_percentage":35.0,"runner_type":"trainer","schema":"runsheet.progress/1","total_epochs":20}`},
		{runsheet.Progress{Source: "epochs", Completed: 7, Total: 20, EarlyStopped: true, EarlyStoppedAt: 7}, `{"completed_epochs":7,"early_stopped":true,"early_stopped_at_epoch":7,"progress_percentage":100.0,"runner_type":"trainer","schema":"runsheet.progress/1","total_epochs":20}`},
		{runsheet.Progress{Source: "epochs", Completed: 7}, `{"completed_epochs":7,"early_stopped":false,"early_stopped_at_epoch":null,"progress_percentage":null,"runner_type":"trainer","schema":"runsheet.progress/1","total_epochs":null}`},
		{runsheet.Progress{Source: "evaluation", Completed: 1, Total: 1}, `{"progress_percentage":100.0,"runner_type":"evaluator","schema":"runsheet.progress/1"}`},
		{runsheet.Progress{Source: "epochs", Error: "x"}, ""},
		{runsheet.Progress{Total: 5}, ""},
	}
	for _, tt := range tests {
		got := published(tt.p)
		if tt.want == "" {
			if got != nil {
				t.Errorf("%+v: %s", tt.p, got)
			}
			continue
		}
		var g, w any
		must(t, json.Unmarshal([]byte(tt.want), &w))
		if err := json.Unmarshal(got, &g); err != nil || !cmp.Equal(w, g) {
			t.Errorf("%+v: %v\n%s", tt.p, err, cmp.Diff(w, g))
		}
		if strings.Contains(tt.want, "100.0") && !strings.Contains(string(got), `"progress_percentage": 100.0`) {
			t.Errorf("a percentage that is no float to others: %s", got)
		}
	}
}

func readFile(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	must(t, err)
	return string(data)
}

func TestPublish(t *testing.T) {
	dir := workDir(t, 0)
	path := filepath.Join(dir, documentName)
	c, n := counting(t, durable.OS(), Options{})
	get(c, dir)
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("published before there was anything to tell: %v", err)
	}
	for i := range int64(3) {
		addEpoch(t, dir, i)
		get(c, dir)
		if text := readFile(t, path); !strings.Contains(text, fmt.Sprintf(`"completed_epochs": %d,`, i+1)) {
			t.Errorf("after %d epochs: %s", i+1, text)
		}
	}
	time.Sleep(2 * fineTick)
	get(c, dir)
	before, _ := os.Stat(path)
	computed := n.Load()
	for range 3 {
		get(c, dir)
	}
	c.Get(context.Background(), dir, stormSpec, true)
	after, _ := os.Stat(path)
	if !os.SameFile(before, after) {
		t.Error("written again though nothing has changed")
	}
	if n.Load() != computed+1 {
		t.Errorf("our own publishing led to %d computations", n.Load()-computed)
	}

	// The training code takes over, in place, with as many bytes: nothing but the contents tells.
	ours := readFile(t, path)
	theirs := `{"completed_epochs": 4, "total_epochs": 1000}`
	theirs += strings.Repeat(" ", len(ours)-len(theirs))
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteString(theirs)
	must(t, err)
	must(t, f.Close())
	if p := get(c, dir); p.Completed != 4 {
		t.Errorf("a document of the training code was not noticed: %+v", p)
	}
	addEpoch(t, dir, 3)
	addEpoch(t, dir, 4)
	if p := get(c, dir); p.Completed != 5 || readFile(t, path) != theirs {
		t.Errorf("%+v, %s", p, readFile(t, path))
	}
	// And gives it up again.
	must(t, os.Remove(path))
	if p := get(c, dir); p.Completed != 5 || !strings.Contains(readFile(t, path), "runsheet.progress/1") {
		t.Errorf("%+v, %s", p, readFile(t, path))
	}
}

func TestPublishEvaluation(t *testing.T) {
	dir := workDir(t, 0)
	must(t, os.WriteFile(filepath.Join(dir, "evaluation_scores.json"), scores(1), 0o666))
	c, _ := counting(t, durable.OS(), Options{})
	if p := get(c, dir); !p.Complete() || !strings.Contains(readFile(t, filepath.Join(dir, documentName)), "evaluator") {
		t.Errorf("%+v", p)
	}
}

// The training code's document stays, whatever it is; only --recompute sets a broken one aside, and keeps it.
func TestBrokenForeign(t *testing.T) {
	dir := workDir(t, 2)
	path := filepath.Join(dir, documentName)
	c, n := counting(t, durable.OS(), Options{})
	for i, text := range []string{`{"completed_epochs": 1, "pro`, `{"completed_epochs": 1, "xxx`} {
		must(t, os.WriteFile(path, []byte(text), 0o666))
		at := time.Now().Add(-time.Minute)
		must(t, os.Chtimes(path, at, at))
		time.Sleep(2 * fineTick)
		computed := n.Load()
		for range 3 {
			p := get(c, dir)
			if !strings.Contains(p.Error, "progress.json is broken (28 bytes)") || !strings.Contains(p.Error, dir) {
				t.Fatalf("%+v", p)
			}
			if _, known := p.Percentage(); known {
				t.Errorf("a percentage of a broken document: %+v", p)
			}
		}
		if got := n.Load() - computed; got > 2 {
			t.Errorf("%d computations of an error that stays", got)
		}
		if readFile(t, path) != text {
			t.Error("it was replaced")
		}
		if p := c.Get(context.Background(), dir, stormSpec, true); p.Completed != 2 || p.Error != "" {
			t.Errorf("--recompute: %+v", p)
		}
		aside := path + ".foreign"
		if i > 0 {
			aside += ".1"
		}
		if readFile(t, aside) != text || !strings.Contains(readFile(t, path), "runsheet.progress/1") {
			t.Errorf("kept: %s; published: %s", readFile(t, aside), readFile(t, path))
		}
	}
}

// TestForeignWriter: the training code writes its document with open('w'), again and again. No reader ever sees an
// error, nothing but what it has written, and it keeps the last word.
func TestForeignWriter(t *testing.T) {
	dir := workDir(t, 0)
	path := filepath.Join(dir, documentName)
	text := func(n int64) string {
		return fmt.Sprintf(`{"completed_epochs": %d, "total_epochs": 1000, "early_stopped": false, "pad": "%s"}`, n, strings.Repeat("x", int(n%50)*100))
	}
	must(t, os.WriteFile(path, []byte(text(1)), 0o666))
	var begun, done atomic.Int64
	begun.Store(1)
	done.Store(1)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		c, _ := counting(t, durable.OS(), Options{}) // as many processes would have
		for range 4 {
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					least := done.Load()
					p := get(c, dir)
					if most := begun.Load(); p.Error != "" || p.Completed < least || p.Completed > most {
						t.Errorf("%d to %d, got %+v", least, most, p)
						return
					}
				}
			})
		}
	}
	for n := int64(2); n <= 100; n++ {
		begun.Store(n)
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
		must(t, err)
		body := text(n)
		f.WriteString(body[:len(body)/2])
		time.Sleep(time.Millisecond) // Python's buffer is written in pieces
		f.WriteString(body[len(body)/2:])
		must(t, f.Close())
		done.Store(n)
		time.Sleep(time.Duration(n%4) * 8 * time.Millisecond)
	}
	close(stop)
	wg.Wait()
	if readFile(t, path) != text(100) {
		t.Error("the training code's document was replaced")
	}
}

// A progress.json of some other program is not ours to replace either, nor is one that a link leads to.
func TestOthersDocumentStays(t *testing.T) {
	dir := workDir(t, 2)
	path := filepath.Join(dir, documentName)
	must(t, os.WriteFile(path, []byte(`{"done": 3}`), 0o666))
	c, _ := counting(t, durable.OS(), Options{})
	if p := get(c, dir); p.Completed != 2 || readFile(t, path) != `{"done": 3}` {
		t.Errorf("%+v, %s", p, readFile(t, path))
	}
	elsewhere := filepath.Join(t.TempDir(), "linked.json")
	ours := `{"schema": "runsheet.progress/1", "completed_epochs": 0}`
	must(t, os.WriteFile(elsewhere, []byte(ours), 0o666))
	must(t, os.Remove(path))
	must(t, os.Symlink(elsewhere, path))
	if p := get(c, dir); p.Completed != 2 || readFile(t, elsewhere) != ours || readFile(t, path) != ours {
		t.Errorf("%+v, %s", p, readFile(t, path))
	}
}
