package slurm_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"runsheet/internal/executor/exectest"
	"runsheet/internal/executor/slurm/slurmtest"
	"runsheet/internal/sheet"
)

// The blocks of docs/slurm.md that are followed: what is typed, and parts of sheets.
var blocks = regexp.MustCompile("(?ms)^```(console|yaml)\n(.*?)^```")

// typed returns the commands of a console block, each with the text that follows it up to the next one: a here-document.
func typed(block string) []string {
	var out []string
	for line := range strings.Lines(block) {
		if command, ok := strings.CutPrefix(line, "$ "); ok {
			out = append(out, command)
		} else if len(out) > 0 {
			out[len(out)-1] += line
		}
	}
	return out
}

// TestDocs types what docs/slurm.md says, in one shell, on a cluster: every command must succeed, and all runs are
// finished in the end. The parts of sheets that it shows must be right.
func TestDocs(t *testing.T) {
	slurmtest.Start(t, slurmtest.Config{Nodes: 2, GPUs: 2})
	page, err := os.ReadFile("../../../docs/slurm.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	bin := filepath.Join(dir, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	wrapper := "#!/bin/sh\nexec " + self + ` "$@"` + "\n"
	if err := os.WriteFile(filepath.Join(bin, "runsheet"), []byte(wrapper), 0o755); err != nil {
		t.Fatal(err)
	}
	script := "set -e\n"
	sheets := 0
	for _, m := range blocks.FindAllStringSubmatch(string(page), -1) {
		if m[1] == "console" {
			for _, command := range typed(m[2]) {
				script += command
			}
			continue
		}
		sheets++
		path := filepath.Join(dir, "part.yaml")
		if err := os.WriteFile(path, []byte("command: echo\n"+m[2]), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := sheet.Load(path); err != nil {
			t.Errorf("a part of a sheet: %v\n%s", err, m[2])
		}
	}
	if sheets == 0 || !strings.Contains(script, "runsheet run --detach") {
		t.Fatalf("the page has %d parts of sheets, and is followed as %q", sheets, script)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), beRunsheet+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	p := &project{t: t, dir: filepath.Join(dir, "demo")}
	s := p.await("all runs to be finished", func(s status) bool { return s.count("finished") == 10 })
	if len(s.Runs) != 10 || s.Runs[0].Executor != "slurm" || !strings.HasPrefix(s.Runs[0].Host, "node") || !strings.HasSuffix(s.Runs[0].Job, "_0") {
		t.Errorf("%+v", s.Runs)
	}
	exectest.Await(t, "the launcher in the background to leave", func() bool {
		return p.command("run").Run() == nil // while another holds the sheet it exits with 3
	})
}
