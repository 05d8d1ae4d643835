package unattended

import (
	"fmt"
	"strings"

	"runsheet"
)

// program is one kind of training code: what it leaves behind, and how a sheet says to read it.
type program struct {
	name string
	spec runsheet.ProgressSpec
	// steps returns what an attempt of the program writes when it goes on after so many units; 0: from the beginning.
	// Attempt 1 always begins at 0.
	steps func(attempt int, from int64) []step
	total int64 // how many units there are
	// free: a line that was cut may say another, smaller count, and nobody can tell; and so may the lines of an attempt that
	// goes on.
	free bool
}

// units is how many units most of the programs here have.
const units = 6

// cases lists the programs: at least one for each tracker.
func cases() []program {
	var out []program
	out = append(out, tables()...)
	out = append(out, documents()...)
	out = append(out, frameworks()...)
	out = append(out, loggers()...)
	out = append(out, logs()...)
	return out
}

// rows is a program that appends a line to one file for each unit, under a head.
func rows(file, head string, line func(n int64) string) func(int, int64) []step {
	return func(_ int, from int64) []step {
		var out []step
		if from == 0 {
			out = append(out, step{how: begins, path: file, data: head})
		}
		for n := from + 1; n <= units; n++ {
			out = append(out, step{path: file, data: line(n), done: n})
		}
		return out
	}
}

// rewritten is a program that writes one document anew after each unit.
func rewritten(how how, file string, text func(n int64) string) func(int, int64) []step {
	return func(_ int, from int64) []step {
		var out []step
		for n := from + 1; n <= units; n++ {
			out = append(out, step{how: how, path: file, data: text(n), done: n, doc: true})
		}
		return out
	}
}

// tens is how programs count whose numbers have two digits: a torn or a glued one is another count.
func tens(n int64) int64 { return 10 * n }

// tables are the trackers of lines in files that the sheet names.
func tables() []program {
	csv := runsheet.ProgressSpec{Tracker: "csv", File: "metrics.csv", Step: "step", Total: 10 * units}
	bare := csv
	bare.Total, bare.TotalFrom = 0, "of"
	jsonl := runsheet.ProgressSpec{Tracker: "jsonl", File: "log.jsonl", Step: "step", Total: 10 * units}
	told := jsonl
	told.Total, told.TotalFrom = 0, "of"
	pattern := `step (?P<completed>\d+)/(?P<total>\d+) loss (?P<loss>[\d.]+)`
	return []program{
		{name: "csv", spec: csv, total: 10 * units, steps: scaled(rows("metrics.csv", "step,loss\n",
			func(n int64) string { return fmt.Sprintf("%d,0.%d25\n", tens(n), n) }))},
		{name: "csv, step last", free: true, spec: csv, total: 10 * units, steps: scaled(rows("metrics.csv", "loss,step\n",
			func(n int64) string { return fmt.Sprintf("0.%d25,%d\n", n, tens(n)) }))},
		{name: "csv, total in the rows", spec: bare, total: 10 * units, steps: scaled(rows("metrics.csv", "step,of,loss\n",
			func(n int64) string { return fmt.Sprintf("%d,%d,0.%d25\n", tens(n), 10*units, n) }))},
		{name: "csv, written anew in place", spec: csv, total: 10 * units, steps: scaled(func(_ int, from int64) []step {
			var out []step
			text := "step,loss\n"
			for n := int64(1); n <= units; n++ {
				text += fmt.Sprintf("%d,0.%d25\n", tens(n), n)
				if n > from {
					out = append(out, step{how: begins, path: "metrics.csv", data: text, done: n})
				}
			}
			return out
		})},
		{name: "jsonl", spec: jsonl, total: 10 * units, steps: scaled(rows("log.jsonl", "",
			func(n int64) string { return fmt.Sprintf("{\"step\": %d, \"loss\": 0.%d25}\n", tens(n), n) }))},
		{name: "jsonl, total in the rows", spec: told, total: 10 * units, steps: scaled(rows("log.jsonl", "",
			func(n int64) string { return fmt.Sprintf("{\"step\": %d, \"of\": %d}\n", tens(n), 10*units) }))},
		{name: "regex on the output", free: true, total: 10 * units, spec: runsheet.ProgressSpec{Tracker: "regex", Patterns: []string{pattern}},
			steps: scaled(rows(ourLog, "starting\n", func(n int64) string { return fmt.Sprintf("step %d/%d loss 0.%d\n", tens(n), 10*units, n) }))},
		{name: "regex on a file", free: true, total: 10 * units, spec: runsheet.ProgressSpec{Tracker: "regex", File: "train.txt", Patterns: []string{`step (?P<completed>\d+)`}, Total: 10 * units},
			steps: scaled(rows("train.txt", "starting\n", func(n int64) string { return fmt.Sprintf("step %d\n", tens(n)) }))},
		{name: "files", total: units, spec: runsheet.ProgressSpec{Tracker: "files", Files: []string{"part_*.npz"}, Total: units},
			steps: func(_ int, from int64) (out []step) {
				for n := from + 1; n <= units; n++ {
					out = append(out, step{how: begins, path: fmt.Sprintf("part_%d.npz", n), data: "PK array", done: n})
				}
				return out
			}},
	}
}

// scaled makes a program that counts units one that counts them in tens.
func scaled(steps func(int, int64) []step) func(int, int64) []step {
	return func(attempt int, from int64) []step {
		out := steps(attempt, from/10)
		for i := range out {
			out[i].done *= 10
		}
		return out
	}
}

// documents are the trackers of documents that are written whole.
func documents() []program {
	state := func(n int64) string {
		return fmt.Sprintf("{\"state\": {\"epoch\": %d, \"of\": %d}, \"loss\": 0.%d}\n", n, units, n)
	}
	spec := runsheet.ProgressSpec{Tracker: "json", File: "state.json", Step: "state.epoch", Total: units}
	told := spec
	told.Total, told.TotalFrom = 0, "state.of"
	report := func(n int64) string {
		return fmt.Sprintf("{\"completed\": %d, \"total\": %d, \"metrics\": {\"loss\": 0.%d}}", n, units, n)
	}
	reported := runsheet.ProgressSpec{Tracker: "reported"}
	counted := runsheet.ProgressSpec{Tracker: "reported", Total: units}
	trainer := func(n int64) string {
		return fmt.Sprintf("{\n    \"completed_epochs\": %d,\n    \"progress_percentage\": %.1f,\n    \"early_stopped\": false,\n    \"early_stopped_at_epoch\": null\n}", n, 100*float64(n)/units)
	}
	// redo: the program goes on after the last epoch that the document counts.
	epochs := func(document bool, config string, redo int64) func(int, int64) []step {
		return func(_ int, from int64) (out []step) {
			if config != "" && from == 0 {
				out = append(out, step{how: begins, path: "config.json", data: config})
			}
			for n := from; n < units; n++ {
				dir := fmt.Sprintf("epoch_%d/", n)
				out = append(out,
					step{how: begins, path: dir + "training_losses.pt", data: "PK losses", done: n},
					step{how: begins, path: dir + "optimizer_buffer.json", data: "{\"lr\": 0.1}", done: n},
					step{how: begins, path: dir + "validation_scores.json", data: fmt.Sprintf("{\"aggregated\": {\"accuracy\": 0.%d}}", n), done: n + 1, redo: redo, doc: true})
				if document {
					out = append(out, step{how: begins, path: "progress.json", data: trainer(n + 1), done: n + 1, doc: true})
				}
			}
			return out
		}
	}
	return []program{
		{name: "json", spec: spec, total: units, steps: rewritten(begins, "state.json", state)},
		{name: "json, total in the document", spec: told, total: units, steps: rewritten(begins, "state.json", state)},
		{name: "json, replaced", spec: spec, total: units, steps: rewritten(replaces, "state.json", state)},
		{name: "command", spec: runsheet.ProgressSpec{Tracker: "command", Command: "cat state.json", Total: units}, total: units, steps: rewritten(begins, ourMeasured, report)},
		{name: "command, total in the document", spec: runsheet.ProgressSpec{Tracker: "command", Command: "cat state.json"}, total: units, steps: rewritten(begins, ourMeasured, report)},
		{name: "reported, in its file", spec: reported, total: units, steps: rewritten(begins, ourReport, report)},
		{name: "reported, in its file, total in the sheet", spec: counted, total: units, steps: rewritten(begins, ourReport, report)},
		{name: "reported, in its file, replaced", spec: reported, total: units, steps: rewritten(replaces, ourReport, report)},
		{name: "reported, in its file, by auto", spec: runsheet.ProgressSpec{Total: units}, total: units, steps: rewritten(begins, ourReport, report)},
		{name: "reported, in lines", spec: reported, total: units, steps: rows(ourLog, "starting\n", func(n int64) string { return "runsheet: " + report(n) + "\n" })},
		{name: "reported, in lines, total in the sheet", spec: counted, total: units, steps: rows(ourLog, "starting\n", func(n int64) string { return "runsheet: " + report(n) + "\n" })},
		{name: "epochs", spec: runsheet.ProgressSpec{Tracker: "epochs", Total: units, Epochs: true}, total: units, steps: epochs(false, "", 0)},
		{name: "epochs, total in config.json", spec: runsheet.ProgressSpec{Tracker: "epochs"}, total: units, steps: epochs(false, fmt.Sprintf("{'lr': 0.1, 'epochs': %d}", units), 0)},
		{name: "epochs, by auto", spec: runsheet.ProgressSpec{Total: units, Epochs: true}, total: units, steps: epochs(false, "", 0)},
		{name: "epochs and a trainer's progress.json", spec: runsheet.ProgressSpec{Total: units, Epochs: true}, total: units, steps: epochs(true, "", 0)},
		{name: "epochs and a trainer's progress.json, total there", spec: runsheet.ProgressSpec{Tracker: "epochs"}, total: units, steps: epochs(true, "", 1)},
		{name: "a trainer's progress.json alone", spec: runsheet.ProgressSpec{Tracker: "epochs", Total: units, Epochs: true}, total: units, steps: rewritten(begins, "progress.json", trainer)},
		{name: "a trainer's progress.json alone, by auto, total there", total: units, steps: rewritten(begins, "progress.json", trainer)},
		{name: "evaluation", spec: runsheet.ProgressSpec{Tracker: "evaluation"}, total: 1, steps: evaluated},
		{name: "evaluation, by auto", total: 1, steps: evaluated},
	}
}

func evaluated(int, int64) []step {
	return []step{{how: begins, path: "evaluation_scores.json", data: "{\"aggregated\": {\"accuracy\": 0.93}, \"per_datapoint\": [" + strings.Repeat("{\"accuracy\": 0.5}, ", 3) + "{}]}", done: 1, doc: true}}
}
