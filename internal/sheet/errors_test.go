package sheet

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every kind of error has its place and its hint. In a sheet, § marks where it is; "what: part of why [hint: part]".
var broken = []struct{ name, text, want string }{
	{"empty", "", "read the sheet: it is empty [least]"},
	{"comment only", "# x\n", "read the sheet: it is empty"},
	{"list", "§- a\n", "wrong value: a mapping of keys"},
	{"syntax", "command: [a\nb§: 2\n", "wrong YAML"},
	{"colon", "command: a§: b\n", "wrong YAML: mapping values [quotes]"},
	{"tab", "matrix:\n§\ta: 1\n", "wrong YAML [blanks]"},
	{"documents", "command: a\n§---\ncommand: b\n", "wrong YAML: second document"},
	{"latin-1", "# caf§\xe9\ncommand: a\n", "not a text: not UTF-8"},
	{"control", "command: \"é§\x01\"\n", "not a text: U+0001"},
	{"unknown key", "command: a\n§matrx: {a: [1]}\n", "unknown key: \"matrx\" [did you mean \"matrix\"?]"},
	{"unknown policy", "command: a\npolicy: {§retry: 2}\n", "unknown key: policy [\"retries\"]"},
	{"unknown progress", "command: a\nprogress: {§epoch: 2}\n", "unknown key [\"epochs\"]"},
	{"Slurm's time", "command: a\npool: [{slurm: {time: §1-00:00:00}}]\n", "wrong value: is a time, not \"1-00:00:00\" [is 1d here]"},
	{"Slurm's time, all of it", "command: a\nresources: {time: §2-03:04:05}\n", "wrong value: is a time [is 2d3h4m5s here]"},
	{"Slurm's hours", "command: a\nresources: {time: §12:30:00}\n", "wrong value: is a time [is 12h30m here]"},
	{"Slurm's minutes or hours", "command: a\nresources: {time: §12:30}\n", "wrong value: is a time [write it like]"},
	{"unknown resource", "command: a\nresources:\n  §gpu: 2\n", "unknown key"},
	{"repeated key", "command: a\nname: x\n§name: y\n", "repeated key: line 2"},
	{"repeated inner key", "command: a\nenv: {A: b, §A: c}\n", "repeated key"},
	{"merge", "command: a\nenv: {§<<: {A: b}}\n", "unknown key: merge"},
	{"anchor", "command: §*x\n", "wrong YAML: anchor"},
	{"tag", "command: §!!int 3\n", "wrong value: tag"},
	{"version", "version: §2\ncommand: a\n", "wrong value: version is 1, not 2"},
	{"no command", "§name: x\n", "missing key: no command [command:]"},
	{"empty command", "command: §' '\n", "wrong value: empty"},
	{"null command", "command:§\n", "wrong value: no value ['']"},
	{"braces", "command: §{lr}\n", "wrong value: mapping [quotes]"},
	{"undefined", "command: a --lr §{lr} {x}\nmatrix: {lrs: [1], x: [1]}\n", "undefined placeholder: {lr} [did you mean \"lrs\"?]"},
	{"undefined in quotes", "command: 'it''s §{q}'\n", "undefined placeholder: {q} [{{q}}]"},
	{"undefined in double quotes", "command: \"a\\t\\u00e9\\\"  §{q}\"\n", "undefined placeholder: {q}"},
	{"undefined in literal", "command: |\n  a é \\\n\n    b §{q}\n", "undefined placeholder"},
	{"undefined in folded", "command: >-\n  a\n  b §{q} c\n", "undefined placeholder"},
	{"undefined on a second line", "command: a\n  b\n  §{q}\n", "undefined placeholder"},
	{"undefined behind a tag", "command: !!str a §{q}\n", "undefined placeholder"},
	{"undefined in work_dir", "command: a\nwork_dir: runs/§{lr}\n", "undefined placeholder: {lr} in work_dir"},
	{"work_dir in itself", "command: a\nwork_dir: runs/§{work_dir}\n", "undefined placeholder [cannot be used there]"},
	{"resume without resume", "command: a §{resume}\n", "undefined placeholder [resume: --resume]"},
	{"resume unused", "command: a\nresume: §--resume\n", "unused key: {resume}"},
	{"resume open", "command: a §{resume}\nresume: '#'\n", "wrong value: not whole"},
	{"config without configs", "command: a §{config.stem}\n", "undefined placeholder [configs:]"},
	{"in quotes", "command: a \"§{v}\"\nmatrix: {v: [b, c d]}\n", "wrong value: inside quotes [outside]"},
	{"quote", "command: a §'b\n", "wrong value: never closed"},
	{"axis name", "command: a\nmatrix: {§a-b: [1]}\n", "wrong name: \"a-b\" [\"a_b\"]"},
	{"reserved name", "command: a\nmatrix: {§resume: [1]}\n", "wrong name: meaning of its own"},
	{"empty axis", "command: a\nmatrix: {a: §[]}\n", "wrong value: no values"},
	{"list in an axis", "command: a\nmatrix: {a: [1, §[2]]}\n", "wrong value: a list"},
	{"mapping in an axis", "command: a\nmatrix: {a: [§{b: c}]}\n", "wrong value: a mapping"},
	{"nothing in an axis", "command: a\nmatrix: {a: [1, §, 2]}\n", "wrong YAML"},
	{"repeated value", "command: a\nmatrix: {a: [1, 2, §0..1]}\n", "repeated value: \"1\""},
	{"stepped range", "command: a\nmatrix: {a: §0..10..2}\n", "wrong value: no steps"},
	{"huge range", "command: a\nmatrix: {a: §0..99999999999999999999}\n", "wrong value: at most"},
	{"too many", "§command: a\nmatrix: {a: 1..1000, b: 1..1000}\n", "too many runs: 100000"},
	{"exclude in matrix", "command: a {a}\nmatrix:\n  a: [1]\n  §exclude: [{a: 1}]\n", "wrong place [beside matrix]"},
	{"exclude axis", "command: a\nmatrix: {abc: [1, 2]}\nexclude: [{§abd: 1}]\n", "unknown axis [\"abc\"]"},
	{"exclude nothing", "command: a\nmatrix: {a: [01, 2]}\nexclude: [{a: §1}]\n", "excludes nothing: no value \"1\" [01, 2]"},
	{"exclude all", "§command: a\nmatrix: {a: [1]}\nexclude: [{a: 1}]\n", "no runs"},
	{"exclude without keys", "command: a\nmatrix: {a: [1, 2]}\nexclude: [§{}]\n", "wrong value: everything"},
	{"include twice", "command: a\nmatrix: {a: [1], b: [1, 2]}\ninclude:\n  - §{a: 1, b: 1}\n", "repeated run: a=1,b=1"},
	{"runs twice", "command: a\nruns:\n  - {a: 1}\n  - §{a: 1}\n", "repeated run: line 3 [parameter]"},
	{"list in runs", "command: a\nruns:\n  - {a: §[1]}\n", "wrong value: a list"},
	{"run without command", "runs:\n  - §{a: 1}\n", "missing key: no command"},
	{"param twice", "command: a\nruns:\n  - {a: 1, params: {§a: 2}}\n", "repeated key"},
	{"shared work dir", "command: a\nmatrix: {x: [1, 2], y: [1, 2, 3]}\nwork_dir: §runs/{x}\n", "shared work dir: runs/1, and 3 more [put {y} into work_dir]"},
	{"nested work dir", "command: a\nruns:\n  - {a: 1, work_dir: r/x/y}\n  - {a: 2, work_dir: r/x.y}\n  - {a: 3, work_dir: r/z/../x}\n",
		"shared work dir: lies in r/x of"},
	{"sheet in work dir", "command: a\nwork_dir: §.\n", "wrong work dir: the sheet itself"},
	{"work dir above", "command: a\nwork_dir: §..\n", "wrong work dir"},
	{"tilde", "command: a\nwork_dir: §~/runs\n", "wrong value: ~ is not expanded"},
	{"variable", "command: a\nwork_dir: /x/§$USER/runs\n", "wrong value: variables are not expanded"},
	{"state dir", "command: a\nwork_dir: §x/.runsheet/y\n", "wrong value: belongs to runsheet"},
	{"long name", "command: a\nmatrix: {a: [" + strings.Repeat("x", 300) + "]}\n", "name too long [work_dir]"},
	{"repeat", "command: a\nmatrix: {seed: [1]}\nrepeat: §sead\n", "unknown axis [\"seed\"]"},
	{"no configs", "command: a\nconfigs: §none/*.py\n", "no files: none/*.py"},
	{"bad pattern", "command: a\nconfigs: §'[x'\n", "wrong value: cannot be found"},
	{"commands and command", "§command: a\ncommands: c\n", "wrong value: each say what is run"},
	{"no commands", "commands: §none\n", "wrong value: cannot be read"},
	{"jobs", "command: a\npolicy: {jobs: §0}\n", "wrong value: jobs is 1 to"},
	{"octal", "command: a\npolicy: {jobs: §010}\n", "wrong value: whole number"},
	{"duration", "command: a\npolicy: {backoff: §90}\n", "wrong value: a time [90s]"},
	{"zero", "command: a\npolicy: {outdated_after: §0s}\n", "wrong value: a time [never]"},
	{"stuck_after", "command: a\npolicy: {stuck_after: §never}\n", "wrong value [auto]"},
	{"on_stuck", "command: a\npolicy: {on_stuck: §restrat}\n", "wrong value [\"restart\"]"},
	{"boolean", "command: a\npolicy: {rerun_outdated: §yes}\n", "wrong value: true or false"},
	{"date", "command: a\npolicy: {outdated_before: §31.1.2026}\n", "wrong value: a date"},
	{"size", "command: a\nresources: {memory: §12G}\n", "wrong value: a size [12GB]"},
	{"min_free", "command: a\npolicy: {min_free: §1}\n", "wrong value: a size [12GB]"},
	{"tracker", "command: a\nprogress: {tracker: §epoch}\n", "wrong value [\"epochs\"]"},
	{"epochs", "command: a\nprogress: {epochs: §0}\n", "wrong value"},
	{"epochs and total", "command: a\nprogress: {epochs: 1, §total: 2}\n", "wrong value: two names"},
	{"files", "command: a\nprogress: {files: [§../x]}\n", "wrong value: below the work dir"},
	{"log", "command: a\nprogress: {log: §/x}\n", "wrong value: below the work dir"},
	{"log pattern", "command: a\nprogress: {log: §'[x'}\n", "wrong value: pattern"},
	{"patience", "command: a\nprogress: {early_stopping: §{metrics: {a: max}}}\n", "missing key: needs patience"},
	{"mode", "command: a\nmetrics: {a: {mode: §maximum}}\n", "wrong value: mode"},
	{"no mode", "command: a\nmetrics: {a: §{}}\n", "missing key: no mode"},
	{"variable name", "command: a\nenv: {§1A: x}\n", "wrong name"},
	{"our variable", "command: a\nenv: {§RUNSHEET_RUN: x}\n", "wrong name: sets itself"},
	{"placeholder in env", "command: a {s}\nmatrix: {s: [1]}\nenv: {A: 'x§{s}'}\n", "wrong value: env [A={s}]"},
	{"secret with value", "command: a\nsecrets: [§A=b]\n", "wrong name: only named here"},
	{"secret in env", "command: a\nenv: {A: b}\nsecrets: [§A]\n", "wrong value: written down"},
	{"ssh", "command: a\npool:\n  - local\n  - {§ssh: alice@gpu1, gpus: [0]}\n", "unsupported pool: ssh: this version runs on this machine and on Slurm"},
	{"an entry that is not there", "command: t\nruns: [{x: 1, pool: [§gpu]}]\npool: [local, {slurm: {name: gpus}}]\n", `wrong value: the pool has no entry called "gpu"`},
	{"an entry named twice", "command: t\nruns: [{x: 1, pool: [local, §local]}]\n", "repeated value: local is named twice"},
	{"no entry", "command: t\nruns: [{x: 1, pool: §[]}]\n", "wrong value: the run may use no entry of the pool"},
	{"an entry, and something else", "command: t\nruns: [{x: 1, pool: slurm}, §{x: 2, pool: max}]\npool: [slurm]\n", `wrong value: the parameter pool names entries of the pool, and none is called "max"`},
	{"resume in activate", "activate: t §{resume}\ncommand: t {resume}\nresume: -r\n", "undefined placeholder: nothing is called {resume} in activate"},
	{"slurm twice", "command: a\npool: [slurm, {§slurm: {time: 1h}}]\n", "repeated value: slurm is in the pool already"},
	{"slurm key", "command: a\npool: [{slurm: {§partitoin: gpu}}]\n", "unknown key"},
	{"slurm option", "command: a\npool: [{slurm: {options: [§account=lab]}}]\n", "wrong value"},
	{"slurm option of ours", "command: a\npool: [{slurm: {options: [§--array=0-3]}}]\n", "wrong value: --array is not yours to set"},
	{"slurm short option of ours", "command: a\npool: [{slurm: {options: [§-t10]}}]\n", "wrong value: -t10 is not yours to set: it has a key of its own: time"},
	{"slurm option in two words", "command: a\npool: [{slurm: {options: [§--account lab]}}]\n", "wrong value: \"--account lab\""},
	{"slurm partition", "command: a\npool: [{slurm: {partition: §-x}}]\n", "wrong value: partition"},
	{"pool", "command: a\npool: [§locla]\n", "wrong value [\"local\"]"},
	{"pool twice", "command: a\npool: [local, §local]\n", "repeated value"},
	{"gpus", "command: a\npool: [local: {gpus: [§-1]}]\n", "wrong value: 0 to"},
	{"name", "command: a\nname: §\"a\\tb\"\n", "wrong value: name"},
}

func TestBrokenSheets(t *testing.T) {
	for _, c := range broken {
		t.Run(c.name, func(t *testing.T) {
			before, after, marked := strings.Cut(c.text, "§")
			where := "s.yaml"
			if marked {
				line := before[strings.LastIndex(before, "\n")+1:]
				where = fmt.Sprintf("s.yaml:%d:%d", strings.Count(before, "\n")+1, len([]rune(line))+1)
			}
			_, err := parse([]byte(before+after), "s.yaml", "/x/s.yaml", realDisk{})
			var all Errors
			if !errors.As(err, &all) || len(all) == 0 {
				t.Fatalf("no error, want %s", c.want)
			}
			if len(all) > 1 {
				t.Errorf("more than one: %v", all)
			}
			e := all[0]
			want, tip, _ := strings.Cut(strings.TrimSuffix(c.want, "]"), " [")
			what, why, _ := strings.Cut(want, ": ")
			if text := e.Error(); e.What != what || marked && !strings.HasPrefix(text, what+": "+where+": ") || !strings.Contains(text, why) || !strings.Contains(e.Hint(), tip) {
				t.Errorf("got\n%v\nwant %s at %s", all, c.want, where)
			}
		})
	}
}

// All problems are told at once, in the order of the file.
func TestAllAtOnce(t *testing.T) {
	_, err := parse([]byte("nam: x\ncommand: a {b}\npolicy: {jobs: 0}\n"), "s.yaml", "/x/s.yaml", realDisk{})
	want := `unknown key: s.yaml:1:1: "nam" is no key of the sheet
hint: did you mean "name"?
undefined placeholder: s.yaml:2:12: nothing is called {b} in the command
hint: there is: name, sheet_dir, work_dir (literal braces are written {{b}})
wrong value: s.yaml:3:16: jobs is 1 to 10000, not 0`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	many := strings.Builder{}
	many.WriteString("command: a\n")
	for i := range 500 {
		fmt.Fprintf(&many, "k%d: 1\n", i)
	}
	_, err = parse([]byte(many.String()), "s.yaml", "/x/s.yaml", realDisk{})
	if n := strings.Count(err.Error(), "unknown key"); n != maxErrors {
		t.Errorf("%d problems told", n)
	}
}

func TestErrorsInCommandsFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "c.txt"), []byte("# é\n  é {x}\na\na\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := parse([]byte("commands: c.txt\n"), "s.yaml", filepath.Join(dir, "s.yaml"), realDisk{})
	for _, want := range []string{"undefined placeholder: c.txt:2:5: ", "repeated value: c.txt:4:1: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
