package record_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"runsheet/internal/durable"
	"runsheet/internal/record"
)

// TestBatchJobs: what was noted of a batch is read in its order, whatever a power cut has left of a line between.
func TestBatchJobs(t *testing.T) {
	disk, state := durable.OS(), t.TempDir()
	path := record.BatchJobsPath(state, "b")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if all, err := record.BatchJobs(disk, state, "b"); err != nil || all != nil {
		t.Errorf("before anything was noted: %v, %v", all, err)
	}
	at := time.Date(2026, 5, 4, 12, 0, 0, 1, time.UTC)
	want := []record.BatchJob{{Job: "4711", Tasks: "0-3,9", Cluster: "east", At: at}, {Job: "4712", At: at}}
	for _, j := range want {
		if err := record.NoteJob(disk, state, "b", j); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			t.Fatal(err)
		}
		f.WriteString(`{"job":"47`)
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	all, err := record.BatchJobs(disk, state, "b")
	if d := cmp.Diff(want, all); err != nil || d != "" {
		t.Errorf("%v %s", err, d)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}
