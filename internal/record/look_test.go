package record_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/record"
)

func TestLookAtNothing(t *testing.T) {
	sys, dir := realSystem(t)
	for name, prepare := range map[string]func(){
		"no work dir":      func() { os.Remove(dir) },
		"empty work dir":   func() { os.Mkdir(dir, 0o755) },
		"empty .runsheet":  func() { os.Mkdir(record.Dir(dir), 0o700) },
		"a dir, no claim":  func() { os.MkdirAll(record.AttemptDir(dir, 1), 0o700) },
		"names not ours":   func() { os.MkdirAll(filepath.Join(record.AttemptsDir(dir), "12"), 0o700) },
		"a temporary file": func() { os.WriteFile(filepath.Join(record.AttemptDir(dir, 1), ".tmp-x"), []byte("{"), 0o600) },
	} {
		prepare()
		if v, err := record.Look(sys, dir); err != nil || v != (record.View{}) {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
	}
	if _, err := os.Lstat(record.ProgressPath(dir)); !errors.Is(err, os.ErrNotExist) {
		t.Error("looking made something")
	}
}

// TestLookAtDamage: a record that cannot be read is an error that names it, never an absent one.
func TestLookAtDamage(t *testing.T) {
	for _, name := range []string{"claim.json", "start.json", "end.json", "000001.json"} {
		for what, spoil := range map[string]func(path string) error{
			"empty":     func(p string) error { return os.WriteFile(p, nil, 0o600) },
			"torn":      func(p string) error { return os.Truncate(p, 20) },
			"not JSON":  func(p string) error { return os.WriteFile(p, []byte("hello"), 0o600) },
			"null":      func(p string) error { return os.WriteFile(p, []byte("null"), 0o600) },
			"schema":    func(p string) error { return replaceIn(p, "/1", "/2") },
			"nonce":     func(p string) error { return replaceIn(p, `"nonce": "`, `"nonce": "0`) },
			"number":    func(p string) error { return replaceIn(p, `"attempt": 1`, `"attempt": 2`) },
			"request":   func(p string) error { return replaceIn(p, `"number": 1`, `"number": 2`) },
			"directory": func(p string) error { os.Remove(p); return os.Mkdir(p, 0o700) },
			"fifo":      func(p string) error { os.Remove(p); return unix.Mkfifo(p, 0o600) },
			"loop":      func(p string) error { os.Remove(p); return os.Symlink(p, p) },
			"too large": func(p string) error { return os.Truncate(p, 5<<20) },
		} {
			sys, dir := realSystem(t)
			tenure, attempt := begin(t, sys, dir)
			if err := tenure.End(exited(1)); err != nil {
				t.Fatal(err)
			}
			if _, err := record.Request(sys, dir, runsheet.RequestStop, "ann"); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(attempt, name)
			if name == "000001.json" {
				path = filepath.Join(record.RequestsDir(dir), name)
			}
			before, _ := os.ReadFile(path)
			if err := spoil(path); err != nil {
				t.Fatal(err)
			}
			if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() {
				if after, err := os.ReadFile(path); err == nil && string(after) == string(before) {
					continue // nothing to spoil there
				}
			}
			if name == "claim.json" && what == "nonce" {
				path = record.StartPath(attempt) // which is then the one that does not fit
			}
			v, err := record.Look(sys, dir)
			if err == nil || !strings.Contains(err.Error(), path) {
				t.Errorf("%s, %s: %+v, %v", name, what, v, err)
			}
			if what == "schema" && durable.Hint(err) == "" {
				t.Errorf("%s of another version: no hint: %v", name, err)
			}
			if _, err := record.Claim(sys, runsheet.Facts{Problem: "damaged"}, 0, runsheet.Claim{WorkDir: dir, Nonce: "n"}); err == nil {
				t.Errorf("%s, %s: claimed all the same", name, what)
			}
		}
	}
}

func replaceIn(path, old, with string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(strings.Replace(string(data), old, with, 1)), 0o600)
}

// TestForeignDirectory: what others could have written is not trusted by any step.
func TestForeignDirectory(t *testing.T) {
	for name, make := range map[string]func(t *testing.T, path string){
		"symlink": func(t *testing.T, path string) {
			target := t.TempDir()
			if err := os.Symlink(target, path); err != nil {
				t.Fatal(err)
			}
		},
		"dangling symlink": func(t *testing.T, path string) { os.Symlink(path+".not", path) },
		"group-writable":   func(t *testing.T, path string) { os.Mkdir(path, 0o700); os.Chmod(path, 0o770) },
		"world-writable":   func(t *testing.T, path string) { os.Mkdir(path, 0o700); os.Chmod(path, 0o777|os.ModeSticky) },
		"file":             func(t *testing.T, path string) { os.WriteFile(path, nil, 0o600) },
		"other owner": func(t *testing.T, path string) {
			os.Mkdir(path, 0o700)
			if err := os.Chown(path, 12345, 12345); err != nil {
				t.Skip("only root can give a directory away")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			sys, dir := realSystem(t)
			make(t, record.Dir(dir))
			refused := func(what string, err error) {
				t.Helper()
				if err == nil || !strings.Contains(err.Error(), record.Dir(dir)) || durable.Hint(err) == "" {
					t.Errorf("%s: %v (hint %q)", what, err, durable.Hint(err))
				}
			}
			_, err := record.Look(sys, dir)
			refused("look", err)
			_, err = record.Claim(sys, runsheet.Facts{}, 0, runsheet.Claim{Nonce: "n", WorkDir: dir})
			refused("claim", err)
			_, err = record.Request(sys, dir, runsheet.RequestStop, "ann")
			refused("request", err)
			_, err = record.Take(sys, record.AttemptDir(dir, 1))
			refused("take", err)
			_, _, err = record.HoldSheet(durable.OS(), sys.Procs, record.Dir(dir))
			refused("hold", err)
		})
	}
	t.Run("an attempt that others may write to", func(t *testing.T) {
		sys, dir := realSystem(t)
		_, attempt := claim(t, sys, dir)
		os.Chmod(attempt, 0o770)
		if _, err := record.Take(sys, attempt); err == nil {
			t.Error("taken")
		}
	})
}

func TestLookTellsTheNewest(t *testing.T) {
	sys, dir := realSystem(t)
	for n := 1; n <= 3; n++ {
		tenure, attempt := begin(t, sys, dir)
		if v, err := record.Look(sys, dir); err != nil || v.Attempt != n || v.Claim.Nonce != tenure.Claim.Nonce || v.Start == nil || v.End != nil {
			t.Fatalf("attempt %d begun: %+v, %v", n, v, err)
		}
		if err := tenure.End(exited(n)); err != nil {
			t.Fatal(err)
		}
		v, err := record.LookAt(sys, dir, n)
		if err != nil || v.End == nil || *v.End.ExitCode != n || v.End.By != sys.Procs.Self() {
			t.Fatalf("attempt %d ended: %+v, %v", n, v, err)
		}
		info, _ := os.Stat(record.EndPath(attempt))
		if info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v", info.Mode())
		}
	}
	if ns, err := record.Attempts(sys, dir); err != nil || len(ns) != 3 {
		t.Errorf("%v, %v", ns, err)
	}
	if v, err := record.LookAt(sys, dir, 4); err != nil || v != (record.View{}) {
		t.Errorf("%+v, %v", v, err)
	}
}
