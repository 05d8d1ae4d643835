package sheet

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"runsheet"
	"runsheet/internal/prove/hostile/bound"
)

// memory is a disk that holds a few files below /p and nothing of this machine.
type memory struct{ fstest.MapFS }

func (m memory) name(path string) string {
	return strings.TrimPrefix(filepath.Clean(path), "/")
}
func (m memory) Read(path string, limit int64) ([]byte, error) { return m.ReadFile(m.name(path)) }
func (m memory) Stat(path string) (fs.FileInfo, error)         { return m.MapFS.Stat(m.name(path)) }
func (m memory) ReadDir(path string) ([]fs.DirEntry, error)    { return m.MapFS.ReadDir(m.name(path)) }

var project = memory{fstest.MapFS{
	"p/configs/a/b.py": {}, "p/configs/c.py": {}, "p/c.txt": {Data: []byte("a {x}\nb\n")},
}}

// Whatever the bytes are, there is a sheet that keeps its promises or an error that says where.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, c := range broken {
		f.Add([]byte(strings.Replace(c.text, "§", "", 1)))
	}
	f.Add([]byte("command: a\nconfigs: configs/**/*.py\n"))
	f.Add([]byte("commands: c.txt\nmatrix: {x: 0..3}\n"))
	f.Add([]byte("a: &a [x, x]\nb: &b [*a, *a]\nmatrix: {c: *b, d: &d [*d]}\ncommand: x\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var s *runsheet.Sheet
		var err error
		bound.Do(t, func() { s, err = parse(data, "s.yaml", "/p/s.yaml", project) })
		if err != nil {
			var all Errors
			if !errors.As(err, &all) || len(all) == 0 {
				t.Fatalf("%T: %v", err, err)
			}
			for _, e := range all {
				if e.What == "" || e.Msg == "" || e.File == "" || e.Line < 0 || e.Line > 0 && e.Column < 1 {
					t.Errorf("%+v", e)
				}
			}
			return
		}
		dirs := make(map[string]bool)
		for _, r := range s.Runs {
			if dirs[r.WorkDir] || r.Name == "" || strings.TrimSpace(r.Command) == "" && strings.TrimSpace(r.Resumed) == "" || !filepath.IsAbs(r.WorkDir) {
				t.Fatalf("%+v", r)
			}
			dirs[r.WorkDir] = true
		}
		if len(s.Runs) == 0 || len(s.Runs) > MaxRuns || len(s.Pool) == 0 || s.Policy.Jobs < 1 {
			t.Fatalf("%d runs, pool %v, %d jobs", len(s.Runs), s.Pool, s.Policy.Jobs)
		}
	})
}

// Short sheets that ask for far too much end quickly, with an error.
func TestBombs(t *testing.T) {
	aliases := "matrix:\n  a0: &a0 [x, y]\n"
	for i := 1; i < 30; i++ {
		aliases += "  a" + string(rune('0'+i%10)) + strings.Repeat("_", i) + ": &b" + strings.Repeat("b", i) + " [*a0, *a0]\n"
	}
	axes := "command: a\nmatrix:\n"
	for i := range 60 {
		axes += "  a" + strings.Repeat("a", i) + ": [1, 2]\n"
	}
	for name, text := range map[string]string{
		"aliases": aliases, "axes": axes, "nesting": strings.Repeat("[", 100_000), "mappings": strings.Repeat("{a: ", 100_000),
		"text":   "command: '" + strings.Repeat("x", 50_000) + "'\nmatrix: {a: 1..99999}\n",
		"values": "command: '" + strings.Repeat("{a}", 500) + "'\nmatrix: {a: [" + strings.Repeat("x", 200) + ", b], c: 1..45000}\n",
		"wrong":  "command: a {b}\nmatrix: {a: 1..99999}\n",
	} {
		t.Run(name, func(t *testing.T) {
			begin := time.Now()
			if _, err := parse([]byte(text), "s.yaml", "/p/s.yaml", project); err == nil {
				t.Error("no error")
			}
			t.Log(time.Since(begin))
		})
	}
}
