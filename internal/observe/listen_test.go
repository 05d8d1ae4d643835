package observe_test

import (
	"os"
	"path/filepath"
	"testing"

	"runsheet/internal/observe"
)

// TestListen: a line that is appended, a file that is linked, and a file that a process leaves open until it dies are heard.
func TestListen(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "journal")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	l := observe.Listen()
	defer l.Close()
	if l.To(filepath.Join(dir, "nowhere")) {
		t.Error("a directory that is not there is heard")
	}
	if !l.To(dir) {
		t.Skip("the test's directory is on no local file system, or there is no inotify")
	}
	if _, err := f.WriteString("line\n"); err != nil {
		t.Fatal(err)
	}
	<-l.Heard()
	if err := os.Link(path, filepath.Join(dir, "end.json")); err != nil {
		t.Fatal(err)
	}
	<-l.Heard()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	<-l.Heard()
}
