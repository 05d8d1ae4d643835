package record_test

import (
	"os"
	"path/filepath"
	"testing"

	"runsheet"
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
	copied := func(what, workDir string, want bool) {
		t.Helper()
		if got, err := record.Copied(sys, record.AttemptDir(workDir, 1), c); got != want || err != nil {
			t.Errorf("%s: %t, %v", what, got, err)
		}
	}
	copied("itself", first, false)
	link := filepath.Join(top, "link")
	if err := os.Symlink(first, link); err != nil {
		t.Fatal(err)
	}
	copied("another name", link, false)
	second := filepath.Join(top, "second")
	if err := os.CopyFS(second, os.DirFS(first)); err != nil {
		t.Fatal(err)
	}
	copied("a copy", second, true)
	e, err := record.TakeOver(t.Context(), sys, record.AttemptDir(second, 1), record.Heir{})
	if err != nil || e.Kind != runsheet.EndLost {
		t.Errorf("taken over: %+v, %v", e, err)
	}
	if v, err := record.LookAt(sys, first, 1); err != nil || v.End != nil {
		t.Errorf("the first ended: %+v, %v", v.End, err)
	}
	tenure.Leave()
	moved := filepath.Join(top, "moved")
	if err := os.Rename(first, moved); err != nil {
		t.Fatal(err)
	}
	copied("moved", moved, false)
	copied("a copy of what is gone", second, false)
	if err := os.MkdirAll(filepath.Join(first, ".runsheet"), 0o700); err != nil {
		t.Fatal(err)
	}
	copied("something else is there now", moved, false)
}
