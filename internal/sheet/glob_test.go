package sheet

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestGlob(t *testing.T) {
	dir := t.TempDir()
	for _, f := range []string{"a.py", "x/b.py", "x/y/c.py", "x/y/d.txt", "x/.z/e.py", ".f.py", "z/g.py/h.py", "w[1]/i.py"} {
		f = filepath.Join(dir, f)
		if err := os.MkdirAll(filepath.Dir(f), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("..", filepath.Join(dir, "x/loop")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		pattern string
		want    []string
		base    string
	}{
		{"*.py", []string{"a.py"}, ""},
		{"./*.py", []string{"a.py"}, ""},
		{"**/*.py", []string{"a.py", "w[1]/i.py", "x/b.py", "x/y/c.py", "z/g.py/h.py"}, ""},
		{"x/**/*.py", []string{"x/b.py", "x/y/c.py"}, "x"},
		{"x/**", []string{"x/b.py", "x/y/c.py", "x/y/d.txt"}, "x"},
		{"**/**/c.py", []string{"x/y/c.py"}, ""},
		{"x/*/*.py", []string{"x/loop/a.py", "x/y/c.py"}, "x"},
		{".*", []string{".f.py"}, ""},
		{"x/b.py", []string{"x/b.py"}, "x"},
		{`w\[1\]/*`, []string{"w[1]/i.py"}, ""},
		{"none/*", nil, "none"},
		{"a.py/*", nil, "a.py"},
		{dir + "/x/?.py", []string{dir + "/x/b.py"}, dir + "/x"},
	} {
		got, base, err := glob(realDisk{}, dir, c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
		}
		if d := cmp.Diff(c.want, got); d != "" || base != c.base {
			t.Errorf("%s: base %q, want %q; %s", c.pattern, base, c.base, d)
		}
	}
}

func TestParseDuration(t *testing.T) {
	for s, want := range map[string]time.Duration{
		"90s": 90 * time.Second, "10m": 10 * time.Minute, "24h": 24 * time.Hour, "120d": 2880 * time.Hour, "1h30m": 90 * time.Minute,
		"1.5h": 90 * time.Minute, "250ms": 250 * time.Millisecond, "0s": 0,
	} {
		if got, ok := parseDuration(s); !ok || got != want {
			t.Errorf("%s: %v, %v", s, got, ok)
		}
	}
	for _, s := range []string{"", "90", "s", "-1s", "1 h", "1h-2m", "1w", "99999999d", "1e3s", "1h30"} {
		if got, ok := parseDuration(s); ok {
			t.Errorf("%q: %v", s, got)
		}
	}
}

func TestExpandRange(t *testing.T) {
	for s, want := range map[string][]string{
		"0..2": {"0", "1", "2"}, "2..0": {"2", "1", "0"}, "08..11": {"08", "09", "10", "11"}, "1..03": {"01", "02", "03"}, "-1..1": {"-1", "0", "1"},
		"5..5": {"5"}, "a..b": {"a..b"}, "..": {".."}, "1e-3": {"1e-3"}, "0..": {"0.."},
	} {
		got, why := expandRange(s)
		if d := cmp.Diff(want, got); d != "" || why != "" {
			t.Errorf("%s: %s %s", s, why, d)
		}
	}
	for _, s := range []string{"0.1..0.5", "0..9..2", "0..100000", "-9223372036854775808..9223372036854775807"} {
		if got, why := expandRange(s); why == "" {
			t.Errorf("%s: %d values", s, len(got))
		}
	}
}

func TestSlug(t *testing.T) {
	for in, want := range map[string]string{"python t.py --lr {lr}": "python-t.py-lr-lr-", "../a b": "a-b-", "é": ""} {
		got := Slug(in)
		if len(got) != len(want)+8 || got[:len(want)] != want {
			t.Errorf("%q: %s", in, got)
		}
	}
	if Slug("a b") == Slug("a  b") {
		t.Error("different commands share a slug")
	}
}
