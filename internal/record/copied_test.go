package record_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"runsheet"
	"runsheet/internal/durable/fusetest"
	"runsheet/internal/record"
)

// TestCopied: a copy of a work dir is told from one that was moved, and from one that has another name. Whoever ends the
// attempt in the copy leaves the first alone.
func TestCopied(t *testing.T) {
	sys, _ := realSystem(t)
	top := t.TempDir()
	first := filepath.Join(top, "first")
	c, err := record.Claim(sys, runsheet.Facts{}, 0, runsheet.Claim{Run: "r", Nonce: record.NewNonce(), WorkDir: first, Command: "train"})
	if err != nil {
		t.Fatal(err)
	}
	dir := record.AttemptDir(first, 1)
	tenure, err := record.Take(sys, dir)
	if err == nil {
		err = tenure.Begin(0)
	}
	if err != nil {
		t.Fatal(err)
	}
	copied := func(what, workDir string, want record.Origin) {
		t.Helper()
		if got, err := record.OriginOf(sys, record.AttemptDir(workDir, 1), c, nil); got != want || err != nil {
			t.Errorf("%s: %v, %v", what, got, err)
		}
	}
	copied("itself", first, record.Original)
	link := filepath.Join(top, "link")
	if err := os.Symlink(first, link); err != nil {
		t.Fatal(err)
	}
	copied("another name", link, record.Original)
	second := filepath.Join(top, "second")
	if err := os.CopyFS(second, os.DirFS(first)); err != nil {
		t.Fatal(err)
	}
	copied("a copy", second, record.Copied)
	e, err := record.TakeOver(t.Context(), sys, record.AttemptDir(second, 1), record.Heir{})
	if err != nil || e.Kind != runsheet.EndLost {
		t.Errorf("taken over: %+v, %v", e, err)
	}
	if v, err := record.LookAt(sys, first, 1); err != nil || v.End != nil {
		t.Errorf("the first ended: %+v, %v", v.End, err)
	}
	// The same through two mounts that number it in their own ways; and through one of them alone.
	for _, at := range []string{fusetest.New(t, top, fusetest.Options{Salt: 5 << 40}).Dir, fusetest.New(t, top, fusetest.Options{}).Dir} {
		seen := filepath.Join(at, "first")
		copied("another mount", seen, record.Doubtful)
		if _, err := record.TakeOver(t.Context(), sys, record.AttemptDir(seen, 1), record.Heir{}); !errors.Is(err, record.ErrUnproven) {
			t.Errorf("taken over through another mount: %v", err)
		}
		copied("a copy, through another mount", filepath.Join(at, "second"), record.Doubtful)
	}
	tenure.Leave()
	moved := filepath.Join(top, "moved")
	if err := os.Rename(first, moved); err != nil {
		t.Fatal(err)
	}
	copied("moved", moved, record.Original)
	copied("a copy of what is gone", second, record.Original)
	if err := os.MkdirAll(filepath.Join(first, ".runsheet"), 0o700); err != nil {
		t.Fatal(err)
	}
	copied("something else is there now", moved, record.Original)
}

// TestMovedUnderAnother: a directory under another name whose supervisor lives, and whose byte is free, is seen through
// another mount: its first name is not to be seen here.
func TestMovedUnderAnother(t *testing.T) {
	sys, _ := realSystem(t)
	work := filepath.Join(t.TempDir(), "work")
	c, err := record.Claim(sys, runsheet.Facts{}, 0, runsheet.Claim{Run: "r", Nonce: record.NewNonce(), WorkDir: work, Command: "train"})
	if err != nil {
		t.Fatal(err)
	}
	c.WorkDir = "/nowhere/work"
	for self, want := range map[bool]record.Origin{true: record.Doubtful, false: record.Original} {
		s := runsheet.Start{Process: sys.Procs.Self()}
		if !self {
			s.StartTime++
		}
		if got, err := record.OriginOf(sys, record.AttemptDir(work, 1), c, &s); got != want || err != nil {
			t.Errorf("its supervisor lives: %t: %v, %v", self, got, err)
		}
	}
}
