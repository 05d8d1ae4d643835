package plan

import (
	"testing"
	"time"

	"runsheet"
)

func TestAllFailTheSame(t *testing.T) {
	end := func(run string, after time.Duration, kind runsheet.CauseKind, text string) Ended {
		return Ended{Run: run, At: noon.Add(after), Cause: runsheet.Cause{Kind: kind, Text: text}}
	}
	boom := func(run string, after time.Duration) Ended {
		return end(run, after, runsheet.CauseTraceback, "ValueError: bad lr")
	}
	good := Ended{Run: "a", At: noon, OK: true}
	const why = "the first 3 runs failed in the same way within 2s: ValueError: bad lr"
	for _, c := range []struct {
		name string
		ends []Ended
		want string
	}{
		{"nothing yet", nil, ""},
		{"two", []Ended{boom("a", 0), boom("b", time.Second)}, ""},
		{"three", []Ended{boom("a", 0), boom("b", time.Second), boom("c", 2*time.Second)}, why},
		{"many", []Ended{boom("a", 0), boom("b", time.Second), boom("c", 2*time.Second), good}, why},
		{"all at once", []Ended{boom("a", 0), boom("b", 0), boom("c", 0)}, "the first 3 runs failed in the same way within 1s: ValueError: bad lr"},
		{"a success first", []Ended{good, boom("b", 0), boom("c", 0), boom("d", 0)}, ""},
		{"a success in between", []Ended{boom("b", 0), boom("c", 0), good, boom("d", 0)}, ""},
		{"complete all the same", []Ended{boom("b", 0), boom("c", 0), {Run: "d", At: noon, Cause: boom("d", 0).Cause, OK: true}, boom("e", 0)}, ""},
		{"a minute", []Ended{boom("a", 0), boom("b", time.Second), boom("c", time.Minute)}, "the first 3 runs failed in the same way within 1m: ValueError: bad lr"},
		{"more than a minute", []Ended{boom("a", 0), boom("b", time.Second), boom("c", time.Minute+1)}, ""},
		{"the first ones count, not later ones", []Ended{boom("a", 0), boom("b", time.Hour), boom("c", time.Hour), boom("d", time.Hour)}, ""},
		{"one run again and again", []Ended{boom("a", 0), boom("a", time.Second), boom("a", 2*time.Second)}, ""},
		{"retries in between", []Ended{boom("a", 0), boom("a", time.Second), boom("b", time.Second), boom("c", 2*time.Second)}, why},
		{"another kind", []Ended{boom("a", 0), boom("b", 0), end("c", 0, runsheet.CauseImport, "ValueError: bad lr")}, ""},
		{"other words", []Ended{boom("a", 0), boom("b", 0), end("c", 0, runsheet.CauseTraceback, "ValueError: bad batch")}, ""},
		{"a retry that failed otherwise", []Ended{boom("a", 0), end("a", 0, runsheet.CauseTraceback, "KeyError"), boom("b", 0), boom("c", 0)}, ""},
		{"other numbers", []Ended{end("a", 0, runsheet.CauseCUDAOutOfMemory, "tried to allocate 2.00 GiB (GPU 0)"),
			end("b", 0, runsheet.CauseCUDAOutOfMemory, "tried to allocate 12 GiB (GPU 1)"), end("c", 0, runsheet.CauseCUDAOutOfMemory, "tried to allocate 3 GiB (GPU 0)")},
			"the first 3 runs failed in the same way within 1s: tried to allocate 2.00 GiB (GPU 0)"},
		{"other files", []Ended{end("a", 0, runsheet.CauseMissingFile, "No such file or directory: 'data/digits.csv'"),
			end("b", 0, runsheet.CauseMissingFile, "No such file or directory: 'data/wine.csv'"), end("c", 0, runsheet.CauseMissingFile, "No such file or directory: 'data/uci.csv'")},
			"the first 3 runs failed in the same way within 1s: No such file or directory: 'data/digits.csv'"},
		{"other parameters", []Ended{end("a", 0, runsheet.CauseUsage, "unknown model 'mlp'"), end("b", 0, runsheet.CauseUsage, "unknown model 'cnn'"),
			end("c", 0, runsheet.CauseUsage, "unknown model 'rnn'")}, "the first 3 runs failed in the same way within 1s: unknown model 'mlp'"},
		{"one exit code, other last words", []Ended{end("a", 0, runsheet.CauseExit, "exit code 3: loss 0.1"), end("b", 0, runsheet.CauseExit, "exit code 3: loss 0.2"),
			end("c", 0, runsheet.CauseExit, "exit code 3, and the log is empty")}, "the first 3 runs failed in the same way within 1s: exit code 3: loss 0.1"},
		{"other exit codes", []Ended{end("a", 0, runsheet.CauseExit, "exit code 3: x"), end("b", 0, runsheet.CauseExit, "exit code 4: x"), end("c", 0, runsheet.CauseExit, "exit code 3: x")}, ""},
		{"nothing tells", []Ended{{Run: "a", At: noon}, {Run: "b", At: noon}, {Run: "c", At: noon}}, "the first 3 runs failed in the same way within 1s: nothing tells why"},
	} {
		t.Run(c.name, func(t *testing.T) {
			reason, stop := AllFailTheSame(c.ends)
			if reason != c.want || stop != (c.want != "") {
				t.Errorf("got %q, %v, want %q", reason, stop, c.want)
			}
		})
	}
}
