package sheet

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"runsheet"
)

// TestIdle holds what a sheet says of busy machines: what it says itself holds for runs without GPUs, too.
func TestIdle(t *testing.T) {
	want := runsheet.Idle{Utilisation: 0.6, GPUMemory: 8 << 30, WithGPUs: runsheet.Limits{Load: 1.5}, Always: runsheet.Limits{Load: 1.5}}
	if got := load(t, "testdata/cwd.yaml").Policy.Idle; got != want {
		t.Errorf("%+v", got)
	}
	want = runsheet.DefaultPolicy.Idle
	want.WithGPUs.Free, want.Always.Free = 1<<30, 1<<30
	if got := load(t, write(t, "command: t\npolicy: {idle: {free: 1GiB}}\n")).Policy.Idle; got != want {
		t.Errorf("%+v", got)
	}
}

// TestCwd holds where commands run, what {work_dir}, {sheet_dir} and {config} stand for there, and that the identity of a
// command keeps the placeholders.
func TestCwd(t *testing.T) {
	for _, c := range []struct{ name, text, cwd, command, identity string }{
		{"the sheet's directory", "command: t --out {work_dir} {sheet_dir}/t.py {x}\nmatrix: {x: [1]}\n",
			"", "t --out runs/x=1 DIR/t.py 1", "t --out {work_dir} {sheet_dir}/t.py 1"},
		{"the work dir", "command: python {sheet_dir}/t.py --out {work_dir}\nmatrix: {x: [1]}\nwork_dir: runs/{x}\ncwd: \"{work_dir}\"\n",
			"runs/1", "python DIR/t.py --out DIR/runs/1", "python {sheet_dir}/t.py --out {work_dir}"},
		{"below it", "command: t\nmatrix: {x: [a/b]}\ncwd: \"{work_dir}/{x}\"\n", "runs/x=a%2Fb/a%2Fb", "t", "t"},
		{"elsewhere", "command: t {work_dir}\nname: s\ncwd: code/./{name}\n", "code/s", "t DIR/runs/s", "t {work_dir}"},
		{"absolute", "command: t\nname: s\ncwd: /opt/code\n", "/opt/code", "t", "t"},
		{"the same place", "command: t {work_dir}\nname: s\ncwd: \"{sheet_dir}\"\n", "", "t runs/s", "t {work_dir}"},
		{"a file of configs", "command: t {config} {config.dir} {config.stem} > {work_dir}/log\nconfigs: c/*.py\ncwd: \"{work_dir}\"\nwork_dir: runs/{config.rel}\n",
			"runs/a", "t DIR/c/a.py DIR/c a > DIR/runs/a/log", "t c/a.py c a > {work_dir}/log"},
		{"of one run", "command: t {work_dir}\nruns: [{x: 1, cwd: code}]\n", "code", "t DIR/runs/x=1", "t {work_dir}"},
		{"in quotes", "command: 't \"{work_dir}/x\" --a={sheet_dir} --b=\"{x}\"'\nname: s\nmatrix: {x: [1]}\n",
			"", "t \"runs/x=1/x\" --a=DIR --b=\"1\"", "t \"{work_dir}/x\" --a={sheet_dir} --b=\"1\""},
	} {
		file := write(t, c.text)
		dir := filepath.Dir(file)
		os.MkdirAll(filepath.Join(dir, "c"), 0o700)
		os.WriteFile(filepath.Join(dir, "c/a.py"), nil, 0o600)
		run := load(t, file).Runs[0]
		want := c.cwd
		if !filepath.IsAbs(want) {
			want = filepath.Join(dir, want)
		}
		got := strings.ReplaceAll(run.Command, dir, "DIR")
		if run.Dir != want || got != c.command || run.Identity != c.identity {
			t.Errorf("%s: in %q: %q, identity %q", c.name, run.Dir, got, run.Identity)
		}
	}
}
