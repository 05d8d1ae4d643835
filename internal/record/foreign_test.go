package record_test

import (
	"os"
	"path/filepath"
	"testing"

	"runsheet"
	"runsheet/internal/durable"
	"runsheet/internal/record"
)

// TestForeign makes a project with the sheets mlp.yaml, which has made the attempt, and cnn.yaml, and changes it.
func TestForeign(t *testing.T) {
	for name, c := range map[string]struct {
		change func(t *testing.T, dir string, run *runsheet.Run, c *runsheet.Claim)
		want   bool
	}{
		"another sheet, another command": {func(*testing.T, string, *runsheet.Run, *runsheet.Claim) {}, true},
		"the same command":               {func(_ *testing.T, _ string, run *runsheet.Run, c *runsheet.Claim) { run.Command = c.Identity }, false},
		"the same sheet, changed":        {func(_ *testing.T, _ string, run *runsheet.Run, c *runsheet.Claim) { run.Sheet = c.Sheet }, false},
		"no sheet":                       {func(_ *testing.T, _ string, run *runsheet.Run, _ *runsheet.Claim) { run.Sheet = "" }, false},
		"the other sheet is gone": {func(t *testing.T, _ string, _ *runsheet.Run, c *runsheet.Claim) {
			try(t, os.Remove(c.Sheet))
		}, false},
		"renamed": {func(t *testing.T, _ string, run *runsheet.Run, c *runsheet.Claim) {
			try(t, os.Rename(c.Sheet, run.Sheet))
		}, false},
		"a symbolic link to the same sheet": {func(t *testing.T, _ string, run *runsheet.Run, c *runsheet.Claim) {
			try(t, os.Remove(run.Sheet))
			try(t, os.Symlink(c.Sheet, run.Sheet))
		}, false},
		"the other one is a link to nothing": {func(t *testing.T, dir string, _ *runsheet.Run, c *runsheet.Claim) {
			try(t, os.Remove(c.Sheet))
			try(t, os.Symlink(filepath.Join(dir, "gone"), c.Sheet))
		}, false},
		"a copy of the project": {func(t *testing.T, dir string, run *runsheet.Run, _ *runsheet.Claim) {
			there := filepath.Join(filepath.Dir(dir), "copy")
			try(t, os.CopyFS(there, os.DirFS(dir)))
			run.Sheet, run.WorkDir = filepath.Join(there, "mlp.yaml"), filepath.Join(there, "runs")
		}, false},
		"another sheet in a copy of the project": {func(t *testing.T, dir string, run *runsheet.Run, _ *runsheet.Claim) {
			there := filepath.Join(filepath.Dir(dir), "copy")
			try(t, os.CopyFS(there, os.DirFS(dir)))
			run.Sheet, run.WorkDir = filepath.Join(there, "cnn.yaml"), filepath.Join(there, "runs")
		}, true},
		"the project was moved": {func(t *testing.T, dir string, run *runsheet.Run, _ *runsheet.Claim) {
			there := filepath.Join(filepath.Dir(dir), "moved")
			try(t, os.Rename(dir, there))
			run.Sheet, run.WorkDir = filepath.Join(there, "mlp.yaml"), filepath.Join(there, "runs")
		}, false},
		"another sheet in a project that was moved": {func(t *testing.T, dir string, run *runsheet.Run, _ *runsheet.Claim) {
			there := filepath.Join(filepath.Dir(dir), "moved")
			try(t, os.Rename(dir, there))
			run.Sheet, run.WorkDir = filepath.Join(there, "cnn.yaml"), filepath.Join(there, "runs")
		}, true},
		"a work dir that was moved elsewhere": {func(t *testing.T, dir string, run *runsheet.Run, _ *runsheet.Claim) {
			run.WorkDir = filepath.Join(dir, "a", "b", "c")
		}, false},
		"the same place by another path": {func(t *testing.T, dir string, run *runsheet.Run, _ *runsheet.Claim) {
			there := filepath.Join(filepath.Dir(dir), "link")
			try(t, os.Symlink(dir, there))
			run.Sheet, run.WorkDir = filepath.Join(there, "cnn.yaml"), filepath.Join(there, "runs")
		}, true},
		"the same sheet by another path": {func(t *testing.T, dir string, run *runsheet.Run, _ *runsheet.Claim) {
			there := filepath.Join(filepath.Dir(dir), "link")
			try(t, os.Symlink(dir, there))
			run.Sheet, run.WorkDir = filepath.Join(there, "mlp.yaml"), filepath.Join(there, "runs")
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "project")
			try(t, os.MkdirAll(filepath.Join(dir, "runs"), 0o700))
			for _, sheet := range []string{"cnn.yaml", "mlp.yaml"} {
				try(t, os.WriteFile(filepath.Join(dir, sheet), []byte("version: 1\n"), 0o600))
			}
			work := filepath.Join(dir, "runs")
			run := runsheet.Run{Sheet: filepath.Join(dir, "cnn.yaml"), WorkDir: work, Command: "cnn"}
			claim := runsheet.Claim{Sheet: filepath.Join(dir, "mlp.yaml"), WorkDir: work, Identity: "mlp"}
			c.change(t, dir, &run, &claim)
			got := record.Foreign(record.NewSystem(durable.OS()), run, &claim)
			if (got != nil) != c.want {
				t.Fatalf("%+v", got)
			}
			if got != nil && (got.Identity != "mlp" || got.Sheet != filepath.Join(filepath.Dir(run.Sheet), "mlp.yaml")) {
				t.Errorf("%+v", got)
			}
		})
	}
}

func try(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
