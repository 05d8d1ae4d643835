package sheet

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFromPython(t *testing.T) {
	for _, c := range []struct{ call, want string }{
		{"range(5)", "0..4"}, {"range(2, 5)", "2..4"}, {"range(5,2,-1)", "5..3"}, {"range(0, 10, 2)", "0,2,4,6,8"}, {"list(range(3))", "0..2"},
		{"range(1)", "0"}, {"range(0)", "0..4"}, {"range(3,1)", "0..4"}, {"range(1,3,0)", "0..4"}, {"range(0,100,10)", "0,10,20,30,40,50,..."},
		{"range(-1, 2)", "-1..1"}, {"range(a)", ""}, {"arrange(5)", ""}, {"range(5) ", ""},
	} {
		if got, _ := fromPython(c.call); got != c.want {
			t.Errorf("%s: %q, want %q", c.call, got, c.want)
		}
	}
}

// TestInlineMeant: a value in another language's form is refused with the right form. A value that may be meant as it is is kept.
func TestInlineMeant(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string // empty: it is fine
	}{
		{[]string{"v=[0.1,0.2]"}, "write it like v=0.1,0.2;"},
		{[]string{"v=[0.1,", "0.2]"}, "write it like v=0.1,0.2;"},
		{[]string{"v=['a', 'b']"}, "write it like v=a,b;"},
		{[]string{"v=(1,2)"}, "write it like v=1,2;"},
		{[]string{"v=[0.1]"}, "write it like v=0.1;"},
		{[]string{"v=range(5)"}, "write it like v=0..4"},
		{[]string{"v=range(0,", "9,", "3)"}, "write it like v=0,3,6"},
		{[]string{"v=[range(3)]"}, "write it like v=0..2;"},
		{[]string{"v=[64,64],[128,128]"}, "as v: ['[64,64]', '[128,128]']"},
		{[]string{"v=f(1,2),f(3,4)"}, "a comma separates values here, also within brackets"},
		{[]string{"--lr", "{v}", "v=1,2"}, "`runsheet run 'python t.py --lr {v}' v=1,2`"},
		{[]string{"--lr={v}", "v=1,2"}, "runsheet run 'python t.py --lr={v}' v=1,2"},
		{[]string{"v=1", "--out", "a b"}, `runsheet run 'python t.py v=1 --out '\''a b'\'''`},
		{[]string{"v=f(1)"}, ""},
		{[]string{"v=a[0],b[1]"}, ""},
		{[]string{"v=[a"}, ""},
		{[]string{"v=,"}, ""},
	} {
		_, err := Inline(append([]string{"python t.py"}, c.args...), 0)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%q: %v, want %s", c.args, err, c.want)
		}
	}
}

// TestKeptAsTyped: a list or a call that is one value among others, or stands in quotes where values do, is meant.
func TestKeptAsTyped(t *testing.T) {
	s := load(t, write(t, "command: echo {v}\nmatrix: {v: ['[64,64]', \"range(5)\", f(1), '[1]']}\nexclude: [{v: '[64,64]'}]\nruns: [{v: '[3,4]'}]\n"))
	var got []string
	for _, r := range s.Runs {
		got = append(got, r.Params[0].Value)
	}
	if strings.Join(got, " ") != "range(5) f(1) [1] [3,4]" {
		t.Errorf("got %q", got)
	}
}

func TestWarnings(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"unused", "command: echo {a}\nmatrix:\n  a: [1, 2]\n  lr: [3, 4]\n", "warning: unused axis: S:4:3: nothing holds {lr}: runs that differ in lr alone do the same; put {lr} into the command"},
		{"only in the name", "command: echo {a} {name}\nwork_dir: out/{name}\nmatrix: {a: [1, 2], lr: [3, 4]}\n", "unused axis"},
		{"in the command", "command: echo {a}\nmatrix: {a: [1, 2]}\n", ""},
		{"in the work dir", "command: echo\nwork_dir: out/{a}\nmatrix: {a: [1, 2]}\n", ""},
		{"in resume", "command: echo {resume}\nresume: --from {a}\nmatrix: {a: [1, 2]}\n", ""},
		{"in the command of progress", "command: echo\nprogress: {tracker: command, command: 'cat {a}'}\nmatrix: {a: [1, 2]}\n", ""},
		{"in the command of an entry", "command: echo\nmatrix: {a: [1, 2]}\nruns: [{a: 3, command: 'echo {a}'}]\n", ""},
		{"a label", "command: echo {a}\nmatrix: {a: [1, 2], method: [ours]}\n", ""},
		{"labels of runs", "runs: [{method: ours, command: a}, {method: theirs, command: b}]\n", ""},
		{"a file", "command: echo {config.stem}\nconfigs: '*.yaml'\n", ""},
		{"files that nothing uses", "command: echo\nconfigs: '*.yaml'\n", "unused axis: S:2:10: nothing holds {config}"},
		{"Hydra", "command: python t.py lr={lr} hydra.run.dir={work_dir}\nmatrix: {lr: [1, 2]}\n",
			`hydra.run.dir=runs/lr=1 holds = or , which mean something to Hydra; give it quotes that Hydra sees: 'hydra.run.dir="{work_dir}"'`},
		{"Hydra, quoted", "command: python t.py lr={lr} 'hydra.run.dir=\"{work_dir}\"'\nmatrix: {lr: [1, 2]}\n", ""},
		{"Hydra, plain", "command: python t.py lr={lr} hydra.run.dir={work_dir}\nwork_dir: runs/{lr}\nmatrix: {lr: [1, 2]}\n", ""},
	} {
		path := write(t, c.text)
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), "other.yaml"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, w := range load(t, path).Warnings {
			got = append(got, strings.ReplaceAll(w.Error(), path, "S")+"; "+w.(*Error).Hint())
		}
		if c.want == "" && got != nil || c.want != "" && (len(got) != 1 || !strings.Contains(got[0], c.want)) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestHydraWorkDir: the names that Hydra gives to the jobs of a multirun are work dirs like any other.
func TestHydraWorkDir(t *testing.T) {
	s := load(t, write(t, "command: python t.py 'hydra.run.dir=\"{work_dir}\"' lr={lr} x={x}\nwork_dir: outputs/2026-01-02/03-04-05/lr={lr},x={x}\nmatrix: {lr: [0.1], x: [2]}\n"))
	if r := s.Runs[0]; r.Shown != "outputs/2026-01-02/03-04-05/lr=0.1,x=2" || r.Command != `python t.py 'hydra.run.dir="outputs/2026-01-02/03-04-05/lr=0.1,x=2"' lr=0.1 x=2` {
		t.Errorf("%s: %s", r.Shown, r.Command)
	}
}

func TestLoadScript(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"train.py": "print(1)\n", "go": "#!/bin/sh\n", "prog": "\x7fELF\x02"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
		_, err := Load(filepath.Join(dir, name))
		if err == nil || !strings.Contains(err.Error(), name+": it is a program, not a sheet") || !strings.Contains(err.Error(), "runsheet run '") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Load(filepath.Join(dir, "none.py")); err == nil || !strings.Contains(err.Error(), "none.py --lr {lr}' lr=0.1,0.01") {
		t.Errorf("one that is not there: %v", err)
	}
}
